//! Which models are champions: promoted by the gate or by a person, and rolled back.
//!
//! One JSON file holds the champions of all kinds and entities. Whoever changes it reads it anew
//! under a lock on its folder and writes it in one piece, so that a command and a running server do
//! not undo each other's changes, and a crash leaves the file as it was.
//!
//! | | champion | held |
//! | --- | --- | --- |
//! | [`decide`](ChampionStore::decide), the gate passed the model and none is held | the model | no |
//! | `decide`, otherwise | stays | stays |
//! | [`promote`](ChampionStore::promote) | the model | yes |
//! | [`roll_back`](ChampionStore::roll_back) | the last earlier champion | yes |
//! | [`release`](ChampionStore::release) | stays | no |

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use tillstream_durable::{self as durable, FolderLock, LockError};
use tillstream_shared::{
    Champion, Decision, Entity, Judgement, ModelKind, ModelRef, api::ChampionRequest,
};

use super::Registry;
use crate::progress::now;

/// Version of the file's format.
const FORMAT_VERSION: u32 = 1;

/// How many decisions and how many earlier champions are kept of each kind and entity.
const KEPT: usize = 100;

/// How long to wait for the lock; a change takes milliseconds.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);

/// How often to look whether the lock is free.
const LOCK_INTERVAL: Duration = Duration::from_millis(5);

/// The champions of a models folder.
#[derive(Debug, Clone)]
pub struct ChampionStore {
    folder: PathBuf,
}

/// The file.
#[derive(Debug, Serialize, Deserialize)]
struct Stored {
    format_version: u32,
    champions: Vec<Champion>,
}

/// Why champions cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum ChampionError {
    /// The file is there and cannot be understood. It is left as it is.
    #[error(
        "{path} is not usable: {reason}; repair it, or move it away to start without champions"
    )]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Another process is changing the champions and does not come to an end.
    #[error("another process has been changing {0} for {seconds} seconds: try again",
        seconds = LOCK_TIMEOUT.as_secs())]
    Busy(PathBuf),
    /// Only a model that is there can be promoted.
    #[error("there is no {entity} {kind} model {model} to promote")]
    NoSuchModel {
        /// Line or profile models.
        kind: ModelKind,
        /// What they are about.
        entity: Entity,
        /// The number that was asked for.
        model: u64,
    },
    /// There is nothing to go back to.
    #[error("there is no earlier {kind} champion for {entity}: nothing to roll back to")]
    NoEarlier {
        /// Line or profile models.
        kind: ModelKind,
        /// What they are about.
        entity: Entity,
    },
    /// The file system refused.
    #[error("cannot use {path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was reported.
        source: io::Error,
    },
}

impl ChampionStore {
    /// The champions of the models in `models`. Nothing is read or made yet.
    #[must_use]
    pub fn new(models: &Path) -> Self {
        // A folder of its own: every JSON file beside the models is taken for a model.
        Self { folder: models.join("champions") }
    }

    /// The champion of every kind and entity, also where there is none yet.
    ///
    /// # Errors
    /// [`ChampionError::Unusable`] and [`ChampionError::Io`].
    pub fn list(&self) -> Result<Vec<Champion>, ChampionError> {
        let stored = self.read()?;
        let all = ModelKind::ALL.into_iter().flat_map(|kind| Entity::ALL.map(|e| (kind, e)));
        Ok(all.map(|key| stored.get(&key).cloned().unwrap_or_else(|| nobody(key))).collect())
    }

    /// The numbers of the champions, which [`Registry::follow_champions`]
    /// takes up.
    ///
    /// # Errors
    /// [`ChampionError::Unusable`] and [`ChampionError::Io`].
    pub fn current(&self) -> Result<BTreeMap<(ModelKind, Entity), u64>, ChampionError> {
        let champions = self.read()?.into_iter();
        Ok(champions.filter_map(|(key, champion)| Some((key, champion.model?))).collect())
    }

    /// Records what the gate found on `model`, and promotes it when it passed and no champion is
    /// held. A model older than the champion is not promoted: it was trained again, not anew.
    ///
    /// # Errors
    /// [`ChampionError`]; nothing is changed then.
    pub fn decide(
        &self,
        kind: ModelKind,
        entity: Entity,
        model: u64,
        mut judgement: Judgement,
    ) -> Result<Decision, ChampionError> {
        self.change(kind, entity, |champion| {
            if let Some(newer) = champion.model.filter(|current| *current > model) {
                judgement
                    .reasons
                    .push(format!("Model {model} is older than the champion, model {newer}."));
            }
            let promoted = judgement.reasons.is_empty() && !champion.held;
            if promoted {
                replace(champion, model);
            }
            Ok(record(champion, model, promoted, Some(judgement)))
        })
    }

    /// Does what a person asks for. Only a model in `registry` can be promoted.
    ///
    /// # Errors
    /// [`ChampionError`]; nothing is changed then.
    pub fn apply(
        &self,
        registry: &Registry,
        kind: ModelKind,
        entity: Entity,
        request: ChampionRequest,
    ) -> Result<Champion, ChampionError> {
        match request {
            // Looked up under the lock: a model that is there then is not removed before the change.
            ChampionRequest::Promote(model) => self.change(kind, entity, |champion| {
                registry
                    .get(kind, entity, ModelRef::Number(model))
                    .ok_or(ChampionError::NoSuchModel { kind, entity, model })?;
                Ok(hold(champion, model))
            }),
            ChampionRequest::RollBack => self.roll_back(kind, entity),
            ChampionRequest::Release => self.release(kind, entity),
        }
    }

