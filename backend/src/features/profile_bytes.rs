//! Profiles as bytes for a file.

use serde::{Deserialize, Serialize};
use tillstream_shared::Entity;

use super::{Profiles, profile::Profile, profiles::Totals};

/// What the bytes begin with; the version follows.
const MAGIC: &[u8; 8] = b"tillprof";
/// Version of the format.
const FORMAT_VERSION: u32 = 1;
/// Bytes before the compressed part.
const HEADER: usize = MAGIC.len() + size_of::<u32>();
/// Fast, and near the size of the higher levels.
const ZSTD_LEVEL: i32 = 3;

/// Why bytes cannot be read as profiles.
#[derive(Debug, thiserror::Error)]
pub enum ProfileBytesError {
    /// They begin with something else.
    #[error("not a file of profiles: it begins with other bytes")]
    Magic,
    /// Written by another version of the program.
    #[error("the profiles have the format version {0}, not {FORMAT_VERSION}")]
    FormatVersion(u32),
    /// They cannot be decompressed, or their checksum is wrong.
    #[error("the profiles are damaged: {0}")]
    Compression(#[source] std::io::Error),
    /// They were decompressed but are not understood.
    #[error("the profiles are damaged: {0}")]
    Content(#[source] postcard::Error),
    /// They have content that this program never writes.
    #[error("the profiles are damaged: {0}")]
    Invalid(&'static str),
}

/// The content to write.
#[derive(Serialize)]
struct Written<'a> {
    entity: Entity,
    totals: &'a Totals,
    /// Ascending.
    profiles: Vec<(&'a str, &'a Profile)>,
}

/// The content as read.
#[derive(Deserialize)]
struct Read {
    entity: Entity,
    totals: Totals,
    profiles: Vec<(Box<str>, Profile)>,
}

impl Profiles {
    /// The form for the disk: a magic and a version, then postcard compressed by zstd with a checksum.
    /// Equal profiles have equal bytes.
    ///
    /// # Errors
    /// What the compressor reports, such as a lack of memory.
    pub fn to_bytes(&self) -> std::io::Result<Vec<u8>> {
        let mut profiles: Vec<_> =
            self.by_id.iter().map(|(id, profile)| (id.as_ref(), profile)).collect();
        profiles.sort_unstable_by_key(|(id, _)| *id);
        let content = Written { entity: self.entity, totals: &self.totals, profiles };
        let content = postcard::to_allocvec(&content).map_err(std::io::Error::other)?;
        let mut bytes = MAGIC.to_vec();
        bytes.extend(FORMAT_VERSION.to_le_bytes());
        let mut encoder = zstd::Encoder::new(bytes, ZSTD_LEVEL)?;
        encoder.include_checksum(true)?;
        std::io::Write::write_all(&mut encoder, &content)?;
        encoder.finish()
    }

    /// Back from the disk.
    ///
    /// # Errors
    /// [`ProfileBytesError`] when they were written by another version, are damaged, or were never
    /// profiles.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ProfileBytesError> {
        let Some((header, compressed)) = bytes.split_first_chunk::<HEADER>() else {
            return Err(ProfileBytesError::Magic);
        };
        let Some(&[a, b, c, d]) = header.strip_prefix(MAGIC) else {
            return Err(ProfileBytesError::Magic);
        };
        let version = u32::from_le_bytes([a, b, c, d]);
        if version != FORMAT_VERSION {
            return Err(ProfileBytesError::FormatVersion(version));
        }
        let content = zstd::decode_all(compressed).map_err(ProfileBytesError::Compression)?;
        let (content, rest) =
            postcard::take_from_bytes::<Read>(&content).map_err(ProfileBytesError::Content)?;
        let Read { entity, totals, profiles } = content;
        if !rest.is_empty() {
            return Err(ProfileBytesError::Invalid("something follows them"));
        }
        if !profiles.iter().is_sorted_by(|(left, _), (right, _)| left < right) {
            return Err(ProfileBytesError::Invalid("the identifiers are not in order"));
        }
        if !profiles.iter().all(|(_, profile)| profile.is_valid()) {
            return Err(ProfileBytesError::Invalid("a set of identifiers is out of order"));
        }
        Ok(Self { entity, totals, by_id: profiles.into_iter().collect() })
    }
}

#[cfg(test)]
mod tests {
    use tillstream_shared::Line;

    use super::*;

    /// The magic number, descriptor and window size with which a zstd frame begins. They are not under
    /// the checksum, and not every bit of them has a meaning.
    const FRAME_HEADER: usize = 6;

    fn profiles() -> Profiles {
        let mut profiles = Profiles::new(Entity::Country);
        for (invoice_no, country) in [("536365", "France"), ("536366", "Norway")] {
            profiles.add(&Line {
                invoice_no: invoice_no.into(),
                stock_code: "85123A".into(),
                description: "".into(),
                quantity: 6,
                invoice_date: "2010-12-01 08:26:00".into(),
                unit_price: 2.55,
                customer_id: Some("17850".into()),
                country: country.into(),
            });
        }
        profiles
    }

    #[test]
    fn what_was_written_is_read_again() {
        assert_eq!(Profiles::from_bytes(&profiles().to_bytes().unwrap()).unwrap(), profiles());
    }

    #[test]
    fn other_files_and_versions_are_refused() {
        let error = |bytes: &[u8]| Profiles::from_bytes(bytes).unwrap_err();
        assert!(matches!(error(b""), ProfileBytesError::Magic));
        assert!(matches!(error(b"{\"format_version\":1}"), ProfileBytesError::Magic));
        let mut other = profiles().to_bytes().unwrap();
        other[MAGIC.len()] = 9;
        assert_eq!(error(&other).to_string(), "the profiles have the format version 9, not 1");
    }

    #[test]
    fn damaged_bytes_are_an_error() {
        let good = profiles().to_bytes().unwrap();
        for end in HEADER..good.len() {
            let error = Profiles::from_bytes(&good[..end]).unwrap_err();
            assert!(matches!(error, ProfileBytesError::Compression(_)), "{end}: {error}");
        }
        for place in HEADER + FRAME_HEADER..good.len() {
            for bit in 0..8 {
                let mut damaged = good.clone();
                damaged[place] ^= 1 << bit;
                let error = Profiles::from_bytes(&damaged).unwrap_err();
                assert!(matches!(error, ProfileBytesError::Compression(_)), "{place}: {error}");
            }
        }
    }

    #[test]
    fn profiles_out_of_order_are_refused() {
        let profile = Profile::default();
        for (ids, expected) in [(["a", "b"], true), (["b", "a"], false), (["a", "a"], false)] {
            let profiles = ids.map(|id| (id, &profile)).to_vec();
            let totals = &Totals::default();
            let written = Written { entity: Entity::Country, totals, profiles };
            let content = postcard::to_allocvec(&written).unwrap();
            let mut bytes = Profiles::new(Entity::Country).to_bytes().unwrap();
            bytes.truncate(HEADER);
            bytes.extend(zstd::encode_all(&content[..], ZSTD_LEVEL).unwrap());
            assert_eq!(Profiles::from_bytes(&bytes).is_ok(), expected, "{ids:?}");
        }
    }
}
