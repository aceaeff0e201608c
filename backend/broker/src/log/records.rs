//! The records in a batch, behind its header and decompressed.

use bytes::{Buf, BufMut};

/// Bytes that are not the records that they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the records are invalid")]
pub(crate) struct InvalidRecords;

/// One record, as it lies there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record<'a> {
    attributes: u8,
    /// Its timestamp less the batch's base timestamp.
    pub(super) timestamp_delta: i64,
    /// Its offset less the batch's base offset.
    pub(super) offset_delta: i32,
    pub(super) key: Option<&'a [u8]>,
    /// None of a tombstone.
    pub(super) value: Option<&'a [u8]>,
    /// All of it, its length included.
    whole: &'a [u8],
    /// What follows its timestamp.
    rest: &'a [u8],
}

impl Record<'_> {
    /// Writes the record as it is.
    pub(super) fn write(&self, to: &mut Vec<u8>) {
        to.put_slice(self.whole);
    }

    /// Writes the record with another timestamp.
    pub(super) fn write_with_timestamp(&self, timestamp_delta: i64, to: &mut Vec<u8>) {
        let mut head = vec![self.attributes];
        put_varint(timestamp_delta, &mut head);
        put_varint((head.len() + self.rest.len()) as i64, to);
        to.put_slice(&head);
        to.put_slice(self.rest);
    }
}

/// Walks over the records of a batch, and ends with the first that is invalid.
#[derive(Debug)]
pub(super) struct Records<'a> {
    bytes: &'a [u8],
    left: i32,
    /// The offset of the last one less the batch's base offset.
    last_delta: i32,
}

impl<'a> Records<'a> {
    /// `count` records that `bytes` consist of.
    pub(super) fn new(bytes: &'a [u8], count: i32) -> Self {
        Self { bytes, left: count, last_delta: -1 }
    }

    fn parse(&mut self) -> Option<Record<'a>> {
        let all = self.bytes;
        let length = usize::try_from(varint(&mut self.bytes)?).ok()?;
        let head = all.len() - self.bytes.len();
        let (mut record, behind) = self.bytes.split_at_checked(length)?;
        self.bytes = behind;
        let attributes = record.try_get_u8().ok()?;
        let timestamp_delta = varint(&mut record)?;
        let rest = record;
        let offset_delta = i32::try_from(varint(&mut record)?).ok()?;
        if offset_delta <= self.last_delta {
            return None;
        }
        self.last_delta = offset_delta;
        let key = nullable(&mut record)?;
        let value = nullable(&mut record)?;
        for _ in 0..u32::try_from(varint(&mut record)?).ok()? {
            nullable(&mut record)??;
            nullable(&mut record)?;
        }
        let whole = &all[..head + length];
        record.is_empty().then_some(Record {
            attributes,
            timestamp_delta,
            offset_delta,
            key,
            value,
            whole,
            rest,
        })
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, InvalidRecords>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            let over = !std::mem::take(&mut self.bytes).is_empty();
            return over.then_some(Err(InvalidRecords));
        }
        let parsed = self.parse();
        if parsed.is_some() {
            self.left -= 1;
        } else {
            (self.bytes, self.left) = (&[], 0);
        }
        Some(parsed.ok_or(InvalidRecords))
    }
}

/// A field that may be null, behind its length.
fn nullable<'a>(bytes: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    match varint(bytes)? {
        -1 => Some(None),
        length => {
            let (field, behind) = bytes.split_at_checked(usize::try_from(length).ok()?)?;
            *bytes = behind;
            Some(Some(field))
        }
    }
}

/// A number of up to 64 bits in zigzag encoding, seven bits a byte.
fn varint(bytes: &mut &[u8]) -> Option<i64> {
    let mut value = 0_u64;
    for shift in (0..70).step_by(7) {
        let byte = bytes.try_get_u8().ok()?;
        value |= u64::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            return Some((value >> 1) as i64 ^ -((value & 1) as i64));
        }
    }
    None
}

fn put_varint(value: i64, to: &mut Vec<u8>) {
    let mut left = ((value << 1) ^ (value >> 63)) as u64;
    while left >= 0x80 {
        to.put_u8(left as u8 | 0x80);
        left >>= 7;
    }
    to.put_u8(left as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_they_were_written() {
        for value in [0, -1, 1, 63, 64, -65, 1 << 40, i64::MAX, i64::MIN] {
            let mut bytes = Vec::new();
            put_varint(value, &mut bytes);
            assert_eq!(varint(&mut &bytes[..]), Some(value));
            assert_eq!(varint(&mut &bytes[..bytes.len() - 1]), None);
        }
    }

    #[test]
    fn a_record_with_another_timestamp_is_otherwise_the_same() {
        // Length 8: attributes, timestamp 1, offset 2, key "k", value null, no header.
        let bytes = [2 * 7, 0, 2, 4, 2, b'k', 1, 0];
        let record = Records::new(&bytes, 1).next().unwrap().unwrap();
        assert_eq!((record.timestamp_delta, record.offset_delta), (1, 2));
        assert_eq!((record.key, record.value), (Some(&b"k"[..]), None));
        let (mut same, mut other) = (Vec::new(), Vec::new());
        record.write(&mut same);
        assert_eq!(same, bytes);
        record.write_with_timestamp(-1000, &mut other);
        let other = Records::new(&other, 1).next().unwrap().unwrap();
        assert_eq!((other.timestamp_delta, other.offset_delta), (-1000, 2));
        assert_eq!(other.key, record.key);
    }

    #[test]
    fn what_is_cut_short_or_has_bytes_over_is_invalid() {
        let bytes = [2 * 7, 0, 2, 4, 2, b'k', 1, 0];
        for end in 0..bytes.len() {
            assert!(Records::new(&bytes[..end], 1).any(|record| record.is_err()), "{end}");
        }
        let long = [&bytes[..], &[0]].concat();
        assert!(Records::new(&long, 1).any(|record| record.is_err()));
        assert!(Records::new(&[], 0).next().is_none());
    }
}
