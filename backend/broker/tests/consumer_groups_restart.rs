//! Members of the consumer protocol over a restart of the broker.

#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::time::Duration;

use support::{
    TestBroker,
    consumer_protocol::{describe, joining, owning, partitions, staying, text},
    eventually,
    raw::Raw,
};

const GROUP_ID_NOT_FOUND: i16 = 69;
const UNKNOWN_MEMBER_ID: i16 = 25;

async fn restart(broker: TestBroker) -> (TestBroker, Raw) {
    let broker = broker.restart().await;
    let raw = Raw::connect(broker.broker.address()).await;
    (broker, raw)
}

#[tokio::test(flavor = "multi_thread")]
async fn members_go_on_where_they_were() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 2).await;
    let mut raw = Raw::connect(broker.broker.address()).await;
    let first = raw.call(&joining("a"), 1).await;
    assert_eq!(partitions(&first), Some(vec![0, 1]));
    let second = raw.call(&joining("b"), 1).await;
    assert_eq!((second.member_epoch, partitions(&second)), (2, Some(vec![])));
    let told = raw.call(&owning(&first, &[0, 1]), 1).await;
    assert_eq!((told.member_epoch, partitions(&told)), (1, Some(vec![0])));
    let before = describe(&mut raw).await;
    assert_eq!(&*before.group_state, "Reconciling");

    // In the middle of a partition's way from one member to the other.
    let (broker, mut raw) = restart(broker).await;
    assert_eq!(describe(&mut raw).await, before);
    let told = raw.call(&staying("b", 2), 1).await;
    assert_eq!((told.member_epoch, partitions(&told)), (2, None), "it is not released yet");
    let told = raw.call(&owning(&first, &[0]), 1).await;
    assert_eq!((told.member_epoch, partitions(&told)), (2, None));
    let told = raw.call(&staying("b", 2), 1).await;
    assert_eq!((told.member_epoch, partitions(&told)), (2, Some(vec![1])));

    let (broker, mut raw) = restart(broker).await;
    let told = raw.call(&staying("a", 2), 1).await;
    assert_eq!((told.error_code, told.member_epoch, partitions(&told)), (0, 2, None));
    assert_eq!(raw.call(&staying("b", -1), 1).await.error_code, 0);

    let (broker, mut raw) = restart(broker).await;
    assert_eq!(raw.call(&staying("b", 2), 1).await.error_code, UNKNOWN_MEMBER_ID);
    let told = raw.call(&staying("a", 2), 1).await;
    assert_eq!((told.member_epoch, partitions(&told)), (3, Some(vec![0, 1])));
    assert_eq!(raw.call(&staying("a", -1), 1).await.error_code, 0);

    let (broker, mut raw) = restart(broker).await;
    assert_eq!(describe(&mut raw).await.error_code, GROUP_ID_NOT_FOUND);
    let dir = broker.stop().await;
    assert_eq!(std::fs::read_dir(dir.path().join("group-members")).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_static_member_keeps_its_place_and_its_pattern() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 1).await;
    let mut raw = Raw::connect(broker.broker.address()).await;
    let named = |member| {
        joining(member)
            .with_instance_id(Some(text("i")))
            .with_subscribed_topic_names(None)
            .with_subscribed_topic_regex(Some(text("t.*")))
    };
    let told = raw.call(&named("a"), 1).await;
    assert_eq!((told.member_epoch, partitions(&told)), (1, Some(vec![0])));
    let leaving = staying("a", -2).with_instance_id(Some(text("i")));
    assert_eq!(raw.call(&leaving, 1).await.error_code, 0);

    let (broker, mut raw) = restart(broker).await;
    let rejoining = joining("b")
        .with_instance_id(Some(text("i")))
        .with_subscribed_topic_names(Some(Vec::new()));
    let told = raw.call(&rejoining, 1).await;
    assert_eq!((told.error_code, partitions(&told)), (0, Some(vec![0])));
    let described = describe(&mut raw).await;
    assert_eq!(described.members.len(), 1);
    assert_eq!(described.members[0].subscribed_topic_regex, Some(text("t.*")));
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn members_that_do_not_come_back_are_removed() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 2).await;
    let mut raw = Raw::connect(broker.broker.address()).await;
    assert_eq!(raw.call(&joining("a"), 1).await.error_code, 0);
    let dir = broker.stop().await;
    let short = |config: &mut tillstream_broker::BrokerConfig| {
        config.group_session_timeout = Duration::from_millis(200)
    };
    let broker = TestBroker::reopen(dir, short).await;
    // The session timeout is the one that the member was told when it came.
    let mut raw = Raw::connect(broker.broker.address()).await;
    assert_eq!(raw.call(&staying("a", 1), 1).await.error_code, 0);
    let gone = async || describe(&mut raw).await.members.is_empty();
    eventually("the member is removed", gone).await;
    let files = broker.dir.path().join("group-members");
    let deleted = async || std::fs::read_dir(&files).unwrap().count() == 0;
    eventually("so it is from the disk", deleted).await;
    broker.stop().await;
}
