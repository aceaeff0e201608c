//! All batches of a folder, as their manifests tell.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use tillstream_durable::{self as durable, FolderLock};
use tillstream_shared::Manifest;

use super::BatchError;

/// The manifests of a batch folder, by ascending number.
#[derive(Debug)]
pub struct Catalogue {
    folder: PathBuf,
    manifests: Vec<Manifest>,
}

impl Catalogue {
    /// Takes the folder for writing, removes what a crash left unfinished, and reads the manifests.
    ///
    /// # Errors
    /// [`BatchError`]; a batch file that is missing or has another size than its manifest says is one.
    pub fn open(folder: &Path) -> Result<(Self, FolderLock), BatchError> {
        let lock = FolderLock::take(folder)?;
        let catalogue = Self::read(folder)?;
        catalogue.check()?;
        catalogue.remove_leftovers().map_err(BatchError::io(folder))?;
        Ok((catalogue, lock))
    }

    /// Reads the manifests without taking the folder; one that does not exist holds no batches.
    ///
    /// # Errors
    /// [`BatchError::Io`] and [`BatchError::Manifest`].
    pub fn read(folder: &Path) -> Result<Self, BatchError> {
        let mut manifests = Vec::new();
        let entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            entries => Some(entries.map_err(BatchError::io(folder))?),
        };
        for entry in entries.into_iter().flatten() {
            let path = entry.map_err(BatchError::io(folder))?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                manifests.push(read_manifest(&path)?);
            }
        }
        manifests.sort_unstable_by_key(|manifest| manifest.number);
        Ok(Self { folder: folder.to_owned(), manifests })
    }

    /// The batches, by ascending number.
    #[must_use]
    pub fn manifests(&self) -> &[Manifest] {
        &self.manifests
    }

    /// Where they lie.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The number of the batch that comes next.
    #[must_use]
    pub fn next_number(&self) -> u64 {
        self.manifests.last().map_or(1, |manifest| manifest.number + 1)
    }

    /// For every partition of `topic` that a batch covers, the first offset that none does.
    #[must_use]
    pub fn next_offsets(&self, topic: &str) -> BTreeMap<i32, i64> {
        let mut next = BTreeMap::new();
        let of_topic = self.manifests.iter().filter(|manifest| manifest.topic == topic);
        for range in of_topic.flat_map(|manifest| &manifest.partitions) {
            next.insert(range.partition, range.last + 1);
        }
        next
    }

    /// Numbers without gaps, offsets that ascend, and every file there with its size.
    fn check(&self) -> Result<(), BatchError> {
        let wrong = |reason| Err(BatchError::Inconsistent { path: self.folder.clone(), reason });
        let mut next = BTreeMap::new();
        for (expected, manifest) in (1..).zip(&self.manifests) {
            if manifest.number != expected {
                return wrong(format!("there is no batch {expected}"));
            }
            for range in &manifest.partitions {
                let partition = (&manifest.topic, range.partition);
                let last = next.insert(partition, range.last);
                if range.last < range.first || last.is_some_and(|last| range.first <= last) {
                    return wrong(format!(
                        "batch {expected} repeats offsets of partition {}",
                        range.partition
                    ));
                }
            }
            let path = self.folder.join(&manifest.file);
            let size = fs::metadata(&path).map_err(BatchError::io(&path))?.len();
            if size != manifest.bytes {
                let reason = format!("{size} bytes in place of {}", manifest.bytes);
                return Err(BatchError::Damaged { path, reason });
            }
        }
        Ok(())
    }

    /// Removes temporary files, and batch files that a crash kept from getting a manifest: their
    /// lines are still in the topic.
    fn remove_leftovers(&self) -> io::Result<()> {
        durable::remove_temporaries(&self.folder)?;
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let is_batch = path.extension().is_some_and(|extension| extension == "csv")
                && path.file_name().is_some_and(|n| n.as_encoded_bytes().starts_with(b"batch_"));
            if is_batch && !path.with_extension("json").exists() {
                tracing::info!(
                    "removing {}, which a crash left without a manifest",
                    path.display()
                );
                fs::remove_file(path)?;
            }
        }
        durable::sync_folder(&self.folder)
    }
}

