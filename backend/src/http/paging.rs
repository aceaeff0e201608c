//! `?limit=` and `?before=` of lists, the newest first.

use super::error::ApiError;

/// Entries in an answer unless asked otherwise.
const DEFAULT_LIMIT: u64 = 100;
/// The most entries in an answer.
const MAX_LIMIT: u64 = 1_000;

/// How many entries are asked for, from 1 to [`MAX_LIMIT`].
pub(super) fn limit(text: Option<&str>) -> Result<u64, ApiError> {
    let limit = text.map(|text| number("limit", text)).transpose()?;
    Ok(limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT))
}

/// The number below which all entries are.
pub(super) fn before(text: Option<&str>) -> Result<Option<u64>, ApiError> {
    text.map(|text| number("before", text)).transpose()
}

fn number(name: &str, text: &str) -> Result<u64, ApiError> {
    text.parse().map_err(|_| ApiError::field(name, "must be a number from 0"))
}
