//! Typed requests with the API's error envelope.

use gloo::{
    net::http::{Request, RequestBuilder, Response},
    timers::callback::Timeout,
};
use serde::{Serialize, de::DeserializeOwned};
use tillstream_shared::api::ErrorBody;
use web_sys::{AbortController, AbortSignal};

/// How long a request may take, in milliseconds.
const REQUEST_TIMEOUT: u32 = 20_000;

/// Why a request gave nothing to show. The message of each is for the reader of the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApiError {
    /// No answer: the server is gone, or took too long.
    Unreachable,
    /// The server answered with an error.
    Refused {
        /// The HTTP status.
        status: u16,
        /// The sentence of the error envelope.
        message: String,
    },
    /// An answer that this page does not understand.
    Unreadable(String),
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unreachable => f.write_str("The server does not answer. Is Tillstream running?"),
            Self::Refused { message, .. } => f.write_str(message),
            Self::Unreadable(why) => {
                write!(f, "The server's answer could not be read ({why}). Reload the page.")
            }
        }
    }
}

impl std::error::Error for ApiError {}

/// Reads an answer: a success as `T`, anything else as the error envelope.
///
/// # Errors
/// [`ApiError::Refused`] for a status outside 200 to 299, [`ApiError::Unreadable`] for a success that
/// is no `T`.
pub fn read<T: DeserializeOwned>(status: u16, body: &str) -> Result<T, ApiError> {
    if (200..300).contains(&status) {
        return serde_json::from_str(body).map_err(|e| ApiError::Unreadable(e.to_string()));
    }
    // A proxy in between answers without the envelope.
    let message = serde_json::from_str::<ErrorBody>(body)
        .map_or_else(|_| format!("The server answered with status {status}."), |body| body.error);
    Err(ApiError::Refused { status, message })
}

/// `GET url`.
///
/// # Errors
/// See [`ApiError`].
pub async fn get<T: DeserializeOwned>(url: &str) -> Result<T, ApiError> {
    let abort = Abort::after(REQUEST_TIMEOUT)?;
    answer(Request::get(url).abort_signal(Some(&abort.signal())).send().await).await
}

/// `POST url` with a JSON body.
///
/// # Errors
/// See [`ApiError`].
pub async fn post<B: Serialize, T: DeserializeOwned>(url: &str, body: &B) -> Result<T, ApiError> {
    let abort = Abort::after(REQUEST_TIMEOUT)?;
    let builder: RequestBuilder = Request::post(url).abort_signal(Some(&abort.signal()));
    let request = builder.json(body).map_err(|e| ApiError::Unreadable(e.to_string()))?;
    answer(request.send().await).await
}

async fn answer<T: DeserializeOwned>(
    response: Result<Response, gloo::net::Error>,
) -> Result<T, ApiError> {
    let response = response.map_err(|_| ApiError::Unreachable)?;
    let body = response.text().await.map_err(|_| ApiError::Unreachable)?;
    read(response.status(), &body)
}

/// Ends a request when it is dropped before its answer, or when it takes too long.
struct Abort {
    controller: AbortController,
    _timer: Timeout,
}

impl Abort {
    fn after(milliseconds: u32) -> Result<Self, ApiError> {
        let controller = AbortController::new().map_err(|_| ApiError::Unreachable)?;
        let late = controller.clone();
        let timer = Timeout::new(milliseconds, move || late.abort());
        Ok(Self { controller, _timer: timer })
    }

    fn signal(&self) -> AbortSignal {
        self.controller.signal()
    }
}

impl Drop for Abort {
    fn drop(&mut self) {
        self.controller.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_speaks_in_the_servers_words() {
        let error = read::<u32>(404, r#"{"error":"Model not found"}"#).unwrap_err();
        assert_eq!(error, ApiError::Refused { status: 404, message: "Model not found".to_owned() });
        assert_eq!(error.to_string(), "Model not found");
    }

    #[test]
    fn a_refusal_without_the_envelope_is_still_a_sentence() {
        let error = read::<u32>(502, "<html>Bad gateway</html>").unwrap_err();
        assert_eq!(error.to_string(), "The server answered with status 502.");
    }

    #[test]
    fn a_success_that_is_something_else_is_an_error() {
        assert!(matches!(read::<u32>(200, "<html>"), Err(ApiError::Unreadable(_))));
        assert_eq!(read::<u32>(200, "7"), Ok(7));
    }
}
