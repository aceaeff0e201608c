//! A disk that hangs: whatever need not wait for it is answered, on a single asynchronous thread.

#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::{
    path::Path,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread,
};

use kafka_protocol::messages::{
    DeleteRecordsRequest, DeleteTopicsRequest, DescribeConfigsRequest, FetchResponse,
    InitProducerIdRequest, ListOffsetsRequest, MetadataRequest, ProduceRequest, TransactionalId,
    delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic},
    delete_topics_request::DeleteTopicState,
    describe_configs_request::DescribeConfigsResource,
    list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic},
    metadata_request::MetadataRequestTopic,
};
use kafka_protocol::protocol::StrBytes;
use support::{
    TIMEOUT, TestBroker, eventually,
    raw::{Raw, batch, fetch_from, name, produce_request},
    segments,
};
use tillstream_broker::FaultPoints;

/// Holds the fsyncs below one path while it is closed.
#[derive(Default)]
struct Gate {
    waiting: Mutex<Option<usize>>,
    opened: Condvar,
    forced: AtomicBool,
}

impl Gate {
    fn fault_points(self: &Arc<Self>, below: &'static str) -> FaultPoints {
        let gate = Arc::clone(self);
        FaultPoints::before_fsync(move |path: &Path| {
            if path.components().any(|component| component.as_os_str() == below) {
                gate.pass();
            }
        })
    }

    fn pass(&self) {
        let mut waiting = self.waiting.lock().unwrap();
        if let Some(count) = waiting.as_mut() {
            *count += 1;
        }
        drop(self.opened.wait_while(waiting, |waiting| waiting.is_some()).unwrap());
    }

    /// From now on fsyncs hang. A blocked asynchronous thread could not open the gate any more, so
    /// a watchdog does it, and the test fails.
    fn close(self: &Arc<Self>) {
        *self.waiting.lock().unwrap() = Some(0);
        let gate = Arc::clone(self);
        thread::spawn(move || {
            let waiting = gate.waiting.lock().unwrap();
            let (_waiting, timeout) =
                gate.opened.wait_timeout_while(waiting, TIMEOUT, |w| w.is_some()).unwrap();
            if timeout.timed_out() {
                drop(_waiting);
                gate.forced.store(true, SeqCst);
                gate.open();
            }
        });
    }

    fn open(&self) {
        *self.waiting.lock().unwrap() = None;
        self.opened.notify_all();
    }

    fn waiting(&self) -> usize {
        self.waiting.lock().unwrap().unwrap_or(0)
    }

    #[track_caller]
    fn assert_still_closed(&self) {
        assert!(!self.forced.load(SeqCst), "an asynchronous thread waited for the disk");
    }
}

/// A broker with the topics `slow`, whose fsyncs the gate holds, and `other`, with a record each.
async fn with_gate(below: &'static str) -> (TestBroker, Arc<Gate>) {
    let gate = Arc::new(Gate::default());
    let faults = gate.fault_points(below);
    let broker = TestBroker::with(|config| {
        config.fault_points = faults;
        config.segment_bytes = 1000;
    })
    .await;
    for topic in ["slow", "other"] {
        broker.create_topic(topic, 1).await;
        let mut raw = connect(&broker).await;
        assert_eq!(raw.produce(topic, large("first")).await.error_code, 0);
    }
    (broker, gate)
}

async fn connect(broker: &TestBroker) -> Raw {
    Raw::connect(broker.broker.address()).await
}

/// A batch of which two do not fit into a segment.
fn large(value: &str) -> bytes::Bytes {
    batch(-1, -1, -1, &[&format!("{value} {}", "x".repeat(600))])
}

fn list_offsets(topic: &str, timestamp: i64) -> ListOffsetsRequest {
    let partition = ListOffsetsPartition::default().with_timestamp(timestamp);
    let topic = ListOffsetsTopic::default().with_name(name(topic));
    ListOffsetsRequest::default().with_topics(vec![topic.with_partitions(vec![partition])])
}

/// First error, high watermark and whether there are records, of each topic.
fn fetched(response: &FetchResponse) -> Vec<(i16, i64, bool)> {
    let partitions = response.responses.iter().flat_map(|topic| &topic.partitions);
    let has_records =
        |records: &Option<bytes::Bytes>| records.as_ref().is_some_and(|r| !r.is_empty());
    partitions.map(|p| (p.error_code, p.high_watermark, has_records(&p.records))).collect()
}

