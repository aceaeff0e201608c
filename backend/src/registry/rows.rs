//! The rows that profile models were trained on, in files beside the models.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use tillstream_durable as durable;
use tillstream_shared::{Entity, Model, ModelNumber, api::ProfileRows};

/// Fast, and enough to make a fifth of the JSON.
const COMPRESSION: i32 = 3;
/// What a file of members begins with; the last byte is the version of the format.
const MEMBERS_MAGIC: &[u8; 8] = b"tillmem\x01";
/// Bytes of one member: hash of the identifier, then the cluster, both little-endian.
const MEMBER: usize = size_of::<u64>() + size_of::<u32>();

/// A folder of two files for every profile model. `customer_12.json.zst` holds the rows; in
/// `customer_12.members` the cluster of one identifier is found without reading the rest.
#[derive(Debug, Clone)]
pub struct ProfileRowStore {
    folder: PathBuf,
}

impl ProfileRowStore {
    /// The rows that belong to the models in the folder `models`.
    #[must_use]
    pub fn of(models: &Path) -> Self {
        Self { folder: models.join("profiles") }
    }

    fn path(&self, entity: Entity, model: u64) -> PathBuf {
        self.folder.join(format!("{entity}_{model}.json.zst"))
    }

    fn members_path(&self, entity: Entity, model: u64) -> PathBuf {
        self.folder.join(format!("{entity}_{model}.members"))
    }

    /// Makes the folder for writing, and removes what a crash left unfinished there.
    ///
    /// # Errors
    /// What the file system reports.
    pub fn prepare(&self) -> io::Result<()> {
        durable::create_folder(&self.folder)?;
        durable::remove_temporaries(&self.folder)
    }

    /// Writes the rows of profile model `model`, each file in one piece; `rows.ids` must be sorted.
    ///
    /// # Errors
    /// What the file system reports.
    pub fn save(&self, entity: Entity, model: u64, rows: &ProfileRows) -> io::Result<()> {
        let json = serde_json::to_vec(rows)?;
        let packed = zstd::encode_all(json.as_slice(), COMPRESSION)?;
        durable::write(&self.path(entity, model), &packed)?;
        let members = rows.ids.iter().zip(&rows.cluster);
        let mut members: Vec<_> = members.map(|(id, cluster)| (hash(id), *cluster)).collect();
        members.sort_unstable();
        let mut bytes = Vec::with_capacity(MEMBERS_MAGIC.len() + MEMBER * members.len());
        bytes.extend(MEMBERS_MAGIC);
        for (hash, cluster) in members {
            bytes.extend(hash.to_le_bytes());
            bytes.extend(cluster.to_le_bytes());
        }
        durable::write(&self.members_path(entity, model), &bytes)
    }

    /// Removes the rows of a model, which may be gone already.
    ///
    /// # Errors
    /// What the file system reports.
    pub fn remove(&self, entity: Entity, model: u64) -> io::Result<()> {
        durable::remove(&self.members_path(entity, model))?;
        durable::remove(&self.path(entity, model))
    }

    /// Reads the rows of a profile model; `None` when there are none.
    ///
    /// # Errors
    /// What the file system reports, and `InvalidData` for a file that is not understood, or not that
    /// of `model`.
    pub fn load(&self, model: &Model) -> io::Result<Option<ProfileRows>> {
        let ModelNumber::Number(number) = model.number else { return Ok(None) };
        let packed = match fs::read(self.path(model.entity, number)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            packed => packed?,
        };
        let rows: ProfileRows = serde_json::from_slice(&zstd::decode_all(packed.as_slice())?)?;
        let n = rows.ids.len();
        let whole = rows.cluster.len() == n
            && rows.exact.len() == n
            && rows.columns.len() == rows.features.len()
            && rows.columns.iter().all(|column| column.len() == n)
            && rows.ids.is_sorted_by(|a, b| a < b);
        if !whole {
            return Err(invalid("its columns do not fit together"));
        }
        let of_model = rows.features == model.features
            && rows.cluster.iter().all(|cluster| (1..=model.k).contains(cluster));
        if !of_model {
            return Err(invalid("its rows are not those of the model"));
        }
        Ok(Some(rows))
    }

    /// The cluster of `id` in a profile model; `None` when the model does not know it, or its rows are
    /// gone. Reads a few blocks only; of models of earlier versions, which have no file of members, all
    /// rows.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn cluster_of(&self, model: &Model, id: &str) -> io::Result<Option<u32>> {
        let ModelNumber::Number(number) = model.number else { return Ok(None) };
        let mut file = match File::open(self.members_path(model.entity, number)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let Some(rows) = self.load(model)? else { return Ok(None) };
                let at = rows.ids.binary_search_by(|known| known.as_str().cmp(id)).ok();
                return Ok(at.map(|at| rows.cluster[at]));
            }
            file => file?,
        };
        let found = find_member(&mut file, hash(id))?;
        if found.is_some_and(|cluster| !(1..=model.k).contains(&cluster)) {
            return Err(invalid("its members are not those of the model"));
        }
        Ok(found)
    }
}

