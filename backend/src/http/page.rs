//! The page's files, as `trunk build` made them.

use std::{io, path::Path};

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use tower_http::services::ServeDir;

use super::ApiError;

/// Shown where the page is not built.
const NOT_BUILT: &str = "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">\
<title>Tillstream</title>\n<h1>Tillstream is running, its page is not built</h1>\n\
<p>Run <code>script/server</code>, which builds it, or <code>trunk build</code> and start Tillstream \
with <code>--page dist</code>.</p>\n\
<p>The API answers all the same: <a href=\"/api/v1/status\">status</a>, \
<a href=\"/api/v1/models\">models</a>.</p>\n";

/// A file whose name has a hash of its contents never changes.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// Any other is asked for again each time.
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");

/// The file that the request asks for; for the page's own addresses, which have no file, `index.html`.
pub(super) async fn page(folder: Option<&Path>, request: Request) -> Response {
    let name = request.uri().path().rsplit('/').next().unwrap_or_default();
    if !name.contains('.') || name == "index.html" {
        return index(folder).await.unwrap_or_else(IntoResponse::into_response);
    }
    let Some(folder) = folder else { return ApiError::NoSuchPath.into_response() };
    let cache = if has_hash(name) { FOR_EVER } else { ASK_AGAIN };
    let mut files = ServeDir::new(folder).append_index_html_on_directories(false);
    match files.try_call(request).await {
        Ok(response) if response.status() == StatusCode::NOT_FOUND => {
            ApiError::NoSuchPath.into_response()
        }
        Ok(mut response) => {
            response.headers_mut().insert(header::CACHE_CONTROL, cache);
            response.map(Body::new)
        }
        Err(error) => ApiError::internal(error).into_response(),
    }
}

/// `index.html` with a policy that lets its own scripts run and no others: trunk writes the one that
/// starts the page into the file, so each script gets a nonce.
async fn index(folder: Option<&Path>) -> Result<Response, ApiError> {
    let html = match folder {
        Some(folder) => tokio::fs::read_to_string(folder.join("index.html")).await,
        None => Err(io::ErrorKind::NotFound.into()),
    };
    let html = match html {
        Ok(html) => html,
        Err(error) if error.kind() == io::ErrorKind::NotFound => NOT_BUILT.to_owned(),
        Err(error) => return Err(ApiError::internal(error)),
    };
    let nonce = format!("{:032x}", rand::random::<u128>());
    let html = html.replace("<script", &format!("<script nonce=\"{nonce}\""));
    let headers: [(HeaderName, HeaderValue); 2] = [
        (header::CACHE_CONTROL, ASK_AGAIN),
        (header::CONTENT_SECURITY_POLICY, policy(&nonce).map_err(ApiError::internal)?),
    ];
    Ok((headers, Html(html)).into_response())
}

fn policy(nonce: &str) -> Result<HeaderValue, header::InvalidHeaderValue> {
    HeaderValue::try_from(format!(
        "default-src 'self'; script-src 'self' 'wasm-unsafe-eval' 'nonce-{nonce}'; \
         style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; \
         base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
    ))
}

/// Whether a part of the name is a hash as trunk writes it: `page-1f0b6c2f9f1f3c7d_bg.wasm`.
fn has_hash(name: &str) -> bool {
    /// Trunk's hashes have 16 digits, leading zeros left out.
    const DIGITS: std::ops::RangeInclusive<usize> = 12..=64;

    name.split(['-', '_', '.']).any(|part| {
        DIGITS.contains(&part.len())
            && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}

#[cfg(test)]
mod tests {
    use super::has_hash;

    #[test]
    fn trunk_s_names_have_a_hash_and_others_not() {
        for name in ["page-1f0b6c2f9f1f3c7d.js", "page-f0b6c2f9f1f3c7d_bg.wasm"] {
            assert!(has_hash(name), "{name}");
        }
        for name in ["index.html", "favicon.svg", "style.css", "page-deadbeef.js", "20261123.png"] {
            assert!(!has_hash(name), "{name}");
        }
    }
}
