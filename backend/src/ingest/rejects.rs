//! Invalid rows, and the file that keeps them.

use std::{fs, fs::File, io, path::Path};

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
    writer: csv::Writer<File>,
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
        let mut writer = csv::Writer::from_writer(File::create(path)?);
        writer.write_record(["line", "reason", "text"])?;
        writer.flush()?;
        Ok(Self { writer, count: 0 })
    }

    /// Writes one row; it has left the process when this returns.
    ///
    /// # Errors
    /// Whatever the file system reports.
    pub fn write(&mut self, reject: &Reject) -> io::Result<()> {
        self.writer.write_record([
            reject.line_in_file.to_string(),
            reject.reason.to_string(),
            reject.text.clone(),
        ])?;
        self.writer.flush()?;
        self.count += 1;
        Ok(())
    }

    /// Rows written so far.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }
}
