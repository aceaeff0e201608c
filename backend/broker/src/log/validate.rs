//! What the settings of a topic ask of a batch before it is appended.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{
    batch::BatchHeader,
    codec,
    partition::LogSettings,
    records::{InvalidRecords, Records},
    timestamp::TimestampType,
};

/// The timestamp of a record that has none.
const NO_TIMESTAMP: i64 = -1;

/// Why a batch is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// The batch has more than `max.message.bytes`.
    #[error("the batch is larger than the topic's max.message.bytes")]
    TooLarge,
    /// Records lie too far in the past or in the future.
    #[error("timestamps are beyond the topic's message.timestamp.before.max.ms or after.max.ms")]
    Timestamp,
    /// Records have no key, by which the topic is compacted.
    #[error("a compacted topic takes no record without a key")]
    NoKey,
    /// The records cannot be decompressed or decoded.
    #[error(transparent)]
    Invalid(#[from] InvalidRecords),
}

/// A batch that a topic does not take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub(crate) struct RefusedBatch {
    pub(crate) reason: Refusal,
    /// Which records are the reason, by their position in the batch, where that is known.
    pub(crate) records: Vec<i32>,
}

impl From<Refusal> for RefusedBatch {
    fn from(reason: Refusal) -> Self {
        Self { reason, records: Vec::new() }
    }
}

/// Milliseconds since 1970.
pub(super) fn millis(time: SystemTime) -> i64 {
    to_millis(time.duration_since(UNIX_EPOCH).unwrap_or_default())
}

pub(super) fn to_millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Checks how large a batch is.
pub(super) fn check_size(settings: &LogSettings, header: &BatchHeader) -> Result<(), RefusedBatch> {
    if header.size as u64 > settings.max_batch_bytes {
        return Err(Refusal::TooLarge.into());
    }
    Ok(())
}

/// Checks a batch that a client sent. Records are looked into only where a setting asks for that; then
/// they are returned, decompressed.
pub(super) fn validate(
    settings: &LogSettings,
    header: &BatchHeader,
    batch: &[u8],
    now: i64,
) -> Result<Option<Vec<u8>>, RefusedBatch> {
    check_size(settings, header)?;
    let from_clients = settings.timestamp_type == TimestampType::Create;
    let limit = |distance: Option<Duration>| distance.filter(|_| from_clients).map(to_millis);
    let earliest = limit(settings.max_timestamp_before).map(|before| now.saturating_sub(before));
    let latest = limit(settings.max_timestamp_after).map(|after| now.saturating_add(after));
    let beyond = |timestamp: i64| {
        timestamp != NO_TIMESTAMP
            && (earliest.is_some_and(|earliest| timestamp < earliest)
                || latest.is_some_and(|latest| timestamp > latest))
    };
    let rewritten = settings.compression.is_some_and(|kind| kind != header.compression());
    let looked_into = settings.compact || rewritten || earliest.is_some();
    if !looked_into && !beyond(header.max_timestamp) {
        return Ok(None);
    }
    let bytes = codec::decompress(header, batch).map_err(|_| Refusal::Invalid(InvalidRecords))?;
    let (mut without_key, mut beyond_limits) = (Vec::new(), Vec::new());
    for (i, record) in (0..).zip(Records::new(&bytes, header.count)) {
        let record = record.map_err(Refusal::Invalid)?;
        if record.offset_delta != i {
            return Err(Refusal::Invalid(InvalidRecords).into());
        }
        if settings.compact && record.key.is_none() {
            without_key.push(i);
        }
        if beyond(header.timestamp_of(&record)) {
            beyond_limits.push(i);
        }
    }
    if !without_key.is_empty() {
        return Err(RefusedBatch { reason: Refusal::NoKey, records: without_key });
    }
    if !beyond_limits.is_empty() || beyond(header.max_timestamp) {
        return Err(RefusedBatch { reason: Refusal::Timestamp, records: beyond_limits });
    }
    Ok(Some(bytes))
}
