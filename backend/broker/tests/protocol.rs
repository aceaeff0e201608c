//! What rdkafka does not let one do: duplicates, gaps, old versions, nonsense.

#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::{
    messages::{
        ApiVersionsRequest, FetchRequest, InitProducerIdRequest, MetadataRequest, ProduceRequest,
        metadata_request::MetadataRequestTopic,
    },
    protocol::Request,
};
use rdkafka::producer::FutureRecord;
use support::{
    TIMEOUT, TestBroker,
    raw::{Raw, batch, fetch, name, produce_request},
    values,
};
use tokio::io::AsyncWriteExt;

const OUT_OF_ORDER: i16 = 45;
const INVALID_EPOCH: i16 = 47;

async fn with_topic() -> (TestBroker, Raw) {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 1).await;
    let raw = Raw::connect(broker.broker.address()).await;
    (broker, raw)
}

#[tokio::test(flavor = "multi_thread")]
async fn duplicates_are_answered_as_such_and_gaps_refused_over_a_restart_too() {
    let (broker, mut raw) = with_topic().await;
    let id = raw.call(&InitProducerIdRequest::default().with_transactional_id(None), 4).await;
    let id = id.producer_id.0;
    for (sequence, offset) in [(0, 0), (2, 2), (4, 4)] {
        let answer = raw.produce("t", batch(id, 0, sequence, &["a", "b"])).await;
        assert_eq!((answer.error_code, answer.base_offset), (0, offset));
    }
    let check = async |raw: &mut Raw| {
        let again = raw.produce("t", batch(id, 0, 2, &["a", "b"])).await;
        assert_eq!((again.error_code, again.base_offset), (0, 2), "the same offset as before");
        let gap = raw.produce("t", batch(id, 0, 9, &["x"])).await;
        assert_eq!(gap.error_code, OUT_OF_ORDER);
    };
    check(&mut raw).await;
    let broker = broker.restart().await;
    let mut raw = Raw::connect(broker.broker.address()).await;
    check(&mut raw).await;
    let next = raw.produce("t", batch(id, 0, 6, &["c"])).await;
    assert_eq!((next.error_code, next.base_offset), (0, 6), "duplicates were not stored");
    let newer = raw.produce("t", batch(id, 1, 0, &["d"])).await;
    assert_eq!((newer.error_code, newer.base_offset), (0, 7));
    let old = raw.produce("t", batch(id, 0, 7, &["e"])).await;
    assert_eq!(old.error_code, INVALID_EPOCH);

    let other = raw.call(&InitProducerIdRequest::default().with_transactional_id(None), 4).await;
    assert_ne!(other.producer_id.0, id, "ids are never given out twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn pipelined_requests_are_answered_in_order() {
    let (_broker, mut raw) = with_topic().await;
    for i in 0..200 {
        raw.send(&produce_request("t", batch(-1, -1, -1, &[&i.to_string()])), 9).await;
    }
    for i in 0..200 {
        let answer = raw.receive::<ProduceRequest>(9).await;
        assert_eq!(answer.responses[0].partition_responses[0].base_offset, i);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_batches_are_refused_and_leave_nothing() {
    let (broker, mut raw) = with_topic().await;
    let good = batch(-1, -1, -1, &["good"]);
    let change = |position: usize, value: u8| {
        let mut bytes = BytesMut::from(&good[..]);
        bytes[position] = value;
        bytes.freeze()
    };
    let twice: Bytes = [&good[..], &good[..]].concat().into();
    for (what, bytes, error) in [
        ("a flipped bit", change(good.len() - 1, good[good.len() - 1] ^ 1), 2),
        ("another length", change(11, good[11] + 1), 2),
        ("an old format", change(16, 1), 43),
        ("another count", change(60, 2), 87),
        ("half a batch", good.slice(..good.len() / 2), 2),
        ("two batches", twice, 87),
        ("nothing", Bytes::new(), 2),
    ] {
        assert_eq!(raw.produce("t", bytes).await.error_code, error, "{what}");
    }
    assert_eq!(raw.produce("nowhere", good.clone()).await.error_code, 3);
    assert_eq!(raw.produce("t", good.clone()).await.base_offset, 0);
    let acks = raw.call(&produce_request("t", good).with_acks(2), 9).await;
    assert_eq!(acks.responses[0].partition_responses[0].error_code, 21);
    assert_eq!(values(&broker.reader("t", 0, 0), 1), ["good"]);
    assert_eq!(broker.watermarks("t", 0), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_costs_only_the_one_who_sends_it() {
    let (broker, mut good) = with_topic().await;
    assert_eq!(good.produce("t", batch(-1, -1, -1, &["before"])).await.error_code, 0);
    let mut header = BytesMut::new();
    header.put_i16(3);
    header.put_i16(1);
    header.put_i32(1);
    header.put_i16(-1);
    let with_header = |rest: &[u8]| [&header[..], rest].concat();
    let mut flexible = vec![0, 3, 0, 12, 0, 0, 0, 1, 0xFF, 0xFF, 0];
    flexible.extend([0xFF, 0xFF, 0xFF, 0xFF, 0x0F]);
    let produce = [0, 0, 0, 9, 0, 0, 0, 1, 0xFF, 0xFF, 0, 0, 0, 1, 0, 0, 0, 9];
    let produce = [&produce[..], &[0xFF, 0xFF, 0xFF, 0xFF, 0x0F]].concat();
    let random: Vec<u8> =
        (0..1000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    for (what, frame) in [
        ("an empty request", vec![]),
        ("half a header", vec![0, 3, 0]),
        ("an unknown API", [&1234_i16.to_be_bytes()[..], &[0; 20]].concat()),
        ("an API it does not have", [&27_i16.to_be_bytes()[..], &[0; 20]].concat()),
        ("an unknown version", [&[0, 3, 0, 99][..], &[0; 20]].concat()),
        ("an old produce request", [&[0, 0, 0, 2][..], &[0; 20]].concat()),
        ("no body", with_header(&[])),
        ("an array of two thousand million", with_header(&i32::MAX.to_be_bytes())),
        ("a compact array of four thousand million", flexible),
        ("a produce request of as many topics", produce),
        ("a text that is no UTF-8", with_header(&[0, 0, 0, 1, 0, 2, 0xC3, 0x28])),
        ("random bytes", random.clone()),
    ] {
        let mut bad = Raw::connect(broker.broker.address()).await;
        bad.frame(&frame).await;
        assert!(bad.is_disconnected().await, "{what}");
        assert_eq!(good.produce("t", batch(-1, -1, -1, &["x"])).await.error_code, 0, "{what}");
    }
    for (what, bytes) in [
        ("a negative length", (-5_i32).to_be_bytes().to_vec()),
        ("a huge length", i32::MAX.to_be_bytes().to_vec()),
        ("HTTP", b"GET / HTTP/1.1\r\nHost: here\r\n\r\n".to_vec()),
        ("random bytes", [&[0x7F][..], &random].concat()),
    ] {
        let mut bad = Raw::connect(broker.broker.address()).await;
        bad.stream.write_all(&bytes).await.unwrap();
        assert!(bad.is_disconnected().await, "{what}");
    }
    // Half a frame and then nothing, and a client that leaves in the middle.
    let mut silent = Raw::connect(broker.broker.address()).await;
    silent.stream.write_all(&[0, 0, 1, 0, 0, 3]).await.unwrap();
    let mut leaving = Raw::connect(broker.broker.address()).await;
    leaving.stream.write_all(&90_000_000_i32.to_be_bytes()).await.unwrap();
    leaving.stream.write_all(&[7; 5000]).await.unwrap();
    drop(leaving);
    assert_eq!(good.produce("t", batch(-1, -1, -1, &["after"])).await.error_code, 0);
    let producer = broker.future_producer();
    producer.send(FutureRecord::<str, str>::to("t").payload("rdkafka"), TIMEOUT).await.unwrap();
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_from_the_future_is_told_the_versions() {
    let (_broker, mut raw) = with_topic().await;
    let mut frame = BytesMut::new();
    frame.put_i16(ApiVersionsRequest::KEY);
    frame.put_i16(77);
    frame.put_i32(1);
    frame.put_slice(b"whatever it looks like then");
    raw.frame(&frame).await;
    let answer = raw.receive::<ApiVersionsRequest>(0).await;
    assert_eq!(answer.error_code, 35);
    let own = answer.api_keys.iter().find(|api| api.api_key == ApiVersionsRequest::KEY).unwrap();
    assert_eq!((own.min_version, own.max_version), (0, 4));
    let all = raw.call(&ApiVersionsRequest::default(), 4).await;
    assert_eq!((all.error_code, all.api_keys.len()), (0, 45));
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_are_created_only_for_those_who_allow_it() {
    let (broker, mut raw) = with_topic().await;
    let ask = |topic: &str| {
        let topic = MetadataRequestTopic::default().with_name(Some(name(topic)));
        MetadataRequest::default().with_topics(Some(vec![topic]))
    };
    let not = raw.call(&ask("new").with_allow_auto_topic_creation(false), 12).await;
    assert_eq!(not.topics[0].error_code, 3);
    let yes = raw.call(&ask("new").with_allow_auto_topic_creation(true), 12).await;
    assert_eq!((yes.topics[0].error_code, yes.topics[0].partitions.len()), (0, 1));
    assert_eq!(yes.brokers[0].port, i32::from(broker.broker.address().port()));
    for invalid in ["a/b", "", "..", &"x".repeat(250)] {
        let answer = raw.call(&ask(invalid).with_allow_auto_topic_creation(true), 12).await;
        assert_eq!(answer.topics[0].error_code, 17, "{invalid:?}");
    }
    let all = raw.call(&MetadataRequest::default().with_topics(None), 12).await;
    assert_eq!(all.topics.len(), 2);
    let oldest = raw.call(&MetadataRequest::default().with_topics(Some(vec![])), 0).await;
    assert_eq!(oldest.topics.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_waits_for_enough_bytes_and_no_longer_than_told() {
    let (broker, mut raw) = with_topic().await;
    let one = batch(-1, -1, -1, &["one"]);
    let mut other = Raw::connect(broker.broker.address()).await;
    assert_eq!(other.produce("t", one.clone()).await.base_offset, 0);

    // Enough is there: answered though the wait is long.
    let long = fetch(0).with_max_wait_ms(200_000).with_min_bytes(1);
    let answer = raw.call(&long, 12).await;
    let records = answer.responses[0].partitions[0].records.clone().unwrap();
    assert_eq!(records.len(), one.len());
    assert_eq!(records[16..], one[16..], "stored as it came");

    // Not enough: answered once the second batch makes it enough.
    let more = fetch(0).with_max_wait_ms(200_000).with_min_bytes(one.len() as i32 + 1);
    raw.send(&more, 12).await;
    assert_eq!(other.produce("t", one.clone()).await.base_offset, 1);
    let answer = raw.receive::<FetchRequest>(12).await;
    let partition = &answer.responses[0].partitions[0];
    assert_eq!(partition.records.as_ref().unwrap().len(), 2 * one.len());
    assert_eq!((partition.high_watermark, partition.log_start_offset), (2, 0));

    // Never enough: answered when the time is over, with what there is.
    let never = fetch(0).with_max_wait_ms(50).with_min_bytes(1 << 19);
    let answer = raw.call(&never, 12).await;
    assert_eq!(answer.responses[0].partitions[0].records.as_ref().unwrap().len(), 2 * one.len());
    let nothing = raw.call(&fetch(2).with_max_wait_ms(50).with_min_bytes(1), 12).await;
    assert!(nothing.responses[0].partitions[0].records.as_ref().unwrap().is_empty());

    // Outside the log: told at once.
    let outside = raw.call(&fetch(3).with_max_wait_ms(200_000).with_min_bytes(1), 12).await;
    assert_eq!(outside.responses[0].partitions[0].error_code, 1);

    // A stopping broker keeps nobody waiting.
    raw.send(&fetch(2).with_max_wait_ms(200_000).with_min_bytes(1), 12).await;
    tokio::time::timeout(TIMEOUT, broker.stop()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_keeps_to_its_limits_in_whole_batches() {
    let (_broker, mut raw) = with_topic().await;
    let one = batch(-1, -1, -1, &["a value of some length"]);
    for _ in 0..10 {
        raw.produce("t", one.clone()).await;
    }
    let length = async |raw: &mut Raw, request: &FetchRequest| {
        raw.call(request, 12).await.responses[0].partitions[0].records.as_ref().unwrap().len()
    };
    let three = one.len() as i32 * 3 + 10;
    assert_eq!(length(&mut raw, &fetch(4).with_max_bytes(three)).await, 3 * one.len());
    let mut partition = fetch(4);
    partition.topics[0].partitions[0].partition_max_bytes = three;
    assert_eq!(length(&mut raw, &partition).await, 3 * one.len());
    assert_eq!(length(&mut raw, &fetch(4).with_max_bytes(1)).await, one.len(), "at least one");
    assert_eq!(length(&mut raw, &fetch(8)).await, 2 * one.len());
}
