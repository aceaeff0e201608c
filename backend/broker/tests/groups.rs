//! Consumer groups through rdkafka: members that come and go, offsets that stay.

#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use kafka_protocol::{
    messages::{
        GroupId, JoinGroupRequest, ListGroupsRequest, OffsetCommitRequest,
        join_group_request::JoinGroupRequestProtocol,
        offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic},
    },
    protocol::StrBytes,
};
use rdkafka::{
    Message, Offset, TopicPartitionList,
    admin::AdminOptions,
    consumer::{BaseConsumer, CommitMode, Consumer, StreamConsumer},
    producer::{FutureProducer, FutureRecord},
    types::RDKafkaErrorCode,
};
use support::{
    TIMEOUT, TestBroker, eventually, group_member, modern_group_member,
    raw::{Raw, name},
};
use tillstream_broker::BrokerConfig;
use tokio::task::JoinHandle;

type Seen = Arc<Mutex<Vec<String>>>;

/// A member that reads and commits until it leaves.
struct Reader {
    consumer: Arc<StreamConsumer>,
    reading: JoinHandle<()>,
}

impl Reader {
    fn join(broker: &TestBroker, group: &str, seen: &Seen) -> Self {
        Self::read(group_member(broker.broker.address(), group, "t"), seen)
    }

    fn read(consumer: StreamConsumer, seen: &Seen) -> Self {
        let consumer = Arc::new(consumer);
        let (own, seen) = (Arc::clone(&consumer), Arc::clone(seen));
        let reading = tokio::spawn(async move {
            loop {
                let message = own.recv().await.unwrap();
                let value = String::from_utf8(message.payload().unwrap().to_vec()).unwrap();
                seen.lock().unwrap().push(value);
                // Refused while the group is rebalanced; then the next commit covers it.
                drop(own.commit_message(&message, CommitMode::Async));
            }
        });
        Self { consumer, reading }
    }

    fn assigned(&self) -> BTreeSet<i32> {
        let assignment = self.consumer.assignment().unwrap();
        assignment.elements().iter().map(|element| element.partition()).collect()
    }

    /// Leaves the group properly. To be called while the broker runs: closing the client waits for
    /// the broker's answers, for ever if there is no broker.
    async fn leave(self) {
        self.reading.abort();
        assert!(self.reading.await.unwrap_err().is_cancelled());
        tokio::task::spawn_blocking(move || drop(self.consumer)).await.unwrap();
    }
}

async fn send(producer: &FutureProducer, values: std::ops::Range<usize>) {
    for i in values {
        let (key, value) = (i.to_string(), format!("message {i}"));
        let record = FutureRecord::to("t").key(&key).payload(&value);
        producer.send(record, TIMEOUT).await.unwrap();
    }
}

fn all_seen(seen: &Seen, count: usize) -> bool {
    let distinct: BTreeSet<String> = seen.lock().unwrap().iter().cloned().collect();
    distinct.len() == count
}

#[tokio::test(flavor = "multi_thread")]
async fn two_members_share_take_over_and_lose_nothing() {
    share_and_take_over(group_member).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_members_of_the_consumer_protocol_lose_nothing_either() {
    share_and_take_over(modern_group_member).await;
}

async fn share_and_take_over(member: fn(SocketAddr, &str, &str) -> StreamConsumer) {
    let often =
        |config: &mut BrokerConfig| config.group_heartbeat_interval = Duration::from_millis(200);
    let broker = TestBroker::with(often).await;
    let join = |seen: &Seen| Reader::read(member(broker.broker.address(), "g", "t"), seen);
    broker.create_topic("t", 4).await;
    let producer = broker.future_producer();
    let seen = Seen::default();

    let first = join(&seen);
    eventually("the first has all", || async { first.assigned().len() == 4 }).await;
    send(&producer, 0..50).await;

    let second = join(&seen);
    eventually("both have two", || async {
        first.assigned().len() == 2 && second.assigned().len() == 2
    })
    .await;
    assert!(first.assigned().is_disjoint(&second.assigned()));
    send(&producer, 50..100).await;
    eventually("all messages are seen", || async { all_seen(&seen, 100) }).await;

    first.leave().await;
    eventually("the second has all", || async { second.assigned().len() == 4 }).await;
    send(&producer, 100..150).await;
    eventually("nothing is lost", || async { all_seen(&seen, 150) }).await;

    let third = join(&seen);
    eventually("split again", || async { third.assigned().len() == 2 }).await;
    send(&producer, 150..200).await;
    eventually("nothing is lost again", || async { all_seen(&seen, 200) }).await;
    second.leave().await;
    third.leave().await;
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_dies_is_replaced_when_its_session_ends() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 2).await;
    // It joins by hand, and is never heard of again.
    let mut dead = Raw::connect(broker.broker.address()).await;
    let join = by_hand(&mut dead, 1000).await;
    let joined = dead.call(&join, 5).await;
    assert_eq!((joined.error_code, &joined.leader), (0, &joined.member_id));

    let living = Reader::join(&broker, "g", &Seen::default());
    eventually("the living has all", || async { living.assigned().len() == 2 }).await;
    living.leave().await;
}

