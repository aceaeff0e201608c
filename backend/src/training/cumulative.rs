//! The weighted points of all batches so far, so that `all` is trained without reading old batches.

use std::{fs, io, path::Path};

use serde::{Deserialize, Serialize};
use tillstream_durable as durable;
use tillstream_shared::{Entity, Manifest, OffsetRange};

use crate::features::{LinePoints, StoredPoints};

/// Version of the file's format.
const FORMAT_VERSION: u32 = 1;

/// What all batches up to one amount to.
#[derive(Debug, Clone, PartialEq)]
pub struct Cumulative {
    /// Number of the newest batch that is in; 0 for none.
    pub last_batch: u64,
    /// From the first offset of the first batch to the last of the newest, by partition.
    pub offsets: Vec<OffsetRange>,
    /// The points of every entity, in the order of [`Entity::ALL`].
    pub points: [LinePoints; 3],
}

#[derive(Serialize, Deserialize)]
struct Stored {
    format_version: u32,
    last_batch: u64,
    offsets: Vec<OffsetRange>,
    points: [StoredPoints; 3],
}

impl Default for Cumulative {
    fn default() -> Self {
        Self { last_batch: 0, offsets: Vec::new(), points: Entity::ALL.map(LinePoints::new) }
    }
}

impl Cumulative {
    /// Adds the points of the next batch.
    pub fn add(&mut self, manifest: &Manifest, points: &[LinePoints; 3]) {
        for (all, new) in self.points.iter_mut().zip(points) {
            all.merge(new);
        }
        extend(&mut self.offsets, &manifest.partitions);
        self.last_batch = manifest.number;
    }

    /// The points of one entity.
    #[must_use]
    pub fn of(&self, entity: Entity) -> &LinePoints {
        &self.points[entity as usize]
    }

    /// Reads the file; `None` when there is none.
    ///
    /// # Errors
    /// What the file system reports, and `InvalidData` for a file that is not understood.
    pub fn load(path: &Path) -> io::Result<Option<Self>> {
        let json = match fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            json => json?,
        };
        let invalid = |reason: &str| io::Error::new(io::ErrorKind::InvalidData, reason);
        let stored: Stored = serde_json::from_slice(&json)?;
        if stored.format_version != FORMAT_VERSION {
            return Err(invalid("it has another format version"));
        }
        let [customer, product, country] = &stored.points;
        let restored = [customer, product, country].map(LinePoints::from_stored);
        let [Some(customer), Some(product), Some(country)] = restored else {
            return Err(invalid("its columns have different lengths"));
        };
        let points = [customer, product, country];
        if points.iter().map(LinePoints::entity).ne(Entity::ALL) {
            return Err(invalid("its entities are in another order"));
        }
        Ok(Some(Self { last_batch: stored.last_batch, offsets: stored.offsets, points }))
    }

    /// Writes the file, in one piece.
    ///
    /// # Errors
    /// What the file system reports.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        let stored = Stored {
            format_version: FORMAT_VERSION,
            last_batch: self.last_batch,
            offsets: self.offsets.clone(),
            points: self.points.each_ref().map(LinePoints::to_stored),
        };
        durable::write(path, &serde_json::to_vec(&stored)?)
    }
}

/// Goes on with the offsets of the next batch.
pub(super) fn extend(offsets: &mut Vec<OffsetRange>, next: &[OffsetRange]) {
    for range in next {
        match offsets.iter_mut().find(|known| known.partition == range.partition) {
            Some(known) => known.last = range.last,
            None => offsets.push(*range),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use tempfile::TempDir;
    use tillstream_shared::{ClosedBy, Line};

    use super::*;

    pub(in crate::training) fn manifest(number: u64, first: i64, last: i64) -> Manifest {
        Manifest {
            format_version: 1,
            number,
            file: String::new(),
            topic: "t".into(),
            cluster_id: None,
            topic_id: None,
            previous: None,
            partitions: vec![OffsetRange { partition: 0, first, last }],
            rows: 1,
            dead_letters: 0,
            repeated: 0,
            sources: Vec::new(),
            funnel: tillstream_shared::BatchFunnel::default(),
            closed_by: ClosedBy::Size,
            bytes: 0,
            blake3: String::new(),
            created_at: String::new(),
            hash: String::new(),
        }
    }

    fn points(quantity: i64) -> [LinePoints; 3] {
        let line = Line {
            invoice_no: "1".into(),
            stock_code: "A".into(),
            description: "".into(),
            quantity,
            invoice_date: "2010-12-01 08:26:00".into(),
            unit_price: 0.1,
            customer_id: None,
            country: "France".into(),
        };
        Entity::ALL.map(|entity| {
            let mut points = LinePoints::new(entity);
            points.add(&line);
            points
        })
    }

    #[test]
    fn it_comes_back_as_it_was_stored() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("points.json");
        assert_eq!(Cumulative::load(&path).unwrap(), None);
        let mut cumulative = Cumulative::default();
        cumulative.add(&manifest(1, 0, 9), &points(3));
        cumulative.add(&manifest(2, 10, 19), &points(4));
        cumulative.save(&path).unwrap();
        assert_eq!(cumulative.offsets, [OffsetRange { partition: 0, first: 0, last: 19 }]);
        assert_eq!(Cumulative::load(&path).unwrap(), Some(cumulative));
    }

    #[test]
    fn a_file_that_is_not_understood_is_an_error() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("points.json");
        Cumulative::default().save(&path).unwrap();
        let json = fs::read_to_string(&path).unwrap();
        for (from, to) in [
            ("\"format_version\":1", "\"format_version\":2"),
            ("\"quantity\":[]", "\"quantity\":[1]"),
            ("\"product\"", "\"country\""),
            ("{", ""),
        ] {
            fs::write(&path, json.replacen(from, to, 1)).unwrap();
            let error = Cumulative::load(&path).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{to}: {error}");
        }
    }
}
