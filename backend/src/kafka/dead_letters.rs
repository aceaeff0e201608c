//! Invalid messages as the dead-letter topic holds them.
//!
//! A dead letter has the key and the payload of the message, unchanged, and these headers before those that the
//! message had: `topic`, `partition` and `offset` where it was found, its `timestamp` in milliseconds, the
//! `reason`, and its `size` in bytes when it is too large for the topic and so is there without key, payload and
//! headers of its own.

use std::time::Duration;

use rdkafka::{
    Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
    error::KafkaError as ClientError,
    message::{BorrowedHeaders, BorrowedMessage, Header, Headers, OwnedHeaders, OwnedMessage},
    producer::{BaseRecord, DeliveryResult, Producer as _, ProducerContext, ThreadedProducer},
    types::RDKafkaErrorCode,
};
use serde::Serialize;

use super::{
    Cluster, KafkaError,
    clients::ClientRole,
    connection::REQUEST_TIMEOUT,
    origin::{LINE_HEADER, SOURCE_HEADER},
};

const TOPIC: &str = "topic";
const PARTITION: &str = "partition";
const OFFSET: &str = "offset";
const TIMESTAMP: &str = "timestamp";
const REASON: &str = "reason";
const SIZE: &str = "size";
/// The headers that a dead letter has of its own.
const OWN_HEADERS: [&str; 6] = [TOPIC, PARTITION, OFFSET, TIMESTAMP, REASON, SIZE];
/// How long replayed messages may take to be acknowledged.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(60);

/// The headers of the dead letter of `message`.
pub(super) fn headers(message: &BorrowedMessage<'_>, reason: &str) -> OwnedHeaders {
    let timestamp = message.timestamp().to_millis().map(|millis| millis.to_string());
    let own = OwnedHeaders::new_with_capacity(8)
        .insert(Header { key: TOPIC, value: Some(message.topic()) })
        .insert(Header { key: PARTITION, value: Some(&message.partition().to_string()) })
        .insert(Header { key: OFFSET, value: Some(&message.offset().to_string()) })
        .insert(Header { key: TIMESTAMP, value: timestamp.as_ref() })
        .insert(Header { key: REASON, value: Some(reason) });
    let original = message.headers().into_iter().flat_map(BorrowedHeaders::iter);
    original.fold(own, OwnedHeaders::insert)
}

/// The dead letter that notes `message`, itself one, by its own headers alone.
pub(super) fn without_payload(message: &OwnedMessage, size: usize) -> OwnedMessage {
    let own = message.headers().into_iter().flat_map(|headers| headers.iter().take(5));
    let headers = own
        .fold(OwnedHeaders::new(), OwnedHeaders::insert)
        .insert(Header { key: SIZE, value: Some(&size.to_string()) });
    let (topic, timestamp) = (message.topic().to_owned(), message.timestamp());
    let (partition, offset) = (message.partition(), message.offset());
    OwnedMessage::new(None, None, topic, timestamp, partition, offset, Some(headers))
}

/// An invalid message in the dead-letter topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeadLetter {
    /// Partition of the dead-letter topic.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
    /// Where the message was found; `None` when its headers do not say.
    pub origin: Option<MessageOrigin>,
    /// Why it is invalid.
    pub reason: String,
    /// Size of its payload in bytes.
    pub size: u64,
    /// Its payload; `None` when it has none, was too large to keep, or is not UTF-8.
    pub payload: Option<String>,
}

/// Where an invalid message was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MessageOrigin {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The offset.
    pub offset: i64,
    /// Its timestamp in milliseconds since 1970, if it has one.
    pub timestamp: Option<i64>,
}

impl DeadLetter {
    fn of(message: &BorrowedMessage<'_>) -> Self {
        let payload = message.payload();
        let size = own_header(message, SIZE).and_then(|size| size.parse().ok());
        Self {
            partition: message.partition(),
            offset: message.offset(),
            origin: MessageOrigin::of(message),
            reason: own_header(message, REASON).unwrap_or_default().to_owned(),
            size: size.unwrap_or(payload.map_or(0, |payload| payload.len() as u64)),
            payload: payload.and_then(|payload| String::from_utf8(payload.to_vec()).ok()),
        }
    }
}

impl MessageOrigin {
    fn of(message: &BorrowedMessage<'_>) -> Option<Self> {
        let number = |name| own_header(message, name)?.parse::<i64>().ok();
        Some(Self {
            topic: own_header(message, TOPIC)?.to_owned(),
            partition: own_header(message, PARTITION)?.parse().ok()?,
            offset: number(OFFSET)?,
            timestamp: number(TIMESTAMP),
        })
    }
}

/// The first header of that name: own headers come before those of the message.
fn own_header<'a>(message: &'a BorrowedMessage<'_>, name: &str) -> Option<&'a str> {
    let header = message.headers()?.iter().find(|header| header.key == name)?;
    std::str::from_utf8(header.value?).ok()
}

