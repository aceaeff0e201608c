//! Responses that are larger than a socket takes at once.

#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::messages::FetchRequest;
use support::{
    TIMEOUT, TestBroker, eventually, group_member,
    raw::{Raw, batch, fetch_from},
    segments,
};

const TOPICS: usize = 20;

fn value(topic: usize, kib: usize) -> String {
    format!("{topic:01024}").repeat(kib)
}

/// A batch as a client sent it, without the base offset and the leader epoch, which the broker sets.
fn as_sent(batch: &[u8]) -> (&[u8], &[u8]) {
    (&batch[8..12], &batch[16..])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_larger_than_the_socket_takes_comes_whole_though_its_topics_are_deleted() {
    // Two batches do not fit into a segment: the first of each topic lies in a closed one.
    let broker = TestBroker::with(|config| config.segment_bytes = 400 << 10).await;
    let mut raw = Raw::connect(broker.broker.address()).await;
    let names: Vec<String> = (0..TOPICS).map(|i| format!("t{i}")).collect();
    let mut sent: Vec<Bytes> = Vec::new();
    for (i, name) in names.iter().enumerate() {
        broker.create_topic(name, 1).await;
        sent.push(batch(-1, -1, -1, &[&value(i, 300)]));
        for _ in 0..2 {
            assert_eq!(raw.produce(name, sent[i].clone()).await.error_code, 0);
        }
        assert_eq!(segments(broker.dir.path(), &format!("{name}-0")).len(), 2);
    }
    let all: Vec<(&str, i64)> = names.iter().map(|name| (&**name, 0)).collect();
    let request = fetch_from(&all).with_max_bytes(64 << 20);
    raw.send(&request, 12).await;
    // The answer is under way: the first bytes are there.
    raw.stream.readable().await.unwrap();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    broker.admin().delete_topics(&names, &rdkafka::admin::AdminOptions::new()).await.unwrap();
    let answer = raw.receive::<FetchRequest>(12).await;
    assert_eq!(answer.responses.len(), TOPICS);
    for (topic, sent) in answer.responses.iter().zip(&sent) {
        let records = topic.partitions[0].records.as_ref().unwrap();
        assert_eq!(records.len(), sent.len(), "{:?}", topic.topic);
        assert!(as_sent(records) == as_sent(sent), "{:?}", topic.topic);
    }
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_holds_up_nobody() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 1).await;
    let mut raw = Raw::connect(broker.broker.address()).await;
    for _ in 0..8 {
        let sent = raw.produce("t", batch(-1, -1, -1, &[&value(0, 900)])).await;
        assert_eq!(sent.error_code, 0);
    }
    let mut slow = Vec::new();
    for _ in 0..40 {
        let mut client = Raw::connect(broker.broker.address()).await;
        for _ in 0..8 {
            client.send(&fetch_from(&[("t", 0)]), 12).await;
        }
        slow.push(client);
    }
    let member = group_member(broker.broker.address(), "g", "t");
    for _ in 0..8 {
        tokio::time::timeout(TIMEOUT, member.recv()).await.unwrap().unwrap();
    }
    drop(member);
    for mut client in slow {
        for _ in 0..8 {
            let answer = client.receive::<FetchRequest>(12).await;
            assert!(!answer.responses[0].partitions[0].records.as_ref().unwrap().is_empty());
        }
    }
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_in_the_middle_of_a_response_is_forgotten() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 1).await;
    let mut raw = Raw::connect(broker.broker.address()).await;
    assert_eq!(raw.produce("t", batch(-1, -1, -1, &[&value(0, 900)])).await.error_code, 0);
    for _ in 0..20 {
        let mut client = Raw::connect(broker.broker.address()).await;
        for _ in 0..8 {
            client.send(&fetch_from(&[("t", 0)]), 12).await;
        }
        client.stream.readable().await.unwrap();
    }
    let idle = async || raw.call(&fetch_from(&[("t", 0)]), 12).await.responses.len() == 1;
    eventually("others are answered", idle).await;
    let stopped = tokio::time::timeout(Duration::from_secs(30), broker.stop()).await;
    assert!(stopped.is_ok(), "nothing waits for those who left");
}
