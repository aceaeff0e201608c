//! What makes an input the same as one that was sent before.

use super::{
    HEADER, LANTERN, TestFile, gzip, lantern, lines,
    xlsx::{archive, workbook},
};
use crate::ingest::{DateOrder, Input, InputSpec, ReadOptions, Recognised};

fn rows(count: usize) -> String {
    let row = |number: usize| LANTERN.replace("536365", &(536_365 + number).to_string());
    HEADER.to_owned() + &(0..count).map(row).collect::<String>()
}

/// What the second content has to do with the first.
#[track_caller]
fn recognised(first: impl AsRef<[u8]>, second: impl AsRef<[u8]>) -> Recognised {
    let source = TestFile::new("first", first).open().source().to_owned();
    TestFile::new("second", second).open().recognise(&source).unwrap()
}

#[test]
fn name_and_compression_are_not_a_part_of_it() {
    let plain = format!("{HEADER}{LANTERN}");
    let source = TestFile::new("a.csv", &plain).open().source().to_owned();
    let zstd = zstd::encode_all(plain.as_bytes(), 1).unwrap();
    // Two members and two frames, as `cat a.gz b.gz` makes them.
    let members = [gzip(HEADER), gzip(LANTERN)].concat();
    let frames = [HEADER, LANTERN].map(|part| zstd::encode_all(part.as_bytes(), 1).unwrap());
    let zip = archive(&[("a.csv".to_owned(), plain.clone())]);
    for content in [plain.clone().into_bytes(), gzip(&plain), zstd, members, frames.concat(), zip] {
        let mut input = TestFile::new("a.txt", &content).open();
        assert_eq!(input.source(), source);
        assert_eq!(input.take_notices(), Vec::<String>::new());
        assert_eq!(lines(input), [lantern()]);
    }
}

#[test]
fn a_file_that_has_grown_is_known_however_it_is_stored() {
    let (short, long) = (rows(30), rows(40));
    assert_eq!(recognised(&short, &short), Recognised::Known);
    assert_eq!(recognised(&short, &long), Recognised::Known);
    assert_eq!(recognised(gzip(&short), &long), Recognised::Known);
    assert_eq!(recognised(&short, gzip(&long)), Recognised::Known);
    // The last row may lack its end, but not more than that.
    assert_eq!(recognised(short.trim_end(), &long), Recognised::Known);
    assert_eq!(recognised(&short[..short.len() - 2], &long), Recognised::Differs);
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    assert_eq!(recognised(utf16(&short), utf16(&long)), Recognised::Known);
}

#[test]
fn a_file_that_differs_in_the_middle_is_another() {
    let (short, long) = (rows(30), rows(40));
    let changed = long.replacen("536380", "536379", 1);
    assert_eq!(recognised(&long, &changed), Recognised::Differs);
    assert_eq!(recognised(&short, &changed), Recognised::Differs);
    assert_eq!(recognised(&long, &short), Recognised::Differs, "rows are gone");
    let other = long.replacen("536365", "536364", 1);
    assert_eq!(recognised(&long, other), Recognised::Other);
}

#[test]
fn what_is_read_otherwise_is_another() {
    let with_dates = |dates: &[&str]| {
        let row = |date: &&str| LANTERN.replace("2010-12-01 08:26:00", date);
        HEADER.to_owned() + &dates.iter().map(row).collect::<String>()
    };
    let open = with_dates(&["1/12/2010"]);
    // The new date shows that the others were read wrongly.
    assert_eq!(recognised(&open, with_dates(&["1/12/2010", "13/12/2010"])), Recognised::Differs);
    assert_eq!(recognised(&open, with_dates(&["1/12/2010", "12/13/2010"])), Recognised::Known);
    let file = TestFile::new("a.csv", with_dates(&["1/12/2010"]));
    let day_first = ReadOptions { date_order: Some(DateOrder::DayFirst), ..ReadOptions::default() };
    let asked = file.open_with(&day_first).source().to_owned();
    assert_eq!(file.open().recognise(&asked).unwrap(), Recognised::Differs);
}

#[test]
fn a_workbook_that_has_grown_is_known() {
    use super::xlsx::Cell::{Date, Number, Text};
    let book = |rows: usize| {
        let header = tillstream_shared::Line::COLUMNS.map(Text).to_vec();
        let row = |_| {
            let numbers = [Number(6.0), Date(40_513.5), Number(3.39), Number(17850.0)];
            [&[Text("536365"), Text("71053"), Text("A")][..], &numbers, &[Text("UK")]].concat()
        };
        workbook(&[("Sales", std::iter::once(header).chain((0..rows).map(row)).collect())])
    };
    assert_eq!(recognised(book(3), book(5)), Recognised::Known);
    assert_eq!(recognised(book(5), book(3)), Recognised::Differs);
}

#[test]
fn inputs_that_the_version_before_has_begun_are_known() {
    let plain = rows(3);
    for content in [plain.clone().into_bytes(), gzip(&plain)] {
        let before = format!("blake3:{}", &blake3::hash(&content).to_hex()[..32]);
        let file = TestFile::new("a.csv", &content);
        assert_eq!(file.open().recognise(&before).unwrap(), Recognised::Known);
        let other = format!("{before}:day-first");
        assert_eq!(file.open().recognise(&other).unwrap(), Recognised::Other);
    }
    let slashes = plain.replace("2010-12-01", "1/12/2010");
    let before = format!("blake3:{}:day-first", &blake3::hash(slashes.as_bytes()).to_hex()[..32]);
    let file = TestFile::new("a.csv", &slashes);
    let options = ReadOptions { date_order: Some(DateOrder::DayFirst), ..ReadOptions::default() };
    assert_eq!(file.open_with(&options).recognise(&before).unwrap(), Recognised::Known);
    assert_eq!(file.open().recognise(&before).unwrap(), Recognised::Other);
    let stored = include_bytes!("../../../data/online_retail.csv.zst");
    let before = format!("blake3:{}", &blake3::hash(stored).to_hex()[..32]);
    let built_in = Input::open(&InputSpec::BuiltIn, &ReadOptions::default()).unwrap();
    assert_eq!(built_in.recognise(&before).unwrap(), Recognised::Known);
}

#[test]
fn rows_that_are_added_while_a_file_is_read_are_left_for_the_next_time() {
    let file = TestFile::new("a.csv", rows(3));
    let input = file.open();
    std::fs::write(file.path(), rows(5)).unwrap();
    assert_eq!(lines(input).len(), 3);
    assert_eq!(lines(file.open()).len(), 5);
}
