//! Zip archives of one file.

use std::{
    fs::File,
    io::{self, BufReader, Read},
    sync::Arc,
};

use flate2::{CrcReader, bufread::DeflateDecoder};
use zip::{CompressionMethod, ZipArchive};

use super::text::{BUFFER, Content, FileReader};

/// What a zip archive is.
#[derive(Debug)]
pub(super) enum Archive {
    /// A workbook of Excel.
    Workbook,
    /// An archive with one file in it.
    One(Entry),
}

/// Where the one file of an archive is, and how it is stored.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    at: u64,
    stored: u64,
    is_deflated: bool,
    crc: u32,
}

impl Archive {
    /// Looks into the archive.
    ///
    /// # Errors
    /// What is wrong with it, in words that follow "it".
    pub(super) fn open(file: &Arc<File>) -> Result<Self, String> {
        // The copy has the position of the original, which nobody else uses.
        let reader = file.try_clone().map_err(|error| error.to_string())?;
        let mut archive = ZipArchive::new(BufReader::new(reader))
            .map_err(|error| format!("is a damaged zip archive or workbook ({error})"))?;
        if archive.index_for_name("[Content_Types].xml").is_some() {
            return Ok(Self::Workbook);
        }
        if archive.index_for_name("content.xml").is_some() {
            return Err("is an OpenDocument file: save it as .xlsx or .csv".to_owned());
        }
        let names: Vec<String> = archive.file_names().map(str::to_owned).collect();
        // What macOS puts beside each file.
        let is_file = |name: &&String| !name.ends_with('/') && !name.starts_with("__MACOSX/");
        let files: Vec<&String> = names.iter().filter(is_file).collect();
        let [name] = files[..] else {
            return Err(format!(
                "is a zip archive of {} files and not of one: unpack it, and give one of them",
                files.len()
            ));
        };
        let index = archive.index_for_name(name).unwrap_or_default();
        let entry = archive.by_index_raw(index).map_err(|error| error.to_string())?;
        if entry.encrypted() {
            return Err("is an encrypted zip archive: unpack it".to_owned());
        }
        let is_deflated = match entry.compression() {
            CompressionMethod::Stored => false,
            CompressionMethod::Deflated => true,
            other => return Err(format!("is a zip archive compressed by {other}: unpack it")),
        };
        let at = entry.data_start().ok_or("is a damaged zip archive")?;
        Ok(Self::One(Entry {
            at,
            stored: entry.compressed_size(),
            is_deflated,
            crc: entry.crc32(),
        }))
    }
}

impl Entry {
    /// The content of the file in the archive.
    pub(super) fn open(&self, file: Arc<File>) -> Content {
        let stored = FileReader::new(file, self.at).take(self.stored);
        let stored = BufReader::with_capacity(BUFFER, stored);
        let content: Content =
            if self.is_deflated { Box::new(DeflateDecoder::new(stored)) } else { Box::new(stored) };
        Box::new(Checked { content: CrcReader::new(content), crc: self.crc })
    }
}

/// Fails at the end of a content that is not the one which was stored.
struct Checked {
    content: CrcReader<Content>,
    crc: u32,
}

impl Read for Checked {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.content.read(out)?;
        if read == 0 && !out.is_empty() && self.content.crc().sum() != self.crc {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the zip archive is damaged"));
        }
        Ok(read)
    }
}
