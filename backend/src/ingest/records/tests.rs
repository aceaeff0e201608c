use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

/// Every record as its kind, line and fields.
fn read_with(text: &[u8], shape: Option<Shape>) -> Vec<(Kind, u64, Vec<String>)> {
    let mut records = Records::new(text, b',');
    if let Some(shape) = shape {
        records.expect(shape);
    }
    let mut all = Vec::new();
    while let Some(kind) = records.read().unwrap() {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let fields = match kind {
            Kind::Fields => {
                let (bytes, fields) = records.fields();
                fields.iter().map(|range| text(&bytes[range.clone()])).collect()
            }
            Kind::Unclosed => vec![text(records.raw())],
            Kind::TooLong(_) => vec![text(records.beginning())],
        };
        all.push((kind, records.line(), fields));
    }
    all
}

fn read(text: &str) -> Vec<(Kind, u64, Vec<String>)> {
    read_with(text.as_bytes(), None)
}

fn fields(line: u64, fields: &[&str]) -> (Kind, u64, Vec<String>) {
    (Kind::Fields, line, fields.iter().map(|field| (*field).to_owned()).collect())
}

fn unclosed(line: u64, text: &str) -> (Kind, u64, Vec<String>) {
    (Kind::Unclosed, line, vec![text.to_owned()])
}

/// Four fields: a number, a text, a date, a number.
fn shape() -> Shape {
    Shape { width: 4, numbers: [0, 3], date: 2 }
}

#[test]
fn lines_end_with_lf_cr_or_both_and_blank_ones_are_skipped() {
    let expected = [fields(2, &["a", "b"]), fields(4, &["c", ""]), fields(5, &[" "])];
    assert_eq!(read("\na,b\n\nc,\n \n"), expected);
    assert_eq!(read("\r\na,b\r\n\r\nc,\r\n "), expected);
    assert_eq!(read("\ra,b\r\rc,\r \r"), expected);
    assert_eq!(read(""), []);
}

#[test]
fn a_field_in_marks_may_hold_anything() {
    let text = "\"a,b\",\"c\"\"d\",\"e\nf\r\n,g\",\"\"\n\"h\" ,\" i \"\t\nj";
    let expected = [
        fields(1, &["a,b", "c\"d", "e\nf\r\n,g", ""]),
        fields(4, &["h", " i "]),
        fields(5, &["j"]),
    ];
    assert_eq!(read(text), expected);
}

#[test]
fn a_mark_that_is_not_doubled_is_kept_as_it_is_written() {
    assert_eq!(read("1,\"7\" FRAME\",x"), [fields(1, &["1", "7\" FRAME", "x"])]);
    assert_eq!(
        read("1,\"7\" FRAME, 8\" FRAME\",x"),
        [fields(1, &["1", "7\" FRAME, 8\" FRAME", "x"])]
    );
    assert_eq!(read("1,7\" FRAME,x"), [fields(1, &["1", "7\" FRAME", "x"])]);
}

#[test]
fn a_mark_that_is_never_closed_costs_its_line() {
    let expected = [fields(1, &["1", "a"]), unclosed(2, "2,\"b"), fields(3, &["3", "c"])];
    assert_eq!(read("1,a\n2,\"b\n3,c\n"), expected);
    // Another row's mark does not close it.
    let expected = [unclosed(1, "2,\"b"), fields(2, &["3", "c, d"]), fields(3, &["4", "e"])];
    assert_eq!(read("2,\"b\n3,\"c, d\"\n4,e"), expected);
    assert_eq!(read("2,\"b\"c\n3,d"), [unclosed(1, "2,\"b\"c"), fields(2, &["3", "d"])]);
}

