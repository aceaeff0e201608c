//! Requests over many partitions.

#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use kafka_protocol::messages::{
    BrokerId, FetchRequest, ListOffsetsRequest,
    fetch_request::{FetchPartition, FetchTopic},
    list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic},
};
use rdkafka::producer::FutureRecord;
use support::{
    TIMEOUT, TestBroker,
    raw::{Raw, name},
};

const PARTITIONS: i32 = 100;

async fn send(broker: &TestBroker, partition: i32, value: &str) {
    let record = FutureRecord::<str, str>::to("t").partition(partition).payload(value);
    broker.future_producer().send(record, TIMEOUT).await.unwrap();
}

/// Asks for all partitions, each from an offset on; waits longer than any test for one byte.
fn fetch_all(offset: impl Fn(i32) -> i64) -> FetchRequest {
    let partition = |index| {
        FetchPartition::default()
            .with_partition(index)
            .with_fetch_offset(offset(index))
            .with_partition_max_bytes(1 << 20)
    };
    let topic = FetchTopic::default()
        .with_topic(name("t"))
        .with_partitions((0..PARTITIONS).map(partition).collect());
    FetchRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_max_bytes(1 << 20)
        .with_min_bytes(1)
        .with_max_wait_ms(300_000)
        .with_topics(vec![topic])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_waits_for_the_one_partition_of_a_hundred_that_gets_something() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", PARTITIONS).await;
    let mut raw = Raw::connect(broker.broker.address()).await;
    // Each from where the one before left off: first while it waits, then what is there already.
    for (round, partition) in [(0, 99), (1, 0), (2, 57)] {
        let before =
            |index| [(99, 0), (0, 1), (57, 2)].iter().any(|&(p, r)| p == index && r < round);
        let request = fetch_all(|index| i64::from(before(index)));
        raw.send(&request, 12).await;
        send(&broker, partition, "new").await;
        let response = tokio::time::timeout(TIMEOUT, raw.receive::<FetchRequest>(12));
        let response = response.await.expect("the fetch did not hear of the record");
        let partitions = &response.responses[0].partitions;
        assert_eq!(partitions.len(), PARTITIONS as usize);
        let with_records =
            partitions.iter().filter(|p| p.records.as_ref().is_some_and(|r| !r.is_empty()));
        let with_records: Vec<i32> = with_records.map(|p| p.partition_index).collect();
        assert_eq!(with_records, [partition]);
        assert!(partitions.iter().all(|p| p.error_code == 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn offsets_of_a_hundred_partitions_are_listed_by_one_request() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", PARTITIONS).await;
    for partition in [3, 3, 98] {
        send(&broker, partition, "x").await;
    }
    let mut raw = Raw::connect(broker.broker.address()).await;
    // Latest, earliest, of the latest timestamp, by timestamp.
    for (timestamp, of_two, of_one, of_none) in
        [(-1, 2, 1, 0), (-2, 0, 0, 0), (-3, 1, 0, -1), (0, 0, 0, -1)]
    {
        let partition = |index| {
            ListOffsetsPartition::default().with_partition_index(index).with_timestamp(timestamp)
        };
        // One more than there are.
        let partitions = (0..=PARTITIONS).map(partition).collect();
        let topic = ListOffsetsTopic::default().with_name(name("t")).with_partitions(partitions);
        let request = ListOffsetsRequest::default().with_topics(vec![topic]);
        let response = raw.call(&request, 7).await;
        let listed = &response.topics[0].partitions;
        assert_eq!(listed.len(), PARTITIONS as usize + 1);
        for partition in &listed[..PARTITIONS as usize] {
            let expected = match partition.partition_index {
                3 => of_two,
                98 => of_one,
                _ => of_none,
            };
            assert_eq!(partition.error_code, 0);
            assert_eq!(partition.offset, expected, "{timestamp} of {partition:?}");
        }
        assert_eq!(listed[PARTITIONS as usize].error_code, 3);
    }
}
