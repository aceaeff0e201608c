//! Batches in a segment's file, found by their headers: the records need not be read to be sent.

use std::{fs::File, io, os::unix::fs::FileExt, sync::Arc};

use bytes::Bytes;

use super::{
    batch::{BatchHeader, HEADER_LEN},
    segment,
};

/// How much is read at once: the headers of several batches where these are small, and little besides
/// the header where they are large.
const WINDOW: u64 = 4096;

/// Whole batches as they lie in a file. They can be read and sent as long as this lives, also when the
/// segment is deleted or replaced meanwhile.
#[derive(Debug, Clone)]
pub(crate) struct FileSlice {
    pub(crate) file: Arc<File>,
    /// Where they begin, in bytes.
    pub(crate) position: u64,
    /// Their length in bytes.
    pub(crate) length: usize,
}

impl FileSlice {
    /// Reads them; blocks.
    pub(crate) fn read(&self) -> io::Result<Bytes> {
        let mut bytes = vec![0; self.length];
        self.file.read_exact_at(&mut bytes, self.position)?;
        Ok(bytes.into())
    }
}

/// The headers of the batches in the part of a segment's file that consumers may see. Blocks.
pub(super) struct Headers {
    file: Arc<File>,
    /// Where that part ends.
    to: u64,
    window: Vec<u8>,
    window_start: u64,
}

impl Headers {
    pub(super) fn new(file: Arc<File>, to: u64) -> Self {
        Self { file, to, window: Vec::new(), window_start: 0 }
    }

    /// The header of the batch at `position`; none at the end.
    fn at(&mut self, position: u64) -> io::Result<Option<BatchHeader>> {
        let end = position + HEADER_LEN as u64;
        if end > self.to {
            return Ok(None);
        }
        let window_end = self.window_start + self.window.len() as u64;
        if position < self.window_start || end > window_end {
            self.window.resize((self.to - position).min(WINDOW) as usize, 0);
            self.window_start = position;
            self.file.read_exact_at(&mut self.window, position)?;
        }
        let from = (position - self.window_start) as usize;
        BatchHeader::parse(&self.window[from..]).map(Some).map_err(segment::invalid)
    }

    /// The first batch from `position` on for which `wanted` holds, and where it begins.
    pub(super) fn find(
        &mut self,
        mut position: u64,
        wanted: impl Fn(&BatchHeader) -> bool,
    ) -> io::Result<Option<(u64, BatchHeader)>> {
        while let Some(header) = self.at(position)? {
            if wanted(&header) {
                return Ok(Some((position, header)));
            }
            position += header.size as u64;
        }
        Ok(None)
    }

    /// The whole batches from `position` on, up to `max_bytes` and before the offset `visible_end`; and
    /// the offset behind them, if there are any.
    pub(super) fn batches(
        &mut self,
        position: u64,
        max_bytes: usize,
        visible_end: i64,
    ) -> io::Result<(FileSlice, Option<i64>)> {
        let limit = self.to.min(position.saturating_add(max_bytes as u64));
        let (mut at, mut end) = (position, None);
        while let Some(header) = self.at(at)? {
            if header.size as u64 > limit - at || header.base_offset >= visible_end {
                break;
            }
            at += header.size as u64;
            end = Some(header.end());
        }
        Ok((self.slice(position, (at - position) as usize), end))
    }

    pub(super) fn slice(&self, position: u64, length: usize) -> FileSlice {
        FileSlice { file: Arc::clone(&self.file), position, length }
    }
}
