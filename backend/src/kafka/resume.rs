//! Finding out how much of an input a topic holds already, by asking the topic.

use rdkafka::{
    Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
    message::{BorrowedMessage, Headers},
};

use super::{Cluster, KafkaError, LINE_HEADER, SOURCE_HEADER, topic::TIMEOUT};

/// Messages that are looked at first, from the end of a partition; then twice as many, and so on.
const FIRST_WINDOW: i64 = 256;

/// For every partition, the number of the last line of `source` that it holds; 0 for none.
///
/// # Errors
/// [`KafkaError::Broker`], and [`KafkaError::PartitionsChanged`] when that cannot be known.
pub(super) fn last_lines(
    cluster: &Cluster,
    source: &str,
    partitions: i32,
) -> Result<Vec<u64>, KafkaError> {
    let mut config = cluster.config();
    config
        .set("group.id", "tillstream-resume")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .set("isolation.level", "read_committed")
        .set("auto.offset.reset", "error");
    let client: BaseConsumer =
        config.create().map_err(cluster.failed("connecting to the broker"))?;
    (0..partitions)
        .map(|partition| last_line(cluster, &client, source, partitions, partition))
        .collect()
}

/// Windows from the end of the partition towards its beginning, until one holds a line of `source`.
fn last_line(
    cluster: &Cluster,
    client: &BaseConsumer,
    source: &str,
    partitions: i32,
    partition: i32,
) -> Result<u64, KafkaError> {
    let (low, high) = cluster.watermarks(client, partition)?;
    let (mut end, mut window) = (high, FIRST_WINDOW);
    while end > low {
        let start = (end - window).max(low);
        if let Some(line) = scan(cluster, client, source, partitions, partition, start..end)? {
            return Ok(line);
        }
        end = start;
        window *= 2;
    }
    Ok(0)
}

/// The last line of `source` within `offsets`.
fn scan(
    cluster: &Cluster,
    client: &BaseConsumer,
    source: &str,
    partitions: i32,
    partition: i32,
    offsets: std::ops::Range<i64>,
) -> Result<Option<u64>, KafkaError> {
    let failed = |error| cluster.failed("looking for the lines that were sent before")(error);
    let mut assignment = TopicPartitionList::new();
    assignment
        .add_partition_offset(&cluster.topic, partition, Offset::Offset(offsets.start))
        .map_err(failed)?;
    client.assign(&assignment).map_err(failed)?;
    let mut last = None;
    loop {
        let message = match client.poll(TIMEOUT) {
            None => {
                let code = rdkafka::types::RDKafkaErrorCode::OperationTimedOut;
                return Err(failed(rdkafka::error::KafkaError::MessageConsumption(code)));
            }
            Some(Err(rdkafka::error::KafkaError::PartitionEOF(_))) => return Ok(last),
            Some(message) => message.map_err(failed)?,
        };
        if message.offset() >= offsets.end {
            return Ok(last);
        }
        if let Some((begun, line)) = origin(&message, source) {
            if begun != partitions.to_string() {
                return Err(KafkaError::PartitionsChanged {
                    topic: cluster.topic.clone(),
                    begun: begun.to_owned(),
                    now: partitions,
                });
            }
            last = Some(line);
        }
        if message.offset() + 1 == offsets.end {
            return Ok(last);
        }
    }
}

/// Partitions and line number from the headers, when the message is of `source`.
fn origin<'a>(message: &'a BorrowedMessage<'_>, source: &str) -> Option<(&'a str, u64)> {
    let headers = message.headers()?;
    let header = |key| {
        let found = headers.iter().find(|header| header.key == key)?;
        std::str::from_utf8(found.value?).ok()
    };
    let (found, partitions) = header(SOURCE_HEADER)?.rsplit_once('/')?;
    let line = header(LINE_HEADER)?.parse().ok()?;
    (found == source).then_some((partitions, line))
}
