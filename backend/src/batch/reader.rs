//! Reading the lines of a stored batch.

use std::{fs, path::Path};

use tillstream_shared::{Line, Manifest};

use super::BatchError;
use crate::ingest::csv_lines::BatchReader;

/// Hands every line of the batch to `each`, in order, after its checksum was found right.
///
/// # Errors
/// [`BatchError::Io`], or [`BatchError::Damaged`] when the file is not what the manifest says.
pub fn read_lines(
    folder: &Path,
    manifest: &Manifest,
    mut each: impl FnMut(&Line<'_>),
) -> Result<(), BatchError> {
    let path = folder.join(&manifest.file);
    let damaged = |reason: String| BatchError::Damaged { path: path.clone(), reason };
    let bytes = fs::read(&path).map_err(BatchError::io(&path))?;
    if blake3::hash(&bytes).to_hex().as_str() != manifest.blake3 {
        return Err(damaged("its checksum is another".to_owned()));
    }
    let mut reader = BatchReader::new(bytes.as_slice(), path.display().to_string())?;
    let mut rows = 0;
    while let Some(line) = reader.next() {
        each(&line?);
        rows += 1;
    }
    if rows != manifest.rows {
        return Err(damaged(format!("{rows} lines in place of {}", manifest.rows)));
    }
    Ok(())
}
