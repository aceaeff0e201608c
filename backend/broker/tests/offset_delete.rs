//! Deleting committed offsets of a group.

#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use kafka_protocol::{
    messages::{
        GroupId, OffsetDeleteRequest,
        offset_delete_request::{OffsetDeleteRequestPartition, OffsetDeleteRequestTopic},
    },
    protocol::StrBytes,
};
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, CommitMode, Consumer},
};
use support::{
    TIMEOUT, TestBroker,
    raw::{Raw, name},
    send_all, values,
};

const UNKNOWN_TOPIC_OR_PARTITION: i16 = 3;
const GROUP_ID_NOT_FOUND: i16 = 69;
const GROUP_SUBSCRIBED_TO_TOPIC: i16 = 86;

/// The error of the whole, and those of the partitions of topic `t`.
async fn delete(broker: &TestBroker, partitions: &[i32]) -> (i16, Vec<i16>) {
    let mut raw = Raw::connect(broker.broker.address()).await;
    let partitions = partitions
        .iter()
        .map(|&partition| OffsetDeleteRequestPartition::default().with_partition_index(partition));
    let topic = OffsetDeleteRequestTopic::default().with_name(name("t"));
    let request = OffsetDeleteRequest::default()
        .with_group_id(GroupId(StrBytes::from_static_str("g")))
        .with_topics(vec![topic.with_partitions(partitions.collect())]);
    let response = raw.call(&request, 0).await;
    let partitions = response.topics.iter().flat_map(|topic| &topic.partitions);
    (response.error_code, partitions.map(|partition| partition.error_code).collect())
}

fn consumer(broker: &TestBroker) -> BaseConsumer {
    broker
        .client()
        .set("group.id", "g")
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "earliest")
        .create()
        .unwrap()
}

fn committed(broker: &TestBroker) -> Vec<Offset> {
    let mut asked = TopicPartitionList::new();
    asked.add_partition_range("t", 0, 1);
    let found = consumer(broker).committed_offsets(asked, TIMEOUT).unwrap();
    found.elements().iter().map(|element| element.offset()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn offsets_of_single_partitions_are_forgotten() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 2).await;
    assert_eq!(delete(&broker, &[0]).await, (GROUP_ID_NOT_FOUND, vec![]));
    let mut offsets = TopicPartitionList::new();
    offsets.add_partition_offset("t", 0, Offset::Offset(3)).unwrap();
    offsets.add_partition_offset("t", 1, Offset::Offset(4)).unwrap();
    consumer(&broker).commit(&offsets, CommitMode::Sync).unwrap();
    assert_eq!(delete(&broker, &[0, 2]).await, (0, vec![0, UNKNOWN_TOPIC_OR_PARTITION]));
    assert_eq!(committed(&broker), [Offset::Invalid, Offset::Offset(4)]);

    let broker = broker.restart().await;
    assert_eq!(committed(&broker), [Offset::Invalid, Offset::Offset(4)]);
    assert_eq!(delete(&broker, &[1]).await, (0, vec![0]));
    assert_eq!(delete(&broker, &[1]).await.0, GROUP_ID_NOT_FOUND, "nothing is left of the group");
}

#[tokio::test(flavor = "multi_thread")]
async fn offsets_of_a_topic_that_is_read_stay() {
    let broker = TestBroker::start().await;
    send_all(broker.broker.address(), "t", ["read".to_owned()]);
    let consumer = consumer(&broker);
    consumer.subscribe(&["t"]).unwrap();
    assert_eq!(values(&consumer, 1), ["read"]);
    consumer.commit_consumer_state(CommitMode::Sync).unwrap();
    assert_eq!(delete(&broker, &[0]).await, (0, vec![GROUP_SUBSCRIBED_TO_TOPIC]));
    assert_eq!(committed(&broker)[0], Offset::Offset(1));
}
