//! The REST API and the page.
//!
//! One file per resource: handler, request and response together. [`ApiError`] is the only way to
//! answer anything but a success. Predictions read the registry without a lock; whatever touches the
//! disk runs outside the async threads.
//!
//! **Architecture invariant:** no route changes anything. The service has no authentication, so what a
//! stranger's page could make a browser send must stay without effect.

mod batches;
mod body;
mod cluster;
mod error;
mod events;
mod health;
mod line;
mod models;
mod page;
mod points;
mod predict;
mod server;
mod status;

use std::{io, path::PathBuf, sync::Arc};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderValue, Method, header},
    middleware::map_response,
    response::{IntoResponse, Response},
    routing::{get, post},
};
pub use error::ApiError;
pub use server::serve;
use tillstream_shared::{Entity, Manifest, ModelNumber};
use tokio_util::sync::CancellationToken;
use tower_http::{compression::CompressionLayer, trace::TraceLayer};

use crate::{features::WeightedPoint, progress::Progress, registry::Registry};

/// The largest request body, in bytes; a prediction needs some hundred.
pub const MAX_BODY: usize = 64 * 1024;

/// What a source of points or batches may fail with; logged, never shown to a client.
pub type SourceError = Box<dyn std::error::Error + Send + Sync>;

/// Where the points that a model was trained on come from.
pub trait PointsSource: Send + Sync + 'static {
    /// The weighted distinct points of the model, or nothing when they are not known (any more).
    /// May read files: it is called outside the async threads.
    ///
    /// # Errors
    /// Whatever keeps the source from answering; the client gets a bare 500.
    fn points(
        &self,
        entity: Entity,
        number: ModelNumber,
    ) -> Result<Option<Vec<WeightedPoint>>, SourceError>;
}

/// Where the list of stored batches comes from.
pub trait BatchSource: Send + Sync + 'static {
    /// The manifests by ascending number. May read files: it is called outside the async threads.
    ///
    /// # Errors
    /// What the file system reports; the client gets a bare 500.
    fn manifests(&self) -> io::Result<Vec<Manifest>>;
}

/// What the routes answer from.
pub struct AppState {
    registry: Arc<Registry>,
    progress: Arc<Progress>,
    points: Arc<dyn PointsSource>,
    batches: Arc<dyn BatchSource>,
    page: Option<PathBuf>,
    /// Ends the event streams, which otherwise would keep the server from stopping.
    shutdown: CancellationToken,
}

impl AppState {
    /// `page` is the folder that `trunk build` made, if there is one.
    #[must_use]
    pub fn new(
        registry: Arc<Registry>,
        progress: Arc<Progress>,
        points: Arc<dyn PointsSource>,
        batches: Arc<dyn BatchSource>,
        page: Option<PathBuf>,
    ) -> Self {
        Self { registry, progress, points, batches, page, shutdown: CancellationToken::new() }
    }
}

type App = State<Arc<AppState>>;

/// All routes.
pub fn router(state: Arc<AppState>) -> Router {
    // Answers that may be large; a prediction is smaller than the header that would announce gzip,
    // and an event must not wait for more to compress.
    let large = Router::new()
        .route("/api/v1/models", get(models::list))
        .route("/api/v1/models/{entity}/{number}", get(models::one))
        .route("/api/v1/models/{entity}/{number}/points", get(points::points))
        .route("/api/v1/batches", get(batches::list))
        .fallback(elsewhere)
        .layer(CompressionLayer::new());
    Router::new()
        .route("/cluster-customer", post(cluster::customer))
        .route("/cluster-product", post(cluster::product))
        .route("/cluster-country", post(cluster::country))
        .route("/api/v1/predict", post(predict::predict))
        .route("/api/v1/status", get(status::status))
        .route("/api/v1/events", get(events::events))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .merge(large)
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(map_response(security_headers))
        .layer(TraceLayer::new_for_http().on_failure(()))
        .with_state(state)
}

/// What no route answers: the page, and under `/api` or for another method than GET an error.
async fn elsewhere(State(state): App, request: Request) -> Response {
    let path = request.uri().path();
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if !reads || path == "/api" || path.starts_with("/api/") {
        return ApiError::NoSuchPath.into_response();
    }
    page::page(state.page.as_deref(), request).await
}

/// Headers of every answer: no guessing of types, no framing, no address in a `Referer`; and what the
/// server computed is not kept by a browser.
async fn security_headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Runs what reads files outside the async threads.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(work).await.map_err(ApiError::internal)?
}
