//! What a broker without access control and with one node answers about both, and what it says in Apache
//! Kafka's words because tools look for them.

#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use kafka_protocol::{
    messages::{
        AlterPartitionReassignmentsRequest, AlterReplicaLogDirsRequest, BrokerId,
        CreateAclsRequest, CreatePartitionsRequest, CreateTopicsRequest, DeleteAclsRequest,
        DescribeAclsRequest, DescribeClusterRequest, DescribeConfigsRequest,
        DescribeLogDirsRequest, DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse,
        ElectLeadersRequest, ListPartitionReassignmentsRequest, MetadataRequest,
        OffsetForLeaderEpochRequest,
        alter_partition_reassignments_request::{ReassignablePartition, ReassignableTopic},
        alter_replica_log_dirs_request::{AlterReplicaLogDir, AlterReplicaLogDirTopic},
        create_acls_request::AclCreation,
        create_partitions_request::{CreatePartitionsAssignment, CreatePartitionsTopic},
        create_topics_request::CreatableTopic,
        delete_acls_request::DeleteAclsFilter,
        describe_configs_request::DescribeConfigsResource,
        describe_log_dirs_request::DescribableLogDirTopic,
        describe_topic_partitions_request::{Cursor, TopicRequest},
        elect_leaders_request::TopicPartitions,
        offset_for_leader_epoch_request::{OffsetForLeaderPartition, OffsetForLeaderTopic},
    },
    protocol::StrBytes,
};
use support::{
    TestBroker,
    raw::{Raw, batch, name},
};

const UNKNOWN_TOPIC_OR_PARTITION: i16 = 3;
const TOPIC_ALREADY_EXISTS: i16 = 36;
const INVALID_REPLICA_ASSIGNMENT: i16 = 39;
const SECURITY_DISABLED: i16 = 54;
const LOG_DIR_NOT_FOUND: i16 = 57;
const UNKNOWN_LEADER_EPOCH: i16 = 75;
const NO_REASSIGNMENT_IN_PROGRESS: i16 = 85;
const MISMATCHED_ENDPOINT_TYPE: i16 = 114;
const UNSUPPORTED_ENDPOINT_TYPE: i16 = 115;
const ELECTION_NOT_NEEDED: i16 = 84;

#[tokio::test(flavor = "multi_thread")]
async fn access_control_is_disabled() {
    let broker = TestBroker::start().await;
    let mut raw = Raw::connect(broker.broker.address()).await;
    for version in 1..=3 {
        // 1 is "any" in filters; a literal resource pattern is 3.
        let filter = DescribeAclsRequest::default()
            .with_resource_type_filter(1)
            .with_pattern_type_filter(1)
            .with_operation(1)
            .with_permission_type(1);
        let described = raw.call(&filter, version).await;
        assert_eq!(described.error_code, SECURITY_DISABLED);
        assert_eq!(described.error_message.as_deref(), Some("No Authorizer is configured."));
        let creation = AclCreation::default().with_resource_type(2).with_resource_pattern_type(3);
        let create = CreateAclsRequest::default().with_creations(vec![creation.clone(), creation]);
        let created = raw.call(&create, version).await.results;
        assert_eq!(
            created.iter().map(|result| result.error_code).collect::<Vec<_>>(),
            [SECURITY_DISABLED; 2]
        );
        let filter = DeleteAclsFilter::default().with_pattern_type_filter(3);
        let delete = DeleteAclsRequest::default().with_filters(vec![filter]);
        let deleted = raw.call(&delete, version).await.filter_results;
        assert_eq!(deleted.len(), 1);
        assert_eq!(deleted[0].error_code, SECURITY_DISABLED);
    }
}

/// Topics with the numbers of the partitions that are described, and where the next page begins.
type Page = (Vec<(String, Vec<i32>)>, Option<(String, i32)>);

fn page(response: DescribeTopicPartitionsResponse) -> Page {
    let topics = response.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| partition.partition_index);
        (topic.name.unwrap().to_string(), partitions.collect())
    });
    let cursor = response.next_cursor;
    (topics.collect(), cursor.map(|next| (next.topic_name.to_string(), next.partition_index)))
}

