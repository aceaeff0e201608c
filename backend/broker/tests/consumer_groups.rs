//! The consumer group protocol of KIP-848, by rdkafka and by hand.

#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::{collections::BTreeSet, time::Duration};

use kafka_protocol::{
    messages::{
        ApiVersionsRequest, ConsumerGroupHeartbeatRequest, DescribeGroupsRequest, GroupId,
        HeartbeatRequest, JoinGroupRequest, ListGroupsRequest, OffsetCommitRequest,
        OffsetDeleteRequest, OffsetFetchRequest,
        join_group_request::JoinGroupRequestProtocol,
        offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic},
        offset_delete_request::{OffsetDeleteRequestPartition, OffsetDeleteRequestTopic},
        offset_fetch_request::OffsetFetchRequestGroup,
    },
    protocol::StrBytes,
};
use rdkafka::{
    admin::{AdminOptions, NewPartitions},
    consumer::{BaseConsumer, Consumer},
};
use support::{
    TIMEOUT, TestBroker,
    consumer_protocol::{describe, group, joining, owning, partitions, staying, text},
    eventually,
    raw::{Raw, name},
};
use tillstream_broker::BrokerConfig;

const FENCED_INSTANCE_ID: i16 = 82;
const GROUP_ID_NOT_FOUND: i16 = 69;
const FENCED_MEMBER_EPOCH: i16 = 110;
const UNRELEASED_INSTANCE_ID: i16 = 111;
const UNSUPPORTED_ASSIGNOR: i16 = 112;
const STALE_MEMBER_EPOCH: i16 = 113;
const INVALID_REGULAR_EXPRESSION: i16 = 128;
const UNKNOWN_MEMBER_ID: i16 = 25;
const INCONSISTENT_GROUP_PROTOCOL: i16 = 23;
const INVALID_REQUEST: i16 = 42;
const UNSUPPORTED_VERSION: i16 = 35;
const GROUP_SUBSCRIBED_TO_TOPIC: i16 = 86;