/// A request to join group `g`, by a member that has been told its name.
async fn by_hand(raw: &mut Raw, session_timeout_ms: i32) -> JoinGroupRequest {
    let protocol = JoinGroupRequestProtocol::default()
        .with_name(StrBytes::from_static_str("range"))
        .with_metadata(subscription("t"));
    let join = JoinGroupRequest::default()
        .with_group_id(GroupId(StrBytes::from_static_str("g")))
        .with_session_timeout_ms(session_timeout_ms)
        .with_rebalance_timeout_ms(300_000)
        .with_protocol_type(StrBytes::from_static_str("consumer"))
        .with_protocols(vec![protocol]);
    let named = raw.call(&join, 5).await;
    assert_eq!(named.error_code, 79, "it must come back with its name");
    join.with_member_id(named.member_id)
}

/// A consumer's subscription to one topic, version 0.
fn subscription(topic: &str) -> bytes::Bytes {
    let mut bytes = vec![0, 0, 0, 0, 0, 1];
    bytes.extend((topic.len() as u16).to_be_bytes());
    bytes.extend(topic.as_bytes());
    bytes.extend([0xFF; 4]);
    bytes.into()
}

#[tokio::test(flavor = "multi_thread")]
async fn committed_offsets_survive_a_restart() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 2).await;
    let mut list = TopicPartitionList::new();
    list.add_partition_offset("t", 0, Offset::Offset(17)).unwrap();
    list.add_partition_offset("t", 1, Offset::Offset(4)).unwrap();
    let consumer = |broker: &TestBroker| -> BaseConsumer {
        broker.client().set("group.id", "a/strange group: ä").create().unwrap()
    };
    consumer(&broker).commit(&list, CommitMode::Sync).unwrap();
    let broker = broker.restart().await;
    let mut asked = TopicPartitionList::new();
    asked.add_partition("t", 0);
    asked.add_partition("t", 1);
    let got = consumer(&broker).committed_offsets(asked, TIMEOUT).unwrap();
    let offsets: Vec<Offset> = got.elements().iter().map(|e| e.offset()).collect();
    assert_eq!(offsets, [Offset::Offset(17), Offset::Offset(4)]);

    // A topic of the same name is another topic.
    let deleted = broker.admin().delete_topics(&["t"], &AdminOptions::new()).await.unwrap();
    deleted.into_iter().next().unwrap().unwrap();
    broker.create_topic("t", 1).await;
    let mut asked = TopicPartitionList::new();
    asked.add_partition("t", 0);
    let got = consumer(&broker).committed_offsets(asked, TIMEOUT).unwrap();
    assert_eq!(got.elements()[0].offset(), Offset::Invalid);
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_are_listed_and_described() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 1).await;
    let member = Reader::join(&broker, "listed", &Seen::default());
    eventually("it is stable", || async {
        let groups = member.consumer.fetch_group_list(None, TIMEOUT).unwrap();
        let found = groups.groups().iter().find(|group| group.name() == "listed");
        found.is_some_and(|group| {
            group.state() == "Stable"
                && group.protocol_type() == "consumer"
                && group.members().len() == 1
                && group.members()[0].client_id() == "rdkafka"
                && group.members()[0].assignment().is_some_and(|bytes| !bytes.is_empty())
        })
    })
    .await;
    member.leave().await;
}

