//! A CSV file as bytes: unpacked, with its delimiter found out, row by row.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Cursor, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use csv::{ByteRecord, Reader, ReaderBuilder};

use super::{IngestError, layout::Layout};

/// Bytes asked for at once.
const BUFFER: usize = 1 << 17;

/// Where the bytes of a table are; it can be read more than once.
#[derive(Debug, Clone)]
pub(super) enum Source {
    /// Part of the program.
    Static(&'static [u8]),
    /// A workbook's rows as CSV.
    Memory(Arc<[u8]>),
    /// A file.
    File(PathBuf),
}

impl Source {
    /// The bytes as they are stored.
    pub(super) fn stored(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(match self {
            Self::Static(bytes) => Box::new(*bytes),
            Self::Memory(bytes) => Box::new(Cursor::new(bytes.clone())),
            Self::File(path) => Box::new(File::open(path)?),
        })
    }

    /// The bytes unpacked, whichever way the first bytes say that they are packed.
    fn unpacked(&self) -> io::Result<Box<dyn BufRead + Send>> {
        let mut stored = BufReader::with_capacity(BUFFER, self.stored()?);
        let start = stored.fill_buf()?;
        Ok(if start.starts_with(&[0x1f, 0x8b]) {
            let unpacked = flate2::bufread::MultiGzDecoder::new(stored);
            Box::new(BufReader::with_capacity(BUFFER, unpacked))
        } else if start.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
            let unpacked = zstd::Decoder::with_buffer(stored)?;
            Box::new(BufReader::with_capacity(BUFFER, unpacked))
        } else {
            Box::new(stored)
        })
    }
}

/// A reader of rows, past the header.
pub(super) struct Table {
    reader: Reader<Box<dyn BufRead + Send>>,
    /// Where the fields are.
    pub(super) layout: Layout,
    /// Columns of the header.
    pub(super) columns: usize,
    /// Semicolons separate the columns, so that a comma may be a decimal mark.
    pub(super) semicolons: bool,
    name: String,
}

impl Table {
    /// Opens the table and reads its header.
    pub(super) fn open(source: &Source, name: &str) -> Result<Self, IngestError> {
        let unreadable = |cause| IngestError::Unreadable { name: name.to_owned(), cause };
        let mut bytes = source.unpacked().map_err(unreadable)?;
        let delimiter = delimiter(bytes.fill_buf().map_err(unreadable)?);
        let mut reader =
            ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(bytes);
        let header: Vec<_> = reader
            .byte_headers()
            .map_err(|error| unreadable(error.into()))?
            .iter()
            .map(|column| String::from_utf8_lossy(column).into_owned())
            .collect();
        let layout = Layout::of(&header, name)?;
        Ok(Self {
            reader,
            layout,
            columns: header.len(),
            semicolons: delimiter == b';',
            name: name.to_owned(),
        })
    }

    /// Reads the next row; false at the end.
    pub(super) fn read(&mut self, record: &mut ByteRecord) -> Result<bool, IngestError> {
        self.reader.read_byte_record(record).map_err(|error| IngestError::Unreadable {
            name: self.name.clone(),
            cause: error.into(),
        })
    }
}

/// Of comma, semicolon and tab the one that the first row has most of.
fn delimiter(start: &[u8]) -> u8 {
    let header = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let count = |delimiter| header.iter().filter(|byte| **byte == delimiter).count();
    // Of equals the last wins: the comma, also where there is none of them.
    [b'\t', b';', b','].into_iter().max_by_key(|delimiter| count(*delimiter)).unwrap_or(b',')
}

/// Whether the file at `path` begins like a ZIP archive, as a workbook does.
pub(super) fn is_workbook(path: &Path) -> io::Result<bool> {
    let mut start = [0; 4];
    let read = File::open(path)?.read(&mut start)?;
    Ok(read == 4 && start == *b"PK\x03\x04")
}
