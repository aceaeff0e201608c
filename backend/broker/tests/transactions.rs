//! Transactions, as rdkafka and as a raw client see them.
//!
//! The same tests hold for Apache Kafka: with `TILLSTREAM_TEST_KAFKA=HOST:PORT` those that need no
//! broker of their own run against the one there (`script/kafka start`).

#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use bytes::Bytes;
use kafka_protocol::{
    ResponseError,
    messages::{
        AddOffsetsToTxnRequest, AddPartitionsToTxnRequest, BrokerId, EndTxnRequest, FetchRequest,
        FindCoordinatorRequest, GroupId, InitProducerIdRequest, ListOffsetsRequest,
        OffsetFetchRequest, ProducerId, TransactionalId, TxnOffsetCommitRequest,
        add_partitions_to_txn_request::AddPartitionsToTxnTopic,
        fetch_response::PartitionData,
        list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic},
        offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopics},
        txn_offset_commit_request::{TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic},
    },
    protocol::{Request, StrBytes},
};
use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    producer::Producer,
    types::RDKafkaErrorCode,
};
use support::{
    TIMEOUT, TestBroker, client, eventually,
    raw::{Raw, fetch_from, name, produce_request, transactional_batch},
    transactional::{abort, commit, committed, send, started, uncommitted},
};

/// A broker to test, and names that nobody else uses on it.
struct Target {
    address: SocketAddr,
    own: Option<TestBroker>,
    /// Topic, transactional id and group.
    name: String,
}

impl Target {
    async fn start() -> Self {
        let (address, own) = match std::env::var("TILLSTREAM_TEST_KAFKA") {
            Ok(address) => (address.parse().unwrap(), None),
            Err(_) => {
                let broker = TestBroker::start().await;
                (broker.broker.address(), Some(broker))
            }
        };
        let name = format!("tx-{}", uuid::Uuid::new_v4().simple());
        let target = Self { address, own, name };
        let admin: AdminClient<DefaultClientContext> = target.client().create().unwrap();
        let topic = NewTopic::new(&target.name, 1, TopicReplication::Fixed(1));
        let created = admin.create_topics([&topic], &AdminOptions::new()).await.unwrap();
        created.into_iter().next().unwrap().unwrap();
        target
    }

    /// Restarts the broker where it is the test's own.
    async fn restart(self) -> Self {
        match self.own {
            None => self,
            Some(broker) => {
                let broker = broker.restart().await;
                Self { address: broker.broker.address(), own: Some(broker), name: self.name }
            }
        }
    }

    fn client(&self) -> ClientConfig {
        client(self.address)
    }

    async fn raw(&self) -> RawProducer {
        let raw = Raw::connect(self.address).await;
        let mut raw = RawProducer { raw, name: self.name.clone(), id: -1, epoch: -1, sequence: 0 };
        eventually("the coordinator is there", async || raw.find_coordinator().await == 0).await;
        raw
    }
}

/// A transactional producer that sends what it is told, right or wrong.
struct RawProducer {
    raw: Raw,
    name: String,
    id: i64,
    epoch: i16,
    sequence: i32,
}

fn code(error: ResponseError) -> i16 {
    error.code()
}

impl RawProducer {
    fn text(&self) -> StrBytes {
        StrBytes::from_string(self.name.clone())
    }

    fn transactional_id(&self) -> TransactionalId {
        TransactionalId(self.text())
    }

    async fn find_coordinator(&mut self) -> i16 {
        let keys = vec![self.text()];
        let find = FindCoordinatorRequest::default().with_key_type(1).with_coordinator_keys(keys);
        self.raw.call(&find, 4).await.coordinators[0].error_code
    }