/// Everything that need not wait for the disk of `slow`, which holds one visible record.
async fn assert_answers(broker: &TestBroker) {
    let mut raw = connect(broker).await;
    for (timestamp, offset) in [(-2, 0), (-1, 1), (-3, 0), (0, 0)] {
        let listed = raw.call(&list_offsets("slow", timestamp), 10).await;
        let partition = &listed.topics[0].partitions[0];
        assert_eq!((partition.error_code, partition.offset), (0, offset), "{timestamp}");
    }
    let both = fetch_from(&[("slow", 0), ("other", 0)]);
    assert_eq!(fetched(&raw.call(&both, 12).await), [(0, 1, true), (0, 1, true)]);
    let behind = fetch_from(&[("slow", 1), ("other", 0)]);
    assert_eq!(fetched(&raw.call(&behind, 12).await), [(0, 1, false), (0, 1, true)]);
    let asked = MetadataRequestTopic::default().with_name(Some(name("slow")));
    let metadata = raw.call(&MetadataRequest::default().with_topics(Some(vec![asked])), 12).await;
    assert_eq!(metadata.topics[0].error_code, 0);
    let asked = DescribeConfigsResource::default()
        .with_resource_type(2)
        .with_resource_name(name("slow").0)
        .with_configuration_keys(None);
    let configs = DescribeConfigsRequest::default().with_resources(vec![asked]);
    assert_eq!(raw.call(&configs, 4).await.results[0].error_code, 0);
    assert_eq!(raw.produce("other", large("more")).await.error_code, 0);
}

#[tokio::test]
async fn requests_are_answered_while_a_segment_is_rolled() {
    let (broker, gate) = with_gate("slow-0").await;
    let mut long_poll = connect(&broker).await;
    let (mut first, mut second) = (connect(&broker).await, connect(&broker).await);
    gate.close();
    first.send(&produce_request("slow", large("second")), 9).await;
    eventually("the flush of the second hangs", || async { gate.waiting() == 1 }).await;
    // A third record does not fit, and the segment must be on disk before the next one starts.
    second.send(&produce_request("slow", large("third")), 9).await;
    eventually("the roll hangs", || async { gate.waiting() == 2 }).await;
    let poll = fetch_from(&[("slow", 1)]).with_min_bytes(1).with_max_wait_ms(200_000);
    long_poll.send(&poll, 12).await;

    let files = segments(broker.dir.path(), "slow-0").len();
    assert_answers(&broker).await;
    assert_eq!(segments(broker.dir.path(), "slow-0").len(), files, "nothing was rolled yet");
    gate.assert_still_closed();

    gate.open();
    for (connection, offset) in [(&mut first, 1), (&mut second, 2)] {
        let produced = connection.receive::<ProduceRequest>(9).await;
        let partition = &produced.responses[0].partition_responses[0];
        assert_eq!((partition.error_code, partition.base_offset), (0, offset));
    }
    let polled = long_poll.receive::<kafka_protocol::messages::FetchRequest>(12).await;
    assert!(fetched(&polled)[0].2, "the long poll gets what became visible");
    broker.stop().await;
}

#[tokio::test]
async fn requests_are_answered_while_records_and_topics_are_deleted() {
    let (broker, gate) = with_gate("slow-0").await;
    let mut deleting = connect(&broker).await;
    gate.close();
    let partition = DeleteRecordsPartition::default().with_offset(1);
    let topic = DeleteRecordsTopic::default().with_name(name("slow"));
    let request =
        DeleteRecordsRequest::default().with_topics(vec![topic.with_partitions(vec![partition])]);
    deleting.send(&request, 2).await;
    eventually("the deletion hangs", || async { gate.waiting() == 1 }).await;
    assert_answers(&broker).await;
    gate.assert_still_closed();
    gate.open();
    let deleted = deleting.receive::<DeleteRecordsRequest>(2).await;
    assert_eq!(deleted.topics[0].partitions[0].low_watermark, 1);
    broker.stop().await;

    let (broker, gate) = with_gate("topics.json").await;
    let mut deleting = connect(&broker).await;
    gate.close();
    let topic = DeleteTopicState::default().with_name(Some(name("slow")));
    deleting.send(&DeleteTopicsRequest::default().with_topics(vec![topic]), 6).await;
    eventually("the deletion hangs", || async { gate.waiting() == 1 }).await;
    assert_answers(&broker).await;
    gate.assert_still_closed();
    gate.open();
    assert_eq!(deleting.receive::<DeleteTopicsRequest>(6).await.responses[0].error_code, 0);
    broker.stop().await;
}

#[tokio::test]
async fn requests_are_answered_while_a_transaction_is_stored_and_others_wait_for_it() {
    let (broker, gate) = with_gate("transactions").await;
    let (mut first, mut second) = (connect(&broker).await, connect(&broker).await);
    let id = TransactionalId(StrBytes::from_static_str("tx"));
    let init = InitProducerIdRequest::default()
        .with_transactional_id(Some(id))
        .with_transaction_timeout_ms(60_000);
    gate.close();
    first.send(&init, 4).await;
    eventually("storing it hangs", || async { gate.waiting() == 1 }).await;
    second.send(&init, 4).await;
    assert_answers(&broker).await;
    gate.assert_still_closed();
    gate.open();
    let mut epochs = Vec::new();
    for connection in [&mut first, &mut second] {
        let answer = connection.receive::<InitProducerIdRequest>(4).await;
        assert_eq!(answer.error_code, 0);
        epochs.push(answer.producer_epoch);
    }
    assert_eq!(epochs, [0, 1]);
    broker.stop().await;
}
