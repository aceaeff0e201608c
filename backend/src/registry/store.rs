//! One JSON file per model in a folder.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use tillstream_durable as durable;
use tillstream_shared::{Entity, InvalidModel, Model, ModelKind, ModelNumber};

/// Which model: the file's name says the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModelKey {
    /// Line or profile models.
    pub kind: ModelKind,
    /// What they are about.
    pub entity: Entity,
    /// Number, `all` or `live`.
    pub number: ModelNumber,
}

impl ModelKey {
    /// That of `model`.
    #[must_use]
    pub fn of(model: &Model) -> Self {
        Self { kind: model.kind, entity: model.entity, number: model.number }
    }

    /// The key in a file's name; `None` when no model's file is called so.
    pub(super) fn of_file(name: &str) -> Option<Self> {
        let (entity, rest) = name.strip_suffix(".json")?.split_once('_')?;
        let (kind, number) = match rest.strip_prefix("profile_model_") {
            Some(number) => (ModelKind::Profile, number),
            None => (ModelKind::Line, rest.strip_prefix("model_")?),
        };
        let number = match number {
            "all" => ModelNumber::All,
            "live" => ModelNumber::Live,
            number => ModelNumber::Number(number.parse().ok()?),
        };
        let key = Self { kind, entity: entity.parse().ok()?, number };
        // `007` is not how 7 is written.
        (key.to_string() == name).then_some(key)
    }
}

/// The name of the model's file.
impl fmt::Display for ModelKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            ModelKind::Line => "model",
            ModelKind::Profile => "profile_model",
        };
        write!(f, "{}_{kind}_{}.json", self.entity, self.number)
    }
}

/// A folder of model files: `customer_model_1.json` to `country_model_live.json` for line models,
/// `customer_profile_model_1.json` for profile models.
#[derive(Debug, Clone)]
pub struct ModelStore {
    folder: PathBuf,
}

/// When a file was written, how long it is, and its inode: enough to see that it is another, even when
/// one of the same length replaced it within one tick of the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp(SystemTime, u64, u64);

/// The files of a folder at one moment.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// The numbered models of every kind and entity.
    pub(super) numbers: BTreeMap<(ModelKind, Entity), BTreeSet<u64>>,
    /// The `all` and `live` models.
    pub(super) aliases: BTreeSet<ModelKey>,
    /// JSON files that are not called as a model's file is.
    pub(super) unknown: Vec<String>,
}

/// Quantity and price: what the routes ask a line model about.
const LINE_FEATURES: usize = 2;

impl ModelStore {
    /// Uses `folder`, which is made if need be.
    ///
    /// # Errors
    /// What the file system reports.
    pub fn open(folder: &Path) -> io::Result<Self> {
        durable::create_folder(folder)?;
        Ok(Self { folder: folder.to_owned() })
    }

    fn path(&self, key: ModelKey) -> PathBuf {
        self.folder.join(key.to_string())
    }

    /// Writes the model's file, in one piece.
    ///
    /// # Errors
    /// What the file system reports; [`io::ErrorKind::InvalidData`] for a model that could not be loaded
    /// again, of which nothing is written.
    pub fn save(&self, model: &Model) -> io::Result<()> {
        // JSON would make a `null` of a NaN, and the good file before it would be gone.
        model.check().map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        durable::write(&self.path(ModelKey::of(model)), &serde_json::to_vec_pretty(model)?)
    }

    /// Reads and checks a model's file; `None` when there is none.
    ///
    /// # Errors
    /// One sentence that says why it is not usable.
    pub fn load(&self, key: ModelKey) -> Result<Option<Model>, String> {
        let json = match fs::read(self.path(key)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            json => json.map_err(|error| error.to_string())?,
        };
        let model: Model = serde_json::from_slice(&json).map_err(|error| error.to_string())?;
        model.check().map_err(|error| error.to_string())?;
        if model.kind == ModelKind::Line && model.features.len() != LINE_FEATURES {
            return Err(InvalidModel::Shape("features").to_string());
        }
        let expected = ModelKey::of(&model);
        if expected != key {
            return Err(format!("it holds the model that belongs into {expected}"));
        }
        Ok(Some(model))
    }

    /// Removes a model's file, which may be gone already.
    ///
    /// # Errors
    /// What the file system reports.
    pub fn remove(&self, key: ModelKey) -> io::Result<()> {
        durable::remove(&self.path(key))
    }

    /// What tells the model's file from another of the same name; `None` when it cannot be looked at.
    pub(super) fn stamp(&self, key: ModelKey) -> Option<Stamp> {
        let metadata = fs::metadata(self.path(key)).ok()?;
        Some(Stamp(metadata.modified().ok()?, metadata.len(), inode(&metadata)))
    }

    /// When a file was last put into the folder, or taken out of it.
    pub(super) fn changed_at(&self) -> io::Result<SystemTime> {
        fs::metadata(&self.folder)?.modified()
    }

    /// The names of all files. Reads none of them.
    pub(super) fn list(&self) -> io::Result<Listing> {
        let mut listing = Listing::default();
        for entry in fs::read_dir(&self.folder)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if !name.ends_with(".json") {
                continue;
            }
            match ModelKey::of_file(&name) {
                Some(ModelKey { kind, entity, number: ModelNumber::Number(number) }) => {
                    listing.numbers.entry((kind, entity)).or_default().insert(number);
                }
                Some(alias) => drop(listing.aliases.insert(alias)),
                None => listing.unknown.push(name),
            }
        }
        Ok(listing)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_from_the_name_that_it_writes() {
        for name in [
            "customer_model_12.json",
            "product_model_all.json",
            "country_model_live.json",
            "customer_profile_model_3.json",
        ] {
            assert_eq!(ModelKey::of_file(name).unwrap().to_string(), name);
        }
        for name in [
            "customer_model_012.json",
            "customer_model_.json",
            "supplier_model_1.json",
            "customer_model_latest.json",
            "customer_model_1.json.tmp",
            "customer.json",
        ] {
            assert_eq!(ModelKey::of_file(name), None, "{name}");
        }
    }
}
