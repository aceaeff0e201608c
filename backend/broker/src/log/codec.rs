//! The compressions of Kafka's record batches.

use std::io::{self, Read, Write};

use flate2::{read::GzDecoder, write::GzEncoder};
use lz4_flex::frame::{FrameDecoder, FrameEncoder};

use super::batch::{BatchHeader, HEADER_LEN};

/// Records that decompress to more than this are not looked into.
const MAX_DECOMPRESSED_LEN: u64 = 64 << 20;
/// What the snappy streams of Apache Kafka's clients begin with, followed by two versions.
const SNAPPY_STREAM: &[u8] = b"\x82SNAPPY\0";
const SNAPPY_HEADER_LEN: usize = 16;
/// How much of a snappy stream is compressed at once.
const SNAPPY_BLOCK_LEN: usize = 32 << 10;

/// Kafka's number of a compression, by the name that `compression.type` has for it.
pub(crate) fn compression_named(name: &str) -> Option<i16> {
    let number = ["uncompressed", "gzip", "snappy", "lz4", "zstd"].iter().position(|n| *n == name);
    number.and_then(|number| i16::try_from(number).ok())
}

/// The records of a whole batch, decompressed.
pub(super) fn decompress(header: &BatchHeader, batch: &[u8]) -> io::Result<Vec<u8>> {
    let packed = batch.get(HEADER_LEN..header.size).ok_or(io::ErrorKind::UnexpectedEof)?;
    match header.compression() {
        0 => Ok(packed.to_vec()),
        1 => read(GzDecoder::new(packed)),
        2 => read_snappy(packed),
        3 => read(FrameDecoder::new(packed)),
        4 => read(zstd::Decoder::new(packed)?),
        _ => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// Records compressed as Kafka's number of the compression says.
pub(super) fn compress(compression: i16, records: &[u8]) -> io::Result<Vec<u8>> {
    match compression {
        0 => Ok(records.to_vec()),
        1 => {
            let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(records)?;
            encoder.finish()
        }
        2 => write_snappy(records),
        3 => {
            let mut encoder = FrameEncoder::new(Vec::new());
            encoder.write_all(records)?;
            Ok(encoder.finish()?)
        }
        4 => zstd::encode_all(records, 0),
        _ => Err(io::ErrorKind::Unsupported.into()),
    }
}

fn read(decoder: impl Read) -> io::Result<Vec<u8>> {
    let mut unpacked = Vec::new();
    decoder.take(MAX_DECOMPRESSED_LEN + 1).read_to_end(&mut unpacked)?;
    within_limit(unpacked.len())?;
    Ok(unpacked)
}

fn within_limit(length: usize) -> io::Result<()> {
    if length as u64 > MAX_DECOMPRESSED_LEN {
        Err(io::ErrorKind::FileTooLarge.into())
    } else {
        Ok(())
    }
}

/// A stream of blocks as the Java clients write it, or one block as others do.
fn read_snappy(packed: &[u8]) -> io::Result<Vec<u8>> {
    let mut decoder = snap::raw::Decoder::new();
    let mut unpacked = Vec::new();
    let mut add = |block: &[u8]| {
        let (start, length) = (unpacked.len(), snap::raw::decompress_len(block)?);
        within_limit(start.saturating_add(length))?;
        unpacked.resize(start + length, 0);
        decoder.decompress(block, &mut unpacked[start..]).map(|_| ()).map_err(io::Error::from)
    };
    if !packed.starts_with(SNAPPY_STREAM) {
        add(packed)?;
        return Ok(unpacked);
    }
    let mut blocks = packed.get(SNAPPY_HEADER_LEN..).ok_or(io::ErrorKind::UnexpectedEof)?;
    while let Some((length, rest)) = blocks.split_first_chunk() {
        let length = u32::from_be_bytes(*length) as usize;
        let (block, behind) = rest.split_at_checked(length).ok_or(io::ErrorKind::UnexpectedEof)?;
        add(block)?;
        blocks = behind;
    }
    if blocks.is_empty() { Ok(unpacked) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

fn write_snappy(records: &[u8]) -> io::Result<Vec<u8>> {
    let mut packed = SNAPPY_STREAM.to_vec();
    // The version, and the oldest that can read it.
    packed.extend([0, 0, 0, 1, 0, 0, 0, 1]);
    let mut encoder = snap::raw::Encoder::new();
    for block in records.chunks(SNAPPY_BLOCK_LEN) {
        let block = encoder.compress_vec(block)?;
        packed.extend((block.len() as u32).to_be_bytes());
        packed.extend(block);
    }
    Ok(packed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(compression: i16, packed: &[u8]) -> (BatchHeader, Vec<u8>) {
        let header = BatchHeader {
            base_offset: 0,
            size: HEADER_LEN + packed.len(),
            crc: 0,
            attributes: compression,
            last_offset_delta: 0,
            base_timestamp: 0,
            max_timestamp: 0,
            producer_id: -1,
            producer_epoch: -1,
            base_sequence: -1,
            count: 1,
        };
        let bytes = header.encode(packed);
        (header, bytes)
    }

    #[test]
    fn every_codec_gives_back_what_it_was_given() {
        let records: Vec<u8> = (0..200_000_u32).map(|i| (i / 7 % 251) as u8).collect();
        for compression in 0..=4 {
            for records in [&records[..], &[]] {
                let packed = compress(compression, records).unwrap();
                let (header, bytes) = batch(compression, &packed);
                assert_eq!(decompress(&header, &bytes).unwrap(), records, "{compression}");
            }
            assert!(compress(compression, &records).unwrap().len() <= records.len());
        }
        let block = snap::raw::Encoder::new().compress_vec(&records).unwrap();
        let (header, bytes) = batch(2, &block);
        assert_eq!(decompress(&header, &bytes).unwrap(), records, "a block without a stream");
    }

    #[test]
    fn far_too_many_records_are_not_decompressed() {
        let zeros = vec![0; MAX_DECOMPRESSED_LEN as usize + 1];
        for compression in 1..=4 {
            let (header, bytes) = batch(compression, &compress(compression, &zeros).unwrap());
            assert!(decompress(&header, &bytes).is_err(), "{compression}");
        }
        let claimed = [0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0];
        let (header, bytes) = batch(2, &claimed);
        assert!(decompress(&header, &bytes).is_err());
    }
}
