//! The rows that profile models were trained on, one compressed JSON file beside the models for each.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use tillstream_durable as durable;
use tillstream_shared::{Entity, api::ProfileRows};

/// Fast, and enough to make a fifth of the JSON.
const COMPRESSION: i32 = 3;

/// A folder of files `customer_12.json.zst`: the rows of the customers' profile model 12.
#[derive(Debug, Clone)]
pub struct RowStore {
    folder: PathBuf,
}

impl RowStore {
    /// The rows that belong to the models in the folder `models`.
    #[must_use]
    pub fn of(models: &Path) -> Self {
        Self { folder: models.join("profiles") }
    }

    fn path(&self, entity: Entity, model: u64) -> PathBuf {
        self.folder.join(format!("{entity}_{model}.json.zst"))
    }

    /// Makes the folder for writing, and removes what a crash left unfinished there.
    ///
    /// # Errors
    /// What the file system reports.
    pub fn prepare(&self) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        durable::remove_temporaries(&self.folder)
    }

    /// Writes the rows of a model, in one piece; `rows.ids` must be sorted.
    ///
    /// # Errors
    /// What the file system reports.
    pub fn save(&self, entity: Entity, model: u64, rows: &ProfileRows) -> io::Result<()> {
        let json = serde_json::to_vec(rows)?;
        let packed = zstd::encode_all(json.as_slice(), COMPRESSION)?;
        durable::write(&self.path(entity, model), &packed)
    }

    /// Reads the rows of a model; `None` when there are none.
    ///
    /// # Errors
    /// What the file system reports, and `InvalidData` for a file that is not understood.
    pub fn load(&self, entity: Entity, model: u64) -> io::Result<Option<ProfileRows>> {
        let packed = match fs::read(self.path(entity, model)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            packed => packed?,
        };
        let rows: ProfileRows = serde_json::from_slice(&zstd::decode_all(packed.as_slice())?)?;
        let n = rows.ids.len();
        let whole = rows.cluster.len() == n
            && rows.exact.len() == n
            && rows.cluster.iter().all(|cluster| *cluster > 0)
            && rows.columns.len() == rows.features.len()
            && rows.columns.iter().all(|column| column.len() == n)
            && rows.ids.is_sorted();
        if !whole {
            let reason = "its columns do not fit together";
            return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
        }
        Ok(Some(rows))
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn rows() -> ProfileRows {
        ProfileRows {
            features: vec!["recency".into()],
            ids: vec!["1".into(), "2".into()],
            columns: vec![vec![0.1, 7.0]],
            cluster: vec![2, 1],
            exact: vec![true, false],
        }
    }

    #[test]
    fn rows_come_back_and_belong_to_one_model() {
        let folder = TempDir::new().unwrap();
        let store = RowStore::of(folder.path());
        store.prepare().unwrap();
        store.save(Entity::Customer, 3, &rows()).unwrap();
        assert_eq!(store.load(Entity::Customer, 3).unwrap(), Some(rows()));
        assert_eq!(store.load(Entity::Customer, 2).unwrap(), None);
        assert_eq!(store.load(Entity::Product, 3).unwrap(), None);
    }

    #[test]
    fn a_file_that_does_not_fit_together_is_refused() {
        let folder = TempDir::new().unwrap();
        let store = RowStore::of(folder.path());
        store.prepare().unwrap();
        for change in [
            |rows: &mut ProfileRows| rows.cluster.truncate(1),
            |rows: &mut ProfileRows| rows.cluster[0] = 0,
            |rows: &mut ProfileRows| rows.exact.clear(),
            |rows: &mut ProfileRows| rows.columns.clear(),
            |rows: &mut ProfileRows| rows.ids.swap(0, 1),
        ] {
            let mut wrong = rows();
            change(&mut wrong);
            store.save(Entity::Country, 1, &wrong).unwrap();
            let error = store.load(Entity::Country, 1).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        }
        fs::write(folder.path().join("profiles/country_1.json.zst"), "no zstd").unwrap();
        assert!(store.load(Entity::Country, 1).is_err());
    }
}
