//! The quick way through a plain file: whole records in blocks, read by all threads.
//!
//! A file can be cut at any end of a record when it is known where quotation marks open and close. That
//! is so where a mark only opens at the beginning of a field, and only closes at its end. A file that is
//! otherwise, and one of which all has to be seen before the first line is understood (dates whose day and month may be
//! exchanged, decimal commas), is left to [`Input`](super::Input).

use std::{fs::File, io::Read, path::Path};

use memchr::{memchr, memrchr};
use rayon::prelude::*;
use tillstream_shared::Line;

use super::{
    DateOrder, Decimal, ReadOptions, RejectReason, Row, date_range::DateBounds, dates::split,
    fields::FieldError, header::Header, layout::Layout, records::MAX_ROW, rows::TextRows,
};

/// Bytes that a thread takes at once.
const BLOCK: usize = 512 << 10;

/// What the file is not, so that it has to be read from its beginning to its end.
struct NotPlain;

/// Hands every line of the file at `path` to `each`, in any order, on the threads of rayon's current
/// pool; nothing may be asked for but the range of dates. Gives what `each` has made of the lines, in as many parts as it pleases, and how many rows
/// were invalid. `None` when the file is not plain, or cannot be read: then nothing is known of it.
pub fn fold_blocks<A: Send>(
    path: &Path,
    options: &ReadOptions,
    make: impl Fn() -> A + Sync,
    each: impl Fn(&mut A, &Line<'_>) + Sync,
) -> Option<(Vec<A>, u64)> {
    let mut blocks = Blocks::open(path, options)?;
    let layout = blocks.layout.clone();
    let fold = |(mut made, mut rejects): (A, u64), block: Result<Vec<u8>, NotPlain>| {
        let mut rows = TextRows::of_block(block?, layout.clone());
        while let Some(row) = rows.next() {
            match row.map_err(|_| NotPlain)? {
                Row::Line { line, .. } => each(&mut made, &line),
                Row::Reject(reject) if tells_of_the_whole(&reject.reason) => return Err(NotPlain),
                Row::Reject(_) | Row::Pending => rejects += 1,
            }
            if needs_an_order(rows.date()) {
                return Err(NotPlain);
            }
        }
        if !rows.take_code_page().is_none() {
            return Err(NotPlain);
        }
        Ok((made, rejects))
    };
    let blocks = std::iter::from_fn(|| blocks.next()).par_bridge();
    let folded: Result<Vec<(A, u64)>, NotPlain> = blocks.try_fold(|| (make(), 0), fold).collect();
    let (made, rejects): (Vec<A>, Vec<u64>) = folded.ok()?.into_iter().unzip();
    Some((made, rejects.into_iter().sum()))
}

/// Whether `text` is a date that does not begin with the year: day and month could be exchanged.
fn needs_an_order(text: &str) -> bool {
    let is_year_first = |date: &[u8]| match date {
        [year @ .., b'-'] => year.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    !text.as_bytes().get(..5).is_some_and(is_year_first) && split(text.trim()).is_some()
}

/// Whether a row is invalid for a reason that has to do with others, which are to be seen first.
fn tells_of_the_whole(reason: &RejectReason) -> bool {
    match reason {
        RejectReason::Unclosed | RejectReason::TooLong(_) => true,
        RejectReason::Field(FieldError::Quantity(number) | FieldError::UnitPrice(number)) => {
            number.contains(',') || number.matches('.').count() > 1
        }
        RejectReason::Field(_) | RejectReason::FieldCount { .. } => false,
    }
}

/// The records of a file after its header, in blocks of whole ones.
struct Blocks {
    file: File,
    layout: Layout,
    /// The beginning of a record that the last block left over.
    rest: Vec<u8>,
    ended: bool,
}

impl Blocks {
    fn open(path: &Path, options: &ReadOptions) -> Option<Self> {
        if options.date_order.is_some() || options.decimal.is_some() || !path.is_file() {
            return None;
        }
        let mut file = File::open(path).ok()?;
        let mut rest = Vec::with_capacity(BLOCK);
        file.by_ref().take(BLOCK as u64).read_to_end(&mut rest).ok()?;
        // A compressed file has no header in its first line.
        let head = memchr(b'\n', &rest).map(|end| &rest[..=end])?;
        let is_plain = head.first()?.is_ascii() && !head.contains(&b'\r') && !head.contains(&b'"');
        let Header { columns, delimiter, records: 1 } = Header::find(head).ok()? else {
            return None;
        };
        // With semicolons the comma may be the decimal mark; all of the file would have to be seen first.
        if !is_plain || delimiter == b';' {
            return None;
        }
        let layout = Layout {
            columns,
            delimiter,
            // The order of day and month is never asked for: see `needs_an_order`.
            order: DateOrder::DayFirst,
            decimal: Decimal::Point,
            dates: DateBounds::new(options.dates),
        };
        let head = head.len();
        rest.drain(..head);
        Some(Self { file, layout, rest, ended: false })
    }

    fn next(&mut self) -> Option<Result<Vec<u8>, NotPlain>> {
        if !self.ended && self.rest.len() < BLOCK {
            let missing = (BLOCK - self.rest.len()) as u64;
            match self.file.by_ref().take(missing).read_to_end(&mut self.rest) {
                Ok(read) => self.ended = (read as u64) < missing,
                Err(_) => return Some(Err(NotPlain)),
            }
        }
        if self.rest.is_empty() {
            return None;
        }
        let Some(whole) = whole_records(&self.rest, self.layout.delimiter) else {
            return Some(Err(NotPlain));
        };
        // The last record may lack its end.
        let whole = if self.ended { self.rest.len() } else { whole };
        if whole == 0 {
            return Some(Err(NotPlain));
        }
        let rest = self.rest.split_off(whole);
        Some(Ok(std::mem::replace(&mut self.rest, rest)))
    }
}

/// Bytes of `records` up to the end of the last whole one; `None` where a quotation mark stands
/// elsewhere than at the ends of a field. `records` begins with a record.
fn whole_records(records: &[u8], delimiter: u8) -> Option<usize> {
    let ends_field = |byte: u8| byte == delimiter || byte == b'\n' || byte == b'\r';
    let mut whole = 0;
    let mut at = 0;
    while at < records.len() {
        let open = memchr(b'"', &records[at..]).map_or(records.len(), |found| at + found);
        if let Some(end) = memrchr(b'\n', &records[at..open]) {
            whole = at + end + 1;
        }
        if open == records.len() {
            break;
        }
        if open > 0 && !(records[open - 1] == delimiter || records[open - 1] == b'\n') {
            return None;
        }
        at = open + 1;
        loop {
            // Without a closing mark the record goes on in the next block.
            let Some(found) = memchr(b'"', &records[at..]) else { return Some(whole) };
            let close = at + found;
            match records.get(close + 1) {
                None => return Some(whole),
                Some(b'"') => at = close + 2,
                Some(next) if ends_field(*next) => {
                    at = close + 1;
                    break;
                }
                Some(_) => return None,
            }
        }
    }
    Some(whole)
}

const _: () = assert!(MAX_ROW < BLOCK, "a row that fills a block is too long");

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::ingest::{Input, InputSpec, ReadOptions};

    #[test]
    fn records_end_outside_quotation_marks() {
        let whole = |text: &str| whole_records(text.as_bytes(), b',');
        assert_eq!(whole(""), Some(0));
        assert_eq!(whole("a,b"), Some(0));
        assert_eq!(whole("a,b\nc"), Some(4));
        assert_eq!(whole("a,\"b\nc\",d\ne"), Some(10));
        assert_eq!(whole("a,\"b\nc"), Some(0), "it goes on in the next block");
        assert_eq!(whole("x\na,\"b\""), Some(2), "the mark may be the first of two");
        assert_eq!(whole("a,\"b\"\"\n\"\"\",c\n"), Some(13));
        assert_eq!(whole("\"a\"\n\"b\"\n"), Some(8));
        assert_eq!(whole("a,b\"c\nd\n"), None, "a mark within a field");
        assert_eq!(whole("a,\"b\"c\n"), None, "text behind a closing mark");
        assert_eq!(whole("a,\"\"\nb\n"), Some(7), "an empty field");
    }

    /// Quantity, price and customer of every line, sorted, and the rejects.
    fn read_in_blocks(path: &Path) -> Option<(Vec<String>, u64)> {
        let each = |lines: &mut Vec<String>, line: &Line<'_>| lines.push(format!("{line:?}"));
        let (blocks, rejects) = fold_blocks(path, &ReadOptions::default(), Vec::new, each)?;
        let mut lines: Vec<_> = blocks.into_iter().flatten().collect();
        lines.sort_unstable();
        Some((lines, rejects))
    }

    fn read_in_order(path: &Path) -> (Vec<String>, u64) {
        let spec = InputSpec::File(path.to_owned());
        let mut input = Input::open(&spec, &ReadOptions::default()).unwrap();
        let (mut lines, mut rejects) = (Vec::new(), 0);
        while let Some(row) = input.next() {
            match row.unwrap() {
                Row::Line { line, .. } => lines.push(format!("{line:?}")),
                Row::Reject(_) | Row::Pending => rejects += 1,
            }
        }
        lines.sort_unstable();
        (lines, rejects)
    }

    const HEADER: &str =
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";

    #[test]
    fn blocks_hold_the_same_lines_as_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines.csv");
        let mut text = HEADER.to_owned();
        while text.len() < 3 * BLOCK {
            let number = text.len();
            text += &format!(
                "{number},A,\"a \"\"long\"\", {}\ndescription\",{},2010-12-01 08:26:00,2.5,17850,EIRE\n",
                "x".repeat(number % 900),
                number % 50
            );
            if number.is_multiple_of(7) {
                text += "a,row,that,is,no,line\n";
            }
        }
        text += "last,A,,1,2010-12-01T08:26:00Z,1.0,,France";
        fs::write(&path, text).unwrap();
        let found = read_in_blocks(&path).unwrap();
        assert!(found.1 > 0);
        assert!(found == read_in_order(&path), "the lines differ");
    }

    #[test]
    fn files_that_are_not_plain_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines.csv");
        let good = format!("{HEADER}1,A,tea,1,2010-12-01 08:26:00,2.5,17850,EIRE\n");
        fs::write(&path, &good).unwrap();
        assert_eq!(read_in_blocks(&path), Some(read_in_order(&path)));
        let latin1 = good.replace("tea", "th\u{e9}").chars().map(|c| c as u8).collect();
        for bad in [
            good.replace("2010-12-01", "01/12/2010").into_bytes(),
            good.replace("2010-12-01", " 12-01-2010").into_bytes(),
            good.replace("tea", "te\"a").into_bytes(),
            good.replace('\n', "\r\n").into_bytes(),
            format!("\u{feff}{good}").into_bytes(),
            good.replace("Country", "Land").into_bytes(),
            good.replace(",2.5,", ",\"2,5\",").into_bytes(),
            good.replace(',', ";").into_bytes(),
            good.replace("tea", "\"tea").into_bytes(),
            format!("Sales\n{good}").into_bytes(),
            zstd::encode_all(good.as_bytes(), 1).unwrap(),
            latin1,
            Vec::new(),
        ] {
            fs::write(&path, &bad).unwrap();
            assert_eq!(read_in_blocks(&path), None, "{:?}", String::from_utf8_lossy(&bad));
        }
        assert_eq!(read_in_blocks(folder.path()), None, "a folder");
        assert_eq!(read_in_blocks(&folder.path().join("none")), None);
    }
}
