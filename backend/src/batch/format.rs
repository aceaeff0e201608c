//! The file of a batch in one of its formats.

use std::{
    fs::File,
    io::{self, Write},
    path::Path,
};

use bytes::Bytes;
use tillstream_durable::fault;
use tillstream_shared::Line;

use crate::ingest::{
    IngestError,
    csv_lines::{BatchReader, write_header, write_line},
    parquet_lines::{ParquetWriter, read_parquet},
};

/// Bytes gathered before they go to the file.
const BUFFER: usize = 1 << 18;

/// What a batch file is. The extension of its name says the same.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum, strum::Display, strum::EnumString,
)]
#[strum(serialize_all = "lowercase")]
pub enum BatchFormat {
    /// Comma-separated values, which every tool reads.
    #[default]
    Csv,
    /// Apache Parquet: typed columns, compressed by zstd; a tenth of the size.
    Parquet,
}

impl BatchFormat {
    /// The format of the file `name`, as far as it is known.
    pub(super) fn of(name: &str) -> Option<Self> {
        Path::new(name).extension()?.to_str()?.parse().ok()
    }
}

/// A file that lines are added to.
pub(super) enum LineFile {
    Csv(HashedFile),
    Parquet(Box<ParquetWriter<HashedFile>>),
}

/// A file that is finished, but not yet on disk.
#[derive(Debug)]
pub(super) struct FinishedFile {
    pub(super) file: File,
    pub(super) bytes: u64,
    /// BLAKE3, in hexadecimal.
    pub(super) blake3: String,
}

impl LineFile {
    /// Creates the file at `path`, or empties it.
    pub(super) fn create(path: &Path, format: BatchFormat) -> io::Result<Self> {
        // It is read again where it is uploaded.
        let file = File::options().read(true).write(true).create(true).truncate(true).open(path)?;
        let mut file = HashedFile {
            file,
            pending: Vec::with_capacity(BUFFER + BUFFER / 4),
            hasher: Box::default(),
            bytes: 0,
        };
        match format {
            BatchFormat::Csv => {
                write_header(&mut file.pending);
                Ok(Self::Csv(file))
            }
            BatchFormat::Parquet => Ok(Self::Parquet(Box::new(ParquetWriter::new(file)?))),
        }
    }

    pub(super) fn add(&mut self, line: &Line<'_>) -> io::Result<()> {
        fault::check_room()?;
        match self {
            Self::Csv(file) => {
                write_line(&mut file.pending, line);
                file.flush_if_full()
            }
            Self::Parquet(writer) => writer.write(line),
        }
    }

    /// Ends the file. One in Parquet has the properties.
    pub(super) fn finish(
        self,
        properties: impl IntoIterator<Item = (&'static str, String)>,
    ) -> io::Result<FinishedFile> {
        let mut file = match self {
            Self::Csv(file) => file,
            Self::Parquet(writer) => writer.finish(properties)?,
        };
        file.flush()?;
        let HashedFile { file, hasher, bytes, .. } = file;
        Ok(FinishedFile { file, bytes, blake3: hasher.finalize().to_hex().to_string() })
    }
}

impl std::fmt::Debug for LineFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Csv(_) => "Csv",
            Self::Parquet(_) => "Parquet",
        })
    }
}

/// A file of which the checksum is known.
pub(super) struct HashedFile {
    file: File,
    /// What was not written yet. It is hashed when it is: the checksum of much at once costs a fraction.
    pending: Vec<u8>,
    hasher: Box<blake3::Hasher>,
    /// Bytes that were written.
    bytes: u64,
}

impl HashedFile {
    fn flush_if_full(&mut self) -> io::Result<()> {
        if self.pending.len() < BUFFER { Ok(()) } else { self.flush() }
    }
}

impl Write for HashedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.pending.extend_from_slice(bytes);
        self.flush_if_full()
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.write_all(&self.pending)?;
        self.hasher.update(&self.pending);
        self.bytes += self.pending.len() as u64;
        self.pending.clear();
        Ok(())
    }
}

/// Hands every line of a batch file's content to `each`, in order, and gives how many there are. Messages call
/// the file `path`.
///
/// # Errors
/// When it is not what [`LineFile`] writes.
pub(super) fn read_file(
    content: Bytes,
    format: BatchFormat,
    path: &str,
    mut each: impl FnMut(&Line<'_>),
) -> Result<u64, IngestError> {
    match format {
        BatchFormat::Csv => {
            let mut reader = BatchReader::new(&content[..], path)?;
            let mut rows = 0;
            while let Some(line) = reader.next() {
                each(&line?);
                rows += 1;
            }
            Ok(rows)
        }
        BatchFormat::Parquet => read_parquet(content, path, each),
    }
}
