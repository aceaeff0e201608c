//! Fetch: slices of the log, waiting for more where there is too little.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use bytes::Bytes;
use kafka_protocol::{
    ResponseError,
    messages::{
        FetchRequest, FetchResponse, TopicName,
        fetch_response::{FetchableTopicResponse, PartitionData},
    },
};
use tokio::sync::watch;

use super::{blocking, storage_error};
use crate::{
    Node,
    log::{Durable, Health, ReadError},
    server::Context,
};

/// One answer never holds more than this, whatever the client allows.
const LARGEST_ANSWER: usize = 64 << 20;
/// Nobody waits longer than this, whatever the client allows.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// What is asked of one partition.
#[derive(Debug, Clone)]
struct Wanted {
    topic: TopicName,
    partition: i32,
    offset: i64,
    most: usize,
}

/// What there is.
#[derive(Debug)]
struct Found {
    records: Bytes,
    error: Option<ResponseError>,
    high_watermark: i64,
    log_start: i64,
}

pub(super) async fn fetch(context: &Context, request: FetchRequest) -> FetchResponse {
    if request.session_id != 0 {
        // Every answer says session 0: no sessions here.
        return FetchResponse::default()
            .with_error_code(ResponseError::FetchSessionIdNotFound.code());
    }
    let most = size(request.max_bytes).min(LARGEST_ANSWER);
    let least = size(request.min_bytes).min(most);
    let wait = Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0));
    let deadline = tokio::time::Instant::now() + wait.min(LONGEST_WAIT);
    let wanted: Arc<[Wanted]> = request
        .topics
        .into_iter()
        .flat_map(|topic| {
            topic.partitions.into_iter().map(move |partition| Wanted {
                topic: topic.topic.clone(),
                partition: partition.partition,
                offset: partition.fetch_offset,
                most: size(partition.partition_max_bytes),
            })
        })
        .collect();
    let mut last_round = least == 0;
    loop {
        // Watched before it is read, so that nothing appended in between is missed.
        let mut watches = watch_all(&context.node, &wanted);
        let (node, asked) = (Arc::clone(&context.node), Arc::clone(&wanted));
        let found = if context.node.stop.is_cancelled() || last_round || any_news(&node, &asked) {
            blocking(move || Ok(read_all(&node, &asked, most))).await
        } else {
            Ok(Vec::new())
        };
        let found = match found {
            Ok(found) => found,
            Err(error) => return FetchResponse::default().with_error_code(error.code()),
        };
        let bytes: usize = found.iter().map(|found| found.records.len()).sum();
        let failed = found.iter().any(|found| found.error.is_some());
        let enough = least == 0 || bytes >= least;
        if last_round || failed || (enough && !found.is_empty()) {
            return respond(&wanted, found);
        }
        tokio::select! {
            () = any_changed(&mut watches) => {}
            () = tokio::time::sleep_until(deadline) => last_round = true,
            () = context.node.stop.cancelled() => last_round = true,
        }
    }
}

fn size(bytes: i32) -> usize {
    usize::try_from(bytes).unwrap_or(0)
}

fn watch_all(node: &Node, wanted: &[Wanted]) -> Vec<watch::Receiver<Durable>> {
    let partitions = wanted.iter().map(|w| node.topics.partition(&w.topic, w.partition));
    partitions.flatten().map(|partition| partition.watch()).collect()
}

/// Returns when one of the watched partitions has got further.
async fn any_changed(watches: &mut [watch::Receiver<Durable>]) {
    let mut changes: Vec<Pin<Box<_>>> =
        watches.iter_mut().map(|watch| Box::pin(watch.changed())).collect();
    poll_fn(|task| {
        let changed = changes.iter_mut().any(|change| change.as_mut().poll(task).is_ready());
        if changed { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

/// Whether there is anything to read or to complain of; looks only at memory.
fn any_news(node: &Node, wanted: &[Wanted]) -> bool {
    wanted.is_empty()
        || wanted.iter().any(|wanted| {
            let partition = node.topics.partition(&wanted.topic, wanted.partition);
            partition.is_none_or(|partition| {
                partition.durable().health != Health::Good
                    || partition.has_after(wanted.offset).unwrap_or(true)
            })
        })
}

fn read_all(node: &Node, wanted: &[Wanted], most: usize) -> Vec<Found> {
    let mut left = most;
    let mut nothing_yet = true;
    let read = |wanted: &Wanted| {
        let found = read_one(node, wanted, left, nothing_yet);
        left = left.saturating_sub(found.records.len());
        nothing_yet &= found.records.is_empty();
        found
    };
    wanted.iter().map(read).collect()
}

fn read_one(node: &Node, wanted: &Wanted, left: usize, at_least_one: bool) -> Found {
    let nothing = |error| Found {
        records: Bytes::new(),
        error: Some(error),
        high_watermark: -1,
        log_start: -1,
    };
    let Some(partition) = node.topics.partition(&wanted.topic, wanted.partition) else {
        return nothing(ResponseError::UnknownTopicOrPartition);
    };
    match partition.read(wanted.offset, wanted.most.min(left), at_least_one) {
        Ok(records) => Found {
            records,
            error: None,
            high_watermark: partition.durable().end,
            log_start: partition.start(),
        },
        Err(ReadError::OutOfRange) => Found {
            high_watermark: partition.durable().end,
            log_start: partition.start(),
            ..nothing(ResponseError::OffsetOutOfRange)
        },
        Err(ReadError::Io(error)) => {
            nothing(storage_error(format!("{} cannot be read: {error}", partition.name())))
        }
    }
}

fn respond(wanted: &[Wanted], found: Vec<Found>) -> FetchResponse {
    let mut topics: Vec<FetchableTopicResponse> = Vec::new();
    for (wanted, found) in wanted.iter().zip(found) {
        let data = PartitionData::default()
            .with_partition_index(wanted.partition)
            .with_error_code(found.error.map_or(0, |error| error.code()))
            .with_high_watermark(found.high_watermark)
            .with_last_stable_offset(found.high_watermark)
            .with_log_start_offset(found.log_start)
            .with_aborted_transactions(Some(Vec::new()))
            .with_records(Some(found.records));
        match topics.last_mut() {
            Some(topic) if topic.topic == wanted.topic => topic.partitions.push(data),
            _ => topics.push(
                FetchableTopicResponse::default()
                    .with_topic(wanted.topic.clone())
                    .with_partitions(vec![data]),
            ),
        }
    }
    FetchResponse::default().with_responses(topics)
}
