//! The record in a batch that is the first one not older than a timestamp.

use super::{batch::BatchHeader, codec, records::Records};

/// Where the timestamps of a topic's records come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimestampType {
    /// The client.
    Create,
    /// The broker's clock, when the records are appended.
    LogAppend,
}

/// Offset and timestamp of the first record at or behind `start` that is not older than
/// `timestamp`; `batch` reaches it.
///
/// A batch that cannot be looked into (its records are invalid, or far too many) is answered with its
/// first offset: a consumer that goes there sees every record it asked for, and up to one batch of
/// older ones before.
pub(crate) fn first_record_at(
    header: &BatchHeader,
    batch: &[u8],
    timestamp: i64,
    start: i64,
) -> Option<(i64, i64)> {
    let as_sent = header.count > 0 && i64::from(header.count) == header.offset_count();
    if as_sent
        && !header.has_append_time()
        && header.delete_horizon().is_none()
        && header.base_timestamp >= timestamp
        && header.base_offset >= start
    {
        return Some((header.base_offset, header.base_timestamp));
    }
    let unknown = (header.base_offset.max(start), header.base_timestamp);
    let Ok(bytes) = codec::decompress(header, batch) else { return Some(unknown) };
    for record in Records::new(&bytes, header.count) {
        let Ok(record) = record else { return Some(unknown) };
        let offset = header.base_offset + i64::from(record.offset_delta);
        let found = header.timestamp_of(&record);
        if offset >= start && found >= timestamp {
            return Some((offset, found));
        }
    }
    None
}
