//! Records of delimited text, read so that a wrong one costs itself alone.
//!
//! A field may be in quotation marks, with `""` for a mark inside. Unlike a reader that only knows RFC 4180, this one
//! keeps a mark that is neither doubled nor at the end of its field as it is written (`"7" FRAME"` is `7" FRAME`), and
//! finds the way back from a mark that is never closed: the line on which it is opened is a record of its own kind, and
//! the next line begins a new one. Whether a mark is closed is decided within [`MAX_ROW`] bytes, so that neither memory
//! nor what a wrong mark costs depends on the size of the file.

mod quoted;
mod shape;

use std::{
    io::{self, Read},
    ops::Range,
};

use memchr::{memchr, memchr_iter, memchr2};

pub(super) use self::shape::Shape;
use super::text::BUFFER;

/// The longest row, in bytes. As JSON it is at most six times as long, and its key as long again: within the million
/// bytes that a message may have unless brokers and clients are told otherwise.
pub(super) const MAX_ROW: usize = 128 << 10;
/// Bytes of a row that is too long which are kept to show it.
const SHOWN: usize = 256;

/// What was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A record with its fields.
    Fields,
    /// A line with a quotation mark that is opened and never closed.
    Unclosed,
    /// A line of so many bytes, of which only the beginning is there.
    TooLong(u64),
}

/// Reads records.
pub(super) struct Records<R> {
    input: R,
    buffer: Box<[u8]>,
    /// What of the buffer is not read yet.
    start: usize,
    end: usize,
    ended: bool,
    delimiter: u8,
    shape: Option<Shape>,
    /// The number of the line at `start`.
    next_line: u64,
    /// Bytes of a line that is too long and not read to its end yet.
    skipped: Option<u64>,
    /// Line on which the last record begins.
    line: u64,
    /// Where the last record is in the buffer.
    raw: Range<usize>,
    /// Whether the fields of the last record are in `made`, as they are not in the text as it stands.
    is_made: bool,
    made: Vec<u8>,
    /// Where the fields are in what holds them.
    fields: Vec<Range<usize>>,
}

impl<R: Read> Records<R> {
    pub(super) fn new(input: R, delimiter: u8) -> Self {
        Self {
            input,
            buffer: vec![0; MAX_ROW + BUFFER].into(),
            start: 0,
            end: 0,
            ended: false,
            delimiter,
            shape: None,
            next_line: 1,
            skipped: None,
            line: 0,
            raw: 0..0,
            is_made: false,
            made: Vec::new(),
            fields: Vec::new(),
        }
    }

    /// From now on lines that look like rows are not taken for a part of a field.
    pub(super) fn expect(&mut self, shape: Shape) {
        self.shape = Some(shape);
    }

    /// Reads the next record; `None` at the end. Blank lines are skipped.
    ///
    /// After [`io::ErrorKind::WouldBlock`] it may be called again.
    pub(super) fn read(&mut self) -> io::Result<Option<Kind>> {
        if self.skipped.is_some() {
            return self.skip_line().map(Some);
        }
        loop {
            let Some((end, next)) = self.line_at(0)? else {
                let shown = self.start..self.start + SHOWN;
                self.made.clear();
                self.made.extend_from_slice(&self.buffer[shown]);
                self.skipped = Some(0);
                return self.skip_line().map(Some);
            };
            if next == 0 {
                return Ok(None);
            }
            if end == 0 {
                self.take(0, next, 1);
                continue;
            }
            let line = &self.buffer[self.start..self.start + end];
            if memchr(b'"', line).is_some() {
                return self.read_quoted(end, next).map(Some);
            }
            self.fields.clear();
            let mut begin = 0;
            for found in memchr_iter(self.delimiter, line) {
                self.fields.push(begin..found);
                begin = found + 1;
            }
            self.fields.push(begin..end);
            self.is_made = false;
            self.take(end, next, 1);
            return Ok(Some(Kind::Fields));
        }
    }

    /// The line of the text on which the last record begins, from 1.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// The last record as it stands in the text, without what ends it; only the beginning of one that is too long.
    pub(super) fn raw(&self) -> &[u8] {
        &self.buffer[self.raw.clone()]
    }

    /// The beginning of a line that is too long.
    pub(super) fn beginning(&self) -> &[u8] {
        &self.made
    }

    /// What holds the fields of the last record, and where they are in it.
    pub(super) fn fields(&self) -> (&[u8], &[Range<usize>]) {
        let text = if self.is_made { &self.made } else { self.raw() };
        (text, &self.fields)
    }

    /// Puts other texts in the place of the fields of the last record.
    pub(super) fn replace_fields(&mut self, mut replace: impl FnMut(&[u8], &mut Vec<u8>)) {
        let mut made = Vec::new();
        let mut fields = Vec::with_capacity(self.fields.len());
        let (text, ranges) = self.fields();
        for range in ranges {
            let begin = made.len();
            replace(&text[range.clone()], &mut made);
            fields.push(begin..made.len());
        }
        (self.made, self.fields, self.is_made) = (made, fields, true);
    }

    /// Takes what is not read yet up to `next` as read, the record up to `end`.
    fn take(&mut self, end: usize, next: usize, lines: u64) {
        self.raw = self.start..self.start + end;
        self.line = self.next_line;
        self.next_line += lines;
        self.start += next;
    }

    /// The end of the line that begins at `from`, and the beginning of the next one, both counted from what is not
    /// read yet; `None` where the end is beyond [`MAX_ROW`].
    fn line_at(&mut self, from: usize) -> io::Result<Option<(usize, usize)>> {
        let mut seen = from;
        loop {
            let unread = &self.buffer[self.start..self.end];
            let found = memchr2(b'\n', b'\r', &unread[seen..]).map(|found| seen + found);
            let line = match found {
                Some(end) if unread[end] == b'\n' => Some((end, end + 1)),
                Some(end) => match unread.get(end + 1) {
                    Some(b'\n') => Some((end, end + 2)),
                    None if !self.ended => None,
                    _ => Some((end, end + 1)),
                },
                None => self.ended.then_some((unread.len(), unread.len())),
            };
            if let Some((end, next)) = line {
                return Ok((end <= MAX_ROW).then_some((end, next)));
            }
            seen = found.unwrap_or(unread.len());
            if seen > MAX_ROW {
                return Ok(None);
            }
            self.fill()?;
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        if self.buffer.len() - self.end < BUFFER / 2 {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        let read = loop {
            match self.input.read(&mut self.buffer[self.end..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        self.end += read;
        self.ended = read == 0;
        Ok(())
    }

    /// Goes on to the end of a line that is too long.
    fn skip_line(&mut self) -> io::Result<Kind> {
        loop {
            let line = self.line_at(0)?;
            let skipped = self.skipped.get_or_insert(0);
            if let Some((end, next)) = line {
                let bytes = *skipped + end as u64;
                self.skipped = None;
                self.take(0, next, 1);
                return Ok(Kind::TooLong(bytes));
            }
            // Its end is further on than that.
            *skipped += MAX_ROW as u64;
            self.start += MAX_ROW;
        }
    }
}

#[cfg(test)]
mod tests;
