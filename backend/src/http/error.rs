//! Every answer that is not a success, and its status code.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use tillstream_shared::api::ErrorBody;

use crate::{blocking::Panicked, registry::ChampionError, stored_data::StoredDataError};

/// What a request was refused for. The message is the `error` of the JSON envelope.
#[derive(Debug, thiserror::Error)]
pub(super) enum ApiError {
    /// The request cannot be understood, or asks for what cannot be.
    #[error("{0}")]
    Invalid(String),
    /// No model of that entity and number.
    #[error("Model not found")]
    ModelNotFound,
    /// The batch that a model was trained on is gone.
    #[error("the points of this model are not there: its batch was removed")]
    PointsNotFound,
    /// The number of clusters of the model was given, not chosen.
    #[error("this model has no report card: its k was given, not chosen (--k auto chooses it)")]
    ReportNotFound,
    /// No profile model knows that entity.
    #[error("no profile model knows it: check the identifier, or wait for its first sale")]
    ProfileNotFound,
    /// No such route.
    #[error("there is no {0}")]
    NotFound(String),
    /// The route exists, for other methods.
    #[error("{0}")]
    WrongMethod(String),
    /// It cannot be done as things are now.
    #[error("{0}")]
    Conflict(String),
    /// The body is longer than any request needs.
    #[error("the body is longer than {limit} bytes", limit = super::BODY_LIMIT)]
    TooLarge,
    /// The body says that it is not JSON.
    #[error("the body must be JSON, with the content type application/json")]
    NotJson,
    /// Something that the caller cannot help; logged, and not told.
    #[error("internal error")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl ApiError {
    /// A field that is missing, or has a value that cannot be.
    pub(super) fn field(name: &str, reason: impl std::fmt::Display) -> Self {
        Self::Invalid(format!("`{name}` {reason}"))
    }

    const fn status(&self) -> StatusCode {
        match self {
            Self::Invalid(_) => StatusCode::BAD_REQUEST,
            Self::ModelNotFound
            | Self::PointsNotFound
            | Self::ReportNotFound
            | Self::ProfileNotFound
            | Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::WrongMethod(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl From<Panicked> for ApiError {
    fn from(error: Panicked) -> Self {
        Self::Internal(error.into())
    }
}

impl From<ChampionError> for ApiError {
    fn from(error: ChampionError) -> Self {
        match error {
            ChampionError::NoSuchModel { .. } => Self::ModelNotFound,
            ChampionError::NoEarlier { .. } => Self::Conflict(error.to_string()),
            error => Self::Internal(error.into()),
        }
    }
}

impl From<StoredDataError> for ApiError {
    fn from(error: StoredDataError) -> Self {
        Self::Internal(error.into())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        if let Self::Internal(source) = &self {
            tracing::error!("a request failed: {source}");
        }
        (self.status(), Json(ErrorBody { error: self.to_string() })).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_its_status() {
        for (error, status) in [
            (ApiError::Invalid(String::new()), 400),
            (ApiError::ModelNotFound, 404),
            (ApiError::PointsNotFound, 404),
            (ApiError::ReportNotFound, 404),
            (ApiError::ProfileNotFound, 404),
            (ApiError::NotFound(String::new()), 404),
            (ApiError::WrongMethod(String::new()), 405),
            (ApiError::Conflict(String::new()), 409),
            (ApiError::TooLarge, 413),
            (ApiError::NotJson, 415),
            (ApiError::Internal("secret".into()), 500),
        ] {
            assert_eq!(error.status().as_u16(), status, "{error}");
        }
    }

    #[test]
    fn internals_are_not_told() {
        let error = ApiError::Internal("the password is 1234".into());
        assert_eq!(error.to_string(), "internal error");
    }
}
