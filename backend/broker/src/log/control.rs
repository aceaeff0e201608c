//! Control batches: the markers that end a transaction in a partition, byte for byte as Apache Kafka
//! writes them (the test `transactions` compares).

use bytes::{BufMut, BytesMut};

use super::{
    batch::{BatchHeader, CONTROL, HEADER_LEN, InvalidBatch, PREFIX_LEN, TRANSACTIONAL},
    records::Records,
};

/// Length of the one record in a marker's batch, its length field included.
const RECORD_LEN: usize = 17;
/// Length of a marker's batch in bytes.
const MARKER_LEN: usize = HEADER_LEN + RECORD_LEN;

/// How a transaction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Marker {
    /// Its records are to be skipped by consumers that read committed ones only.
    Abort,
    /// Its records are valid.
    Commit,
}

impl Marker {
    /// Kafka's number of the marker.
    fn number(self) -> i16 {
        match self {
            Self::Abort => 0,
            Self::Commit => 1,
        }
    }

    /// The batch that ends the transaction of a producer; `timestamp` in milliseconds since 1970.
    pub(super) fn to_batch(self, producer_id: i64, producer_epoch: i16, timestamp: i64) -> Vec<u8> {
        let mut summed = BytesMut::with_capacity(MARKER_LEN);
        summed.put_i16(TRANSACTIONAL | CONTROL);
        summed.put_i32(0);
        summed.put_i64(timestamp);
        summed.put_i64(timestamp);
        summed.put_i64(producer_id);
        summed.put_i16(producer_epoch);
        summed.put_i32(-1);
        summed.put_i32(1);
        // The record. Its lengths are zigzag encoded, which doubles them: 16 bytes in all, of which
        // the key has 4 (version and number) and the value 6 (version and coordinator epoch).
        summed.put_slice(&[2 * (RECORD_LEN as u8 - 1), 0, 0, 0, 2 * 4]);
        summed.put_i16(0);
        summed.put_i16(self.number());
        summed.put_u8(2 * 6);
        summed.put_i16(0);
        summed.put_i32(0);
        summed.put_u8(0);

        let mut batch = BytesMut::with_capacity(MARKER_LEN);
        batch.put_i64(0);
        batch.put_i32((MARKER_LEN - PREFIX_LEN) as i32);
        batch.put_i32(0);
        batch.put_i8(2);
        batch.put_u32(crc32c::crc32c(&summed));
        batch.put_slice(&summed);
        batch.to_vec()
    }

    /// The marker in a stored batch; none if it is no control batch, or one that compaction emptied.
    pub(super) fn parse(header: &BatchHeader, batch: &[u8]) -> Result<Option<Self>, InvalidBatch> {
        if !header.is_control() || header.count == 0 {
            return Ok(None);
        }
        let bytes = batch.get(HEADER_LEN..header.size).unwrap_or_default();
        let mut records = Records::new(bytes, header.count);
        match (records.next(), records.next()) {
            (Some(Ok(record)), None) if header.compression() == 0 => match record.key {
                Some([0, 0, 0, 0]) => Ok(Some(Self::Abort)),
                Some([0, 0, 0, 1]) => Ok(Some(Self::Commit)),
                _ => Err(InvalidBatch::Control),
            },
            _ => Err(InvalidBatch::Control),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_is_found_again_in_its_batch() {
        for marker in [Marker::Abort, Marker::Commit] {
            let batch = marker.to_batch(7, 3, 1_700_000_000_000);
            let header = BatchHeader::parse(&batch).unwrap();
            assert!(header.checksum_matches(&batch));
            assert_eq!((header.size, header.producer_id, header.producer_epoch), (78, 7, 3));
            assert_eq!(Marker::parse(&header, &batch), Ok(Some(marker)));
            assert_eq!(Marker::parse(&header, &batch[..77]), Err(InvalidBatch::Control));
        }
    }
}
