//! Whether models and training state belong to the batches that are there.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use tillstream_durable as durable;
use tillstream_shared::{Entity, Manifest, Model, ModelKind, ModelNumber};

use crate::{
    batch::{BatchError, Catalogue},
    progress,
    registry::{ModelKey, Registry},
    training_state::{TrainingState, state_path},
};

/// Folder of what was set aside, within that of the models.
const REPLACED: &str = "replaced";
/// Folder in which earlier versions kept the state, in three files.
const EARLIER_STATE: &str = "cumulative";

/// Why state and models do not belong to the batches of `catalogue`; `None` when they do.
///
/// The state says which batch was trained on last. Without a state the newest models do: the batches before
/// follow from the chain of the manifests.
///
/// # Errors
/// [`BatchError`].
pub(super) fn mismatch(
    state: Option<&TrainingState>,
    registry: &Registry,
    catalogue: &Catalogue,
) -> Result<Option<String>, BatchError> {
    if let Some(state) = state.filter(|state| state.last.number > 0) {
        let last = &state.last;
        return match catalogue.manifest(last.number)? {
            _ if last.number > catalogue.last() => Ok(Some(too_new(last.number, catalogue))),
            Some(manifest) if manifest.hash != last.manifest => Ok(Some(another(last.number))),
            // That of a batch that was removed cannot be compared.
            _ => Ok(None),
        };
    }
    for kind in ModelKind::ALL {
        for entity in Entity::ALL {
            let newest = registry.newest(kind, entity, u64::MAX, 1).into_iter();
            let numbers = newest.map(ModelNumber::Number);
            for number in numbers.chain([ModelNumber::All, ModelNumber::Live]) {
                // What cannot be loaded is trained again.
                let model = registry.store().load(ModelKey { kind, entity, number });
                let Ok(Some(model)) = model else { continue };
                let mismatch = model_mismatch(&model, catalogue)?;
                if mismatch.is_some() {
                    return Ok(mismatch);
                }
            }
        }
    }
    Ok(None)
}

fn model_mismatch(model: &Model, catalogue: &Catalogue) -> Result<Option<String>, BatchError> {
    let Some(batch) = model.batch else { return Ok(None) };
    if batch > catalogue.last() {
        return Ok(Some(too_new(batch, catalogue)));
    }
    let manifest = catalogue.manifest(batch)?;
    Ok(manifest.filter(|manifest| !is_of(model, manifest)).map(|_| another(batch)))
}

fn too_new(batch: u64, catalogue: &Catalogue) -> String {
    format!(
        "they were trained on batch {batch}, and the batch folder ends with {}",
        catalogue.last()
    )
}

fn another(batch: u64) -> String {
    format!("they were trained on another batch {batch} than the one that is there")
}

/// Whether `manifest` is that of the newest batch that `model` was trained on. Models of earlier versions do
/// not name the manifest; of them the offsets tell.
pub(super) fn is_of(model: &Model, manifest: &Manifest) -> bool {
    if model.batch != Some(manifest.number) {
        return false;
    }
    if let Some(trained) = &model.manifest {
        return *trained == manifest.hash;
    }
    manifest.partitions.iter().all(|range| {
        let of_model = model.offsets.iter().find(|known| known.partition == range.partition);
        of_model.is_some_and(|known| known.last == range.last && known.first <= range.first)
    })
}

/// Moves models, their rows, champions and state out of `models` into a folder within it, which is returned.
///
/// # Errors
/// What the file system reports. A call that is repeated moves the rest, the state last of all.
pub(super) fn set_aside(models: &Path) -> io::Result<PathBuf> {
    let aside = durable::unused(&models.join(REPLACED).join(progress::file_stamp()));
    durable::create_folder(&aside)?;
    let state = state_path(models);
    for entry in fs::read_dir(models)?.collect::<io::Result<Vec<_>>>()? {
        let (path, name) = (entry.path(), entry.file_name());
        let stays = name == REPLACED || name.as_encoded_bytes().starts_with(b".");
        if !stays && path != state {
            fs::rename(&path, aside.join(name))?;
        }
    }
    durable::sync_folder(&aside)?;
    durable::sync_folder(models)?;
    if state.exists() {
        fs::rename(&state, aside.join(state.file_name().unwrap_or_default()))?;
        durable::sync_folder(&aside)?;
        durable::sync_folder(models)?;
    }
    Ok(aside)
}

/// Removes the state that an earlier version has left in `models`; tells whether there was any.
///
/// # Errors
/// What the file system reports.
pub(super) fn remove_earlier_state(models: &Path) -> io::Result<bool> {
    match fs::remove_dir_all(models.join(EARLIER_STATE)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        removed => removed.map(|()| true),
    }
}
