//! Invalid rows, and the file that keeps them.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::FileExt,
    path::Path,
};

use tillstream_durable::fault;

use super::RejectReason;

/// An invalid row of the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// The row's number among all rows of the input, lines and rejects alike, from 1.
    pub number: u64,
    /// Where the row begins: the line of the file, or the row of the sheet, from 1.
    pub line_in_file: u64,
    /// What is wrong with it.
    pub reason: RejectReason,
    /// The row itself, as CSV.
    pub text: String,
}

/// Writes rejects as CSV with the columns `line`, `reason` and `text`.
#[derive(Debug)]
pub struct RejectsWriter {
    file: File,
    length: u64,
    count: u64,
}

impl RejectsWriter {
    /// Starts the file at `path` anew, so that reading an input again does not double its rejects.
    ///
    /// # Errors
    /// Whatever the file system reports.
    pub fn create(path: &Path) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut writer = Self { file: File::create(path)?, length: 0, count: 0 };
        writer.append(["line", "reason", "text"])?;
        Ok(writer)
    }

    /// Writes one row; it has left the process when this returns.
    ///
    /// # Errors
    /// Whatever the file system reports; the row may then be written again.
    pub fn write(&mut self, reject: &Reject) -> io::Result<()> {
        let (line, reason) = (reject.line_in_file.to_string(), reject.reason.to_string());
        self.append([&line, &reason, &reject.text])?;
        self.count += 1;
        Ok(())
    }

    /// Rows written so far.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Writes a record over whatever a failed attempt has left of it.
    fn append(&mut self, record: [&str; 3]) -> io::Result<()> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(record)?;
        let bytes = writer.into_inner().map_err(|error| error.into_error())?;
        fault::check_room()?;
        self.file.write_all_at(&bytes, self.length)?;
        self.length += bytes.len() as u64;
        Ok(())
    }
}
