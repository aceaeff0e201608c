//! Producing and fetching as any client would, through rdkafka.

#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use rdkafka::{
    Message, Offset, Timestamp, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    message::{Header, Headers, OwnedHeaders},
    producer::FutureRecord,
};
use support::{TIMEOUT, TestBroker, eventually, send_all, take, values};

#[tokio::test(flavor = "multi_thread")]
async fn many_messages_come_back_in_order() {
    let broker = TestBroker::start().await;
    let line = |i: usize| {
        format!(r#"{{"InvoiceNo":"{i}","StockCode":"85123A","Quantity":6,"UnitPrice":2.55}}"#)
    };
    let count = 200_000;
    send_all(broker.broker.address(), "lines", (0..count).map(line));
    let back = values(&broker.reader("lines", 0, 0), count);
    assert!(back.iter().enumerate().all(|(i, value)| *value == line(i)));
    assert_eq!(broker.watermarks("lines", 0), (0, count as i64));
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_headers_nulls_and_timestamps_are_kept() {
    let broker = TestBroker::start().await;
    let producer = broker.future_producer();
    let headers = OwnedHeaders::new()
        .insert(Header { key: "source", value: Some("retail.csv") })
        .insert(Header { key: "line", value: Some(&42_u64.to_be_bytes()) })
        .insert(Header::<&str> { key: "none", value: None });
    let record =
        FutureRecord::to("lines").key("536365").payload("{}").headers(headers).timestamp(1234);
    producer.send(record, TIMEOUT).await.unwrap();
    producer.send(FutureRecord::<str, str>::to("lines"), TIMEOUT).await.unwrap();
    let consumer = broker.reader("lines", 0, 0);
    let got = take(&consumer, 2, |message| message.detach());
    assert_eq!(got[0].key(), Some(&b"536365"[..]));
    assert_eq!(got[0].timestamp(), Timestamp::CreateTime(1234));
    let headers = got[0].headers().unwrap();
    assert_eq!(headers.count(), 3);
    assert_eq!(headers.get(0).value, Some(&b"retail.csv"[..]));
    assert_eq!(headers.get(1).value, Some(&42_u64.to_be_bytes()[..]));
    assert_eq!(headers.get(2).value, None);
    assert_eq!((got[1].key(), got[1].payload()), (None, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_compression_is_kept_as_it_came() {
    let broker = TestBroker::start().await;
    for compression in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let producer: rdkafka::producer::FutureProducer = broker
            .client()
            .set("compression.type", compression)
            .set("linger.ms", "20")
            .create()
            .unwrap();
        let text = compression.repeat(200);
        let sent = (0..20).map(|_| {
            producer.send_result(FutureRecord::<str, str>::to(compression).payload(&text)).unwrap()
        });
        for sent in sent.collect::<Vec<_>>() {
            sent.await.unwrap().unwrap();
        }
        assert_eq!(values(&broker.reader(compression, 0, 0), 20), vec![text; 20]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_consumer_gets_a_message_sent_later_without_asking_again_and_again() {
    let broker = TestBroker::start().await;
    broker.create_topic("quiet", 1).await;
    let fetches = Fetches::default();
    let count = Arc::clone(&fetches.0);
    let consumer: BaseConsumer<Fetches> = broker
        .client()
        .set("group.id", "waiting")
        .set("fetch.wait.max.ms", "20000")
        .set("statistics.interval.ms", "50")
        .create_with_context(fetches)
        .unwrap();
    let mut list = TopicPartitionList::new();
    list.add_partition_offset("quiet", 0, Offset::Offset(0)).unwrap();
    consumer.assign(&list).unwrap();
    let producer = broker.future_producer();
    // Waits until the first fetch is under way, and then some more.
    while count.load(Relaxed) == 0 {
        assert!(consumer.poll(Duration::from_millis(50)).is_none());
    }
    assert!(consumer.poll(Duration::from_millis(500)).is_none());
    assert!(count.load(Relaxed) <= 2, "{} fetches for nothing", count.load(Relaxed));
    let started = Instant::now();
    producer.send(FutureRecord::<str, str>::to("quiet").payload("now"), TIMEOUT).await.unwrap();
    let message = consumer.poll(TIMEOUT).unwrap().unwrap().detach();
    assert_eq!(message.payload(), Some(&b"now"[..]));
    assert!(started.elapsed() < Duration::from_secs(20), "it came only when the wait was over");
}

/// How many fetches a consumer has sent.
#[derive(Default)]
struct Fetches(Arc<AtomicI64>);

impl rdkafka::ClientContext for Fetches {
    fn stats(&self, statistics: rdkafka::Statistics) {
        let sent = statistics.brokers.values().filter_map(|broker| broker.req.get("Fetch")).sum();
        self.0.store(sent, Relaxed);
    }
}

impl rdkafka::consumer::ConsumerContext for Fetches {}

#[tokio::test(flavor = "multi_thread")]
async fn offsets_are_found_by_timestamp() {
    let broker = TestBroker::start().await;
    for compression in ["none", "gzip", "lz4", "zstd"] {
        let producer: rdkafka::producer::FutureProducer = broker
            .client()
            .set("compression.type", compression)
            .set("linger.ms", "50")
            .set("batch.num.messages", "100")
            .create()
            .unwrap();
        let payload = "x".repeat(50);
        let sent = (0..1000).map(|i| {
            let record = FutureRecord::<str, str>::to(compression).payload(&payload);
            producer.send_result(record.timestamp(10_000 + i * 10)).unwrap()
        });
        for sent in sent.collect::<Vec<_>>() {
            sent.await.unwrap().unwrap();
        }
        let consumer: BaseConsumer = broker.client().set("group.id", "t").create().unwrap();
        let at = |timestamp| {
            let mut list = TopicPartitionList::new();
            list.add_partition_offset(compression, 0, Offset::Offset(timestamp)).unwrap();
            let found = consumer.offsets_for_times(list, TIMEOUT).unwrap();
            found.elements()[0].offset()
        };
        for (timestamp, offset) in
            [(0, 0), (10_000, 0), (10_001, 1), (10_010, 1), (14_995, 500), (19_990, 999)]
        {
            assert_eq!(at(timestamp), Offset::Offset(offset), "{compression} at {timestamp}");
        }
        assert_eq!(at(19_991), Offset::End, "{compression}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn small_fetches_still_get_whole_batches() {
    let broker = TestBroker::with(|config| config.segment_bytes = 20_000).await;
    let big = "b".repeat(30_000);
    let sent: Vec<String> =
        (0..50).map(|i| if i % 10 == 5 { big.clone() } else { format!("small {i}") }).collect();
    let producer = broker.future_producer();
    for value in &sent {
        producer.send(FutureRecord::<str, str>::to("t").payload(value), TIMEOUT).await.unwrap();
    }
    let consumer: BaseConsumer = broker
        .client()
        .set("group.id", "small")
        .set("fetch.message.max.bytes", "100")
        .set("fetch.max.bytes", "1000")
        .set("message.max.bytes", "1000")
        .create()
        .unwrap();
    let mut list = TopicPartitionList::new();
    list.add_partition_offset("t", 0, Offset::Beginning).unwrap();
    consumer.assign(&list).unwrap();
    assert_eq!(values(&consumer, 50), sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledgement_by_the_leader_alone_is_enough_to_be_read_soon() {
    let broker = TestBroker::start().await;
    let producer: rdkafka::producer::FutureProducer =
        broker.client().set("acks", "1").create().unwrap();
    producer.send(FutureRecord::<str, str>::to("t").payload("one"), TIMEOUT).await.unwrap();
    let producer: rdkafka::producer::FutureProducer =
        broker.client().set("acks", "0").create().unwrap();
    producer.send(FutureRecord::<str, str>::to("t").payload("two"), TIMEOUT).await.unwrap();
    assert_eq!(values(&broker.reader("t", 0, 0), 2), ["one", "two"]);
    eventually("the end is known", || async { broker.watermarks("t", 0) == (0, 2) }).await;
}
