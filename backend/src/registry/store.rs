//! A folder with one JSON file per model.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use tillstream_shared::{Entity, InvalidModel, Model, ModelNumber};

use crate::durable;

/// Original values of a line model's features, in order: quantity and price.
const LINE_FEATURES: usize = 2;

/// What goes wrong with the folder itself or with saving; a bad file in it is [`Unusable`] instead.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The file system refused.
    #[error("cannot use the models folder or file {0}: {1}; check that it exists and is writable")]
    Io(PathBuf, #[source] io::Error),
    /// A model that no one could load again; nothing was written.
    #[error("the {0} model {1} was not saved: {2}; train it again")]
    Invalid(Entity, ModelNumber, #[source] InvalidModel),
    /// A model that JSON cannot express.
    #[error("the {0} model {1} was not saved: {2}; train it again")]
    Json(Entity, ModelNumber, #[source] serde_json::Error),
}

/// A model file that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unusable {
    /// Its name in the folder.
    pub file: String,
    /// Why, and where it helps what to do.
    pub reason: String,
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file, self.reason)
    }
}

/// Everything in a models folder.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Contents {
    /// The models that can answer, in the order of their file names.
    pub models: Vec<Model>,
    /// The files that were left out.
    pub unusable: Vec<Unusable>,
}

/// The folder with the model files, `{entity}_model_{number}.json`.
#[derive(Debug, Clone)]
pub struct ModelStore {
    folder: PathBuf,
}

/// What tells one version of a file from the next without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    modified: Option<SystemTime>,
    len: u64,
    /// A file that is replaced by renaming has another inode, even within one tick of the clock.
    inode: u64,
}

impl ModelStore {
    /// Opens `folder`, which is created if need be.
    ///
    /// # Errors
    /// What the file system reports.
    pub fn open(folder: impl Into<PathBuf>) -> io::Result<Self> {
        let folder = folder.into();
        fs::create_dir_all(&folder)?;
        Ok(Self { folder })
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The name of a model's file.
    #[must_use]
    pub fn file_name(entity: Entity, number: ModelNumber) -> String {
        format!("{entity}_model_{number}.json")
    }

    /// Writes a model, whole and durable, in place of the one of the same entity and number.
    ///
    /// # Errors
    /// [`RegistryError`]; what was there before is there still.
    pub fn save(&self, model: &Model) -> Result<(), RegistryError> {
        let (entity, number) = (model.entity, model.number);
        // Before writing, because JSON would make a `null` of a NaN.
        model.check().map_err(|error| RegistryError::Invalid(entity, number, error))?;
        let mut json = serde_json::to_vec_pretty(model)
            .map_err(|error| RegistryError::Json(entity, number, error))?;
        json.push(b'\n');
        let path = self.folder.join(Self::file_name(entity, number));
        durable::write(&path, &json).map_err(|error| RegistryError::Io(path, error))
    }

    /// Reads every model file; one that cannot be used is reported and left out.
    ///
    /// # Errors
    /// [`RegistryError::Io`] when the folder cannot be listed.
    pub fn load_all(&self) -> Result<Contents, RegistryError> {
        let mut contents = Contents::default();
        for (file, _) in self.files()? {
            match self.read(&file) {
                Some(Ok(model)) => contents.models.push(model),
                Some(Err(reason)) => contents.unusable.push(Unusable { file, reason }),
                None => {}
            }
        }
        Ok(contents)
    }

    /// The model files by name.
    pub(super) fn files(&self) -> Result<Vec<(String, Stamp)>, RegistryError> {
        let failed = |error| RegistryError::Io(self.folder.clone(), error);
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if !name.contains("_model_") || !name.ends_with(".json") {
                continue;
            }
            match fs::metadata(entry.path()) {
                Ok(metadata) => files.push((name, Stamp::of(&metadata))),
                // Removed since it was listed.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(failed(error)),
            }
        }
        files.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        Ok(files)
    }

    /// Reads one file: the model or why it cannot be used, or nothing when the file is gone.
    pub(super) fn read(&self, file: &str) -> Option<Result<Model, String>> {
        match fs::read(self.folder.join(file)) {
            Ok(json) => Some(parse(file, &json)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => Some(Err(format!("cannot be read: {error}"))),
        }
    }
}

impl Stamp {
    fn of(metadata: &fs::Metadata) -> Self {
        Self { modified: metadata.modified().ok(), len: metadata.len(), inode: inode(metadata) }
    }
}

#[cfg(unix)]
fn inode(metadata: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn inode(_: &fs::Metadata) -> u64 {
    0
}

fn parse(file: &str, json: &[u8]) -> Result<Model, String> {
    /// Read first, so that a file of another version is called that and not broken.
    #[derive(serde::Deserialize)]
    struct Version {
        format_version: u32,
    }
    if let Ok(Version { format_version }) = serde_json::from_slice(json)
        && format_version != Model::FORMAT_VERSION
    {
        return Err(InvalidModel::FormatVersion(format_version).to_string());
    }
    let model: Model =
        serde_json::from_slice(json).map_err(|error| format!("is not a model: {error}"))?;
    model.check().map_err(|error| error.to_string())?;
    if model.features.len() != LINE_FEATURES {
        return Err("`features` has the wrong shape".to_owned());
    }
    let name = ModelStore::file_name(model.entity, model.number);
    if name != file {
        return Err(format!("holds the model that belongs in {name}; rename or remove it"));
    }
    Ok(model)
}