#[tokio::test(flavor = "multi_thread")]
async fn members_hand_over_one_partition_after_the_other() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 2).await;
    let mut raw = Raw::connect(broker.broker.address()).await;
    let first = raw.call(&joining("a"), 1).await;
    assert_eq!((first.error_code, first.member_epoch), (0, 1));
    assert_eq!(first.heartbeat_interval_ms, 5000);
    assert_eq!(partitions(&first), Some(vec![0, 1]));
    let second = raw.call(&joining("b"), 1).await;
    assert_eq!((second.member_epoch, partitions(&second)), (2, Some(vec![])));
    let told = raw.call(&owning(&first, &[0, 1]), 1).await;
    assert_eq!((told.member_epoch, partitions(&told)), (1, Some(vec![0])));
    let described = describe(&mut raw).await;
    assert_eq!((&*described.group_state, described.group_epoch), ("Reconciling", 2));
    assert_eq!((&*described.assignor_name, described.assignment_epoch), ("uniform", 2));
    let told = raw.call(&owning(&first, &[0]), 1).await;
    assert_eq!((told.member_epoch, partitions(&told)), (2, None));
    let told = raw.call(&staying("b", 2), 1).await;
    assert_eq!((told.member_epoch, partitions(&told)), (2, Some(vec![1])));

    let described = describe(&mut raw).await;
    assert_eq!((described.error_code, &*described.group_state), (0, "Stable"));
    for (member, index) in described.members.iter().zip([0, 1]) {
        assert_eq!((member.member_epoch, member.member_type), (2, 1));
        assert_eq!((&*member.client_id, &*member.client_host), ("raw", "/127.0.0.1"));
        assert_eq!(member.subscribed_topic_names, [name("t")]);
        assert_eq!(member.assignment.topic_partitions[0].topic_name, name("t"));
        assert_eq!(member.assignment.topic_partitions[0].partitions, [index]);
        assert_eq!(member.target_assignment, member.assignment);
    }
    let left = raw.call(&staying("a", -1), 1).await;
    assert_eq!((left.error_code, left.member_epoch), (0, -1));
    let told = raw.call(&staying("b", 2), 1).await;
    assert_eq!((told.member_epoch, partitions(&told)), (3, Some(vec![0, 1])));
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_no_member_may_send_are_refused() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 1).await;
    let mut raw = Raw::connect(broker.broker.address()).await;
    let valid = joining("a");
    let invalid = [
        valid.clone().with_group_id(GroupId::default()),
        valid.clone().with_member_id(text("")),
        valid.clone().with_instance_id(Some(text(""))),
        valid.clone().with_rack_id(Some(text(""))),
        valid.clone().with_member_epoch(-3),
        valid.clone().with_member_epoch(-2),
        valid.clone().with_rebalance_timeout_ms(-1),
        valid.clone().with_topic_partitions(None),
        valid.clone().with_subscribed_topic_names(None),
    ];
    for request in invalid {
        assert_eq!(raw.call(&request, 1).await.error_code, INVALID_REQUEST, "{request:?}");
    }
    let assignor = valid.clone().with_server_assignor(Some(text("sticky")));
    assert_eq!(raw.call(&assignor, 1).await.error_code, UNSUPPORTED_ASSIGNOR);
    let pattern = valid.clone().with_subscribed_topic_regex(Some(text("(")));
    assert_eq!(raw.call(&pattern, 1).await.error_code, INVALID_REGULAR_EXPRESSION);
    let leave = staying("a", -1);
    assert_eq!(raw.call(&leave, 1).await.error_code, GROUP_ID_NOT_FOUND);
    assert_eq!(describe(&mut raw).await.error_code, GROUP_ID_NOT_FOUND);
    // In the first version the broker chooses the member's id.
    let named = raw.call(&valid.with_member_id(text("")), 0).await;
    assert_eq!((named.error_code, named.member_id.unwrap().len()), (0, 36));
    assert_eq!(raw.call(&staying("a", 1), 1).await.error_code, UNKNOWN_MEMBER_ID);
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_by_pattern_are_followed_and_offsets_are_guarded_by_the_epoch() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 1).await;
    let mut raw = Raw::connect(broker.broker.address()).await;
    let join = joining("a")
        .with_subscribed_topic_names(None)
        .with_subscribed_topic_regex(Some(text("t.*")))
        .with_server_assignor(Some(text("range")));
    let told = raw.call(&join, 1).await;
    assert_eq!(partitions(&told), Some(vec![0]));
    broker.create_topic("t2", 1).await;
    let told = raw.call(&staying("a", 1), 1).await;
    assert_eq!((told.member_epoch, partitions(&told)), (2, Some(vec![0, 0])));
    assert_eq!(describe(&mut raw).await.assignor_name, text("range"));
    assert_eq!(raw.call(&staying("a", 1), 1).await.error_code, FENCED_MEMBER_EPOCH);

    let commit = |member: &str, epoch: i32| {
        let partition = OffsetCommitRequestPartition::default().with_committed_offset(5);
        let topic = OffsetCommitRequestTopic::default().with_name(name("t"));
        OffsetCommitRequest::default()
            .with_group_id(group())
            .with_member_id(text(member))
            .with_generation_id_or_member_epoch(epoch)
            .with_topics(vec![topic.with_partitions(vec![partition])])
    };
    for (member, epoch, version, expected) in [
        ("a", 2, 9, 0),
        ("a", 1, 9, STALE_MEMBER_EPOCH),
        ("x", 2, 9, UNKNOWN_MEMBER_ID),
        ("", -1, 9, UNKNOWN_MEMBER_ID),
        ("a", 2, 8, UNSUPPORTED_VERSION),
    ] {
        let answer = raw.call(&commit(member, epoch), version).await;
        assert_eq!(answer.topics[0].partitions[0].error_code, expected, "{member} {epoch}");
    }
    for (member, epoch, expected) in [
        (Some("a"), 2, 0),
        (Some("a"), 1, STALE_MEMBER_EPOCH),
        (Some("x"), 2, UNKNOWN_MEMBER_ID),
        (None, -1, 0),
    ] {
        let asked = OffsetFetchRequestGroup::default()
            .with_group_id(group())
            .with_member_id(member.map(text))
            .with_member_epoch(epoch)
            .with_topics(None);
        let request = OffsetFetchRequest::default().with_groups(vec![asked]);
        let answer = raw.call(&request, 9).await.groups.remove(0);
        assert_eq!(answer.error_code, expected, "{member:?} {epoch}");
        assert_eq!(answer.topics.len(), usize::from(expected == 0));
    }
    let partition = OffsetDeleteRequestPartition::default();
    let topic = OffsetDeleteRequestTopic::default().with_name(name("t"));
    let delete = OffsetDeleteRequest::default()
        .with_group_id(group())
        .with_topics(vec![topic.with_partitions(vec![partition])]);
    let answer = raw.call(&delete, 0).await;
    assert_eq!(answer.topics[0].partitions[0].error_code, GROUP_SUBSCRIBED_TO_TOPIC);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_static_member_comes_back_to_its_place() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 2).await;
    let mut raw = Raw::connect(broker.broker.address()).await;
    let fixed = |request: ConsumerGroupHeartbeatRequest| {
        request.with_instance_id(Some(StrBytes::from_static_str("till 1")))
    };
    assert_eq!(raw.call(&fixed(joining("a")), 1).await.error_code, 0);
    let second = raw.call(&fixed(joining("b")), 1).await;
    assert_eq!(second.error_code, UNRELEASED_INSTANCE_ID);
    assert_eq!(raw.call(&fixed(staying("a", -2)), 1).await.member_epoch, -2);
    let back = raw.call(&fixed(joining("b")), 1).await;
    assert_eq!((back.member_epoch, partitions(&back)), (1, Some(vec![0, 1])));
    let old = raw.call(&fixed(staying("a", 1)), 1).await;
    assert_eq!(old.error_code, FENCED_INSTANCE_ID);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_speaks_one_protocol_at_a_time() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 1).await;
    let mut raw = Raw::connect(broker.broker.address()).await;
    assert_eq!(raw.call(&joining("a"), 1).await.member_epoch, 1);
    let protocol = JoinGroupRequestProtocol::default().with_name(text("range"));
    let classic = JoinGroupRequest::default()
        .with_group_id(group())
        .with_session_timeout_ms(60_000)
        .with_rebalance_timeout_ms(60_000)
        .with_protocol_type(text("consumer"))
        .with_protocols(vec![protocol]);
    assert_eq!(raw.call(&classic, 3).await.error_code, INCONSISTENT_GROUP_PROTOCOL);
    let beat = HeartbeatRequest::default().with_group_id(group()).with_member_id(text("a"));
    assert_eq!(raw.call(&beat, 4).await.error_code, UNKNOWN_MEMBER_ID);
    let classic_only = DescribeGroupsRequest::default().with_groups(vec![group()]);
    let described = raw.call(&classic_only, 6).await.groups.remove(0);
    assert_eq!((described.error_code, &*described.group_state), (GROUP_ID_NOT_FOUND, "Dead"));
    let kind = async |raw: &mut Raw, kind: &'static str| {
        let request = ListGroupsRequest::default().with_types_filter(vec![text(kind)]);
        let listed = raw.call(&request, 5).await.groups;
        listed.iter().map(|group| group.group_state.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(kind(&mut raw, "consumer").await, ["Stable"]);
    assert_eq!(kind(&mut raw, "classic").await, Vec::<String>::new());

    // Without members it takes those of the other protocol, and its epoch goes on as generation.
    assert_eq!(raw.call(&staying("a", -1), 1).await.error_code, 0);
    let joined = raw.call(&classic, 3).await;
    assert_eq!((joined.error_code, joined.generation_id), (0, 3));
    assert_eq!(kind(&mut raw, "classic").await, ["CompletingRebalance"]);
    assert_eq!(raw.call(&joining("a"), 1).await.error_code, GROUP_ID_NOT_FOUND);
    assert_eq!(describe(&mut raw).await.error_code, GROUP_ID_NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_silent_are_removed() {
    let short =
        |config: &mut BrokerConfig| config.group_session_timeout = Duration::from_millis(100);
    let broker = TestBroker::with(short).await;
    broker.create_topic("t", 1).await;
    let mut raw = Raw::connect(broker.broker.address()).await;
    assert_eq!(raw.call(&joining("a"), 1).await.error_code, 0);
    eventually("its session ends", || async {
        let mut raw = Raw::connect(broker.broker.address()).await;
        describe(&mut raw).await.members.is_empty()
    })
    .await;
    assert_eq!(raw.call(&staying("a", 1), 1).await.error_code, UNKNOWN_MEMBER_ID);
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_are_told_of_the_protocol() {
    let broker = TestBroker::start().await;
    let mut raw = Raw::connect(broker.broker.address()).await;
    let versions = raw.call(&ApiVersionsRequest::default(), 3).await;
    let feature = &versions.finalized_features[0];
    assert_eq!((&*feature.name, feature.max_version_level), ("group.version", 1));
    assert_eq!(versions.finalized_features_epoch, 0);
    assert_eq!(versions.supported_features[0].max_version, 1);
}

/// A member by rdkafka, polled by hand.
fn member(broker: &TestBroker) -> BaseConsumer {
    let consumer: BaseConsumer = broker
        .client()
        .set("group.id", "g")
        .set("group.protocol", "consumer")
        .set("auto.offset.reset", "earliest")
        .create()
        .unwrap();
    consumer.subscribe(&["t"]).unwrap();
    consumer
}

/// Polls, and returns what the member has.
fn assigned(consumer: &BaseConsumer) -> BTreeSet<i32> {
    drop(consumer.poll(Duration::from_millis(10)));
    let assignment = consumer.assignment().unwrap();
    assignment.elements().iter().map(|element| element.partition()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn rdkafka_shares_out_takes_over_and_survives_a_restart() {
    let often =
        |config: &mut BrokerConfig| config.group_heartbeat_interval = Duration::from_millis(200);
    let broker = TestBroker::with(often).await;
    broker.create_topic("t", 2).await;
    let first = member(&broker);
    eventually("the first has all", || async { assigned(&first).len() == 2 }).await;
    let second = member(&broker);
    eventually("both have one", || async {
        (assigned(&first).len(), assigned(&second).len()) == (1, 1)
    })
    .await;
    assert!(assigned(&first).is_disjoint(&assigned(&second)));
    let grown = NewPartitions::new("t", 4);
    broker.admin().create_partitions([&grown], &AdminOptions::new()).await.unwrap();
    eventually("both have two", || async {
        (assigned(&first).len(), assigned(&second).len()) == (2, 2)
    })
    .await;

    // The members go on, as if the connection had been lost.
    let address = broker.broker.address();
    let ids = async || {
        let described = describe(&mut Raw::connect(address).await).await;
        described.members.into_iter().map(|member| member.member_id).collect::<Vec<_>>()
    };
    let before = ids().await;
    let dir = broker.stop().await;
    let broker = TestBroker::reopen(dir, |config| {
        often(config);
        config.listen = address;
    })
    .await;
    let grown = NewPartitions::new("t", 6);
    broker.admin().create_partitions([&grown], &AdminOptions::new()).await.unwrap();
    eventually("both have three", || async {
        (assigned(&first).len(), assigned(&second).len()) == (3, 3)
    })
    .await;
    assert_eq!(ids().await, before);
    let leaving = tokio::task::spawn_blocking(move || drop(second));
    tokio::time::timeout(TIMEOUT, leaving).await.unwrap().unwrap();
    eventually("the first has all", || async { assigned(&first).len() == 6 }).await;
    tokio::task::spawn_blocking(move || drop(first)).await.unwrap();
    broker.stop().await;
}
