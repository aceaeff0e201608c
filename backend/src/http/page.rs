//! The page's files, and where it is not built, how to build it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use axum::{
    Router,
    extract::Request,
    handler::HandlerWithoutStateExt,
    http::{HeaderValue, Method, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use tower::ServiceExt;
use tower_http::{
    services::{ServeDir, ServeFile},
    set_header::SetResponseHeader,
};

use super::{AppState, error::ApiError};

/// Paths that the page itself routes.
const PAGES: [&str; 3] = ["/", "/clusters", "/predict"];

const NOT_BUILT: &str = "<!doctype html><title>Tillstream</title><h1>Tillstream</h1>\
    <p>The service runs, but its page is not built. Build it with <code>trunk build --release</code> \
    and name its folder with <code>--page</code>, or start with <code>script/server</code>, which does \
    both.</p>";

pub(super) fn routes(folder: &Path) -> Router<Arc<AppState>> {
    let index = folder.join("index.html");
    let mut routes = Router::new();
    for path in PAGES {
        let index = index.clone();
        routes = routes.route(path, get(move |request| page(index, StatusCode::OK, request)));
    }
    // Every other file has a hash of its content in its name.
    let forever = HeaderValue::from_static("public, max-age=31536000, immutable");
    let files = ServeDir::new(folder)
        .append_index_html_on_directories(false)
        .call_fallback_on_method_not_allowed(true)
        .fallback(HandlerWithoutStateExt::into_service(move |request| not_found(index, request)));
    routes.fallback_service(SetResponseHeader::if_not_present(
        files,
        header::CACHE_CONTROL,
        forever,
    ))
}

/// The page, which finds out by itself which of its views is meant.
async fn page(index: PathBuf, status: StatusCode, request: Request) -> Response {
    if !index.is_file() {
        return (status, Html(NOT_BUILT)).into_response();
    }
    let mut response = match ServeFile::new(&index).oneshot(request).await {
        Ok(response) => response.into_response(),
        Err(never) => match never {},
    };
    if status != StatusCode::OK {
        *response.status_mut() = status;
    }
    // It names the files of one build: an old copy would ask for files that are gone.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// A person is told by the page, a program by the envelope.
async fn not_found(index: PathBuf, request: Request) -> Response {
    let accepted = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
    if request.method() == Method::GET && accepted.is_some_and(|types| types.contains("text/html"))
    {
        return page(index, StatusCode::NOT_FOUND, request).await;
    }
    let error = ApiError::NotFound(format!("route {}", request.uri().path()));
    ([(header::CACHE_CONTROL, "no-store")], error).into_response()
}
