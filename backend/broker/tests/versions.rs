//! Every version of every request that the broker offers.

#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use kafka_protocol::{
    messages::{
        AddOffsetsToTxnRequest, AddPartitionsToTxnRequest, AlterConfigsRequest, ApiVersionsRequest,
        BrokerId, ConsumerGroupDescribeRequest, ConsumerGroupHeartbeatRequest,
        CreatePartitionsRequest, CreateTopicsRequest, DeleteGroupsRequest, DeleteRecordsRequest,
        DeleteTopicsRequest, DescribeClusterRequest, DescribeConfigsRequest, DescribeGroupsRequest,
        EndTxnRequest, FetchRequest, FindCoordinatorRequest, GroupId, HeartbeatRequest,
        IncrementalAlterConfigsRequest, InitProducerIdRequest, JoinGroupRequest, LeaveGroupRequest,
        ListConfigResourcesRequest, ListGroupsRequest, ListOffsetsRequest, ListTransactionsRequest,
        MetadataRequest, OffsetCommitRequest, OffsetFetchRequest, OffsetForLeaderEpochRequest,
        ProduceRequest, SyncGroupRequest, TransactionalId, TxnOffsetCommitRequest,
        add_partitions_to_txn_request::{AddPartitionsToTxnTopic, AddPartitionsToTxnTransaction},
        alter_configs_request,
        create_partitions_request::CreatePartitionsTopic,
        create_topics_request::CreatableTopic,
        delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic},
        delete_topics_request::DeleteTopicState,
        describe_configs_request::DescribeConfigsResource,
        incremental_alter_configs_request,
        join_group_request::JoinGroupRequestProtocol,
        leave_group_request::MemberIdentity,
        list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic},
        metadata_request::MetadataRequestTopic,
        offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic},
        offset_fetch_request::{
            OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
        },
        offset_for_leader_epoch_request::{OffsetForLeaderPartition, OffsetForLeaderTopic},
        txn_offset_commit_request::{TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic},
    },
    protocol::{Request, StrBytes},
};
use support::{
    TestBroker,
    raw::{Raw, batch, fetch, name, produce_request},
};
use uuid::Uuid;

/// Sends a request in every version that is offered; the answers must decode to the last byte.
macro_rules! in_every_version {
    ($raw:expr, $offered:expr, $request:ty, |$version:ident| $make:expr, |$answer:ident| $check:expr) => {
        let own = $offered.iter().find(|api| api.api_key == <$request>::KEY).unwrap();
        let first = if <$request>::KEY == ProduceRequest::KEY { 3 } else { own.min_version };
        for $version in first..=own.max_version {
            let $answer = $raw.call::<$request>(&$make, $version).await;
            assert!($check, "{} version {}: {:?}", stringify!($request), $version, $answer);
        }
    };
}

/// Names the topic by its id in the versions that do.
fn produce_by(version: i16, topic: &str, id: Uuid) -> ProduceRequest {
    let mut request = produce_request(topic, batch(-1, -1, -1, &["x"]));
    if version >= 13 {
        request.topic_data[0].name = Default::default();
        request.topic_data[0].topic_id = id;
    }
    request
}

