//! Kafka's record batch (magic 2): its header, and what must hold before it is stored.
//!
//! Everything behind the header stays as the client sent it, compressed or not. The base offset and
//! the partition leader epoch lie before the checksummed part, so the broker may set them.

use std::io;

use bytes::{Buf, BufMut};

use super::{codec, records::Record};

/// Length of a batch's header in bytes.
pub(crate) const HEADER_LEN: usize = 61;
/// Length of the base offset and the length field, which the length field does not count.
pub(super) const PREFIX_LEN: usize = 12;
/// Where the checksummed part begins.
const CHECKSUMMED: usize = 21;
/// Where the checksum, the attributes and the latest timestamp lie.
const CRC: std::ops::Range<usize> = 17..CHECKSUMMED;
const ATTRIBUTES: std::ops::Range<usize> = CHECKSUMMED..23;
const MAX_TIMESTAMP: std::ops::Range<usize> = 35..43;
/// The attributes that say how the records are compressed.
const COMPRESSION: i16 = 0b111;
/// The attribute of a batch whose records all have the time at which it was appended.
pub(super) const LOG_APPEND_TIME: i16 = 1 << 3;
/// The attribute of a batch that is part of a transaction.
pub(super) const TRANSACTIONAL: i16 = 1 << 4;
/// The attribute of a batch that holds no records but a marker.
pub(super) const CONTROL: i16 = 1 << 5;
/// The attribute of a batch whose base timestamp is the time from which on its tombstones, or the
/// marker in it, may be removed.
pub(super) const DELETE_HORIZON: i16 = 1 << 6;

/// The header of a record batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BatchHeader {
    /// Offset of the first record.
    pub(crate) base_offset: i64,
    /// Length of the whole batch in bytes, header included; at least [`HEADER_LEN`].
    pub(crate) size: usize,
    /// CRC-32C of everything from the attributes on.
    pub(crate) crc: u32,
    /// Compression (bits 0 to 2), timestamp type (3), transactional (4), control (5), delete horizon (6).
    pub(crate) attributes: i16,
    /// Offset of the last record less the base offset; of the last one that there was, if compaction
    /// removed it.
    pub(crate) last_offset_delta: i32,
    /// What the records' timestamps are relative to, milliseconds since 1970: that of the first record
    /// as the client sent it, or the delete horizon.
    pub(crate) base_timestamp: i64,
    /// The latest timestamp in the batch, milliseconds since 1970.
    pub(crate) max_timestamp: i64,
    /// Who sent it, or -1.
    pub(crate) producer_id: i64,
    /// The producer's epoch, or -1.
    pub(crate) producer_epoch: i16,
    /// The producer's sequence number of the first record, or -1.
    pub(crate) base_sequence: i32,
    /// How many records there are; fewer than offsets where compaction removed some, perhaps all.
    pub(crate) count: i32,
}

/// What makes bytes no record batch that can be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidBatch {
    /// Fewer bytes than the batch says it has.
    #[error("the batch is cut short")]
    Short,
    /// The length field is impossible.
    #[error("the length is impossible")]
    Length,
    /// More than one batch, or bytes behind it.
    #[error("there is more than one batch")]
    Trailing,
    /// Not the current message format.
    #[error("the magic byte is not 2")]
    Magic,
    /// The checksum does not fit.
    #[error("the checksum does not match")]
    Checksum,
    /// The number of records contradicts the offsets, or is zero in what a client sends.
    #[error("the record count does not match the offsets")]
    Count,
    /// An unknown compression.
    #[error("the compression is unknown")]
    Compression,
    /// A control batch, from a client or not as the broker writes it.
    #[error("the control batch is no transaction marker of the broker")]
    Control,
    /// A producer id without a proper epoch and sequence number, or a transaction without producer.
    #[error("the producer's id, epoch or sequence is missing")]
    Producer,
    /// Attributes that only the broker gives a batch.
    #[error("the timestamp type or the delete horizon is not the client's to set")]
    Attributes,
    /// Not the offset that comes next in the log.
    #[error("the offset is not the next one")]
    Offset,
}

impl BatchHeader {
    /// Reads the header at the start of `bytes` and checks what can be checked without the records.
    pub(crate) fn parse(mut bytes: &[u8]) -> Result<Self, InvalidBatch> {
        if bytes.len() < HEADER_LEN {
            return Err(InvalidBatch::Short);
        }
        let base_offset = bytes.get_i64();
        let length = bytes.get_i32();
        let _leader_epoch = bytes.get_i32();
        let magic = bytes.get_i8();
        let crc = bytes.get_u32();
        let attributes = bytes.get_i16();
        let last_offset_delta = bytes.get_i32();
        let base_timestamp = bytes.get_i64();
        let max_timestamp = bytes.get_i64();
        let producer_id = bytes.get_i64();
        let producer_epoch = bytes.get_i16();
        let base_sequence = bytes.get_i32();
        let count = bytes.get_i32();
        if magic != 2 {
            return Err(InvalidBatch::Magic);
        }
        let size = usize::try_from(length).map_err(|_| InvalidBatch::Length)? + PREFIX_LEN;
        if size < HEADER_LEN {
            return Err(InvalidBatch::Length);
        }
        if count < 0 || last_offset_delta < 0 || count - 1 > last_offset_delta {
            return Err(InvalidBatch::Count);
        }
        if attributes & COMPRESSION > 4 {
            return Err(InvalidBatch::Compression);
        }
        Ok(Self {
            base_offset,
            size,
            crc,
            attributes,
            last_offset_delta,
            base_timestamp,
            max_timestamp,
            producer_id,
            producer_epoch,
            base_sequence,
            count,
        })
    }

