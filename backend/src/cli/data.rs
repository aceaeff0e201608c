//! What the routes show of a data folder.

use std::{net::SocketAddr, sync::Arc};

use tokio::net::TcpListener;

use super::{
    Error,
    flags::{DataOptions, PageOptions},
};
use crate::{
    http::AppState,
    progress::Progress,
    registry::{ChampionStore, ModelStore, Registry},
    shutdown::Shutdown,
    training::StoredData,
};

/// Binds the address of REST and page.
pub(super) async fn bind(address: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => format!(
            "{address} is taken by another program: stop it, or choose another address with --listen"
        )
        .into(),
        _ => format!("cannot listen on {address}: {error}").into(),
    })
}

/// Loads the models of the data folder; files that are not usable are notices.
pub(super) fn load_models(
    data: &DataOptions,
    progress: &Progress,
) -> Result<(ModelStore, Arc<Registry>), Error> {
    let models = data.models();
    let store = ModelStore::open(&models)
        .map_err(|error| format!("cannot use the folder {}: {error}", models.display()))?;
    let registry = Arc::new(Registry::default());
    for notice in registry.refresh(&store)? {
        progress.notice(notice);
    }
    progress.models.set(registry.count() as u64);
    follow_champions(&ChampionStore::new(&models), &registry, progress);
    Ok((store, registry))
}

/// Takes up what has become of the champions, by this process or another one.
pub(super) fn follow_champions(store: &ChampionStore, registry: &Registry, progress: &Progress) {
    if let Err(error) = registry.follow_champions(store, progress) {
        // A file that stays unreadable is one notice, not one a second.
        let notice = format!("the champions stay as they are: {error}");
        if progress.status().notices.last() != Some(&notice) {
            progress.notice(notice);
        }
    }
}

/// What the routes answer from, until `stop`.
pub(super) fn state(
    data: &DataOptions,
    page: &PageOptions,
    registry: Arc<Registry>,
    progress: Arc<Progress>,
    stop: Shutdown,
) -> Arc<AppState> {
    if !page.page.join("index.html").is_file() {
        progress.notice(format!(
            "there is no page in {}: build it with `trunk build`, or name its folder with --page",
            page.page.display()
        ));
    }
    let champions = ChampionStore::new(&data.models());
    let data = StoredData { batches: data.batch(), models: data.models() };
    Arc::new(AppState { registry, champions, progress, data, page: page.page.clone(), stop })
}
