//! The file of the state: a magic and a version, the BLAKE3 of the rest, and then postcard compressed by
//! zstd.

use std::{fs, io, path::Path};

use serde::{Deserialize, Serialize};
use tillstream_durable as durable;
use tillstream_shared::{Entity, OffsetRange, api::Gap};

use super::{BatchId, LiveClusters, NewestBatch, TrainingState};
use crate::features::{LinePoints, Profiles, StoredPoints};

/// What the file begins with; the version follows.
const MAGIC: &[u8; 8] = b"tillstat";
/// Version of the format.
const FORMAT_VERSION: u32 = 1;
/// Bytes before the checksum.
const HEADER: usize = MAGIC.len() + size_of::<u32>();
/// Fast, and near the size of the higher levels.
const ZSTD_LEVEL: i32 = 3;

#[derive(Serialize, Deserialize)]
struct Stored {
    last: (u64, String),
    newest: Option<(u64, String, Vec<OffsetRange>)>,
    gaps: Vec<(u64, String)>,
    live_gaps: Vec<u64>,
    unstored: Vec<(u64, Entity)>,
    offsets: Vec<OffsetRange>,
    points: [StoredPoints; 3],
    /// As [`Profiles::to_bytes`] gives them.
    profiles: [Vec<u8>; 3],
    /// JSON, as postcard cannot leave out fields, which a preprocessing without a limit does.
    live: Vec<u8>,
}

impl TrainingState {
    /// Reads the file; `None` when there is none.
    ///
    /// # Errors
    /// What the file system reports, and `InvalidData` for a file that is damaged or of another version.
    pub fn load(path: &Path) -> io::Result<Option<Self>> {
        let Some(stored) = read(path)? else { return Ok(None) };
        let points = restore_points(&stored.points)?;
        let mut profiles = Entity::ALL.map(Profiles::new);
        for (restored, bytes) in profiles.iter_mut().zip(&stored.profiles) {
            let entity = restored.entity();
            *restored = Profiles::from_bytes(bytes).map_err(invalid)?;
            if restored.entity() != entity {
                return Err(invalid("its entities are in another order"));
            }
        }
        let live: [Option<LiveClusters>; 3] = serde_json::from_slice(&stored.live)?;
        if !live.iter().flatten().all(LiveClusters::is_valid) {
            return Err(invalid("the preprocessing of live clusters does not fit to them"));
        }
        let id = |number, manifest| BatchId { number, manifest };
        let newest = stored.newest.map(|(number, manifest, offsets)| {
            let id = id(number, manifest);
            NewestBatch { id, offsets }
        });
        Ok(Some(Self {
            last: id(stored.last.0, stored.last.1),
            newest,
            gaps: stored.gaps.into_iter().collect(),
            live_gaps: stored.live_gaps.into_iter().collect(),
            unstored: stored.unstored.into_iter().collect(),
            offsets: stored.offsets,
            points,
            profiles,
            live,
        }))
    }

    /// The points of `entity` in the file, the rest left aside; `None` when there is none.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn load_points(path: &Path, entity: Entity) -> io::Result<Option<LinePoints>> {
        let Some(stored) = read(path)? else { return Ok(None) };
        let points = restore_points(&stored.points)?;
        Ok(points.into_iter().find(|points| points.entity() == entity))
    }

    /// The gaps in the file, the rest left aside; none when there is no file.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn load_gaps(path: &Path) -> io::Result<Vec<Gap>> {
        let gaps = read(path)?.map(|stored| stored.gaps).unwrap_or_default();
        Ok(gaps.into_iter().map(|(batch, reason)| Gap { batch, reason }).collect())
    }

    /// Writes the file, in one piece.
    ///
    /// # Errors
    /// What the file system reports.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        let [customer, product, country] = &self.profiles;
        let stored = Stored {
            last: (self.last.number, self.last.manifest.clone()),
            newest: self.newest.clone().map(|newest| {
                let NewestBatch { id: BatchId { number, manifest }, offsets } = newest;
                (number, manifest, offsets)
            }),
            gaps: self.gaps.clone().into_iter().collect(),
            live_gaps: self.live_gaps.iter().copied().collect(),
            unstored: self.unstored.iter().copied().collect(),
            offsets: self.offsets.clone(),
            points: self.points.each_ref().map(LinePoints::to_stored),
            profiles: [customer.to_bytes()?, product.to_bytes()?, country.to_bytes()?],
            live: serde_json::to_vec(&self.live)?,
        };
        let content = postcard::to_allocvec(&stored).map_err(io::Error::other)?;
        let content = zstd::encode_all(content.as_slice(), ZSTD_LEVEL)?;
        let mut bytes = MAGIC.to_vec();
        bytes.extend(FORMAT_VERSION.to_le_bytes());
        bytes.extend(blake3::hash(&content).as_bytes());
        bytes.extend(content);
        durable::write(path, &bytes)
    }
}

fn read(path: &Path) -> io::Result<Option<Stored>> {
    let bytes = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        bytes => bytes?,
    };
    let version = bytes.strip_prefix(MAGIC).and_then(|rest| rest.first_chunk());
    let Some(version) = version else { return Err(invalid("it begins with other bytes")) };
    let version = u32::from_le_bytes(*version);
    if version != FORMAT_VERSION {
        return Err(invalid(format!("it has the format version {version}, not {FORMAT_VERSION}")));
    }
    let (checksum, content) = bytes[HEADER..]
        .split_at_checked(blake3::OUT_LEN)
        .ok_or_else(|| invalid("its end is missing"))?;
    if blake3::hash(content).as_bytes() != checksum {
        return Err(invalid("its checksum is another"));
    }
    let content = zstd::decode_all(content)?;
    Ok(Some(postcard::from_bytes(&content).map_err(invalid)?))
}

fn restore_points(stored: &[StoredPoints; 3]) -> io::Result<[LinePoints; 3]> {
    let [customer, product, country] = stored.each_ref().map(LinePoints::from_stored);
    let (Some(customer), Some(product), Some(country)) = (customer, product, country) else {
        return Err(invalid("its columns have different lengths"));
    };
    let points = [customer, product, country];
    if points.iter().map(LinePoints::entity).ne(Entity::ALL) {
        return Err(invalid("its entities are in another order"));
    }
    Ok(points)
}

fn invalid(reason: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}
