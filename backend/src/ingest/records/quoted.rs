//! Records with quotation marks.

use std::io::{self, Read};

use memchr::memchr;

use super::{Kind, Records};

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
    /// Reads a record whose first line, up to `end`, has quotation marks.
    pub(super) fn read_quoted(&mut self, end: usize, next: usize) -> io::Result<Kind> {
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
            // A line that is inside from its beginning to its end.
            if let Marks::Open { at, .. } = marks
                && at == next
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
