//! Records of delimited text, read so that a wrong one costs itself alone.
//!
//! A field may be in quotation marks, with `""` for a mark inside. Unlike a reader that only knows RFC 4180, this one
//! keeps a mark that is neither doubled nor at the end of its field as it is written (`"7" FRAME"` is `7" FRAME`), and
//! finds the way back from a mark that is never closed: the line on which it is opened is a record of its own kind, and
//! the next line begins a new one. Whether a mark is closed is decided within [`MAX_ROW`] bytes, so that neither memory
//! nor what a wrong mark costs depends on the size of the file.

use std::{
    io::{self, Read},
    ops::Range,
};

use memchr::{memchr, memchr_iter, memchr2};

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

/// What tells a row from any other line: its number of fields, and which of them have to be numbers and dates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) width: usize,
    /// Indices of fields with numbers.
    pub(super) numbers: [usize; 2],
    /// Index of the field with a date.
    pub(super) date: usize,
}

impl Shape {
    fn fits<'a>(&self, fields: impl Iterator<Item = &'a [u8]>) -> bool {
        let fields: Vec<&[u8]> = fields.take(self.width + 1).collect();
        let is_number = |index: &usize| {
            let text = fields[*index].trim_ascii();
            text.iter().any(u8::is_ascii_digit)
                && text.iter().all(|byte| byte.is_ascii_digit() || b"+-.,eE".contains(byte))
        };
        let is_date = |text: &[u8]| {
            let text = text.trim_ascii();
            text.len() >= 8
                && text[0].is_ascii_digit()
                && text[..8].iter().any(|b| b"-/.".contains(b))
        };
        fields.len() == self.width
            && self.numbers.iter().all(is_number)
            && is_date(fields[self.date])
    }
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

/// What a look at a line with quotation marks has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Marks {
    Closed,
    /// Still open, where `lone` tells of a mark inside that is neither doubled nor closes.
    Open {
        at: usize,
        lone: bool,
    },
    /// A mark, in a field that goes on from the line before, that neither is doubled nor closes.
    Lone,
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

    /// Reads a record whose first line, up to `end`, has quotation marks.
    fn read_quoted(&mut self, end: usize, next: usize) -> io::Result<Kind> {
        let (first_end, first_next) = (end, next);
        let (mut end, mut next, mut lines) = (end, next, 1);
        self.made.clear();
        self.fields.clear();
        let mut marks = self.split(0, end, false);
        if let Marks::Open { at, lone } = marks
            && (lone || self.is_whole_row(at, end))
        {
            marks = Marks::Lone;
        }
        while let Marks::Open { .. } = marks {
            let following = self.line_at(next)?.filter(|(_, after)| *after > next);
            let Some((line_end, after)) = following else {
                marks = Marks::Lone;
                break;
            };
            self.made.extend_from_slice(&self.buffer[self.start + end..self.start + next]);
            marks = self.split(next, line_end, true);
            let line = &self.buffer[self.start + next..self.start + line_end];
            if let Marks::Open { .. } = marks
                && self
                    .shape
                    .as_ref()
                    .is_some_and(|shape| shape.fits(line.split(|byte| *byte == self.delimiter)))
            {
                marks = Marks::Lone;
            }
            (end, next, lines) = (line_end, after, lines + 1);
        }
        if marks == Marks::Lone {
            self.take(first_end, first_next, 1);
            return Ok(Kind::Unclosed);
        }
        self.is_made = true;
        self.take(end, next, lines);
        Ok(Kind::Fields)
    }

    /// Whether the first line of a record is a whole row if the mark at `at`, which is open at its end, is none. In the
    /// last field nothing can be told from that.
    fn is_whole_row(&self, at: usize, end: usize) -> bool {
        let Some(shape) = self.shape.as_ref().filter(|shape| self.fields.len() + 1 < shape.width)
        else {
            return false;
        };
        let rest = &self.buffer[self.start + at + 1..self.start + end];
        let before = self.fields.iter().map(|range| &self.made[range.clone()]);
        shape.fits(before.chain(rest.split(|byte| *byte == self.delimiter)))
    }

    /// Takes the line from `from` to `to` apart, `open` where it begins in quotation marks.
    fn split(&mut self, from: usize, to: usize, open: bool) -> Marks {
        let Self { buffer, made, fields, delimiter, .. } = self;
        let text = &buffer[self.start..self.start + to];
        let is_blank = |byte: &u8| *byte == b' ' || *byte == b'\t' && *delimiter != b'\t';
        let mut field_begin = fields.last().map_or(0, |last| last.end);
        let mut end_field = |made: &Vec<u8>| {
            fields.push(field_begin..made.len());
            field_begin = made.len();
        };
        let (mut at, mut is_open, mut carried) = (from, open, open);
        let (mut opened_at, mut lone) = (from, false);
        loop {
            if !is_open {
                if text.get(at) != Some(&b'"') {
                    let end = memchr(*delimiter, &text[at..]).map_or(to, |found| at + found);
                    made.extend_from_slice(&text[at..end]);
                    end_field(made);
                    if end == to {
                        return Marks::Closed;
                    }
                    at = end + 1;
                    continue;
                }
                (is_open, opened_at, lone) = (true, at, false);
                at += 1;
            }
            let Some(mark) = memchr(b'"', &text[at..]).map(|found| at + found) else {
                made.extend_from_slice(&text[at..]);
                return Marks::Open { at: opened_at, lone };
            };
            made.extend_from_slice(&text[at..mark]);
            let rest = &text[mark + 1..];
            if rest.first() == Some(&b'"') {
                made.push(b'"');
                at = mark + 2;
                continue;
            }
            let blanks = rest.iter().take_while(|byte| is_blank(byte)).count();
            match rest.get(blanks) {
                None => {
                    end_field(made);
                    return Marks::Closed;
                }
                Some(byte) if byte == delimiter => {
                    end_field(made);
                    (is_open, carried) = (false, false);
                    at = mark + 1 + blanks + 1;
                }
                Some(_) if carried => return Marks::Lone,
                Some(_) => {
                    made.push(b'"');
                    lone = true;
                    at = mark + 1;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
