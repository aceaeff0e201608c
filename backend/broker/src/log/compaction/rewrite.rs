//! What compaction leaves of one batch.

use std::{collections::HashMap, io};

use super::{
    super::{
        batch::{BatchHeader, DELETE_HORIZON},
        codec,
        control::Marker,
        producer_state::LastBatch,
        records::{Record, Records},
    },
    offset_map::OffsetMap,
    transactions::TransactionFilter,
};

/// What is left of a batch.
#[derive(Debug)]
pub(super) enum RewrittenBatch {
    /// All of it, byte for byte.
    Same,
    /// A batch with the same offsets and sequence numbers.
    Other(Vec<u8>),
    /// Nothing.
    Removed,
}

/// Decides what is kept.
pub(super) struct Rewriter<'a> {
    pub(super) map: &'a OffsetMap,
    pub(super) transactions: TransactionFilter,
    /// By producer id.
    pub(super) last_batches: HashMap<i64, LastBatch>,
    /// Milliseconds since 1970.
    pub(super) now: i64,
    /// From when on tombstones and markers that are seen for the first time may go.
    pub(super) new_horizon: i64,
}

impl Rewriter<'_> {
    /// Rewrites the next batch; the `last` one of a segment is kept even if it is empty, so that the
    /// segment ends where it did.
    pub(super) fn rewrite(
        &mut self,
        header: &BatchHeader,
        marker: Option<Marker>,
        batch: &[u8],
        last: bool,
    ) -> io::Result<RewrittenBatch> {
        let discardable = self.transactions.read(header, marker);
        let keep_empty = last || self.is_last_of_producer(header);
        let emptied_marker = header.is_control() && discardable;
        let horizon = header.delete_horizon();
        let discard = discardable
            && (!header.is_control()
                || header.count == 0
                || horizon.is_some_and(|horizon| horizon <= self.now));
        if discard {
            return Ok(empty(header, keep_empty));
        }
        let Some((bytes, count)) = readable(header, batch) else {
            tracing::warn!(
                "the batch at offset {} cannot be decoded: it is not compacted",
                header.base_offset
            );
            return Ok(RewrittenBatch::Same);
        };
        let records = Records::new(&bytes, count).map_while(Result::ok);
        let retained: Vec<Record<'_>> =
            records.filter(|record| header.is_control() || self.keeps(header, record)).collect();
        if retained.is_empty() {
            return Ok(empty(header, keep_empty));
        }
        let tombstones =
            !header.is_control() && retained.iter().any(|record| record.value.is_none());
        let new_horizon = (tombstones || emptied_marker) && horizon.is_none();
        if retained.len() == header.count as usize && !new_horizon {
            return Ok(RewrittenBatch::Same);
        }
        encode(header, &retained, new_horizon.then_some(self.new_horizon))
            .map(RewrittenBatch::Other)
    }

    fn keeps(&self, header: &BatchHeader, record: &Record<'_>) -> bool {
        let offset = header.base_offset + i64::from(record.offset_delta);
        if offset >= self.map.end {
            return true;
        }
        // Without a key: the topic was not compacted when it came.
        let newest = record.key.is_some_and(|key| self.map.is_newest(key, offset));
        let expired = header.delete_horizon().is_some_and(|horizon| horizon <= self.now);
        newest && (record.value.is_some() || !expired)
    }

    fn is_last_of_producer(&self, header: &BatchHeader) -> bool {
        match self.last_batches.get(&header.producer_id) {
            Some(LastBatch::Data { end }) => header.end() == *end && !header.is_control(),
            Some(LastBatch::Marker { epoch }) => {
                header.is_control() && header.producer_epoch == *epoch
            }
            None => false,
        }
    }
}

/// The decompressed records and their number, if all are valid.
fn readable(header: &BatchHeader, batch: &[u8]) -> Option<(Vec<u8>, i32)> {
    let bytes = codec::decompress(header, batch).ok()?;
    Records::new(&bytes, header.count).all(|record| record.is_ok()).then_some((bytes, header.count))
}

/// The batch without its records, if it is to be kept.
fn empty(header: &BatchHeader, keep: bool) -> RewrittenBatch {
    if !keep {
        return RewrittenBatch::Removed;
    }
    if header.count == 0 {
        return RewrittenBatch::Same;
    }
    let kind = header.attributes & !(DELETE_HORIZON | 0b111);
    RewrittenBatch::Other(BatchHeader { attributes: kind, count: 0, ..*header }.encode(&[]))
}

/// The batch with these of its records only, and perhaps a new delete horizon.
fn encode(
    header: &BatchHeader,
    retained: &[Record<'_>],
    new_horizon: Option<i64>,
) -> io::Result<Vec<u8>> {
    let mut records = Vec::new();
    for record in retained {
        match new_horizon {
            None => record.write(&mut records),
            Some(horizon) => {
                let timestamp = header.base_timestamp.wrapping_add(record.timestamp_delta);
                record.write_with_timestamp(timestamp.wrapping_sub(horizon), &mut records);
            }
        }
    }
    let latest = retained.iter().map(|record| header.timestamp_of(record)).max();
    let header = BatchHeader {
        attributes: header.attributes | new_horizon.map_or(0, |_| DELETE_HORIZON),
        base_timestamp: new_horizon.unwrap_or(header.base_timestamp),
        max_timestamp: latest.unwrap_or(header.max_timestamp),
        count: retained.len() as i32,
        ..*header
    };
    Ok(header.encode(&codec::compress(header.compression(), &records)?))
}
