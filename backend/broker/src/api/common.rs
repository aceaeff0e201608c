//! What the handlers share.

use std::{future::Future, pin::Pin};

use kafka_protocol::{ResponseError, messages::BrokerId, protocol::StrBytes};

use crate::{
    log::Isolation,
    pattern::NamePattern,
    wire::{Frame, RequestError},
};

/// A response frame in the making; none for a request that wants none.
pub(crate) type PendingResponse =
    Pin<Box<dyn Future<Output = Result<Option<Frame>, RequestError>> + Send>>;

/// The id of the only node.
pub(super) const NODE_ID: BrokerId = BrokerId(1);
/// The leader never changes.
pub(super) const LEADER_EPOCH: i32 = 0;

/// What Kafka's number of an isolation level means.
pub(super) fn isolation(level: i8) -> Isolation {
    if level == 1 { Isolation::ReadCommitted } else { Isolation::ReadUncommitted }
}

/// Kafka's number of an error, 0 for none.
pub(super) fn error_code<T>(result: &Result<T, ResponseError>) -> i16 {
    result.as_ref().err().map_or(0, ResponseError::code)
}

/// Runs something that touches the disk where it may block.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ResponseError> + Send + 'static,
) -> Result<T, ResponseError> {
    let failed = |_| ResponseError::UnknownServerError;
    tokio::task::spawn_blocking(work).await.map_err(failed).flatten()
}

/// A disk that fails, told to the log and, without details, to the client.
pub(super) fn storage_error(error: impl std::fmt::Display) -> ResponseError {
    tracing::error!("{error}");
    ResponseError::KafkaStorageError
}

pub(super) fn text(text: impl Into<String>) -> StrBytes {
    StrBytes::from_string(text.into())
}

/// Compiles a client's pattern; the error says what is wrong with it.
pub(super) async fn pattern(text: StrBytes) -> Result<NamePattern, (ResponseError, String)> {
    let compiled = tokio::task::spawn_blocking(move || NamePattern::new(&text)).await;
    let compiled = compiled.map_err(|error| (ResponseError::UnknownServerError, error.to_string()));
    compiled?.map_err(|why| (ResponseError::InvalidRegularExpression, why))
}