/// Hands the dead letters of the topic to `each`, until it gives false.
///
/// # Errors
/// [`KafkaError::Broker`].
pub fn list_dead_letters(
    cluster: &Cluster,
    mut each: impl FnMut(&DeadLetter) -> bool,
) -> Result<(), KafkaError> {
    read_all(cluster, |message| Ok(each(&DeadLetter::of(message))))
}

/// What became of the dead letters that were to be sent again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replayed {
    /// How many were sent.
    pub sent: u64,
    /// Those that are in the topic without payload or origin, and so were not.
    pub skipped: Vec<DeadLetter>,
}

/// Sends dead letters to the topics they were found in, all or the one at `offset`. They have the key and the
/// headers that they had, but for those that say which line of which input they are: as a line sent again, it
/// would be skipped.
///
/// # Errors
/// [`KafkaError::Broker`]; what was sent by then stays sent.
pub fn replay_dead_letters(cluster: &Cluster, offset: Option<i64>) -> Result<Replayed, KafkaError> {
    let failed = || cluster.failed("sending dead letters");
    let producer: ThreadedProducer<FirstFailure> = cluster
        .config(ClientRole::ReplayProducer)
        .create_with_context(FirstFailure::default())
        .map_err(cluster.failed("connecting to the broker"))?;
    let mut replayed = Replayed::default();
    read_all(cluster, |message| {
        if offset.is_some_and(|offset| offset != message.offset()) {
            return Ok(true);
        }
        let (Some(origin), Some(payload)) = (MessageOrigin::of(message), message.payload()) else {
            replayed.skipped.push(DeadLetter::of(message));
            return Ok(true);
        };
        loop {
            let mut record = BaseRecord::<[u8], [u8]>::to(&origin.topic).payload(payload);
            record.key = message.key();
            record.headers = message.headers().map(original_headers);
            match producer.send(record) {
                Ok(()) => break,
                Err((ClientError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                Err((error, _)) => return Err(failed()(error)),
            }
        }
        replayed.sent += 1;
        Ok(true)
    })?;
    producer.flush(FLUSH_TIMEOUT).map_err(failed())?;
    match producer.context().0.get() {
        Some(error) => Err(failed()(error.clone())),
        None => Ok(replayed),
    }
}

/// Keeps the first message's error that was not delivered.
#[derive(Default)]
struct FirstFailure(std::sync::OnceLock<ClientError>);

impl rdkafka::ClientContext for FirstFailure {}

impl ProducerContext for FirstFailure {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, _)) = result {
            self.0.get_or_init(|| error.clone());
        }
    }
}

/// The headers that a message had before it became a dead letter, without those of its line.
fn original_headers(headers: &BorrowedHeaders) -> OwnedHeaders {
    let mut own = OWN_HEADERS.to_vec();
    let original = headers.iter().filter(|header| {
        let found = own.iter().position(|name| *name == header.key);
        found.map(|at| own.swap_remove(at)).is_none()
            && ![SOURCE_HEADER, LINE_HEADER].contains(&header.key)
    });
    original.fold(OwnedHeaders::new(), OwnedHeaders::insert)
}

/// Hands every message that is in the dead-letter topic now to `each`, until it gives false.
fn read_all(
    cluster: &Cluster,
    mut each: impl FnMut(&BorrowedMessage<'_>) -> Result<bool, KafkaError>,
) -> Result<(), KafkaError> {
    let failed = || cluster.failed("reading the dead-letter topic");
    let cluster = &Cluster { topic: cluster.dead_letter_topic(), ..cluster.clone() };
    let connection = cluster.connect()?;
    let partitions = connection.partition_count(&cluster.topic)?.unwrap_or(0);
    let mut ends = connection.watermarks(&Vec::from_iter(0..partitions))?;
    ends.retain(|_, ends| ends.low < ends.end);
    let client: BaseConsumer = cluster
        .config(ClientRole::Reader)
        .create()
        .map_err(cluster.failed("connecting to the broker"))?;
    let mut assignment = TopicPartitionList::with_capacity(ends.len());
    for (partition, ends) in &ends {
        let from = Offset::Offset(ends.low);
        assignment.add_partition_offset(&cluster.topic, *partition, from).map_err(failed())?;
    }
    client.assign(&assignment).map_err(failed())?;
    while !ends.is_empty() {
        match client.poll(REQUEST_TIMEOUT) {
            None => {
                let code = RDKafkaErrorCode::OperationTimedOut;
                return Err(failed()(ClientError::MessageConsumption(code)));
            }
            Some(Err(ClientError::PartitionEOF(partition))) => drop(ends.remove(&partition)),
            Some(message) => {
                let message = message.map_err(failed())?;
                let Some(end) = ends.get(&message.partition()).map(|ends| ends.end) else {
                    continue;
                };
                if message.offset() < end && !each(&message)? {
                    return Ok(());
                }
                if message.offset() + 1 >= end {
                    ends.remove(&message.partition());
                }
            }
        }
    }
    Ok(())
}
