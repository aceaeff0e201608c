//! The one way to answer anything but a success.

use std::borrow::Cow;

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use tillstream_shared::{Entity, ModelNumber, UnknownEntity, UnknownModelRef, api::ErrorBody};

use super::{MAX_BODY, SourceError};

/// Why a request is refused. The message goes to the client as `{"error": …}`.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The body is no JSON object.
    #[error("the request body must be a JSON object: {0}")]
    NotJson(String),
    /// A field is missing, of the wrong type, or has a value that cannot be used.
    #[error("`{field}` {problem}")]
    Field {
        /// Its name in the request.
        field: &'static str,
        /// What is wrong with it.
        problem: Cow<'static, str>,
    },
    /// The body could not be read to its end.
    #[error("the request body could not be read")]
    UnreadableBody,
    /// The part of the path that names a model does not.
    #[error(transparent)]
    ModelRef(#[from] UnknownModelRef),
    /// No model of that number answers.
    #[error("Model not found")]
    ModelNotFound,
    /// The path names another entity.
    #[error(transparent)]
    Entity(#[from] UnknownEntity),
    /// The model is known, the points it was trained on are not.
    #[error("the points of the {0} model {1} are not known: its batch file is gone")]
    NoPoints(Entity, ModelNumber),
    /// No route has that path.
    #[error("there is nothing at this path")]
    NoSuchPath,
    /// The path exists for other methods, which the `Allow` header lists.
    #[error("this path does not answer that method; see the Allow header")]
    MethodNotAllowed,
    /// The body is larger than any request needs.
    #[error("the request body is larger than {} KiB", MAX_BODY / 1024)]
    TooLarge,
    /// The body is announced as something else than JSON.
    #[error("the body must be JSON: send it with `Content-Type: application/json`")]
    NotJsonType,
    /// Something that should not happen; the client learns no more than that.
    #[error("internal error")]
    Internal(#[source] SourceError),
}

impl ApiError {
    /// A field of the request and what is wrong with it.
    pub fn field(field: &'static str, problem: impl Into<Cow<'static, str>>) -> Self {
        Self::Field { field, problem: problem.into() }
    }

    /// Something that should not happen.
    pub fn internal(error: impl Into<SourceError>) -> Self {
        Self::Internal(error.into())
    }

    /// The status code that goes with it.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::NotJson(_) | Self::Field { .. } | Self::UnreadableBody | Self::ModelRef(_) => {
                StatusCode::BAD_REQUEST
            }
            Self::ModelNotFound | Self::Entity(_) | Self::NoPoints(..) | Self::NoSuchPath => {
                StatusCode::NOT_FOUND
            }
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NotJsonType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        if let Self::Internal(error) = &self {
            tracing::error!("a request failed: {error}");
        }
        (self.status(), Json(ErrorBody { error: self.to_string() })).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn answer(error: ApiError) -> (u16, String) {
        let response = error.into_response();
        assert_eq!(response.headers()["content-type"], "application/json");
        let status = response.status().as_u16();
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice::<ErrorBody>(&body).unwrap().error)
    }

    #[tokio::test]
    async fn every_error_has_its_status_and_says_what_is_wrong() {
        let number = "x".parse::<tillstream_shared::ModelRef>().unwrap_err();
        let entity = "shop".parse::<Entity>().unwrap_err();
        for (error, status, message) in [
            (ApiError::NotJson("EOF".into()), 400, "the request body must be a JSON object: EOF"),
            (ApiError::field("Quantity", "is missing"), 400, "`Quantity` is missing"),
            (ApiError::UnreadableBody, 400, "the request body could not be read"),
            (number.into(), 400, "`x` is no model number: use a number from 1, `latest` or `all`"),
            (ApiError::ModelNotFound, 404, "Model not found"),
            (entity.into(), 404, "unknown entity `shop`: use customer, product or country"),
            (
                ApiError::NoPoints(Entity::Customer, ModelNumber::All),
                404,
                "the points of the customer model all are not known: its batch file is gone",
            ),
            (ApiError::NoSuchPath, 404, "there is nothing at this path"),
            (
                ApiError::MethodNotAllowed,
                405,
                "this path does not answer that method; see the Allow header",
            ),
            (ApiError::TooLarge, 413, "the request body is larger than 64 KiB"),
            (
                ApiError::NotJsonType,
                415,
                "the body must be JSON: send it with `Content-Type: application/json`",
            ),
            (ApiError::internal("the password is swordfish"), 500, "internal error"),
        ] {
            assert_eq!(answer(error).await, (status, message.to_owned()));
        }
    }
}