fn read_manifest(path: &Path) -> Result<Manifest, BatchError> {
    let wrong = |reason| BatchError::Manifest { path: path.to_owned(), reason };
    let json = fs::read(path).map_err(BatchError::io(path))?;
    let manifest: Manifest =
        serde_json::from_slice(&json).map_err(|error| wrong(error.to_string()))?;
    if manifest.format_version != Manifest::FORMAT_VERSION {
        return Err(wrong(format!("format version {}", manifest.format_version)));
    }
    Ok(manifest)
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;
    use tillstream_shared::{ClosedBy, Line, OffsetRange};

    use super::*;
    use crate::batch::{OpenBatch, read_lines};

    fn line(quantity: i64) -> Line<'static> {
        Line {
            invoice_no: "C536365".into(),
            stock_code: "85123A".into(),
            description: "A \"quoted\", name".into(),
            quantity,
            invoice_date: "2010-12-01 08:26:00".into(),
            unit_price: 2.55,
            customer_id: Some("17850".into()),
            country: "United Kingdom".into(),
        }
    }

    fn store(folder: &Path, number: u64, offsets: std::ops::Range<i64>) -> Manifest {
        let mut batch = OpenBatch::create(folder, number).unwrap();
        for offset in offsets {
            batch.add(&line(offset), 0, offset).unwrap();
        }
        batch.close("retail_stream", ClosedBy::Size).unwrap()
    }

    #[test]
    fn a_stored_batch_comes_back_whole() {
        let folder = TempDir::new().unwrap();
        let manifest = store(folder.path(), 1, 0..3);
        let (catalogue, _lock) = Catalogue::open(folder.path()).unwrap();
        assert_eq!(catalogue.manifests(), std::slice::from_ref(&manifest));
        assert_eq!(manifest.partitions, [OffsetRange { partition: 0, first: 0, last: 2 }]);
        assert_eq!((manifest.rows, manifest.funnel.returns, manifest.funnel.sales), (3, 1, 2));
        let mut lines = Vec::new();
        read_lines(folder.path(), &manifest, |line| lines.push(line.clone().into_owned())).unwrap();
        assert_eq!(lines, [line(0), line(1), line(2)]);
    }

    #[test]
    fn leftovers_of_a_crash_are_removed() {
        let folder = TempDir::new().unwrap();
        let first = store(folder.path(), 1, 0..3);
        let second = store(folder.path(), 2, 3..5);
        let orphan = folder.path().join(&second.file);
        fs::remove_file(orphan.with_extension("json")).unwrap();
        OpenBatch::create(folder.path(), 3).unwrap();

        let (catalogue, _lock) = Catalogue::open(folder.path()).unwrap();
        assert_eq!(catalogue.manifests(), [first]);
        assert_eq!(catalogue.next_number(), 2);
        assert_eq!(catalogue.next_offsets("retail_stream"), BTreeMap::from([(0, 3)]));
        assert!(!orphan.exists());
        let left = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(left, 3, "one batch, its manifest and the lock");
    }

    #[test]
    fn damage_is_named() {
        let folder = TempDir::new().unwrap();
        let manifest = store(folder.path(), 1, 0..3);
        let path = folder.path().join(&manifest.file);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("17850", "17851")).unwrap();
        let error = read_lines(folder.path(), &manifest, |_| ()).unwrap_err();
        assert!(matches!(error, BatchError::Damaged { .. }), "{error}");

        fs::write(&path, &text[..text.len() - 1]).unwrap();
        let error = Catalogue::open(folder.path()).unwrap_err();
        assert!(matches!(error, BatchError::Damaged { .. }), "{error}");
    }

    #[test]
    fn a_gap_and_a_repetition_are_refused() {
        let folder = TempDir::new().unwrap();
        store(folder.path(), 1, 0..3);
        let second = store(folder.path(), 2, 2..5);
        let error = Catalogue::open(folder.path()).unwrap_err().to_string();
        assert!(error.contains("repeats offsets"), "{error}");
        fs::remove_file(folder.path().join(&second.file).with_extension("json")).unwrap();
        store(folder.path(), 3, 3..5);
        let error = Catalogue::open(folder.path()).unwrap_err().to_string();
        assert!(error.contains("no batch 2"), "{error}");
    }

    #[test]
    fn one_writer_at_a_time() {
        let folder = TempDir::new().unwrap();
        let _first = Catalogue::open(folder.path()).unwrap();
        let error = Catalogue::open(folder.path()).unwrap_err();
        assert!(matches!(error, BatchError::Lock(_)), "{error}");
    }
}
