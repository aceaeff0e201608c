//! The page's files, and where it is not built, how to build it.

use std::{path::Path, sync::Arc};

use axum::{
    Router,
    http::{HeaderValue, Uri, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use tower_http::services::{ServeDir, ServeFile};
use tower_http::set_header::SetResponseHeader;

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
        let file = ServeFile::new(&index);
        let index = index.clone();
        let page = get(move |request: axum::extract::Request| async move {
            if !index.is_file() {
                return Html(NOT_BUILT).into_response();
            }
            let served = tower::ServiceExt::oneshot(file, request).await;
            let mut response = served.into_response();
            // It names the files of one build: an old copy would ask for files that are gone.
            response
                .headers_mut()
                .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
            response
        });
        routes = routes.route(path, page);
    }
    // Every other file has a hash of its content in its name.
    let forever = HeaderValue::from_static("public, max-age=31536000, immutable");
    let files = ServeDir::new(folder)
        .append_index_html_on_directories(false)
        .call_fallback_on_method_not_allowed(true)
        .fallback(axum::handler::HandlerWithoutStateExt::into_service(not_found));
    routes.fallback_service(SetResponseHeader::if_not_present(
        files,
        header::CACHE_CONTROL,
        forever,
    ))
}

async fn not_found(uri: Uri) -> Response {
    let mut response = ApiError::NotFound(format!("route {}", uri.path())).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
