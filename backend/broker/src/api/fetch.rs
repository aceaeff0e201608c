//! Fetch: slices of the log, waiting for more where there is too little.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::future::select_all;
use kafka_protocol::{ResponseError, messages::FetchRequest};
use tokio::{sync::watch, time::Instant};

use super::{
    common::{blocking, isolation, storage_error},
    fetch_response::{FetchedPartition, IDS_SINCE, TopicKey, encode},
};
use crate::{
    context::{Context, Node},
    log::{Batches, Health, Isolation, LogStatus, Partition, ReadError},
    wire::{Frame, Request, RequestError},
};

/// One response never holds more than this, whatever the client allows.
const MAX_RESPONSE_BYTES: usize = 64 << 20;
/// No request waits longer than this, whatever the client allows.
const MAX_WAIT: Duration = Duration::from_secs(300);

/// What is asked of one partition, which is looked up once per request.
#[derive(Debug)]
struct FetchPartition {
    topic: TopicKey,
    index: i32,
    offset: i64,
    max_bytes: usize,
    topic_is_known: bool,
    /// None if there is no such partition.
    partition: Option<Arc<Partition>>,
}

impl FetchPartition {
    /// Whether there is a record to read or an error to report; takes no lock of the log.
    fn is_ready(&self, isolation: Isolation) -> bool {
        self.partition.as_ref().is_none_or(|partition| {
            partition.status().health != Health::Good
                || partition.has_after(self.offset, isolation).unwrap_or(true)
        })
    }
}

/// Reads what is asked for, and waits for it if need be.
pub(super) async fn fetch(
    context: Context,
    request: Request,
) -> Result<Option<Frame>, RequestError> {
    let fetched = read(&context, request.decode()?, request.version).await;
    Ok(Some(encode(&request, fetched)))
}

/// What was read of each partition, or an error of the whole.
async fn read(
    context: &Context,
    request: FetchRequest,
    version: i16,
) -> Result<Vec<FetchedPartition>, ResponseError> {
    if request.session_id != 0 {
        // Every response says session 0: no sessions here.
        return Err(ResponseError::FetchSessionIdNotFound);
    }
    let isolation = isolation(request.isolation_level);
    let max_bytes = to_size(request.max_bytes).min(MAX_RESPONSE_BYTES);
    let min_bytes = to_size(request.min_bytes).min(max_bytes);
    let max_wait = Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0));
    let deadline = Instant::now() + max_wait.min(MAX_WAIT);
    let asked: Arc<[FetchPartition]> = look_up(&context.node, request, version).into();
    // Subscribed before anything is read, so that nothing appended in between is missed.
    let partitions = asked.iter().filter_map(|asked| asked.partition.as_ref());
    let mut watches: Vec<_> = partitions.map(|partition| partition.watch()).collect();
    let mut last_round = min_bytes == 0;
    loop {
        last_round |= context.node.stop.is_cancelled();
        if last_round || asked.iter().any(|asked| asked.is_ready(isolation)) {
            let to_read = Arc::clone(&asked);
            let fetched = blocking(move || Ok(read_all(&to_read, isolation, max_bytes))).await?;
            let bytes: usize = fetched.iter().map(|fetched| fetched.records.len()).sum();
            let failed = fetched.iter().any(|fetched| fetched.error.is_some());
            if last_round || failed || bytes >= min_bytes {
                return Ok(fetched);
            }
        }
        tokio::select! {
            () = any_changed(&mut watches) => {}
            () = tokio::time::sleep_until(deadline) => last_round = true,
            () = context.node.stop.cancelled() => last_round = true,
        }
    }
}

fn to_size(bytes: i32) -> usize {
    usize::try_from(bytes).unwrap_or(0)
}

fn look_up(node: &Node, request: FetchRequest, version: i16) -> Vec<FetchPartition> {
    let topics = node.topics.all();
    let mut asked = Vec::new();
    for topic in request.topics {
        let (key, known) = if version < IDS_SINCE {
            let known = topics.get(&**topic.topic);
            (TopicKey::Name(topic.topic.0), known)
        } else {
            let known = topics.values().find(|known| known.id == topic.topic_id);
            (TopicKey::Id(topic.topic_id), known)
        };
        asked.extend(topic.partitions.into_iter().map(|partition| FetchPartition {
            topic: key.clone(),
            index: partition.partition,
            offset: partition.fetch_offset,
            max_bytes: to_size(partition.partition_max_bytes),
            topic_is_known: known.is_some(),
            partition: known.and_then(|topic| topic.partition(partition.partition)).cloned(),
        }));
    }
    asked
}

/// Returns when one of the watched partitions has got further.
async fn any_changed(watches: &mut [watch::Receiver<LogStatus>]) {
    if watches.is_empty() {
        return std::future::pending().await;
    }
    let changes = watches.iter_mut().map(|watch| Box::pin(watch.changed()));
    let (_changed, _index, _others) = select_all(changes).await;
}

fn read_all(
    asked: &[FetchPartition],
    isolation: Isolation,
    max_bytes: usize,
) -> Vec<FetchedPartition> {
    let mut left = max_bytes;
    let mut nothing_yet = true;
    let read = |asked: &FetchPartition| {
        let fetched = read_one(asked, isolation, left, nothing_yet);
        left = left.saturating_sub(fetched.records.len());
        nothing_yet &= fetched.records.is_empty();
        fetched
    };
    asked.iter().map(read).collect()
}

fn read_one(
    asked: &FetchPartition,
    isolation: Isolation,
    left: usize,
    at_least_one: bool,
) -> FetchedPartition {
    let nothing = |error| FetchedPartition {
        topic: asked.topic.clone(),
        index: asked.index,
        records: Bytes::new(),
        aborted: (isolation == Isolation::ReadCommitted).then(Vec::new),
        error: Some(error),
        high_watermark: -1,
        last_stable_offset: -1,
        log_start: -1,
    };
    let existing = asked.partition.as_ref().filter(|p| p.status().health != Health::Deleted);
    let Some(partition) = existing else {
        return nothing(match asked.topic {
            TopicKey::Id(_) if !asked.topic_is_known => ResponseError::UnknownTopicId,
            _ => ResponseError::UnknownTopicOrPartition,
        });
    };
    let read = partition.read(asked.offset, isolation, asked.max_bytes.min(left), at_least_one);
    let LogStatus { high_watermark, last_stable_offset, log_start, .. } = partition.status();
    let fetched = |error| FetchedPartition {
        high_watermark,
        last_stable_offset,
        log_start,
        error,
        ..nothing(ResponseError::UnknownServerError)
    };
    match read {
        Ok(Batches { bytes: records, aborted }) => {
            let aborted = (isolation == Isolation::ReadCommitted).then_some(aborted);
            FetchedPartition { records, aborted, ..fetched(None) }
        }
        Err(ReadError::OutOfRange) => fetched(Some(ResponseError::OffsetOutOfRange)),
        Err(ReadError::Io(error)) => {
            nothing(storage_error(format!("{} cannot be read: {error}", partition.name())))
        }
    }
}