    /// Hands `removal` the numbers of the models that must stay: champions, and those that could be
    /// rolled back to. Nobody changes the champions meanwhile.
    ///
    /// # Errors
    /// [`ChampionError`].
    pub fn protect<T>(
        &self,
        removal: impl FnOnce(&BTreeMap<(ModelKind, Entity), BTreeSet<u64>>) -> T,
    ) -> Result<T, ChampionError> {
        let _lock = self.lock()?;
        let numbers =
            |champion: Champion| champion.earlier.into_iter().chain(champion.model).collect();
        let champions = self.read()?.into_iter();
        Ok(removal(&champions.map(|(key, champion)| (key, numbers(champion))).collect()))
    }

    /// Promotes `model`, whatever the gate says, and holds it. The caller makes sure that it exists.
    ///
    /// # Errors
    /// [`ChampionError`]; nothing is changed then.
    pub fn promote(
        &self,
        kind: ModelKind,
        entity: Entity,
        model: u64,
    ) -> Result<Champion, ChampionError> {
        self.change(kind, entity, |champion| Ok(hold(champion, model)))
    }

    /// Goes back to the champion before this one, and holds it.
    ///
    /// # Errors
    /// [`ChampionError::NoEarlier`] when there was none, and the others; nothing is changed then.
    pub fn roll_back(&self, kind: ModelKind, entity: Entity) -> Result<Champion, ChampionError> {
        self.change(kind, entity, |champion| {
            let earlier =
                champion.earlier.pop().ok_or(ChampionError::NoEarlier { kind, entity })?;
            champion.model = Some(earlier);
            champion.held = true;
            record(champion, earlier, true, None);
            Ok(champion.clone())
        })
    }

    /// Lets the gate promote again.
    ///
    /// # Errors
    /// [`ChampionError`]; nothing is changed then.
    pub fn release(&self, kind: ModelKind, entity: Entity) -> Result<Champion, ChampionError> {
        self.change(kind, entity, |champion| {
            champion.held = false;
            Ok(champion.clone())
        })
    }

    fn path(&self) -> PathBuf {
        self.folder.join("champions.json")
    }

    /// Reads, changes and writes under the lock.
    fn change<T>(
        &self,
        kind: ModelKind,
        entity: Entity,
        change: impl FnOnce(&mut Champion) -> Result<T, ChampionError>,
    ) -> Result<T, ChampionError> {
        let _lock = self.lock()?;
        let mut stored = self.read()?;
        let key = (kind, entity);
        let champion = stored.entry(key).or_insert_with(|| nobody(key));
        let result = change(champion)?;
        let stored =
            Stored { format_version: FORMAT_VERSION, champions: stored.into_values().collect() };
        let path = self.path();
        let written = serde_json::to_vec_pretty(&stored).map_err(io::Error::from);
        let written = written.and_then(|json| durable::write(&path, &json));
        written.map_err(|source| ChampionError::Io { path, source })?;
        Ok(result)
    }

    fn lock(&self) -> Result<FolderLock, ChampionError> {
        let end = Instant::now() + LOCK_TIMEOUT;
        loop {
            match FolderLock::take(&self.folder) {
                Ok(lock) => return Ok(lock),
                Err(LockError::InUse(_)) if Instant::now() < end => thread::sleep(LOCK_INTERVAL),
                Err(LockError::InUse(_)) => return Err(ChampionError::Busy(self.path())),
                Err(LockError::Io(path, source)) => {
                    return Err(ChampionError::Io { path, source });
                }
            }
        }
    }

    fn read(&self) -> Result<BTreeMap<(ModelKind, Entity), Champion>, ChampionError> {
        let path = self.path();
        let json = match fs::read(&path) {
            Ok(json) => json,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
            Err(source) => return Err(ChampionError::Io { path, source }),
        };
        parse(&json).map_err(|reason| ChampionError::Unusable { path, reason })
    }
}

fn parse(json: &[u8]) -> Result<BTreeMap<(ModelKind, Entity), Champion>, String> {
    /// Read before the rest, which another version may have changed.
    #[derive(Deserialize)]
    struct Version {
        format_version: u32,
    }

    let Version { format_version } =
        serde_json::from_slice(json).map_err(|error| error.to_string())?;
    if format_version != FORMAT_VERSION {
        return Err(format!("format version {format_version} is not {FORMAT_VERSION}"));
    }
    let stored: Stored = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    let mut champions = BTreeMap::new();
    for champion in stored.champions {
        let (kind, entity) = (champion.kind, champion.entity);
        if champions.insert((kind, entity), champion).is_some() {
            return Err(format!("it holds two {kind} champions for {entity}"));
        }
    }
    Ok(champions)
}

fn nobody((kind, entity): (ModelKind, Entity)) -> Champion {
    Champion { kind, entity, model: None, held: false, earlier: Vec::new(), decisions: Vec::new() }
}

/// Makes `model` the champion, as a person wants it.
fn hold(champion: &mut Champion, model: u64) -> Champion {
    replace(champion, model);
    champion.held = true;
    record(champion, model, true, None);
    champion.clone()
}

/// Makes `model` the champion and remembers the one before.
fn replace(champion: &mut Champion, model: u64) {
    if champion.model == Some(model) {
        return;
    }
    champion.earlier.extend(champion.model.replace(model));
    keep_newest(&mut champion.earlier);
}

fn record(
    champion: &mut Champion,
    model: u64,
    promoted: bool,
    judgement: Option<Judgement>,
) -> Decision {
    let decision = Decision { model, promoted, judgement, at: now() };
    champion.decisions.push(decision.clone());
    keep_newest(&mut champion.decisions);
    decision
}

fn keep_newest<T>(list: &mut Vec<T>) {
    list.drain(..list.len().saturating_sub(KEPT));
}

#[cfg(test)]
mod tests;