#[test]
fn rows_are_not_taken_for_a_part_of_a_field() {
    let read = |text: &str| read_with(text.as_bytes(), Some(shape()));
    let row = |line, text: &str| fields(line, &["1", text, "2010-12-01", "2.5"]);
    // The line is whole without its mark; what looks like its end is a mark of another row.
    let text = "1,\"a,2010-12-01,2.5\n1,7\",2010-12-01,2.5\n1,c,2010-12-01,2.5\n";
    let first = unclosed(1, "1,\"a,2010-12-01,2.5");
    assert_eq!(read(text), [first, row(2, "7\""), row(3, "c")]);
    // The line is torn, and a whole row follows before the next mark.
    let text = "1,\"a\n1,b,2010-12-01,2.5\n1,7\",2010-12-01,2.5\n";
    assert_eq!(read(text), [unclosed(1, "1,\"a"), row(2, "b"), row(3, "7\"")]);
    // Text of several lines that is none of a row.
    assert_eq!(read("1,\"a\nb, c\",2010-12-01,2.5"), [row(1, "a\nb, c")]);
    assert_eq!(read("1,a,2010-12-01,\"2.5\"\n"), [row(1, "a")]);
    // Two fields of two lines each, and what is between them on the second.
    let shape = Shape { width: 4, numbers: [1, 1], date: 2 };
    let found = read_with(b"\"\n\",1,2010-12-01,\"\n\"\n", Some(shape));
    assert_eq!(found, [fields(1, &["\n", "1", "2010-12-01", "\n"])]);
    assert_eq!(read("1,a,2010-12-01,\"2\n\"\n"), [fields(1, &["1", "a", "2010-12-01", "2\n"])]);
}

#[test]
fn a_row_that_is_too_long_is_one_record_and_the_next_is_read() {
    for end in ["\n", "\r\n", "\r"] {
        for size in [MAX_ROW - 1, MAX_ROW, MAX_ROW + 1, 3 * MAX_ROW, 10 * MAX_ROW + 17] {
            let text = format!("a{end}{}{end}b,c{end}", "x".repeat(size));
            let records = read(&text);
            let kind = if size > MAX_ROW { Kind::TooLong(size as u64) } else { Kind::Fields };
            assert_eq!((records[1].0, records[1].1), (kind, 2), "{size} {end:?}");
            assert_eq!(records[2..], [fields(3, &["b", "c"])], "{size} {end:?}");
        }
    }
}

#[test]
fn a_mark_is_looked_for_within_the_longest_row() {
    for lines in [10, MAX_ROW / 6, MAX_ROW] {
        let text = format!("1,\"a\n{}2,b\n", "text,\n".repeat(lines));
        let records = read(&text);
        assert_eq!(records.len(), lines + 2);
        assert_eq!(records[0], unclosed(1, "1,\"a"));
        assert_eq!(records[lines + 1], fields(lines as u64 + 2, &["2", "b"]));
    }
}

/// Gives its parts one by one, and between them nothing yet.
struct Trickle(VecDeque<Vec<u8>>, bool);

impl Read for Trickle {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.1 = !self.1;
        if self.1 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let Some(part) = self.0.pop_front() else { return Ok(0) };
        let now = part.len().min(out.len());
        out[..now].copy_from_slice(&part[..now]);
        if now < part.len() {
            self.0.push_front(part[now..].to_vec());
        }
        Ok(now)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn however_the_bytes_arrive_the_records_are_the_same(
        text in "[ab1,\"\r\n ]{0,60}",
        cuts in prop::collection::vec(1..8usize, 0..20),
    ) {
        let expected = read(&text);
        let (mut parts, mut rest) = (VecDeque::new(), text.as_bytes());
        for cut in cuts {
            let (part, left) = rest.split_at(cut.min(rest.len()));
            if !part.is_empty() {
                parts.push_back(part.to_vec());
            }
            rest = left;
        }
        if !rest.is_empty() {
            parts.push_back(rest.to_vec());
        }
        let mut records = Records::new(Trickle(parts, false), b',');
        let mut found = Vec::new();
        loop {
            match records.read() {
                Ok(Some(kind)) => found.push((kind, records.line())),
                Ok(None) => break,
                Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
            }
        }
        let expected: Vec<_> = expected.into_iter().map(|(kind, line, _)| (kind, line)).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn what_the_csv_crate_writes_is_read(rows in prop::collection::vec(
        prop::collection::vec("[a-c1-3,;\"\r\n ]{0,9}", 2..5), 0..8,
    )) {
        let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
        rows.iter().for_each(|row| writer.write_record(row).unwrap());
        let text = writer.into_inner().unwrap();
        let found: Vec<_> = read_with(&text, None).into_iter().map(|(_, _, fields)| fields).collect();
        prop_assert_eq!(found, rows);
    }
}
