//! What the routes show of a data folder.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use tillstream_shared::api::Gap;
use tokio::net::TcpListener;

use super::{
    Error,
    flags::{BatchOptions, PageOptions},
};
use crate::{
    batch::{BatchStore, Catalogue, ConsumerLock},
    http::AppState,
    progress::Progress,
    registry::{ChampionStore, Registry},
    shutdown::Shutdown,
    stored_data::StoredData,
    training_state::{TrainingState, state_path},
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

/// Takes the place of batches for writing, `shared` with other consumers or alone, emptied where a new history is asked
/// for; damaged batches are notices.
pub(super) fn open_batches(
    store: &BatchStore,
    batches: &BatchOptions,
    shared: bool,
    progress: &Progress,
) -> Result<(Catalogue, ConsumerLock), Error> {
    if batches.new_history {
        let (catalogue, lock, aside) = Catalogue::open_anew(store)?;
        if let Some(aside) = aside {
            let aside = aside.display();
            progress.notice(format!("a new history begins: the batches so far are in {aside}"));
        }
        if shared {
            lock.share()?;
        }
        return Ok((catalogue, lock.with_format(batches.batch_format)));
    }
    let open = if shared { Catalogue::open_shared } else { Catalogue::open };
    let (catalogue, lock) = open(store)?;
    for Gap { batch, reason } in catalogue.damaged()? {
        progress.notice(format!("batch {batch} is damaged: {reason}"));
    }
    if let Some(newest) = catalogue.newest()? {
        progress.set_last_batch(&newest);
    }
    Ok((catalogue, lock.with_format(batches.batch_format)))
}

/// The batches that another process stores.
pub(super) struct WatchedBatches {
    store: BatchStore,
    catalogue: Option<Catalogue>,
    failed: Option<String>,
}

impl WatchedBatches {
    pub(super) fn new(store: BatchStore) -> Self {
        Self { store, catalogue: None, failed: None }
    }

    /// Shows in `progress` what they amount to now. What cannot be read is a notice, once.
    pub(super) fn refresh(&mut self, progress: &Progress) {
        let refreshed = match self.catalogue.take() {
            Some(mut catalogue) => catalogue.refresh().map(|mut new| (catalogue, new.pop())),
            None => Catalogue::read(&self.store).and_then(|catalogue| {
                let newest = catalogue.newest()?;
                Ok((catalogue, newest))
            }),
        };
        match refreshed {
            Ok((catalogue, newest)) => {
                catalogue.summary().report(progress);
                if let Some(newest) = newest {
                    progress.set_last_batch(&newest);
                }
                self.catalogue = Some(catalogue);
                self.failed = None;
            }
            Err(error) => {
                let failed = Some(error.to_string());
                if self.failed != failed {
                    progress.notice(error.to_string());
                    self.failed = failed;
                }
            }
        }
    }
}

/// The gaps that another process's training leaves.
pub(super) struct WatchedGaps {
    path: PathBuf,
    modified: Option<SystemTime>,
}

impl WatchedGaps {
    pub(super) fn new(models: &Path) -> Self {
        Self { path: state_path(models), modified: None }
    }

    /// Shows them in `progress`, read anew when the file of the training state is another.
    pub(super) fn refresh(&mut self, progress: &Progress) {
        let modified = fs::metadata(&self.path).and_then(|file| file.modified()).ok();
        if modified == self.modified {
            return;
        }
        self.modified = modified;
        match TrainingState::load_gaps(&self.path) {
            Ok(gaps) => progress.set_gaps(gaps),
            Err(error) => progress.notice(format!("{}: {error}", self.path.display())),
        }
    }
}

/// Takes up the models that another process has trained; files that are not usable are notices.
pub(super) fn refresh_models(registry: &Registry, progress: &Progress) {
    match registry.refresh() {
        Ok(notices) => notices.into_iter().for_each(|notice| progress.notice(notice)),
        Err(error) => progress.notice(format!("the models cannot be read: {error}")),
    }
    progress.models.set(registry.count());
}

/// The models in the folder `models`; files that are not usable are notices.
pub(super) fn load_models(
    models: &Path,
    batches: &BatchStore,
    progress: &Progress,
) -> Result<Arc<Registry>, Error> {
    let registry = Registry::open(models, batches)
        .map_err(|error| format!("cannot use the folder {}: {error}", models.display()))?;
    refresh_models(&registry, progress);
    follow_champions(&ChampionStore::new(models), &registry, progress);
    Ok(Arc::new(registry))
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

/// What the routes answer from, until `shutdown`.
pub(super) fn state(
    models: &Path,
    batches: &BatchStore,
    page: &PageOptions,
    registry: Arc<Registry>,
    progress: Arc<Progress>,
    shutdown: Shutdown,
) -> Arc<AppState> {
    if !page.page.join("index.html").is_file() {
        progress.notice(format!(
            "there is no page in {}: build it with `trunk build`, or name its folder with --page",
            page.page.display()
        ));
    }
    let champions = ChampionStore::new(models);
    let data = StoredData::new(batches, models);
    Arc::new(AppState { registry, champions, progress, data, page: page.page.clone(), shutdown })
}