/// The cluster of the member with this hash, by binary search.
fn find_member(file: &mut File, wanted: u64) -> io::Result<Option<u32>> {
    let length = file.metadata()?.len();
    let mut magic = [0; MEMBERS_MAGIC.len()];
    file.read_exact(&mut magic)?;
    let body = length.saturating_sub(MEMBERS_MAGIC.len() as u64);
    if magic != *MEMBERS_MAGIC || body % MEMBER as u64 != 0 {
        return Err(invalid("it is no file of members of this version"));
    }
    let (mut low, mut high) = (0, body / MEMBER as u64);
    while low < high {
        let middle = low.midpoint(high);
        let mut member = [0; MEMBER];
        file.seek(SeekFrom::Start(MEMBERS_MAGIC.len() as u64 + middle * MEMBER as u64))?;
        file.read_exact(&mut member)?;
        let [a, b, c, d, e, f, g, h, cluster @ ..] = member;
        match u64::from_le_bytes([a, b, c, d, e, f, g, h]).cmp(&wanted) {
            std::cmp::Ordering::Equal => return Ok(Some(u32::from_le_bytes(cluster))),
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle,
        }
    }
    Ok(None)
}

/// 64 bits that stand for an identifier; among a million no two are alike with a probability of 1 - 3e-8.
fn hash(id: &str) -> u64 {
    let hash = blake3::hash(id.as_bytes());
    let [a, b, c, d, e, f, g, h, ..] = *hash.as_bytes();
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

fn invalid(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;
    use tillstream_shared::{ModelKind, testing::raw_model};

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

    /// Profile model 3 of `entity` with two clusters.
    fn model(entity: Entity) -> Model {
        let clusters: [(u64, &[f64]); 2] = [(1, &[0.0]), (1, &[1.0])];
        let model = raw_model(ModelKind::Profile, entity, &["recency"], &clusters);
        Model { number: ModelNumber::Number(3), ..model }
    }

    fn store() -> (TempDir, ProfileRowStore) {
        let folder = TempDir::new().unwrap();
        let store = ProfileRowStore::of(folder.path());
        store.prepare().unwrap();
        (folder, store)
    }

    #[test]
    fn rows_come_back_and_belong_to_one_model() {
        let (_folder, store) = store();
        store.save(Entity::Customer, 3, &rows()).unwrap();
        let customer = model(Entity::Customer);
        assert_eq!(store.load(&customer).unwrap(), Some(rows()));
        assert_eq!(store.load(&model(Entity::Product)).unwrap(), None);
        let other = Model { number: ModelNumber::Number(2), ..customer.clone() };
        assert_eq!(store.load(&other).unwrap(), None);
        store.remove(Entity::Customer, 3).unwrap();
        assert_eq!(store.load(&customer).unwrap(), None);
        assert_eq!(store.cluster_of(&customer, "1").unwrap(), None);
        store.remove(Entity::Customer, 3).unwrap();
    }

    #[test]
    fn a_member_is_found_among_many_with_and_without_its_file() {
        let (_folder, store) = store();
        let mut many = rows();
        many.ids = (0..1000).map(|n| format!("{n:04}")).collect();
        many.cluster = (0..1000).map(|n| n % 2 + 1).collect();
        many.columns = vec![vec![0.0; 1000]];
        many.exact = vec![true; 1000];
        store.save(Entity::Customer, 3, &many).unwrap();
        let model = model(Entity::Customer);
        for _ in ["members", "rows alone"] {
            for (id, cluster) in many.ids.iter().zip(&many.cluster) {
                assert_eq!(store.cluster_of(&model, id).unwrap(), Some(*cluster), "{id}");
            }
            assert_eq!(store.cluster_of(&model, "1000").unwrap(), None);
            let _ = fs::remove_file(store.members_path(Entity::Customer, 3));
        }
    }

    #[test]
    fn files_that_are_not_those_of_the_model_are_refused() {
        let (_folder, store) = store();
        let model = model(Entity::Country);
        for change in [
            |rows: &mut ProfileRows| rows.cluster.truncate(1),
            |rows: &mut ProfileRows| rows.cluster[0] = 0,
            |rows: &mut ProfileRows| rows.cluster[0] = 3,
            |rows: &mut ProfileRows| rows.exact.clear(),
            |rows: &mut ProfileRows| rows.columns.clear(),
            |rows: &mut ProfileRows| rows.ids.swap(0, 1),
            |rows: &mut ProfileRows| rows.ids[1] = "1".into(),
            |rows: &mut ProfileRows| rows.features[0] = "tenure".into(),
        ] {
            let mut wrong = rows();
            change(&mut wrong);
            store.save(Entity::Country, 3, &wrong).unwrap();
            let error = store.load(&model).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        }
        store.save(Entity::Country, 3, &ProfileRows { cluster: vec![3, 3], ..rows() }).unwrap();
        assert!(store.cluster_of(&model, "1").is_err(), "the model has two clusters");
        let members = store.members_path(Entity::Country, 3);
        for bad in [&b"tillmem\x02"[..], b"till", b"tillmem\x01..."] {
            fs::write(&members, bad).unwrap();
            assert!(store.cluster_of(&model, "1").is_err());
        }
        fs::write(store.path(Entity::Country, 3), "no zstd").unwrap();
        assert!(store.load(&model).is_err());
    }
}
