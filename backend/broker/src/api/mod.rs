//! The requests this broker answers, one function each.

mod configs;
mod fetch;
mod groups;
mod list_offsets;
mod metadata;
mod offsets;
mod produce;
mod topics;
mod versions;

use std::future::Future;

use bytes::Bytes;
use kafka_protocol::{
    ResponseError,
    messages::{ApiKey, BrokerId},
    protocol::{Decodable, Encodable, HeaderVersion, StrBytes},
};

use super::{
    server::{Answer, Context},
    wire::{Refusal, Request},
};

/// The number of the one node there is.
const NODE: BrokerId = BrokerId(1);
/// The leader never changes.
const LEADER_EPOCH: i32 = 0;

/// The answer to everything that has to do with transactions. Of the errors that say "you may not",
/// this is the one that clients take for final; on others they try again until they time out.
const TRANSACTIONS_REFUSED: ResponseError = ResponseError::TransactionalIdAuthorizationFailed;

/// The APIs with the first and last version offered. What carries topic ids instead of names
/// (Produce 13, Fetch 13) is left out.
///
/// Produce is said to begin at 0, as Apache Kafka 4 says: older librdkafka takes that for leave to
/// compress. Versions below 3, with old message formats, are refused there as here.
const APIS: [(ApiKey, i16, i16); 20] = [
    (ApiKey::Produce, 0, 12),
    (ApiKey::Fetch, 4, 12),
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
    (ApiKey::ApiVersions, 0, 4),
    (ApiKey::CreateTopics, 2, 7),
    (ApiKey::DeleteTopics, 1, 6),
    (ApiKey::DeleteRecords, 0, 2),
    (ApiKey::InitProducerId, 0, 5),
    (ApiKey::DescribeConfigs, 1, 4),
    (ApiKey::CreatePartitions, 0, 3),
];

/// Whether a request of that version can be decoded.
pub(super) fn known(api: ApiKey, version: i16) -> bool {
    let first = if api == ApiKey::Produce { 3 } else { 0 };
    let offered = |&(key, min, max): &(ApiKey, i16, i16)| {
        key == api && (min.max(first)..=max).contains(&version)
    };
    APIS.iter().any(offered)
}

/// Begins to answer. A produce request is appended before this returns, so that the next one of the
/// same client can share its flush; all others run when their turn to be answered has come.
pub(super) async fn begin(context: Context, request: Request) -> Result<Answer, Refusal> {
    if request.api == ApiKey::Produce {
        return produce::begin(context, request).await;
    }
    Ok(Box::pin(async move {
        let (c, r) = (&context, &request);
        let answered = match r.api {
            ApiKey::ApiVersions => return versions::answer(r).map(Some),
            ApiKey::Fetch => answer(r, |q| fetch::fetch(c, q)).await,
            ApiKey::ListOffsets => answer(r, |q| list_offsets::list(c, q, r.version)).await,
            ApiKey::Metadata => answer(r, |q| metadata::metadata(c, q, r.version)).await,
            ApiKey::InitProducerId => answer(r, |q| produce::init_producer_id(c, q)).await,
            ApiKey::CreateTopics => answer(r, |q| topics::create(c, q, r.version)).await,
            ApiKey::DeleteTopics => answer(r, |q| topics::delete(c, q, r.version)).await,
            ApiKey::CreatePartitions => answer(r, |q| topics::extend(c, q)).await,
            ApiKey::DeleteRecords => answer(r, |q| topics::delete_records(c, q)).await,
            ApiKey::DescribeConfigs => answer(r, |q| configs::describe(c, q)).await,
            ApiKey::FindCoordinator => answer(r, |q| groups::find(c, q, r.version)).await,
            ApiKey::JoinGroup => answer(r, |q| groups::join(c, q, r)).await,
            ApiKey::SyncGroup => answer(r, |q| groups::sync(c, q, r.version)).await,
            ApiKey::Heartbeat => answer(r, |q| groups::heartbeat(c, q)).await,
            ApiKey::LeaveGroup => answer(r, |q| groups::leave(c, q, r.version)).await,
            ApiKey::DescribeGroups => answer(r, |q| groups::describe(c, q, r.version)).await,
            ApiKey::ListGroups => answer(r, |q| groups::list(c, q)).await,
            ApiKey::OffsetCommit => answer(r, |q| offsets::commit(c, q)).await,
            ApiKey::OffsetFetch => answer(r, |q| offsets::fetch(c, q, r.version)).await,
            api => Err(Refusal::UnknownApi(api as i16)),
        };
        answered.map(Some)
    }))
}

/// Decodes a request, has it answered and encodes the answer.
async fn answer<Q, R, F>(request: &Request, handle: impl FnOnce(Q) -> F) -> Result<Bytes, Refusal>
where
    Q: Decodable,
    R: Encodable + HeaderVersion,
    F: Future<Output = R>,
{
    request.encode(&handle(request.decode()?).await)
}

/// Kafka's number of an error, 0 for none.
fn code<T>(result: &Result<T, ResponseError>) -> i16 {
    result.as_ref().err().map_or(0, ResponseError::code)
}

/// Runs something that touches the disk where it may block.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ResponseError> + Send + 'static,
) -> Result<T, ResponseError> {
    let failed = |_| ResponseError::UnknownServerError;
    tokio::task::spawn_blocking(work).await.map_err(failed).flatten()
}

/// A disk that fails, told to the log and, without details, to the client.
fn storage_error(error: impl std::fmt::Display) -> ResponseError {
    tracing::error!("{error}");
    ResponseError::KafkaStorageError
}

fn text(text: impl Into<String>) -> StrBytes {
    StrBytes::from_string(text.into())
}