/// A commit for partition 0 of topic `t` by a client that is no member.
fn commit_request(group: &'static str) -> OffsetCommitRequest {
    let partition = OffsetCommitRequestPartition::default().with_committed_offset(5);
    OffsetCommitRequest::default()
        .with_group_id(GroupId(StrBytes::from_static_str(group)))
        .with_topics(vec![
            OffsetCommitRequestTopic::default()
                .with_name(name("t"))
                .with_partitions(vec![partition]),
        ])
}

async fn groups(broker: &TestBroker) -> BTreeSet<String> {
    let mut raw = Raw::connect(broker.broker.address()).await;
    let listed = raw.call(&ListGroupsRequest::default(), 4).await.groups;
    listed.iter().map(|group| group.group_id.to_string()).collect()
}

/// How many groups have a file; one that is being replaced has another one for a moment.
fn group_files(broker: &TestBroker) -> usize {
    let files = std::fs::read_dir(broker.dir.path().join("groups")).unwrap();
    let paths = files.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "json")).count()
}

fn set<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.map(str::to_owned).into()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_without_members_ends_when_its_offsets_expire() {
    let often = |config: &mut BrokerConfig| config.retention_interval = Duration::from_millis(10);
    let broker = TestBroker::with(often).await;
    broker.create_topic("t", 1).await;
    send(&broker.future_producer(), 0..1).await;
    let member = Reader::join(&broker, "read", &Seen::default());
    eventually("it has committed", || async { group_files(&broker) == 1 }).await;
    member.leave().await;
    let mut raw = Raw::connect(broker.broker.address()).await;
    assert_eq!(raw.call(&commit_request("kept"), 8).await.topics[0].partitions[0].error_code, 0);
    // By default that takes 7 days.
    let broker = TestBroker::reopen(broker.stop().await, often).await;
    assert_eq!(groups(&broker).await, set(["kept", "read"]));

    let broker = TestBroker::reopen(broker.stop().await, |config| {
        config.offsets_retention = Duration::from_millis(1);
        often(config);
    })
    .await;
    eventually("both groups are gone", || async { groups(&broker).await.is_empty() }).await;
    assert_eq!(group_files(&broker), 0);
    let broker = broker.restart().await;
    assert_eq!(groups(&broker).await, set([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn members_keep_their_group_however_old_its_offsets_are() {
    let broker = TestBroker::with(|config| {
        config.offsets_retention = Duration::from_millis(100);
        config.retention_interval = Duration::from_millis(10);
    })
    .await;
    broker.create_topic("t", 1).await;
    send(&broker.future_producer(), 0..1).await;
    let member = Reader::join(&broker, "read", &Seen::default());
    eventually("it has committed", || async { group_files(&broker) == 1 }).await;
    let mut raw = Raw::connect(broker.broker.address()).await;
    // Three groups one after the other that were as old as the member's commit at least.
    for _ in 0..3 {
        let committed = raw.call(&commit_request("idle"), 8).await;
        assert_eq!(committed.topics[0].partitions[0].error_code, 0);
        eventually("the idle group is gone", || async { groups(&broker).await == set(["read"]) })
            .await;
    }
    assert_eq!(group_files(&broker), 1, "the member's offsets are still there");
    member.leave().await;
    eventually("without it the group goes", || async { groups(&broker).await.is_empty() }).await;
    assert_eq!(group_files(&broker), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_without_offsets_goes_after_its_last_member() {
    let often = |config: &mut BrokerConfig| config.retention_interval = Duration::from_millis(10);
    let broker = TestBroker::with(often).await;
    broker.create_topic("t", 1).await;
    let member = Reader::join(&broker, "passing", &Seen::default());
    eventually("it has the partition", || async { member.assigned().len() == 1 }).await;
    assert_eq!(groups(&broker).await, set(["passing"]));
    member.leave().await;
    eventually("retention removes it", || async { groups(&broker).await.is_empty() }).await;
    // One that asks to commit as a member of a group that never was.
    let stranger = commit_request("never").with_generation_id_or_member_epoch(3);
    let mut raw = Raw::connect(broker.broker.address()).await;
    assert_eq!(raw.call(&stranger, 8).await.topics[0].partitions[0].error_code, 25);
    eventually("no group is left", || async { groups(&broker).await.is_empty() }).await;
    // A topic's deletion takes the last offsets of a group with it.
    assert_eq!(raw.call(&commit_request("of t"), 8).await.topics[0].partitions[0].error_code, 0);
    assert_eq!((groups(&broker).await, group_files(&broker)), (set(["of t"]), 1));
    let deleted = broker.admin().delete_topics(&["t"], &AdminOptions::new()).await.unwrap();
    deleted.into_iter().next().unwrap().unwrap();
    assert_eq!((groups(&broker).await, group_files(&broker)), (set([]), 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_groups_without_members_can_be_deleted() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 1).await;
    let member = Reader::join(&broker, "busy", &Seen::default());
    eventually("it has the partition", || async { member.assigned().len() == 1 }).await;
    let mut raw = Raw::connect(broker.broker.address()).await;
    assert_eq!(raw.call(&commit_request("idle"), 8).await.topics[0].partitions[0].error_code, 0);
    let admin = broker.admin();
    let deleted =
        admin.delete_groups(&["idle", "busy", "never"], &AdminOptions::new()).await.unwrap();
    let errors: Vec<_> = deleted.into_iter().map(|group| group.err().map(|(_, e)| e)).collect();
    let code = |code| Some(code);
    assert_eq!(
        errors,
        [None, code(RDKafkaErrorCode::NonEmptyGroup), code(RDKafkaErrorCode::GroupIdNotFound)]
    );
    assert_eq!((groups(&broker).await, group_files(&broker)), (set(["busy"]), 0));
    member.leave().await;
    // It is known for a while although nothing is left of it, and can be deleted.
    let deleted = admin.delete_groups(&["busy"], &AdminOptions::new()).await.unwrap();
    assert!(deleted[0].is_ok(), "{deleted:?}");
    assert_eq!(groups(&broker).await, set([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_members_may_commit_while_there_are_members() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 1).await;
    let member = Reader::join(&broker, "g", &Seen::default());
    eventually("it has the partition", || async { member.assigned().len() == 1 }).await;
    let mut raw = Raw::connect(broker.broker.address()).await;
    let commit = commit_request("g");
    let error = async |raw: &mut Raw, commit: &OffsetCommitRequest| {
        raw.call(commit, 8).await.topics[0].partitions[0].error_code
    };
    assert_eq!(error(&mut raw, &commit).await, 25, "unknown member");
    member.leave().await;
    eventually("the group is empty", || async {
        let mut raw = Raw::connect(broker.broker.address()).await;
        error(&mut raw, &commit).await == 0
    })
    .await;
    let mut unknown = commit.clone();
    unknown.topics[0].name = name("nowhere");
    assert_eq!(error(&mut raw, &unknown).await, 3, "unknown topic");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_stops_at_once_though_members_wait() {
    let broker = TestBroker::start().await;
    let mut first = Raw::connect(broker.broker.address()).await;
    let mut second = Raw::connect(broker.broker.address()).await;
    let join = by_hand(&mut first, 300_000).await;
    assert_eq!(first.call(&join, 5).await.error_code, 0);
    // Waits until the first has joined again, which it never does.
    let join = by_hand(&mut second, 300_000).await;
    second.send(&join, 5).await;
    tokio::time::timeout(TIMEOUT, broker.stop()).await.unwrap();
    // Told to look for another coordinator, or the request came too late to be read.
    if let Some(mut answer) = second.receive_frame().await {
        assert_eq!(answer.split_off(8)[..2], 15_i16.to_be_bytes());
    }
}
