//! ApiVersions: which requests this broker answers.

use bytes::Bytes;
use kafka_protocol::{
    ResponseError,
    messages::{
        ApiKey, ApiVersionsRequest, ApiVersionsResponse,
        api_versions_response::{ApiVersion, FinalizedFeatureKey, SupportedFeatureKey},
    },
    protocol::StrBytes,
};

use crate::wire::{Request, RequestError};

/// The APIs with the first and last version offered.
///
/// Produce is said to begin at 0, as Apache Kafka 4 says: older librdkafka takes that for leave to
/// compress. Versions below 3, with old message formats, are refused there as here.
pub(crate) const APIS: [(ApiKey, i16, i16); 45] = [
    (ApiKey::Produce, 0, 13),
    (ApiKey::Fetch, 4, 18),
    (ApiKey::ListOffsets, 1, 10),
    (ApiKey::Metadata, 0, 13),
    (ApiKey::OffsetCommit, 2, 9),
    (ApiKey::OffsetFetch, 1, 9),
    (ApiKey::FindCoordinator, 0, 6),
    (ApiKey::JoinGroup, 0, 9),
    (ApiKey::Heartbeat, 0, 4),
    (ApiKey::LeaveGroup, 0, 5),
    (ApiKey::SyncGroup, 0, 5),
    (ApiKey::DescribeGroups, 0, 6),
    (ApiKey::ListGroups, 0, 5),
    (ApiKey::DeleteGroups, 0, 2),
    (ApiKey::ApiVersions, 0, 4),
    (ApiKey::CreateTopics, 2, 7),
    (ApiKey::DeleteTopics, 1, 6),
    (ApiKey::DeleteRecords, 0, 2),
    (ApiKey::InitProducerId, 0, 5),
    (ApiKey::OffsetForLeaderEpoch, 2, 4),
    (ApiKey::AddPartitionsToTxn, 0, 5),
    (ApiKey::AddOffsetsToTxn, 0, 4),
    (ApiKey::EndTxn, 0, 5),
    (ApiKey::TxnOffsetCommit, 0, 5),
    (ApiKey::DescribeAcls, 1, 3),
    (ApiKey::CreateAcls, 1, 3),
    (ApiKey::DeleteAcls, 1, 3),
    (ApiKey::DescribeConfigs, 1, 4),
    (ApiKey::AlterConfigs, 0, 2),
    (ApiKey::AlterReplicaLogDirs, 1, 2),
    (ApiKey::DescribeLogDirs, 1, 4),
    (ApiKey::CreatePartitions, 0, 3),
    (ApiKey::IncrementalAlterConfigs, 0, 1),
    (ApiKey::ElectLeaders, 0, 2),
    (ApiKey::AlterPartitionReassignments, 0, 1),
    (ApiKey::ListPartitionReassignments, 0, 0),
    (ApiKey::OffsetDelete, 0, 0),
    (ApiKey::DescribeCluster, 0, 2),
    (ApiKey::DescribeProducers, 0, 0),
    (ApiKey::DescribeTransactions, 0, 0),
    (ApiKey::ListTransactions, 0, 2),
    (ApiKey::ConsumerGroupHeartbeat, 0, 1),
    (ApiKey::ConsumerGroupDescribe, 0, 1),
    (ApiKey::ListConfigResources, 0, 1),
    (ApiKey::DescribeTopicPartitions, 0, 0),
];

/// The features that tell clients of the consumer group protocol and of the second protocol of
/// transactions, and their levels.
const FEATURES: [(&str, i16); 2] = [("group.version", 1), ("transaction.version", 2)];

/// Whether a request of that version can be decoded.
pub(crate) fn is_supported(api: ApiKey, version: i16) -> bool {
    let first = if api == ApiKey::Produce { 3 } else { 0 };
    let offered = |&(key, min, max): &(ApiKey, i16, i16)| {
        key == api && (min.max(first)..=max).contains(&version)
    };
    APIS.iter().any(offered)
}

pub(super) fn api_versions(request: &Request) -> Result<Bytes, RequestError> {
    let apis = |wanted: fn(ApiKey) -> bool| {
        let offered = APIS.iter().filter(|(api, ..)| wanted(*api));
        offered
            .map(|&(api, min, max)| {
                let version = ApiVersion::default().with_api_key(api as i16);
                version.with_min_version(min).with_max_version(max)
            })
            .collect()
    };
    if !is_supported(request.api, request.version) {
        // The one request whose version a client cannot know: it is told, in the oldest version.
        let response = ApiVersionsResponse::default()
            .with_error_code(ResponseError::UnsupportedVersion.code())
            .with_api_keys(apis(|api| api == ApiKey::ApiVersions));
        return request.encode_as(&response, 0);
    }
    request.decode::<ApiVersionsRequest>()?;
    let supported = FEATURES.map(|(name, level)| {
        SupportedFeatureKey::default()
            .with_name(StrBytes::from_static_str(name))
            .with_min_version(0)
            .with_max_version(level)
    });
    let finalized = FEATURES.map(|(name, level)| {
        FinalizedFeatureKey::default()
            .with_name(StrBytes::from_static_str(name))
            .with_min_version_level(level)
            .with_max_version_level(level)
    });
    let response = ApiVersionsResponse::default()
        .with_api_keys(apis(|_| true))
        .with_supported_features(supported.into())
        .with_finalized_features_epoch(0)
        .with_finalized_features(finalized.into());
    request.encode(&response)
}
