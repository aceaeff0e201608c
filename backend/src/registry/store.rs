//! One JSON file per model in a folder.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use tillstream_shared::{Entity, Model, ModelNumber};

use crate::durable;

/// A folder of model files, `customer_model_1.json` to `country_model_all.json`.
#[derive(Debug, Clone)]
pub struct ModelStore {
    folder: PathBuf,
}

/// When a file was written and how long it is: enough to see that it is another.
type Stamp = (SystemTime, u64);

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
    /// What the file system reports.
    pub fn save(&self, model: &Model) -> io::Result<()> {
        let path = self.folder.join(file_name(model.entity, model.number));
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
                    files.insert(name, (metadata.modified()?, metadata.len()));
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
        let expected = file_name(model.entity, model.number);
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

/// The name of a model's file.
pub(super) fn file_name(entity: Entity, number: ModelNumber) -> String {
    format!("{entity}_model_{number}.json")
}
