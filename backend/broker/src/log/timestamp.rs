//! The record in a batch that is the first one not older than a timestamp.

use std::io::{self, Read};

use bytes::Bytes;
use flate2::read::GzDecoder;
use kafka_protocol::records::{Compression, RecordBatchDecoder};
use lz4_flex::frame::FrameDecoder;

use super::batch::BatchHeader;

/// Batches that decompress to more than this are not looked into.
const MAX_DECOMPRESSED_LEN: u64 = 64 << 20;

/// Offset and timestamp of the first record at or behind `start` that is not older than
/// `timestamp`; `batch` reaches it.
///
/// A batch that cannot be decompressed here (snappy, or far too large) is answered with its first record: a consumer
/// that goes there sees every record it asked for, and up to one batch of older ones before.
pub(crate) fn first_record_at(
    header: &BatchHeader,
    mut batch: Bytes,
    timestamp: i64,
    start: i64,
) -> Option<(i64, i64)> {
    let first = (header.base_offset.max(start), header.base_timestamp);
    if header.base_timestamp >= timestamp && header.base_offset >= start {
        return Some(first);
    }
    let set = RecordBatchDecoder::decode_with_custom_compression(
        &mut batch,
        Some(|packed: &mut Bytes, compression| Ok(decompress(packed, compression)?)),
    );
    let Ok(set) = set else { return Some(first) };
    let mut records = set.records.iter().filter(|record| record.offset >= start);
    let found = records.find(|record| record.timestamp >= timestamp);
    found.map(|record| (record.offset, record.timestamp))
}

/// Unpacks the records of a batch, if it can and they are not too many.
fn decompress(packed: &mut Bytes, compression: Compression) -> Result<Bytes, io::Error> {
    let mut unpacked = Vec::new();
    let read = match compression {
        Compression::None => return Ok(packed.split_to(packed.len())),
        Compression::Gzip => {
            GzDecoder::new(&packed[..]).take(MAX_DECOMPRESSED_LEN + 1).read_to_end(&mut unpacked)?
        }
        Compression::Zstd => {
            let decoder = zstd::Decoder::new(&packed[..])?;
            decoder.take(MAX_DECOMPRESSED_LEN + 1).read_to_end(&mut unpacked)?
        }
        Compression::Lz4 => {
            let decoder = FrameDecoder::new(&packed[..]);
            decoder.take(MAX_DECOMPRESSED_LEN + 1).read_to_end(&mut unpacked)?
        }
        Compression::Snappy => return Err(io::ErrorKind::Unsupported.into()),
    };
    if read as u64 > MAX_DECOMPRESSED_LEN {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(unpacked.into())
}
