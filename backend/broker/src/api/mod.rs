//! The requests this broker answers, one function each.

mod acls;
mod alter_configs;
mod cluster;
mod common;
mod config_resources;
mod configs;
mod consumer_groups;
mod fetch;
mod fetch_response;
mod find_coordinator;
mod groups;
mod leader_epochs;
mod list_offsets;
mod log_dirs;
mod metadata;
mod offset_delete;
mod offsets;
mod produce;
mod produce_request;
mod producers;
mod replicas;
#[cfg(test)]
mod tests;
mod topics;
mod transaction_listing;
mod transaction_partitions;
mod transactions;
mod versions;

use std::future::Future;

use bytes::Bytes;
use kafka_protocol::{
    messages::ApiKey,
    protocol::{Decodable, Encodable, HeaderVersion},
};

pub(crate) use common::PendingResponse;
#[cfg(any(test, fuzzing))]
pub(crate) use versions::APIS;
pub(crate) use versions::is_supported;

use crate::{
    context::Context,
    wire::{Request, RequestError},
};

/// Begins to answer. A produce request is appended before this returns, so that the next one of the
/// same client can share its flush; all others run when their turn to be answered has come.
pub(crate) async fn dispatch(
    context: Context,
    request: Request,
) -> Result<PendingResponse, RequestError> {
    match request.api {
        ApiKey::Produce => return produce::produce(context, request).await,
        ApiKey::Fetch => return Ok(Box::pin(fetch::fetch(context, request))),
        _ => {}
    }
    Ok(Box::pin(async move {
        let (c, r) = (&context, &request);
        let response = match r.api {
            ApiKey::ApiVersions => versions::api_versions(r),
            ApiKey::ListOffsets => handle(r, |q| list_offsets::list(c, q, r.version)).await,
            ApiKey::Metadata => handle(r, |q| metadata::metadata(c, q, r.version)).await,
            ApiKey::InitProducerId => handle(r, |q| transactions::init_producer_id(c, q)).await,
            ApiKey::CreateTopics => handle(r, |q| topics::create(c, q, r.version)).await,
            ApiKey::DeleteTopics => handle(r, |q| topics::delete(c, q, r.version)).await,
            ApiKey::CreatePartitions => handle(r, |q| topics::create_partitions(c, q)).await,
            ApiKey::DeleteRecords => handle(r, |q| topics::delete_records(c, q)).await,
            ApiKey::DescribeConfigs => handle(r, |q| configs::describe(c, q)).await,
            ApiKey::AlterConfigs => handle(r, |q| alter_configs::alter_all(c, q)).await,
            ApiKey::IncrementalAlterConfigs => handle(r, |q| alter_configs::alter_some(c, q)).await,
            ApiKey::FindCoordinator => handle(r, |q| find_coordinator::find(c, q, r.version)).await,
            ApiKey::JoinGroup => handle(r, |q| groups::join(c, q, r)).await,
            ApiKey::SyncGroup => handle(r, |q| groups::sync(c, q, r.version)).await,
            ApiKey::Heartbeat => handle(r, |q| groups::heartbeat(c, q)).await,
            ApiKey::LeaveGroup => handle(r, |q| groups::leave(c, q, r.version)).await,
            ApiKey::DescribeGroups => handle(r, |q| groups::describe(c, q, r.version)).await,
            ApiKey::ListGroups => handle(r, |q| groups::list(c, q)).await,
            ApiKey::DeleteGroups => handle(r, |q| groups::delete(c, q)).await,
            ApiKey::OffsetCommit => handle(r, |q| offsets::commit(c, q, r.version)).await,
            ApiKey::ConsumerGroupHeartbeat => {
                handle(r, |q| consumer_groups::heartbeat(c, q, r)).await
            }
            ApiKey::ConsumerGroupDescribe => handle(r, |q| consumer_groups::describe(c, q)).await,
            ApiKey::ListTransactions => handle(r, |q| transaction_listing::list(c, q)).await,
            ApiKey::DescribeTransactions => {
                handle(r, |q| transaction_listing::describe(c, q)).await
            }
            ApiKey::DescribeProducers => handle(r, |q| producers::describe(c, q)).await,
            ApiKey::ListConfigResources => {
                handle(r, |q| config_resources::list(c, q, r.version)).await
            }
            ApiKey::DescribeLogDirs => handle(r, |q| log_dirs::describe(c, q)).await,
            ApiKey::OffsetDelete => handle(r, |q| offset_delete::delete(c, q)).await,
            ApiKey::DescribeAcls => handle(r, acls::describe).await,
            ApiKey::CreateAcls => handle(r, acls::create).await,
            ApiKey::DeleteAcls => handle(r, acls::delete).await,
            ApiKey::DescribeTopicPartitions => handle(r, |q| replicas::describe(c, q)).await,
            ApiKey::ElectLeaders => handle(r, |q| replicas::elect_leaders(c, q)).await,
            ApiKey::AlterPartitionReassignments => handle(r, |q| replicas::reassign(c, q)).await,
            ApiKey::AlterReplicaLogDirs => handle(r, |q| replicas::move_folder(c, q)).await,
            ApiKey::DescribeCluster => handle(r, |q| cluster::describe(c, q)).await,
            ApiKey::OffsetForLeaderEpoch => handle(r, |q| leader_epochs::end_offsets(c, q)).await,
            ApiKey::ListPartitionReassignments => handle(r, replicas::list_reassignments).await,
            ApiKey::OffsetFetch => handle(r, |q| offsets::fetch(c, q, r.version)).await,
            ApiKey::AddPartitionsToTxn => {
                handle(r, |q| transaction_partitions::add(c, q, r.version)).await
            }
            ApiKey::AddOffsetsToTxn => {
                handle(r, |q| transactions::add_offsets(c, q, r.version)).await
            }
            ApiKey::TxnOffsetCommit => {
                handle(r, |q| transactions::commit_offsets(c, q, r.version)).await
            }
            ApiKey::EndTxn => handle(r, |q| transactions::end(c, q, r.version)).await,
            api => Err(RequestError::UnknownApi(api as i16)),
        };
        response.map(|bytes| Some(bytes.into()))
    }))
}

/// Decodes a request, has it answered and encodes the response.
async fn handle<Q, R, F>(
    request: &Request,
    handler: impl FnOnce(Q) -> F,
) -> Result<Bytes, RequestError>
where
    Q: Decodable,
    R: Encodable + HeaderVersion,
    F: Future<Output = R>,
{
    request.encode(&handler(request.decode()?).await)
}
