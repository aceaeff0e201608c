//! One JSON file per model in a folder.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use tillstream_durable as durable;
use tillstream_shared::{Entity, InvalidModel, Model, ModelKind, ModelNumber};

/// A folder of model files: `customer_model_1.json` to `country_model_live.json` for line models,
/// `customer_profile_model_1.json` for profile models.
#[derive(Debug, Clone)]
pub struct ModelStore {
    folder: PathBuf,
}

/// When a file was written, how long it is, and its inode: enough to see that it is another, even when
/// one of the same length replaced it within one tick of the clock.
type Stamp = (SystemTime, u64, u64);

/// Quantity and price: what the routes ask a line model about.
const LINE_FEATURES: usize = 2;

/// The model files that were seen at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelFiles(BTreeMap<String, Stamp>);

impl ModelStore {
    /// Uses `folder`, which is made if need be.
    ///
    /// # Errors
    /// What the file system reports.
    pub fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// Writes the model's file, in one piece.
    ///
    /// # Errors
    /// What the file system reports; [`io::ErrorKind::InvalidData`] for a model that could not be loaded
    /// again, of which nothing is written.
    pub fn save(&self, model: &Model) -> io::Result<()> {
        // JSON would make a `null` of a NaN, and the good file before it would be gone.
        model.check().map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        let path = self.folder.join(file_name((model.kind, model.entity, model.number)));
        durable::write(&path, &serde_json::to_vec_pretty(model)?)
    }

    /// The model files as they are now.
    ///
    /// # Errors
    /// What the file system reports.
    pub fn files(&self) -> io::Result<ModelFiles> {
        let mut files = BTreeMap::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.ends_with(".json") {
                // A file that is gone meanwhile was replaced or removed: the next look sees it.
                if let Ok(metadata) = entry.metadata() {
                    files.insert(name, (metadata.modified()?, metadata.len(), inode(&metadata)));
                }
            }
        }
        Ok(ModelFiles(files))
    }

    /// Reads and checks one model file.
    ///
    /// # Errors
    /// One sentence that says why it is not usable.
    pub fn load(&self, name: &str) -> Result<Model, String> {
        let json = fs::read(self.folder.join(name)).map_err(|error| error.to_string())?;
        let model: Model = serde_json::from_slice(&json).map_err(|error| error.to_string())?;
        model.check().map_err(|error| error.to_string())?;
        if model.kind == ModelKind::Line && model.features.len() != LINE_FEATURES {
            return Err(InvalidModel::Shape("features").to_string());
        }
        let expected = file_name((model.kind, model.entity, model.number));
        if expected != name {
            return Err(format!("it holds the model that belongs into {expected}"));
        }
        Ok(model)
    }
}

impl ModelFiles {
    /// Names of the files in `self` that are not in `earlier`, or were another then.
    pub(super) fn changed_since<'a>(
        &'a self,
        earlier: &'a Self,
    ) -> impl Iterator<Item = &'a str> + 'a {
        let changed = |(name, stamp): &(&String, &Stamp)| earlier.0.get(*name) != Some(stamp);
        self.0.iter().filter(changed).map(|(name, _)| name.as_str())
    }

    /// Names of the files.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
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

/// The name of a model's file.
pub(super) fn file_name((kind, entity, number): (ModelKind, Entity, ModelNumber)) -> String {
    match kind {
        ModelKind::Line => format!("{entity}_model_{number}.json"),
        ModelKind::Profile => format!("{entity}_profile_model_{number}.json"),
    }
}