fn topic(name: &str, partitions: &[i32]) -> (String, Vec<i32>) {
    (name.to_owned(), partitions.to_vec())
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_are_described_page_by_page() {
    let broker = TestBroker::start().await;
    broker.create_topic("a", 2).await;
    broker.create_topic("b", 3).await;
    let mut raw = Raw::connect(broker.broker.address()).await;
    let all = DescribeTopicPartitionsRequest::default().with_response_partition_limit(2000);
    let described = raw.call(&all, 0).await;
    let partition = &described.topics[0].partitions[1];
    assert_eq!(partition.leader_id, BrokerId(1));
    assert_eq!(partition.isr_nodes, [BrokerId(1)]);
    assert_eq!(partition.eligible_leader_replicas.as_deref(), Some(&[][..]));
    assert_eq!(page(described), (vec![topic("a", &[0, 1]), topic("b", &[0, 1, 2])], None));

    let first = raw.call(&all.clone().with_response_partition_limit(3), 0).await;
    let next = Some(("b".to_owned(), 1));
    assert_eq!(page(first), (vec![topic("a", &[0, 1]), topic("b", &[0])], next));
    let at = |topic, partition| {
        Some(Cursor::default().with_topic_name(name(topic)).with_partition_index(partition))
    };
    let second = all.clone().with_response_partition_limit(3).with_cursor(at("b", 1));
    assert_eq!(page(raw.call(&second, 0).await), (vec![topic("b", &[1, 2])], None));
    // A page that ends where a topic ends.
    let exact = raw.call(&all.clone().with_response_partition_limit(2), 0).await;
    assert_eq!(page(exact), (vec![topic("a", &[0, 1])], Some(("b".to_owned(), 0))));
    // A cursor beyond a topic's end, as after the topic was made anew with fewer partitions.
    let beyond = all.clone().with_cursor(at("a", 7));
    let rest = vec![topic("a", &[]), topic("b", &[0, 1, 2])];
    assert_eq!(page(raw.call(&beyond, 0).await), (rest, None));

    let named = ["b", "absent"].map(|asked| TopicRequest::default().with_name(name(asked)));
    let found = raw.call(&all.with_topics(named.to_vec()), 0).await;
    assert_eq!(found.topics[0].error_code, UNKNOWN_TOPIC_OR_PARTITION);
    assert_eq!(page(found).0, [topic("absent", &[]), topic("b", &[0, 1, 2])]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_only_node_leads_for_ever() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 1).await;
    let mut raw = Raw::connect(broker.broker.address()).await;
    for version in 0..=2 {
        let asked = TopicPartitions::default().with_topic(name("t")).with_partitions(vec![0, 1]);
        let elect = ElectLeadersRequest::default().with_topic_partitions(Some(vec![asked]));
        let elected = raw.call(&elect, version).await.replica_election_results;
        let results = elected[0].partition_result.iter();
        assert_eq!(
            results.map(|result| (result.partition_id, result.error_code)).collect::<Vec<_>>(),
            [(0, ELECTION_NOT_NEEDED), (1, UNKNOWN_TOPIC_OR_PARTITION)]
        );
        let all = ElectLeadersRequest::default().with_topic_partitions(None);
        assert_eq!(raw.call(&all, version).await.replica_election_results, []);
    }
    let moves = raw.call(&ListPartitionReassignmentsRequest::default(), 0).await;
    assert_eq!((moves.error_code, moves.topics.len()), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_can_only_be_moved_to_where_it_is() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 1).await;
    let mut raw = Raw::connect(broker.broker.address()).await;
    let partition = |index, nodes: Option<&[i32]>| {
        let nodes = nodes.map(|nodes| nodes.iter().copied().map(BrokerId).collect());
        ReassignablePartition::default().with_partition_index(index).with_replicas(nodes)
    };
    for version in 0..=1 {
        let topic = ReassignableTopic::default().with_name(name("t")).with_partitions(vec![
            partition(0, Some(&[1])),
            partition(0, Some(&[2])),
            partition(0, Some(&[1, 2])),
            partition(0, None),
            partition(1, Some(&[1])),
        ]);
        let request = AlterPartitionReassignmentsRequest::default().with_topics(vec![topic]);
        let answer = raw.call(&request, version).await;
        let errors = answer.responses[0].partitions.iter().map(|partition| partition.error_code);
        let expected = [
            0,
            INVALID_REPLICA_ASSIGNMENT,
            INVALID_REPLICA_ASSIGNMENT,
            NO_REASSIGNMENT_IN_PROGRESS,
            UNKNOWN_TOPIC_OR_PARTITION,
        ];
        assert_eq!((answer.error_code, errors.collect::<Vec<_>>()), (0, expected.to_vec()));
    }
    let folder = raw.call(&DescribeLogDirsRequest::default(), 4).await.results[0].log_dir.clone();
    for version in 1..=2 {
        let elsewhere = StrBytes::from_static_str("/elsewhere");
        let folders = [(folder.clone(), 0), (elsewhere, LOG_DIR_NOT_FOUND)];
        let dirs = folders.clone().map(|(path, _)| {
            let topic = AlterReplicaLogDirTopic::default().with_name(name("t"));
            let topics = vec![topic.with_partitions(vec![0, 1])];
            AlterReplicaLogDir::default().with_path(path).with_topics(topics)
        });
        let request = AlterReplicaLogDirsRequest::default().with_dirs(dirs.into());
        let answer = raw.call(&request, version).await;
        for (result, (_, expected)) in answer.results.iter().zip(folders) {
            let errors = result.partitions.iter().map(|partition| partition.error_code);
            assert_eq!(errors.collect::<Vec<_>>(), [expected, UNKNOWN_TOPIC_OR_PARTITION]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cluster_is_the_only_node() {
    let broker = TestBroker::start().await;
    let mut raw = Raw::connect(broker.broker.address()).await;
    let ask = DescribeClusterRequest::default();
    let plain = raw.call(&ask, 2).await;
    let address = broker.broker.address();
    assert_eq!((plain.error_code, plain.controller_id), (0, BrokerId(1)));
    assert_eq!(plain.cluster_authorized_operations, i32::MIN, "nobody asked");
    let known = raw.call(&MetadataRequest::default(), 12).await;
    assert_eq!(Some(plain.cluster_id), known.cluster_id);
    let only = &plain.brokers[0];
    assert_eq!((&*only.host, only.port), ("127.0.0.1", i32::from(address.port())));
    assert!(!only.is_fenced && plain.brokers.len() == 1);
    let all = raw.call(&ask.clone().with_include_cluster_authorized_operations(true), 2).await;
    assert_eq!(all.cluster_authorized_operations, 0b1_1111_1010_0000);
    for (kind, error) in [(2, MISMATCHED_ENDPOINT_TYPE), (3, UNSUPPORTED_ENDPOINT_TYPE)] {
        let refused = raw.call(&ask.clone().with_endpoint_type(kind), 2).await;
        assert_eq!(refused.error_code, error);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn there_was_never_another_leader() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 1).await;
    let mut raw = Raw::connect(broker.broker.address()).await;
    for value in ["a", "b"] {
        assert_eq!(raw.produce("t", batch(-1, -1, -1, &[value])).await.error_code, 0);
    }
    let asked = |partition, current, epoch| {
        OffsetForLeaderPartition::default()
            .with_partition(partition)
            .with_current_leader_epoch(current)
            .with_leader_epoch(epoch)
    };
    let partitions =
        vec![asked(0, -1, 0), asked(0, 0, 0), asked(0, 0, 1), asked(0, 1, 0), asked(1, 0, 0)];
    let topic = OffsetForLeaderTopic::default().with_topic(name("t")).with_partitions(partitions);
    let request = OffsetForLeaderEpochRequest::default().with_topics(vec![topic]);
    let answer = raw.call(&request, 4).await;
    let ends =
        answer.topics[0].partitions.iter().map(|p| (p.error_code, p.leader_epoch, p.end_offset));
    let expected = [
        (0, 0, 2),
        (0, 0, 2),
        (0, -1, -1),
        (UNKNOWN_LEADER_EPOCH, -1, -1),
        (UNKNOWN_TOPIC_OR_PARTITION, -1, -1),
    ];
    assert_eq!(ends.collect::<Vec<_>>(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn new_partitions_are_assigned_to_the_only_node() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 1).await;
    let mut raw = Raw::connect(broker.broker.address()).await;
    let mut grow = async |count, nodes: &[i32]| {
        let assignments = nodes.iter().map(|&node| {
            CreatePartitionsAssignment::default().with_broker_ids(vec![BrokerId(node)])
        });
        let topic = CreatePartitionsTopic::default()
            .with_name(name("t"))
            .with_count(count)
            .with_assignments(Some(assignments.collect()));
        let request = CreatePartitionsRequest::default().with_topics(vec![topic]);
        raw.call(&request, 3).await.results[0].error_code
    };
    assert_eq!(grow(3, &[0, 1]).await, INVALID_REPLICA_ASSIGNMENT, "there is no node 0");
    assert_eq!(grow(3, &[1]).await, INVALID_REPLICA_ASSIGNMENT, "one of two is assigned");
    assert_eq!(grow(3, &[1, 1]).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_existing_topic_is_named_in_the_words_of_kafka() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 1).await;
    let mut raw = Raw::connect(broker.broker.address()).await;
    let topic = CreatableTopic::default().with_name(name("t")).with_num_partitions(1);
    let topic = topic.with_replication_factor(1);
    let request = CreateTopicsRequest::default().with_topics(vec![topic]);
    let answer = raw.call(&request, 7).await.topics[0].clone();
    assert_eq!(answer.error_code, TOPIC_ALREADY_EXISTS);
    assert_eq!(answer.error_message.as_deref(), Some("Topic 't' already exists."));
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_name_where_they_come_from() {
    const FROM_BROKER: i8 = 4;
    const BUILT_IN: i8 = 5;
    let broker = TestBroker::with(|config| config.retention_bytes = Some(1 << 30)).await;
    broker.create_topic("t", 1).await;
    let mut raw = Raw::connect(broker.broker.address()).await;
    let topic = DescribeConfigsResource::default()
        .with_resource_type(2)
        .with_resource_name(StrBytes::from_static_str("t"))
        .with_configuration_keys(None);
    let request = DescribeConfigsRequest::default().with_resources(vec![topic]);
    let configs = raw.call(&request, 4).await.results[0].configs.clone();
    let source = |setting: &str| {
        configs.iter().find(|config| &*config.name == setting).unwrap().config_source
    };
    assert_eq!(source("retention.bytes"), FROM_BROKER);
    assert_eq!(source("retention.ms"), BUILT_IN);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_disk_that_partitions_take_is_told() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 2).await;
    broker.create_topic("other", 1).await;
    let mut raw = Raw::connect(broker.broker.address()).await;
    let sent = batch(-1, -1, -1, &["x"]);
    let size = sent.len() as i64;
    assert_eq!(raw.produce("t", sent).await.error_code, 0);
    let asked = DescribableLogDirTopic::default().with_topic(name("t"));
    let absent = DescribableLogDirTopic::default().with_topic(name("absent"));
    let named = vec![asked.with_partitions(vec![0, 1, 7]), absent.with_partitions(vec![0])];
    for version in 1..=4 {
        let request = DescribeLogDirsRequest::default().with_topics(Some(named.clone()));
        let answer = raw.call(&request, version).await;
        assert_eq!((answer.error_code, answer.results.len()), (0, 1));
        let folder = &answer.results[0];
        assert_eq!(*folder.log_dir, *broker.dir.path().to_string_lossy());
        let sizes = folder.topics[0].partitions.iter();
        let sizes: Vec<_> = sizes.map(|p| (p.partition_index, p.partition_size)).collect();
        assert_eq!((folder.topics.len(), sizes), (1, vec![(0, size), (1, 0)]));
        let all = DescribeLogDirsRequest::default().with_topics(None);
        let topics = &raw.call(&all, version).await.results[0].topics;
        assert_eq!(topics.iter().map(|topic| topic.partitions.len()).sum::<usize>(), 3);
    }
}
