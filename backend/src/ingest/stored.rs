//! Where the content of an input lies, so that it can be read as often as it has to be.

use std::{
    fs::File,
    io::{self, Cursor, Read},
    sync::Arc,
};

use bytes::Bytes;

use super::{
    archive::Entry,
    format::Format,
    text::{Content, FileReader},
};

/// The content of an input, however it is stored.
#[derive(Debug, Clone)]
pub(super) enum Stored {
    /// A file, plain or compressed.
    File(Arc<File>, Format),
    /// The one file of a zip archive.
    Entry(Arc<File>, Entry),
    /// Text in memory, compressed by zstd.
    Memory(Bytes),
}

impl Stored {
    /// The content from its beginning, without compression.
    pub(super) fn open(&self) -> io::Result<Content> {
        match self {
            Self::File(file, format) => format.decompress(FileReader::new(file.clone(), 0)),
            Self::Entry(file, entry) => Ok(entry.open(file.clone())),
            Self::Memory(bytes) => Format::Zstd.decompress(Cursor::new(bytes.clone())),
        }
    }

    /// Whether the first `bytes` bytes of the content have the hash that `is_it` knows, and are followed by the
    /// beginning of a row, if by anything. `unit` is the size of the smallest character.
    pub(super) fn begins_with(
        &self,
        bytes: u64,
        unit: usize,
        is_it: impl Fn(&blake3::Hash) -> bool,
    ) -> io::Result<bool> {
        let mut content = self.open()?;
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader((&mut content).take(bytes.saturating_sub(unit as u64)))?;
        let mut character = |hasher: Option<&mut blake3::Hasher>| -> io::Result<Vec<u8>> {
            let mut read = Vec::with_capacity(unit);
            (&mut content).take(unit as u64).read_to_end(&mut read)?;
            if let Some(hasher) = hasher {
                hasher.update(&read);
            }
            Ok(read)
        };
        let last = character(Some(&mut hasher))?;
        let next = character(None)?;
        let ends_row = |character: &[u8]| character.iter().any(|byte| b"\r\n".contains(byte));
        Ok((ends_row(&last) || ends_row(&next)) && is_it(&hasher.finalize()))
    }
}