    /// A whole batch of this header and these records, compressed as it says. Its length and its
    /// checksum are what fits, whatever the header has.
    pub(super) fn encode(&self, records: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_LEN + records.len());
        let length = HEADER_LEN + records.len() - PREFIX_LEN;
        bytes.put_i64(self.base_offset);
        bytes.put_i32(length as i32);
        bytes.put_i32(0);
        bytes.put_i8(2);
        bytes.put_u32(0);
        bytes.put_i16(self.attributes);
        bytes.put_i32(self.last_offset_delta);
        bytes.put_i64(self.base_timestamp);
        bytes.put_i64(self.max_timestamp);
        bytes.put_i64(self.producer_id);
        bytes.put_i16(self.producer_epoch);
        bytes.put_i32(self.base_sequence);
        bytes.put_i32(self.count);
        bytes.put_slice(records);
        set_checksum(&mut bytes);
        bytes
    }

    /// A whole batch of these records, decompressed, with another compression by Kafka's number.
    pub(super) fn recompress(&self, compression: i16, records: &[u8]) -> io::Result<Vec<u8>> {
        let attributes = self.attributes & !COMPRESSION | compression;
        let records = codec::compress(compression, records)?;
        Ok(Self { attributes, ..*self }.encode(&records))
    }

    /// Whether `batch`, all of it, has the checksum that its header names.
    pub(crate) fn checksum_matches(&self, batch: &[u8]) -> bool {
        batch.get(CHECKSUMMED..).is_some_and(|rest| crc32c::crc32c(rest) == self.crc)
    }

    /// The offset behind the last record.
    pub(crate) fn end(&self) -> i64 {
        self.base_offset.saturating_add(self.offset_count())
    }

    /// How many offsets the batch takes; at least one.
    pub(crate) fn offset_count(&self) -> i64 {
        i64::from(self.last_offset_delta) + 1
    }

    /// Whether the batch is part of a transaction.
    pub(crate) fn is_transactional(&self) -> bool {
        self.attributes & TRANSACTIONAL != 0
    }

    /// Whether the batch is a marker that ends a transaction.
    pub(crate) fn is_control(&self) -> bool {
        self.attributes & CONTROL != 0
    }

    /// Whether all records have the batch's latest timestamp, whatever they say themselves.
    pub(super) fn has_append_time(&self) -> bool {
        self.attributes & LOG_APPEND_TIME != 0
    }

    /// From when on compaction may remove the batch's tombstones, or the marker in it, milliseconds
    /// since 1970.
    pub(super) fn delete_horizon(&self) -> Option<i64> {
        (self.attributes & DELETE_HORIZON != 0).then_some(self.base_timestamp)
    }

    /// The timestamp of a record of the batch, milliseconds since 1970.
    pub(super) fn timestamp_of(&self, record: &Record<'_>) -> i64 {
        if self.has_append_time() {
            self.max_timestamp
        } else {
            self.base_timestamp.wrapping_add(record.timestamp_delta)
        }
    }

    /// Kafka's number of the compression: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd.
    pub(crate) fn compression(&self) -> i16 {
        self.attributes & COMPRESSION
    }
}

/// Checks what a producer sent for one partition: exactly one whole, valid batch.
pub(crate) fn check(records: &[u8]) -> Result<BatchHeader, InvalidBatch> {
    let header = BatchHeader::parse(records)?;
    if records.len() < header.size {
        return Err(InvalidBatch::Short);
    }
    if records.len() > header.size {
        return Err(InvalidBatch::Trailing);
    }
    if !header.checksum_matches(records) {
        return Err(InvalidBatch::Checksum);
    }
    if header.count != header.last_offset_delta.saturating_add(1) {
        return Err(InvalidBatch::Count);
    }
    if header.attributes & (LOG_APPEND_TIME | DELETE_HORIZON) != 0 {
        return Err(InvalidBatch::Attributes);
    }
    if header.is_control() {
        return Err(InvalidBatch::Control);
    }
    if header.is_transactional() && header.producer_id < 0 {
        return Err(InvalidBatch::Producer);
    }
    if header.producer_id >= 0 && (header.producer_epoch < 0 || header.base_sequence < 0) {
        return Err(InvalidBatch::Producer);
    }
    Ok(header)
}

/// The first 16 bytes of a stored batch: its offset, its length and leader epoch 0.
pub(crate) fn stored_prefix(base_offset: i64, header: &BatchHeader) -> [u8; 16] {
    let mut prefix = [0; 16];
    prefix[..8].copy_from_slice(&base_offset.to_be_bytes());
    prefix[8..12].copy_from_slice(&((header.size - PREFIX_LEN) as u32).to_be_bytes());
    prefix
}

/// Gives all records of a whole batch the time `now` at which it is appended, in milliseconds since
/// 1970.
pub(super) fn set_append_time(batch: &mut [u8], now: i64) {
    let attributes = i16::from_be_bytes([batch[ATTRIBUTES.start], batch[ATTRIBUTES.start + 1]]);
    batch[ATTRIBUTES].copy_from_slice(&(attributes | LOG_APPEND_TIME).to_be_bytes());
    batch[MAX_TIMESTAMP].copy_from_slice(&now.to_be_bytes());
    set_checksum(batch);
}

/// Makes the checksum of a whole batch right.
pub(super) fn set_checksum(batch: &mut [u8]) {
    let checksum = crc32c::crc32c(&batch[CHECKSUMMED..]);
    batch[CRC].copy_from_slice(&checksum.to_be_bytes());
}
