//! Topics, partitions, settings and retention through rdkafka's admin client.

#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kafka_protocol::{
    messages::{
        DeleteTopicsRequest, DescribeConfigsRequest, MetadataRequest,
        delete_topics_request::DeleteTopicState, describe_configs_request::DescribeConfigsResource,
        metadata_request::MetadataRequestTopic, metadata_response::MetadataResponseTopic,
    },
    protocol::StrBytes,
};
use rdkafka::{
    Message, Offset, TopicPartitionList,
    admin::{
        AdminOptions, ConfigSource, NewPartitions, NewTopic, ResourceSpecifier, TopicReplication,
    },
    consumer::{BaseConsumer, Consumer},
    producer::FutureRecord,
    types::RDKafkaErrorCode,
};
use uuid::Uuid;

const UNKNOWN_TOPIC_ID: i16 = 100;
use support::{
    TIMEOUT, TestBroker, eventually,
    raw::{Raw, name},
    segments, send_all, take, values,
};

fn one<T>(results: Vec<T>) -> T {
    assert_eq!(results.len(), 1);
    results.into_iter().next().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_come_grow_go_and_survive_a_restart() {
    let broker = TestBroker::start().await;
    let options = AdminOptions::new();
    broker.create_topic("kept", 3).await;
    broker.create_topic("gone", 2).await;
    let admin = broker.admin();
    let create = async |topic: NewTopic<'_>| {
        one(admin.create_topics([&topic], &AdminOptions::new()).await.unwrap()).map_err(|e| e.1)
    };
    let again = create(NewTopic::new("kept", 1, TopicReplication::Fixed(1))).await;
    assert_eq!(again.unwrap_err(), RDKafkaErrorCode::TopicAlreadyExists);
    let replicated = create(NewTopic::new("r", 1, TopicReplication::Fixed(3))).await;
    assert_eq!(replicated.unwrap_err(), RDKafkaErrorCode::InvalidReplicationFactor);
    let none = create(NewTopic::new("p", 100_000, TopicReplication::Fixed(1))).await;
    assert_eq!(none.unwrap_err(), RDKafkaErrorCode::InvalidPartitions);
    let shrunk = NewTopic::new("c", 1, TopicReplication::Fixed(1)).set("cleanup.policy", "shrink");
    assert_eq!(create(shrunk).await.unwrap_err(), RDKafkaErrorCode::InvalidConfig);

    let more = NewPartitions::new("kept", 5);
    one(admin.create_partitions([&more], &options).await.unwrap()).unwrap();
    let fewer = NewPartitions::new("kept", 2);
    let fewer = one(admin.create_partitions([&fewer], &options).await.unwrap());
    assert_eq!(fewer.unwrap_err().1, RDKafkaErrorCode::InvalidPartitions);
    one(admin.delete_topics(&["gone"], &options).await.unwrap()).unwrap();
    let never = one(admin.delete_topics(&["never"], &options).await.unwrap());
    assert_eq!(never.unwrap_err().1, RDKafkaErrorCode::UnknownTopicOrPartition);
    assert!(!broker.dir.path().join("gone-0").exists());

    let broker = broker.restart().await;
    let consumer: BaseConsumer = broker.client().create().unwrap();
    let metadata = consumer.fetch_metadata(None, TIMEOUT).unwrap();
    let topics: Vec<(&str, usize)> =
        metadata.topics().iter().map(|t| (t.name(), t.partitions().len())).collect();
    assert_eq!(topics, [("kept", 5)]);
    let producer = broker.future_producer();
    let record = FutureRecord::<str, str>::to("kept").partition(4).payload("new");
    producer.send(record, TIMEOUT).await.unwrap();
    assert_eq!(values(&broker.reader("kept", 4, 0), 1), ["new"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_topic_begins_anew() {
    let broker = TestBroker::start().await;
    send_all(broker.broker.address(), "t", (0..10).map(|i| i.to_string()));
    one(broker.admin().delete_topics(&["t"], &AdminOptions::new()).await.unwrap()).unwrap();
    broker.create_topic("t", 1).await;
    assert_eq!(broker.watermarks("t", 0), (0, 0));
    send_all(broker.broker.address(), "t", ["other".to_owned()]);
    assert_eq!(values(&broker.reader("t", 0, 0), 1), ["other"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_records_are_gone_for_good() {
    let broker = TestBroker::with(|config| config.segment_bytes = 5000).await;
    let producer = broker.future_producer();
    for i in 0..100 {
        let value = format!("{i} {}", "x".repeat(200));
        producer.send(FutureRecord::<str, str>::to("t").payload(&value), TIMEOUT).await.unwrap();
    }
    let before = segments(broker.dir.path(), "t-0").len();
    let delete = async |broker: &TestBroker, offset| {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset("t", 0, offset).unwrap();
        let done = broker.admin().delete_records(&list, &AdminOptions::new()).await.unwrap();
        let element = &done.elements()[0];
        element.error().map(|()| element.offset())
    };
    assert_eq!(delete(&broker, Offset::Offset(51)).await.unwrap(), Offset::Offset(51));
    assert!(segments(broker.dir.path(), "t-0").len() < before, "whole segments are deleted");
    assert_eq!(broker.watermarks("t", 0), (51, 100));
    assert!(delete(&broker, Offset::Offset(101)).await.is_err(), "beyond the end");

    let broker = broker.restart().await;
    assert_eq!(broker.watermarks("t", 0), (51, 100));
    let offsets = take(&broker.reader("t", 0, 51), 49, |message| message.offset());
    assert_eq!(offsets, (51..100).collect::<Vec<i64>>());
    assert_eq!(delete(&broker, Offset::End).await.unwrap(), Offset::Offset(100));
    let broker = broker.restart().await;
    assert_eq!(broker.watermarks("t", 0), (100, 100));
    let producer = broker.future_producer();
    let sent = producer.send(FutureRecord::<str, str>::to("t").payload("next"), TIMEOUT).await;
    assert_eq!(sent.unwrap().offset, 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn retention_by_bytes_deletes_the_oldest_closed_segments() {
    let broker = TestBroker::with(|config| {
        config.retention_interval = Duration::from_millis(20);
        config.segment_bytes = 10_000;
        config.retention_bytes = Some(30_000);
    })
    .await;
    let producer = broker.future_producer();
    for i in 0..100 {
        let value = format!("{i} {}", "x".repeat(1000));
        producer.send(FutureRecord::<str, str>::to("t").payload(&value), TIMEOUT).await.unwrap();
    }
    // As much as was asked for is left, and would not be without the oldest segment.
    eventually("the log is small", async || {
        let files = segments(broker.dir.path(), "t-0");
        let sizes: Vec<u64> =
            files.iter().map(|path| path.metadata().map_or(0, |file| file.len())).collect();
        let total: u64 = sizes.iter().sum();
        total >= 30_000 && total - sizes[0] < 30_000
    })
    .await;
    let (start, end) = broker.watermarks("t", 0);
    assert!(start > 50, "{start}");
    assert_eq!(end, 100);
    let count = (end - start) as usize;
    let offsets = take(&broker.reader("t", 0, start), count, |message| message.offset());
    assert_eq!(offsets, (start..end).collect::<Vec<i64>>());

    let broker = broker.restart().await;
    assert_eq!(broker.watermarks("t", 0), (start, end));
}

#[tokio::test(flavor = "multi_thread")]
async fn retention_by_age_leaves_younger_segments() {
    let broker = TestBroker::with(|config| config.segment_bytes = 10_000).await;
    let producer = broker.future_producer();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let long_ago = now - Duration::from_secs(7200);
    for i in 0..30 {
        let value = format!("{i} {}", "x".repeat(1000));
        let time = if i < 18 { long_ago } else { now };
        let record = FutureRecord::<str, str>::to("t").payload(&value);
        producer.send(record.timestamp(time.as_millis() as i64), TIMEOUT).await.unwrap();
    }
    let dir = broker.stop().await;
    let files = segments(dir.path(), "t-0");
    assert_eq!(files.len(), 4);
    let broker = TestBroker::reopen(dir, |config| {
        config.retention_interval = Duration::from_millis(20);
        config.retention_age = Some(Duration::from_secs(3600));
    })
    .await;
    eventually("the old ones are gone", || async { segments(broker.dir.path(), "t-0").len() == 2 })
        .await;
    assert_eq!(segments(broker.dir.path(), "t-0"), files[2..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_of_topics_and_of_the_broker_are_told() {
    let broker = TestBroker::start().await;
    let admin = broker.admin();
    let topic = NewTopic::new("t", 1, TopicReplication::Fixed(1))
        .set("retention.ms", "60000")
        .set("segment.bytes", "1000000");
    one(admin.create_topics([&topic], &AdminOptions::new()).await.unwrap()).unwrap();
    let broker = broker.restart().await;
    let admin = broker.admin();
    let describe = async |what: ResourceSpecifier<'_>| {
        one(admin.describe_configs([&what], &AdminOptions::new()).await.unwrap())
    };
    let topic = describe(ResourceSpecifier::Topic("t")).await.unwrap();
    let value = |name: &str| topic.get(name).unwrap().value.clone().unwrap();
    assert_eq!(value("retention.ms"), "60000");
    assert_eq!(value("segment.bytes"), "1000000");
    let retention = topic.get("retention.ms").unwrap();
    assert_eq!(retention.source, ConfigSource::DynamicTopic, "not the broker's own");
    assert_eq!(value("retention.bytes"), "-1");
    assert_eq!(value("cleanup.policy"), "delete");
    let node = describe(ResourceSpecifier::Broker(1)).await.unwrap();
    assert_eq!(node.get("offsets.retention.minutes").unwrap().value.as_deref(), Some("10080"));
    assert_eq!(node.get("num.partitions").unwrap().value.as_deref(), Some("1"));
    // rdkafka shows no error here, so by hand.
    let asked = DescribeConfigsResource::default()
        .with_resource_type(2)
        .with_resource_name(StrBytes::from_static_str("never"));
    let request = DescribeConfigsRequest::default().with_resources(vec![asked]);
    let answer = Raw::connect(broker.broker.address()).await.call(&request, 4).await;
    assert_eq!(answer.results[0].error_code, 3);
}

async fn describe_topic(broker: &TestBroker, asked: MetadataRequestTopic) -> MetadataResponseTopic {
    let request = MetadataRequest::default().with_topics(Some(vec![asked]));
    one(Raw::connect(broker.broker.address()).await.call(&request, 12).await.topics)
}

async fn topic_id(broker: &TestBroker, topic: &str) -> Uuid {
    let asked = MetadataRequestTopic::default().with_name(Some(name(topic)));
    let described = describe_topic(broker, asked).await;
    assert_eq!((described.error_code, described.name), (0, Some(name(topic))));
    described.topic_id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_keeps_its_id_and_a_recreated_one_gets_another() {
    let broker = TestBroker::start().await;
    broker.create_topic("a", 2).await;
    broker.create_topic("b", 1).await;
    let (a, b) = (topic_id(&broker, "a").await, topic_id(&broker, "b").await);
    assert!(!a.is_nil() && !b.is_nil() && a != b);

    let broker = broker.restart().await;
    assert_eq!((topic_id(&broker, "a").await, topic_id(&broker, "b").await), (a, b));
    let by_id =
        describe_topic(&broker, MetadataRequestTopic::default().with_name(None).with_topic_id(a))
            .await;
    assert_eq!((by_id.error_code, by_id.name), (0, Some(name("a"))));
    assert_eq!(by_id.partitions.len(), 2);

    let asked = DeleteTopicState::default().with_name(None).with_topic_id(a);
    let delete = DeleteTopicsRequest::default().with_topics(vec![asked]);
    let mut raw = Raw::connect(broker.broker.address()).await;
    let deleted = one(raw.call(&delete, 6).await.responses);
    assert_eq!((deleted.error_code, deleted.name), (0, Some(name("a"))));
    broker.create_topic("a", 2).await;
    let again = topic_id(&broker, "a").await;
    assert!(!again.is_nil() && again != a);
    let by_old_id =
        describe_topic(&broker, MetadataRequestTopic::default().with_name(None).with_topic_id(a))
            .await;
    assert_eq!((by_old_id.error_code, by_old_id.topic_id), (UNKNOWN_TOPIC_ID, a));
    assert_eq!(one(raw.call(&delete, 6).await.responses).error_code, UNKNOWN_TOPIC_ID);
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_of_an_old_folder_get_ids_that_stay() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 1).await;
    let dir = broker.stop().await;
    let file = dir.path().join("topics.json");
    let mut stored: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let cluster_id = stored["cluster_id"].clone();
    assert!(stored["topics"]["t"].as_object_mut().unwrap().remove("id").is_some());
    std::fs::write(&file, stored.to_string()).unwrap();

    let broker = TestBroker::reopen(dir, |_| {}).await;
    let id = topic_id(&broker, "t").await;
    assert!(!id.is_nil());
    let broker = broker.restart().await;
    assert_eq!(topic_id(&broker, "t").await, id);
    let stored: serde_json::Value =
        serde_json::from_slice(&std::fs::read(broker.dir.path().join("topics.json")).unwrap())
            .unwrap();
    assert_eq!(stored["cluster_id"], cluster_id);
}