    /// Calls again as long as the coordinator is not ready or has another request under way.
    async fn call<Q: Request>(
        &mut self,
        request: Q,
        version: i16,
        error: impl Fn(&Q::Response) -> i16,
    ) -> Q::Response {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            let answer = self.raw.call(&request, version).await;
            let retriable = [
                ResponseError::CoordinatorLoadInProgress,
                ResponseError::NotCoordinator,
                ResponseError::ConcurrentTransactions,
            ];
            if !retriable.map(code).contains(&error(&answer)) {
                return answer;
            }
            assert!(Instant::now() < deadline, "never ready: {}", error(&answer));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn init_with(&mut self, claimed: (i64, i16), timeout_ms: i32) -> i16 {
        let init = InitProducerIdRequest::default()
            .with_transactional_id(Some(self.transactional_id()))
            .with_transaction_timeout_ms(timeout_ms)
            .with_producer_id(ProducerId(claimed.0))
            .with_producer_epoch(claimed.1);
        let answer = self.call(init, 4, |answer| answer.error_code).await;
        if answer.error_code == 0 {
            (self.id, self.epoch) = (answer.producer_id.0, answer.producer_epoch);
            self.sequence = 0;
        }
        answer.error_code
    }

    async fn init(&mut self) -> i16 {
        self.init_with((-1, -1), 60_000).await
    }

    async fn add_partition(&mut self) -> i16 {
        self.add_partitions(&[0]).await[0]
    }

    /// The errors in the order of the partitions.
    async fn add_partitions(&mut self, partitions: &[i32]) -> Vec<i16> {
        let topic = AddPartitionsToTxnTopic::default()
            .with_name(name(&self.name))
            .with_partitions(partitions.to_vec());
        let add = AddPartitionsToTxnRequest::default()
            .with_v3_and_below_transactional_id(self.transactional_id())
            .with_v3_and_below_producer_id(ProducerId(self.id))
            .with_v3_and_below_producer_epoch(self.epoch)
            .with_v3_and_below_topics(vec![topic]);
        let answer = self.call(add, 3, |answer| {
            answer.results_by_topic_v3_and_below[0].results_by_partition[0].partition_error_code
        });
        let mut answer = answer.await;
        let results = &mut answer.results_by_topic_v3_and_below[0].results_by_partition;
        results.sort_by_key(|result| result.partition_index);
        results.iter().map(|result| result.partition_error_code).collect()
    }

    async fn produce_as(&mut self, version: i16, batch: Bytes) -> i16 {
        let request =
            produce_request(&self.name, batch).with_transactional_id(Some(self.transactional_id()));
        let answer = self.raw.call(&request, version).await;
        answer.responses[0].partition_responses[0].error_code
    }

    /// Sends one record.
    async fn produce(&mut self, value: &str) -> i16 {
        let batch = transactional_batch(self.id, self.epoch, self.sequence, &[value]);
        let error = self.produce_as(9, batch).await;
        if error == 0 {
            self.sequence += 1;
        }
        error
    }

    async fn end(&mut self, committed: bool) -> i16 {
        let end = EndTxnRequest::default()
            .with_transactional_id(self.transactional_id())
            .with_producer_id(ProducerId(self.id))
            .with_producer_epoch(self.epoch)
            .with_committed(committed);
        self.call(end, 3, |answer| answer.error_code).await.error_code
    }

    async fn add_group(&mut self) -> i16 {
        let add = AddOffsetsToTxnRequest::default()
            .with_transactional_id(self.transactional_id())
            .with_producer_id(ProducerId(self.id))
            .with_producer_epoch(self.epoch)
            .with_group_id(GroupId(self.text()));
        self.call(add, 3, |answer| answer.error_code).await.error_code
    }

    async fn commit_offset(&mut self, offset: i64) -> i16 {
        self.commit_offset_as("", -1, offset).await
    }

    async fn commit_offset_as(&mut self, member: &str, generation: i32, offset: i64) -> i16 {
        let partition = TxnOffsetCommitRequestPartition::default().with_committed_offset(offset);
        let topic = TxnOffsetCommitRequestTopic::default()
            .with_name(name(&self.name))
            .with_partitions(vec![partition]);
        let commit = TxnOffsetCommitRequest::default()
            .with_transactional_id(self.transactional_id())
            .with_producer_id(ProducerId(self.id))
            .with_producer_epoch(self.epoch)
            .with_group_id(GroupId(self.text()))
            .with_generation_id(generation)
            .with_member_id(StrBytes::from_string(member.to_owned()))
            .with_topics(vec![topic]);
        let answer = self.raw.call(&commit, 3).await;
        answer.topics[0].partitions[0].error_code
    }

    /// The group's offset and the error.
    async fn group_offset(&mut self, stable: bool) -> (i64, i16) {
        let topic = OffsetFetchRequestTopics::default()
            .with_name(name(&self.name))
            .with_partition_indexes(vec![0]);
        let group = OffsetFetchRequestGroup::default()
            .with_group_id(GroupId(self.text()))
            .with_topics(Some(vec![topic]));
        let fetch =
            OffsetFetchRequest::default().with_groups(vec![group]).with_require_stable(stable);
        let answer = self.raw.call(&fetch, 8).await;
        let partition = &answer.groups[0].topics[0].partitions[0];
        (partition.committed_offset, partition.error_code)
    }

    async fn fetch(&mut self, offset: i64, isolation: i8) -> PartitionData {
        let request = fetch_from(&[(&self.name, offset)]);
        let request = request.with_isolation_level(isolation).with_max_wait_ms(0);
        self.raw.call::<FetchRequest>(&request, 12).await.responses[0].partitions[0].clone()
    }

    /// Everything that there is; a response need not hold it all.
    async fn fetch_all(&mut self, isolation: i8) -> Vec<u8> {
        let end = self.latest(isolation).await;
        let (mut offset, mut all) = (0, Vec::new());
        while offset < end {
            let records = self.fetch(offset, isolation).await.records.unwrap();
            assert!(!records.is_empty(), "nothing at {offset}");
            for batch in batches(&records) {
                offset = i64::from_be_bytes(batch[..8].try_into().unwrap())
                    + i64::from(i32::from_be_bytes(batch[23..27].try_into().unwrap()))
                    + 1;
            }
            all.extend_from_slice(&records);
        }
        all
    }

    async fn latest(&mut self, isolation: i8) -> i64 {
        self.list(-1, isolation).await
    }

    /// The offset for a timestamp, or for one of Kafka's numbers below 0.
    async fn list(&mut self, timestamp: i64, isolation: i8) -> i64 {
        let partition = ListOffsetsPartition::default().with_timestamp(timestamp);
        let topic = ListOffsetsTopic::default()
            .with_name(name(&self.name))
            .with_partitions(vec![partition]);
        let list = ListOffsetsRequest::default()
            .with_replica_id(BrokerId(-1))
            .with_isolation_level(isolation)
            .with_topics(vec![topic]);
        self.raw.call(&list, 5).await.topics[0].partitions[0].offset
    }
}

const UNCOMMITTED: i8 = 0;
const COMMITTED: i8 = 1;

#[tokio::test(flavor = "multi_thread")]
async fn only_committed_records_are_seen_by_those_who_ask_for_them() {
    let target = Target::start().await;
    let (client, topic) = (target.client(), &target.name);
    let producer = started(&client, topic);
    commit(&producer, topic, &["a", "b"]);
    abort(&producer, topic, &["c"]);
    commit(&producer, topic, &["d"]);
    producer.begin_transaction().unwrap();
    send(&producer, topic, &["e"]);
    assert_eq!(committed(&client, topic), ["a", "b", "d"]);
    assert_eq!(uncommitted(&client, topic), ["a", "b", "c", "d", "e"]);
    producer.commit_transaction(TIMEOUT).unwrap();
    assert_eq!(committed(&client, topic), ["a", "b", "d", "e"]);

    let target = target.restart().await;
    let (client, topic) = (target.client(), &target.name);
    assert_eq!(committed(&client, topic), ["a", "b", "d", "e"]);
    assert_eq!(uncommitted(&client, topic), ["a", "b", "c", "d", "e"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_producer_shuts_out_the_first_and_aborts_what_it_left() {
    let target = Target::start().await;
    let (client, topic) = (target.client(), &target.name);
    let first = started(&client, topic);
    first.begin_transaction().unwrap();
    send(&first, topic, &["lost"]);
    let second = started(&client, topic);
    commit(&second, topic, &["kept"]);
    let error = first.commit_transaction(TIMEOUT).unwrap_err();
    let KafkaError::Transaction(error) = error else { panic!("{error}") };
    assert!(error.is_fatal(), "{error}");
    assert_eq!(error.code(), RDKafkaErrorCode::Fenced);
    assert_eq!(committed(&client, topic), ["kept"]);
    commit(&second, topic, &["more"]);
    assert_eq!(committed(&client, topic), ["kept", "more"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn offsets_are_committed_with_the_records_that_were_made_of_them() {
    let target = Target::start().await;
    let (client, topic) = (target.client(), &target.name);
    let output = format!("{topic}-out");
    let producer = started(&client, topic);
    commit(&producer, topic, &["1", "2", "3", "4"]);
    let consumer: BaseConsumer = client
        .clone()
        .set("group.id", topic)
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "earliest")
        .set("isolation.level", "read_committed")
        .create()
        .unwrap();
    consumer.subscribe(&[topic]).unwrap();
    let values = support::values(&consumer, 4);
    let stored = || {
        let mut asked = TopicPartitionList::new();
        asked.add_partition(topic, 0);
        let committed = consumer.committed_offsets(asked, TIMEOUT).unwrap();
        committed.find_partition(topic, 0).unwrap().offset()
    };
    let mut offsets = TopicPartitionList::new();
    offsets.add_partition_offset(topic, 0, Offset::Offset(4)).unwrap();
    let metadata = consumer.group_metadata().unwrap();
    for (keep, expected) in [(false, Offset::Invalid), (true, Offset::Offset(4))] {
        producer.begin_transaction().unwrap();
        let doubled = values.iter().map(|value| format!("{value}{value}")).collect::<Vec<_>>();
        let doubled: Vec<&str> = doubled.iter().map(String::as_str).collect();
        send(&producer, &output, &doubled);
        producer.send_offsets_to_transaction(&offsets, &metadata, TIMEOUT).unwrap();
        if keep {
            producer.commit_transaction(TIMEOUT).unwrap();
        } else {
            producer.abort_transaction(TIMEOUT).unwrap();
        }
        assert_eq!(stored(), expected);
    }
    assert_eq!(committed(&client, &output), ["11", "22", "33", "44"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_step_is_answered_as_apache_kafka_does() {
    let target = Target::start().await;
    let mut raw = target.raw().await;
    let none = 0;
    let invalid = code(ResponseError::InvalidTxnState);
    let mapping = code(ResponseError::InvalidProducerIdMapping);

    // Nothing is known of the id.
    (raw.id, raw.epoch) = (4711, 0);
    assert_eq!(raw.add_partition().await, mapping);
    assert_eq!(raw.end(true).await, mapping);
    let timeout = code(ResponseError::InvalidTransactionTimeout);
    assert_eq!(raw.init_with((-1, -1), 0).await, timeout);
    assert_eq!(raw.init_with((-1, -1), 15 * 60 * 1000 + 1).await, timeout);

    assert_eq!(raw.init().await, none);
    assert_eq!(raw.epoch, 0);
    let id = raw.id;
    assert_eq!(raw.end(true).await, invalid, "no transaction");
    let outside = transactional_batch(raw.id, 0, 0, &["x"]);
    assert_eq!(raw.produce_as(10, outside.clone()).await, invalid, "not a part of it");
    let abortable = code(ResponseError::TransactionAbortable);
    assert_eq!(raw.produce_as(11, outside).await, abortable, "a newer client is told otherwise");
    let unknown = code(ResponseError::UnknownTopicOrPartition);
    let not_attempted = code(ResponseError::OperationNotAttempted);
    assert_eq!(raw.add_partitions(&[0, 9]).await, [not_attempted, unknown]);

    // One is aborted.
    assert_eq!(raw.add_partition().await, none);
    assert_eq!(raw.produce("aborted").await, none);
    assert_eq!(raw.produce("aborted too").await, none);
    assert_eq!(raw.latest(UNCOMMITTED).await, 2);
    assert_eq!(raw.latest(COMMITTED).await, 0);
    for (timestamp, uncommitted, committed) in [(-2, 0, 0), (1, 0, -1)] {
        assert_eq!(raw.list(timestamp, UNCOMMITTED).await, uncommitted, "{timestamp}");
        assert_eq!(raw.list(timestamp, COMMITTED).await, committed, "{timestamp}");
    }
    let open = raw.fetch(0, COMMITTED).await;
    assert_eq!((open.high_watermark, open.last_stable_offset), (2, 0));
    assert!(open.records.unwrap_or_default().is_empty());
    assert_eq!(raw.fetch(0, UNCOMMITTED).await.last_stable_offset, 0);
    assert_eq!(raw.end(false).await, none);
    assert_eq!(raw.end(false).await, none, "once more");
    assert_eq!(raw.end(true).await, invalid, "it is aborted");
    eventually("the marker is there", async || raw.latest(COMMITTED).await == 3).await;

    // One is committed; its first record is where the aborted one has ended.
    assert_eq!(raw.add_partition().await, none);
    assert_eq!(raw.produce("committed").await, none);
    assert_eq!(raw.end(true).await, none);
    assert_eq!(raw.end(true).await, none, "once more");
    eventually("the marker is there", async || raw.latest(COMMITTED).await == 5).await;

    let aborted = |data: &PartitionData| {
        let aborted = data
            .aborted_transactions
            .clone()
            .map(|all| all.iter().map(|a| (a.producer_id.0, a.first_offset)).collect::<Vec<_>>());
        aborted.unwrap_or_default()
    };
    let all = raw.fetch(0, COMMITTED).await;
    assert_eq!((all.high_watermark, all.last_stable_offset), (5, 5));
    assert_eq!(aborted(&all), [(id, 0)]);
    let records = raw.fetch_all(COMMITTED).await;
    assert_eq!(markers(&records, id), [(2, marker("00000000")), (4, marker("00000001"))]);
    assert_eq!(aborted(&raw.fetch(3, COMMITTED).await), []);
    let plain = raw.fetch(0, UNCOMMITTED).await;
    assert_eq!(plain.aborted_transactions, None);
    assert_eq!(raw.fetch_all(UNCOMMITTED).await, records);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_producer_gets_a_higher_epoch_and_the_older_ones_are_refused() {
    let target = Target::start().await;
    let (mut old, mut new) = (target.raw().await, target.raw().await);
    assert_eq!(old.init().await, 0);
    assert_eq!(old.add_partition().await, 0);
    assert_eq!(old.produce("aborted").await, 0);
    assert_eq!(new.init().await, 0);
    // One epoch to shut the old one out, one for the new one.
    assert_eq!((new.id, new.epoch), (old.id, 2));
    let fenced = code(ResponseError::ProducerFenced);
    assert_eq!(old.end(true).await, fenced);
    assert_eq!(old.add_partition().await, fenced);
    assert_eq!(old.add_group().await, fenced);
    assert_eq!(old.init_with((old.id, old.epoch), 60_000).await, fenced);
    let epoch = code(ResponseError::InvalidProducerEpoch);
    assert_eq!(old.produce("late").await, epoch);
    assert_eq!(new.add_partition().await, 0);
    assert_eq!(old.produce("late").await, epoch);
    assert_eq!(new.produce("committed").await, 0);
    assert_eq!(new.end(true).await, 0);
    eventually("the marker is there", async || new.latest(COMMITTED).await == 4).await;

    // A producer that names itself goes on with the next epoch, and asking again changes nothing.
    let claimed = (new.id, new.epoch);
    for _ in 0..2 {
        assert_eq!(new.init_with(claimed, 60_000).await, 0);
        assert_eq!((new.id, new.epoch), (claimed.0, 3));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn offsets_in_a_transaction_are_held_back_until_it_ends() {
    let target = Target::start().await;
    let mut raw = target.raw().await;
    assert_eq!(raw.init().await, 0);
    assert_eq!(raw.add_group().await, 0);
    let nobody = raw.commit_offset_as("nobody", 1, 5).await;
    assert_eq!(nobody, code(ResponseError::IllegalGeneration), "there is no such group");
    for (offset, keep, expected) in [(5, false, -1), (6, true, 6), (7, false, 6)] {
        assert_eq!(raw.add_group().await, 0);
        assert_eq!(raw.commit_offset(offset).await, 0);
        let unstable = code(ResponseError::UnstableOffsetCommit);
        assert_eq!(raw.group_offset(true).await.1, unstable);
        let before = if offset == 7 { 6 } else { -1 };
        assert_eq!(raw.group_offset(false).await, (before, 0));
        assert_eq!(raw.end(keep).await, 0);
        eventually("it has ended", async || raw.group_offset(true).await == (expected, 0)).await;
    }
    assert_eq!(raw.add_group().await, 0);
    let nobody = raw.commit_offset_as("nobody", 1, 5).await;
    assert_eq!(nobody, code(ResponseError::UnknownMemberId), "there is no such member");
    assert_eq!(raw.end(true).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_open_for_too_long_is_aborted() {
    let target = Target::start().await;
    let mut raw = target.raw().await;
    assert_eq!(raw.init_with((-1, -1), 3000).await, 0);
    assert_eq!(raw.add_partition().await, 0);
    assert_eq!(raw.produce("forgotten").await, 0);
    assert_eq!(raw.latest(COMMITTED).await, 0);
    eventually("it is aborted", async || raw.latest(COMMITTED).await == 2).await;
    assert_eq!(committed(&target.client(), &target.name), [""; 0]);
    assert_eq!(raw.end(true).await, code(ResponseError::ProducerFenced));
    assert_eq!(raw.produce("late").await, code(ResponseError::InvalidProducerEpoch));
    let mut next = target.raw().await;
    assert_eq!(next.init().await, 0);
    assert_eq!(next.epoch, 2, "one was spent on the abort");
}

/// What Apache Kafka 4.1 writes, in hexadecimal, behind the offset: length, leader epoch, magic byte,
/// checksum (blank), attributes and last offset delta; timestamps (blank); producer id (blank), epoch
/// and sequence; the number of records, and the one record with the given key.
fn marker(key: &str) -> String {
    [
        "00000042",
        "00000000",
        "02",
        "00000000",
        "0030",
        "00000000",
        &"0".repeat(32),
        &"0".repeat(16),
        "0000",
        "ffffffff",
        "00000001",
        "2000000008",
        key,
        "0c",
        "000000000000",
        "00",
    ]
    .concat()
}

/// The batches one by one.
fn batches(mut records: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let length = records.get(8..12)?;
        let size = 12 + u32::from_be_bytes(length.try_into().unwrap()) as usize;
        let (batch, rest) = records.split_at(size);
        records = rest;
        Some(batch)
    })
}

/// Offset and bytes of the control batches, as [`marker`] has them; all of them of that producer.
fn markers(records: &[u8], producer: i64) -> Vec<(i64, String)> {
    let mut found = Vec::new();
    for batch in batches(records) {
        if batch[22] & 0x20 == 0 {
            continue;
        }
        assert_eq!(batch[17..21], crc32c::crc32c(&batch[21..]).to_be_bytes());
        assert_eq!(batch[43..51], producer.to_be_bytes());
        assert_eq!(batch[27..35], batch[35..43], "one record, one timestamp");
        let mut bytes = batch.to_vec();
        for blank in [17..21, 27..43, 43..51] {
            bytes[blank].fill(0);
        }
        let hex = bytes[8..].iter().map(|byte| format!("{byte:02x}")).collect();
        found.push((i64::from_be_bytes(batch[..8].try_into().unwrap()), hex));
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_only_the_log_knows_is_aborted_at_the_start() {
    let broker = TestBroker::start().await;
    let client = broker.client();
    let producer = started(&client, "tx");
    commit(&producer, "t", &["kept"]);
    producer.begin_transaction().unwrap();
    send(&producer, "t", &["lost"]);
    let dir = broker.stop().await;
    std::fs::remove_dir_all(dir.path().join("transactions")).unwrap();
    let broker = TestBroker::reopen(dir, |_| {}).await;
    let client = broker.client();
    let later = broker.future_producer();
    let record = rdkafka::producer::FutureRecord::<str, str>::to("t").payload("later");
    later.send(record, TIMEOUT).await.unwrap();
    assert_eq!(committed(&client, "t"), ["kept", "later"]);
    assert_eq!(uncommitted(&client, "t"), ["kept", "lost", "later"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unused_transactional_id_is_forgotten() {
    let broker = TestBroker::with(|config| {
        config.retention_interval = Duration::from_millis(20);
        config.transactional_id_retention = Duration::ZERO;
    })
    .await;
    broker.create_topic("tx", 1).await;
    let (address, name) = (broker.broker.address(), "tx".to_owned());
    let target = Target { address, own: None, name };
    let mut raw = target.raw().await;
    assert_eq!(raw.init().await, 0);
    let first = raw.id;
    let files = || std::fs::read_dir(broker.dir.path().join("transactions")).unwrap().count();
    eventually("it is forgotten", async || files() == 0).await;
    assert_eq!(raw.add_partition().await, code(ResponseError::InvalidProducerIdMapping));
    let mut again = target.raw().await;
    assert_eq!(again.init().await, 0);
    assert_eq!(again.epoch, 0);
    assert_ne!(again.id, first);
}
