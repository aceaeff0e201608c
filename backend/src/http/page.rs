//! The page's files, and where it is not built, how to build it.

use std::{
    io,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    sync::Arc,
};

use axum::{
    Router,
    extract::Request,
    handler::HandlerWithoutStateExt,
    http::{HeaderValue, Method, StatusCode, Uri, header},
    middleware::{Next, from_fn},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use tower_http::services::ServeDir;

use super::{AppState, error::ApiError};

/// Paths that the page itself routes, and the file that routes them.
const PAGES: [&str; 5] = ["/", "/clusters", "/profiles", "/predict", "/index.html"];

const NOT_BUILT: &str = "<!doctype html><title>Tillstream</title><h1>Tillstream</h1>\
    <p>The service runs, but its page is not built. Build it with <code>trunk build --release</code> \
    and name its folder with <code>--page</code>, or start with <code>script/server</code>, which does \
    both.</p>";

/// How many hexadecimal digits trunk writes into the name of a file: 64 bits without leading zeros. A
/// shorter hash is so rare that a file may then be asked for again.
const HASH: RangeInclusive<usize> = 12..=16;

pub(super) fn routes(folder: &Path) -> Router<Arc<AppState>> {
    let index = folder.join("index.html");
    let mut routes = Router::new();
    for path in PAGES {
        let index = index.clone();
        routes = routes.route(path, get(move || page(index, StatusCode::OK)));
    }
    let files = ServeDir::new(folder)
        .append_index_html_on_directories(false)
        .call_fallback_on_method_not_allowed(true)
        .fallback(HandlerWithoutStateExt::into_service(move |request| not_found(index, request)));
    let files = Router::new().fallback_service(files).layer(from_fn(cached_by_name));
    routes.fallback_service(files)
}

/// What a browser may do with an answer: `scripts` are the sources of scripts beside the page's own
/// files. Styles may be inline, because the page sets widths and colours of single elements.
pub(super) fn policy(scripts: &str) -> String {
    format!(
        "default-src 'self'; script-src 'self' {scripts}'wasm-unsafe-eval'; \
         style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; \
         base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
}

/// The page, which finds out by itself which of its views is meant. The script that starts it is
/// inline, as trunk writes it: a nonce that only this answer has lets it run, and no other.
async fn page(index: PathBuf, status: StatusCode) -> Response {
    let html = match tokio::fs::read_to_string(&index).await {
        Ok(html) => html,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return (status, Html(NOT_BUILT)).into_response();
        }
        Err(error) => return ApiError::Internal(Box::new(error)).into_response(),
    };
    let nonce = format!("{:032x}", rand::random::<u128>());
    let html = html.replace("<script", &format!("<script nonce=\"{nonce}\""));
    // It names the files of one build: an old copy would ask for files that are gone.
    let headers = [
        (header::CACHE_CONTROL, "no-cache".to_owned()),
        (header::CONTENT_SECURITY_POLICY, policy(&format!("'nonce-{nonce}' "))),
    ];
    (status, headers, Html(html)).into_response()
}

/// Says how long a browser may keep a file: for ever when its name holds a hash of its content,
/// otherwise for as long as the server says that it has not changed.
async fn cached_by_name(uri: Uri, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let kept =
        if has_hash(uri.path()) { "public, max-age=31536000, immutable" } else { "no-cache" };
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static(kept));
    response
}

/// Whether the name has such a part, as in `page-0123456789abcdef_bg.wasm`.
fn has_hash(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.split(['-', '_', '.']).any(|part| {
        HASH.contains(&part.len())
            && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// A person is told by the page, a program by the envelope.
async fn not_found(index: PathBuf, request: Request) -> Response {
    let accepted = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
    if request.method() == Method::GET && accepted.is_some_and(|types| types.contains("text/html"))
    {
        return page(index, StatusCode::NOT_FOUND).await;
    }
    let error = ApiError::NotFound(format!("route {}", request.uri().path()));
    ([(header::CACHE_CONTROL, "no-store")], error).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_hash_in_the_name_counts() {
        assert!(has_hash("/tillstream-page-e320359e62a81c35_bg.wasm"));
        assert!(has_hash("/assets/tokens-bdacff74d622ca5b.css"));
        assert!(!has_hash("/favicon.svg"));
        assert!(!has_hash("/e320359e62a81c35/robots.txt"), "the folder's name says nothing");
        assert!(has_hash("/components-d154a9d5e99222.css"), "leading zeros are not written");
        assert!(!has_hash("/page-e320359e62a81c35f.wasm"));
        assert!(!has_hash("/page-decade.css"));
        assert!(!has_hash("/page-E320359E62A81C35.wasm"));
    }
}
