//! A segment's file, read from its beginning to its end with a bounded part of it in memory.

use std::{fs::File, io, os::unix::fs::FileExt};

use super::{
    batch::{BatchHeader, HEADER_LEN, InvalidBatch},
    control::Marker,
    segment::Segment,
};

/// How much is read at once.
const WINDOW: usize = 256 << 10;

/// A file of which one window is in memory.
pub(super) struct Window {
    file: File,
    pub(super) length: u64,
    start: u64,
    bytes: Vec<u8>,
}

impl Window {
    pub(super) fn new(file: File, length: u64) -> Self {
        Self { file, length, start: 0, bytes: Vec::new() }
    }

    /// `wanted` bytes from `position` on, fewer at the file's end.
    pub(super) fn get(&mut self, position: u64, wanted: usize) -> io::Result<&[u8]> {
        let rest = usize::try_from(self.length - position).unwrap_or(usize::MAX);
        let wanted = wanted.min(rest);
        let have = self.start..self.start + self.bytes.len() as u64;
        if position < have.start || position + wanted as u64 > have.end {
            self.bytes.clear();
            self.bytes.resize(wanted.max(WINDOW).min(rest), 0);
            self.file.read_exact_at(&mut self.bytes, position)?;
            self.start = position;
        }
        let from = (position - self.start) as usize;
        Ok(&self.bytes[from..from + wanted])
    }

    /// The batch at `position`, checked by its header and, if wanted, by its checksum.
    pub(super) fn batch(
        &mut self,
        position: u64,
        sum: bool,
    ) -> io::Result<Result<BatchHeader, InvalidBatch>> {
        let header = match BatchHeader::parse(self.get(position, HEADER_LEN)?) {
            Ok(header) => header,
            Err(fault) => return Ok(Err(fault)),
        };
        if header.size as u64 > self.length - position {
            return Ok(Err(InvalidBatch::Short));
        }
        if sum && !header.checksum_matches(self.get(position, header.size)?) {
            return Ok(Err(InvalidBatch::Checksum));
        }
        Ok(Ok(header))
    }

    /// The batch that follows what is known of the segment, and the marker in it if it is one; behind
    /// removed ones if there may be `gaps`.
    pub(super) fn next_batch(
        &mut self,
        segment: &Segment,
        sum: bool,
        gaps: bool,
    ) -> io::Result<Result<(BatchHeader, Option<Marker>), InvalidBatch>> {
        let follows =
            |base| base == segment.end || (gaps && (segment.end..i64::MAX / 2).contains(&base));
        let header = match self.batch(segment.size, sum)? {
            Ok(header) if follows(header.base_offset) => header,
            Ok(_) => return Ok(Err(InvalidBatch::Offset)),
            Err(fault) => return Ok(Err(fault)),
        };
        if !header.is_control() {
            return Ok(Ok((header, None)));
        }
        let marker = Marker::parse(&header, self.get(segment.size, header.size)?);
        Ok(marker.map(|marker| (header, marker)))
    }

    /// Whether a valid batch of this log begins anywhere behind `position`.
    pub(super) fn valid_batch_after(
        &mut self,
        position: u64,
        next_offset: i64,
    ) -> io::Result<bool> {
        let mut at = position + 1;
        while at + HEADER_LEN as u64 <= self.length {
            let slice = self.get(at, WINDOW)?;
            let starts = slice.len() - HEADER_LEN + 1;
            let candidate = (0..starts).find(|&i| {
                slice[i + 16] == 2
                    && BatchHeader::parse(&slice[i..]).is_ok_and(|h| h.base_offset >= next_offset)
            });
            match candidate {
                None => at += starts as u64,
                Some(i) => {
                    at += i as u64;
                    if self.batch(at, true)?.is_ok() {
                        return Ok(true);
                    }
                    at += 1;
                }
            }
        }
        Ok(false)
    }
}
