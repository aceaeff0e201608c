//! The REST API and the page. One file per resource: handler, request and response together.

mod batches;
mod body;
mod champions;
mod cluster;
mod error;
mod events;
mod health;
mod models;
mod page;
mod paging;
mod predict;
mod profiles;

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{HeaderName, HeaderValue, Method, Uri, header},
    routing::{get, post},
};
use tillstream_shared::{Entity, Model, ModelKind, ModelRef};
use tokio::net::TcpListener;
use tower_http::{compression::CompressionLayer, set_header::SetResponseHeaderLayer};

use self::error::ApiError;
use crate::{
    progress::Progress,
    registry::{ChampionStore, Registry, Resolved},
    shutdown::Shutdown,
    stored_data::StoredData,
};

/// The longest body that a request may have, in bytes.
const BODY_LIMIT: usize = 64 * 1024;
/// How long open connections may take to end when the service stops.
const GRACE: Duration = Duration::from_secs(5);

/// What the routes answer from.
#[derive(Debug)]
pub struct AppState {
    /// The models that answer.
    pub registry: Arc<Registry>,
    /// Which of them are champions.
    pub champions: ChampionStore,
    /// Counts and events.
    pub progress: Arc<Progress>,
    /// Batches and points on disk.
    pub data: StoredData,
    /// Folder of the built page.
    pub page: PathBuf,
    /// Ends the service, event streams included.
    pub shutdown: Shutdown,
}

/// All routes.
pub fn router(state: Arc<AppState>) -> Router {
    let set = |name: HeaderName, value: &str| {
        SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_str(value).ok())
    };
    let api = Router::new()
        .route("/models", get(models::list))
        .route("/models/{entity}/{number}", get(models::one))
        .route("/models/{entity}/{number}/points", get(models::points))
        .route("/models/{entity}/{number}/profiles", get(models::profiles))
        .route("/models/{entity}/{number}/report", get(models::report))
        .route("/models/{entity}/{number}/migration/{to}", get(models::migration))
        .route("/profiles/{entity}/{id}", get(profiles::one))
        .route("/champions", get(champions::list))
        .route("/champions/{entity}", post(champions::change))
        .route("/batches", get(batches::list))
        .route("/status", get(health::status))
        .route("/events", get(events::stream))
        .route("/predict", post(predict::predict));
    Router::new()
        .route("/cluster-customer", post(cluster::customer))
        .route("/cluster-product", post(cluster::product))
        .route("/cluster-country", post(cluster::country))
        .nest("/api/v1", api)
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .layer(set(header::CACHE_CONTROL, "no-store"))
        .merge(page::routes(&state.page))
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(CompressionLayer::new())
        .layer(set(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(set(header::CONTENT_SECURITY_POLICY, &page::policy("")))
        .with_state(state)
}

/// Runs work that reads files, so that it does not hold up the other requests.
async fn blocking<T: Send + 'static, E: Into<ApiError>>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, ApiError> {
    crate::blocking::blocking(|| work().map_err(Into::into)).await
}

/// The model that a request means: at once when it is in memory, otherwise read from its file.
async fn model(
    state: &Arc<AppState>,
    kind: ModelKind,
    entity: Entity,
    model: ModelRef,
) -> Result<Arc<Model>, ApiError> {
    let found = match state.registry.resolve(kind, entity, model) {
        Resolved::Ready(model) => return Ok(model),
        Resolved::Missing => None,
        Resolved::OnDisk => {
            let registry = state.registry.clone();
            blocking(move || Ok::<_, ApiError>(registry.get(kind, entity, model))).await?
        }
    };
    found.ok_or(ApiError::ModelNotFound)
}

async fn wrong_method(method: Method, uri: Uri) -> ApiError {
    ApiError::WrongMethod(format!("{method} is not for {}", uri.path()))
}

/// Answers requests until the state's `shutdown` is requested.
///
/// # Errors
/// What the socket reports.
pub async fn serve(listener: TcpListener, state: Arc<AppState>) -> io::Result<()> {
    let shutdown = state.shutdown.clone();
    let requested = shutdown.clone();
    let serving = axum::serve(listener, router(state))
        .with_graceful_shutdown(async move { requested.cancelled().await });
    let too_long = async {
        shutdown.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        served = serving => served,
        () = too_long => Ok(()),
    }
}
