//! Reading the lines of a stored batch.

use tillstream_shared::{Line, Manifest};

use super::{
    BatchError, BatchStore,
    format::{BatchFormat, read_file},
};

/// Hands every line of the batch to `each`, in order, after its checksum was found right.
///
/// # Errors
/// [`BatchError::Io`] or [`BatchError::Store`], or [`BatchError::Damaged`] when the file is not what the manifest
/// says.
pub fn read_lines(
    store: &BatchStore,
    manifest: &Manifest,
    each: impl FnMut(&Line<'_>),
) -> Result<(), BatchError> {
    let path = store.path_of(&manifest.file);
    let damaged = |reason: String| BatchError::Damaged { path: path.clone(), reason };
    let format = BatchFormat::of(&manifest.file);
    let format = format.ok_or_else(|| damaged("its format is not known".to_owned()))?;
    let content = store.read(&manifest.file)?.ok_or_else(|| damaged("it is missing".to_owned()))?;
    if blake3::hash(&content).to_hex().as_str() != manifest.blake3 {
        return Err(damaged("its checksum is another".to_owned()));
    }
    let rows = read_file(content, format, &path.display().to_string(), each)?;
    if rows != manifest.rows {
        return Err(damaged(format!("{rows} lines in place of {}", manifest.rows)));
    }
    Ok(())
}