fn fetch_by(version: i16, offset: i64, id: Uuid) -> FetchRequest {
    let mut request = fetch(offset);
    if version >= 13 {
        request.topics[0].topic = Default::default();
        request.topics[0].topic_id = id;
    }
    if version >= 15 {
        request.replica_id = BrokerId(-1);
    }
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn every_version_that_is_offered_is_answered() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 1).await;
    let mut raw = Raw::connect(broker.broker.address()).await;
    let offered = raw.call(&ApiVersionsRequest::default(), 4).await.api_keys;
    let text = StrBytes::from_static_str;
    let group = || GroupId(text("g"));
    let described = raw.call(&MetadataRequest::default().with_topics(None), 12).await;
    let (id, nowhere) = (described.topics[0].topic_id, Uuid::from_u128(7));

    in_every_version!(
        raw,
        offered,
        ApiVersionsRequest,
        |_v| ApiVersionsRequest::default(),
        |answer| answer.error_code == 0 && answer.api_keys.len() == 45
    );
    in_every_version!(raw, offered, ProduceRequest, |v| produce_by(v, "t", id), |answer| answer
        .responses[0]
        .partition_responses[0]
        .error_code
        == 0);
    in_every_version!(
        raw,
        offered,
        ProduceRequest,
        |v| produce_by(v, "nowhere", nowhere),
        |answer| {
            let error = if answer.responses[0].topic_id == nowhere { 100 } else { 3 };
            answer.responses[0].partition_responses[0].error_code == error
        }
    );
    in_every_version!(raw, offered, FetchRequest, |v| fetch_by(v, 0, id), |answer| answer
        .responses[0]
        .partitions[0]
        .records
        .as_ref()
        .is_some_and(|r| !r.is_empty()));
    in_every_version!(raw, offered, FetchRequest, |v| fetch_by(v, 1000, id), |answer| answer
        .responses[0]
        .partitions[0]
        .error_code
        == 1);
    let unknown = raw.call(&fetch_by(13, 0, nowhere), 13).await;
    assert_eq!(unknown.responses[0].topic_id, nowhere);
    assert_eq!(unknown.responses[0].partitions[0].error_code, 100);
    in_every_version!(
        raw,
        offered,
        ListOffsetsRequest,
        |_v| {
            let partition = ListOffsetsPartition::default().with_timestamp(-2);
            let topic = ListOffsetsTopic::default().with_name(name("t"));
            let topics = vec![topic.with_partitions(vec![partition])];
            ListOffsetsRequest::default().with_topics(topics)
        },
        |answer| answer.topics[0].partitions[0].error_code == 0
            && answer.topics[0].partitions[0].offset == 0
    );
    in_every_version!(
        raw,
        offered,
        MetadataRequest,
        |_v| MetadataRequest::default()
            .with_topics(Some(vec![MetadataRequestTopic::default().with_name(Some(name("t"))),])),
        |answer| answer.topics[0].error_code == 0 && answer.brokers.len() == 1
    );
    in_every_version!(
        raw,
        offered,
        InitProducerIdRequest,
        |_v| InitProducerIdRequest::default().with_transactional_id(None),
        |answer| answer.error_code == 0 && answer.producer_id.0 >= 0
    );
    in_every_version!(
        raw,
        offered,
        FindCoordinatorRequest,
        |v| match v {
            4.. => FindCoordinatorRequest::default().with_coordinator_keys(vec![text("g")]),
            _ => FindCoordinatorRequest::default().with_key(text("g")),
        },
        |answer| answer.error_code == 0 && (answer.port > 0 || answer.coordinators[0].port > 0)
    );
    in_every_version!(
        raw,
        offered,
        JoinGroupRequest,
        |v| JoinGroupRequest::default()
            .with_group_id(GroupId(StrBytes::from_string(format!("own {v}"))))
            .with_session_timeout_ms(10_000)
            .with_rebalance_timeout_ms(if v == 0 { -1 } else { 10_000 })
            .with_protocol_type(text("consumer"))
            .with_protocols(vec![JoinGroupRequestProtocol::default().with_name(text("range"))]),
        |answer| (answer.error_code == 0 && answer.members.len() == 1) || answer.error_code == 79
    );
    in_every_version!(
        raw,
        offered,
        SyncGroupRequest,
        |_v| SyncGroupRequest::default().with_group_id(group()).with_member_id(text("nobody")),
        |answer| answer.error_code == 25
    );
    in_every_version!(
        raw,
        offered,
        HeartbeatRequest,
        |_v| HeartbeatRequest::default().with_group_id(group()).with_member_id(text("nobody")),
        |answer| answer.error_code == 25
    );
    in_every_version!(
        raw,
        offered,
        LeaveGroupRequest,
        |v| match v {
            3.. => LeaveGroupRequest::default()
                .with_group_id(group())
                .with_members(vec![MemberIdentity::default().with_member_id(text("nobody")),]),
            _ => LeaveGroupRequest::default().with_group_id(group()).with_member_id(text("nobody")),
        },
        |answer| answer.error_code == 25 || answer.members[0].error_code == 25
    );
    in_every_version!(
        raw,
        offered,
        OffsetCommitRequest,
        |_v| {
            let partition = OffsetCommitRequestPartition::default().with_committed_offset(3);
            let topic = OffsetCommitRequestTopic::default().with_name(name("t"));
            let topics = vec![topic.with_partitions(vec![partition])];
            OffsetCommitRequest::default().with_group_id(group()).with_topics(topics)
        },
        |answer| answer.topics[0].partitions[0].error_code == 0
    );
    in_every_version!(
        raw,
        offered,
        OffsetFetchRequest,
        |v| if v >= 8 {
            let topic = OffsetFetchRequestTopics::default().with_name(name("t"));
            let topics = Some(vec![topic.with_partition_indexes(vec![0, 9])]);
            let asked = OffsetFetchRequestGroup::default().with_group_id(group());
            OffsetFetchRequest::default().with_groups(vec![asked.with_topics(topics)])
        } else {
            let topic = OffsetFetchRequestTopic::default().with_name(name("t"));
            let topics = Some(vec![topic.with_partition_indexes(vec![0, 9])]);
            OffsetFetchRequest::default().with_group_id(group()).with_topics(topics)
        },
        |answer| match answer.groups.first() {
            Some(group) => {
                let partitions = &group.topics[0].partitions;
                (partitions[0].committed_offset, partitions[1].committed_offset) == (3, -1)
            }
            None => {
                let partitions = &answer.topics[0].partitions;
                (partitions[0].committed_offset, partitions[1].committed_offset) == (3, -1)
            }
        }
    );
    in_every_version!(
        raw,
        offered,
        OffsetFetchRequest,
        |v| if v >= 8 {
            let asked = OffsetFetchRequestGroup::default().with_group_id(group());
            OffsetFetchRequest::default().with_groups(vec![asked.with_topics(None)])
        } else {
            let topics = if v >= 2 { None } else { Some(vec![]) };
            OffsetFetchRequest::default().with_group_id(group()).with_topics(topics)
        },
        |answer| answer.error_code == 0
    );
    in_every_version!(
        raw,
        offered,
        DescribeGroupsRequest,
        |_v| DescribeGroupsRequest::default().with_groups(vec![
            group(),
            GroupId(text("own 0")),
            GroupId(text("never"))
        ]),
        |answer| &*answer.groups[0].group_state == "Empty"
            && &*answer.groups[1].group_state == "CompletingRebalance"
            && &*answer.groups[2].group_state == "Dead"
    );
    in_every_version!(
        raw,
        offered,
        ListGroupsRequest,
        |_v| ListGroupsRequest::default(),
        |answer| answer.groups.len() == 11
    );
    in_every_version!(
        raw,
        offered,
        DeleteGroupsRequest,
        |_v| DeleteGroupsRequest::default()
            .with_groups_names(vec![GroupId(text("own 0")), GroupId(text("never"))]),
        |answer| answer.results[0].error_code == 68 && answer.results[1].error_code == 69
    );
    in_every_version!(
        raw,
        offered,
        ConsumerGroupHeartbeatRequest,
        |v| ConsumerGroupHeartbeatRequest::default()
            .with_group_id(GroupId(text("modern")))
            .with_member_id(StrBytes::from_string(format!("member {v}")))
            .with_rebalance_timeout_ms(1000)
            .with_subscribed_topic_names(Some(vec![name("t")]))
            .with_topic_partitions(Some(Vec::new())),
        |answer| answer.error_code == 0 && answer.assignment.is_some()
    );
    in_every_version!(
        raw,
        offered,
        ConsumerGroupDescribeRequest,
        |_v| ConsumerGroupDescribeRequest::default().with_group_ids(vec![GroupId(text("modern"))]),
        |answer| answer.groups[0].error_code == 0 && answer.groups[0].members.len() == 2
    );
    in_every_version!(
        raw,
        offered,
        ListTransactionsRequest,
        |_v| ListTransactionsRequest::default(),
        |answer| answer.error_code == 0
    );
    in_every_version!(
        raw,
        offered,
        ListConfigResourcesRequest,
        |_v| ListConfigResourcesRequest::default(),
        |answer| answer.error_code == 0
    );
    in_every_version!(
        raw,
        offered,
        CreateTopicsRequest,
        |v| CreateTopicsRequest::default().with_topics(vec![
            CreatableTopic::default()
                .with_name(name(&format!("new-{v}")))
                .with_num_partitions(2)
                .with_replication_factor(1),
        ]),
        |answer| answer.topics[0].error_code == 0
    );
    in_every_version!(
        raw,
        offered,
        CreateTopicsRequest,
        |_v| CreateTopicsRequest::default().with_validate_only(true).with_topics(vec![
            CreatableTopic::default()
                .with_name(name("t"))
                .with_num_partitions(2)
                .with_replication_factor(1),
        ]),
        |answer| answer.topics[0].error_code == 36
    );
    in_every_version!(
        raw,
        offered,
        CreatePartitionsRequest,
        |v| CreatePartitionsRequest::default().with_topics(vec![
            CreatePartitionsTopic::default()
                .with_name(name("new-2"))
                .with_count(3 + i32::from(v))
                .with_assignments(None),
        ]),
        |answer| answer.results[0].error_code == 0
    );
    in_every_version!(
        raw,
        offered,
        DescribeConfigsRequest,
        |_v| DescribeConfigsRequest::default().with_include_synonyms(true).with_resources(vec![
            DescribeConfigsResource::default()
                .with_resource_type(2)
                .with_resource_name(text("t"))
                .with_configuration_keys(None),
        ]),
        |answer| answer.results[0].error_code == 0 && answer.results[0].configs.len() == 15
    );
    let init = InitProducerIdRequest::default()
        .with_transactional_id(Some(TransactionalId(text("tx"))))
        .with_transaction_timeout_ms(60_000);
    let producer = raw.call(&init, 4).await;
    in_every_version!(
        raw,
        offered,
        AddPartitionsToTxnRequest,
        |v| {
            let topics = vec![
                AddPartitionsToTxnTopic::default().with_name(name("t")).with_partitions(vec![0]),
            ];
            let (id, request) = (TransactionalId(text("tx")), AddPartitionsToTxnRequest::default());
            if v < 4 {
                request
                    .with_v3_and_below_transactional_id(id)
                    .with_v3_and_below_producer_id(producer.producer_id)
                    .with_v3_and_below_producer_epoch(producer.producer_epoch)
                    .with_v3_and_below_topics(topics)
            } else {
                let transaction = AddPartitionsToTxnTransaction::default()
                    .with_transactional_id(id)
                    .with_producer_id(producer.producer_id)
                    .with_producer_epoch(producer.producer_epoch)
                    .with_topics(topics);
                request.with_transactions(vec![transaction])
            }
        },
        |answer| {
            let several = answer.results_by_transaction.first().map(|one| &one.topic_results);
            let topics = several.unwrap_or(&answer.results_by_topic_v3_and_below);
            topics[0].results_by_partition[0].partition_error_code == 0
        }
    );
    in_every_version!(
        raw,
        offered,
        AddOffsetsToTxnRequest,
        |_v| AddOffsetsToTxnRequest::default()
            .with_transactional_id(TransactionalId(text("tx")))
            .with_producer_id(producer.producer_id)
            .with_producer_epoch(producer.producer_epoch)
            .with_group_id(group()),
        |answer| answer.error_code == 0
    );
    in_every_version!(
        raw,
        offered,
        TxnOffsetCommitRequest,
        |_v| {
            let partition = TxnOffsetCommitRequestPartition::default().with_committed_offset(4);
            let topic = TxnOffsetCommitRequestTopic::default().with_name(name("t"));
            TxnOffsetCommitRequest::default()
                .with_transactional_id(TransactionalId(text("tx")))
                .with_producer_id(producer.producer_id)
                .with_producer_epoch(producer.producer_epoch)
                .with_group_id(group())
                .with_topics(vec![topic.with_partitions(vec![partition])])
        },
        |answer| answer.topics[0].partitions[0].error_code == 0
    );
    in_every_version!(
        raw,
        offered,
        EndTxnRequest,
        |v| EndTxnRequest::default()
            .with_transactional_id(TransactionalId(text("tx")))
            .with_producer_id(producer.producer_id)
            .with_producer_epoch(producer.producer_epoch)
            // From version 5 on every end is one of its own; only aborting needs no beginning.
            .with_committed(v < 5),
        |answer| answer.error_code == 0
    );
    in_every_version!(
        raw,
        offered,
        AlterConfigsRequest,
        |_v| AlterConfigsRequest::default().with_resources(vec![
            alter_configs_request::AlterConfigsResource::default()
                .with_resource_type(2)
                .with_resource_name(text("t")),
        ]),
        |answer| answer.responses[0].error_code == 0
    );
    in_every_version!(
        raw,
        offered,
        IncrementalAlterConfigsRequest,
        |_v| IncrementalAlterConfigsRequest::default().with_resources(vec![
            incremental_alter_configs_request::AlterConfigsResource::default()
                .with_resource_type(4)
                .with_resource_name(text("1")),
        ]),
        |answer| answer.responses[0].error_code == 42
    );
    in_every_version!(
        raw,
        offered,
        DescribeClusterRequest,
        |_v| DescribeClusterRequest::default(),
        |answer| answer.error_code == 0 && answer.brokers[0].broker_id == BrokerId(1)
    );
    in_every_version!(
        raw,
        offered,
        OffsetForLeaderEpochRequest,
        |_v| {
            let partition = OffsetForLeaderPartition::default().with_leader_epoch(0);
            let topic = OffsetForLeaderTopic::default().with_topic(name("t"));
            let topics = vec![topic.with_partitions(vec![partition])];
            OffsetForLeaderEpochRequest::default().with_topics(topics)
        },
        |answer| answer.topics[0].partitions[0].end_offset > 1
    );
    in_every_version!(
        raw,
        offered,
        DeleteRecordsRequest,
        |_v| {
            let partition = DeleteRecordsPartition::default().with_offset(1);
            let topic = DeleteRecordsTopic::default().with_name(name("t"));
            let topics = vec![topic.with_partitions(vec![partition])];
            DeleteRecordsRequest::default().with_topics(topics)
        },
        |answer| answer.topics[0].partitions[0].low_watermark == 1
    );
    in_every_version!(
        raw,
        offered,
        DeleteTopicsRequest,
        |v| if v >= 6 {
            DeleteTopicsRequest::default().with_topics(vec![
                DeleteTopicState::default().with_name(Some(name(&format!("new-{v}")))),
            ])
        } else {
            DeleteTopicsRequest::default().with_topic_names(vec![name(&format!("new-{v}"))])
        },
        |answer| answer.responses[0].error_code
            == if answer.responses[0].name == Some(name("new-1")) { 3 } else { 0 }
    );
}
