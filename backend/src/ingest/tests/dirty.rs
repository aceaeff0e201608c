//! What is wrong in real files costs itself alone, and is said.

use tillstream_shared::Line;

use super::{HEADER, LANTERN, TestFile, gzip, lantern, lines, read, reasons};
use crate::ingest::{DateOrder, Decimal, ReadOptions};

/// So many rows, in the `wrong`-th of which a description begins with a mark that is never closed.
fn with_open_mark(rows: usize, wrong: usize, end: &str) -> String {
    let row = |number: usize| {
        let mark = if number == wrong { "\"" } else { "" };
        format!("{number},71053,{mark}WHITE LANTERN,6,2010-12-01 08:26:00,3.39,17850,UK{end}")
    };
    format!("{}{end}", HEADER.trim_end()) + &(1..=rows).map(row).collect::<String>()
}

#[test]
fn a_mark_that_is_never_closed_costs_one_row() {
    // Below and above the size of a block, and of the longest row.
    for rows in [200, 5_000, 50_000] {
        for end in ["\n", "\r\n"] {
            for wrong in [1, 101, rows] {
                let content = with_open_mark(rows, wrong, end);
                for content in [content.clone().into_bytes(), gzip(&content)] {
                    let (lines, rejects) = read(TestFile::new("a.csv", content).open());
                    assert_eq!(lines.len(), rows - 1);
                    let reason = "a quotation mark is opened and not closed".to_owned();
                    assert_eq!(reasons(&rejects), [(wrong as u64 + 1, reason)]);
                    assert!(rejects[0].text.starts_with(&format!("{wrong},71053,\"WHITE")));
                }
            }
        }
    }
}

#[test]
fn marks_of_other_rows_do_not_close_it() {
    let rows = ["\"WHITE LANTERN", "\"RED, LANTERN\"", "7\"", "\"7\"\" FRAME\"", "\"A\nB\""];
    let content: String = rows.map(|text| LANTERN.replace("WHITE METAL LANTERN", text)).concat();
    let (lines, rejects) = read(TestFile::new("a.csv", format!("{HEADER}{content}")).open());
    let found: Vec<_> = lines.iter().map(|(_, line)| &*line.description).collect();
    assert_eq!(found, ["RED, LANTERN", "7\"", "7\" FRAME", "A\nB"]);
    assert_eq!(reasons(&rejects), [(2, "a quotation mark is opened and not closed".to_owned())]);
}

#[test]
fn a_mark_inside_a_field_is_kept_as_it_is_written() {
    for (written, read) in [
        ("\"7\" FRAME\"", "7\" FRAME"),
        ("\"7\" FRAME, BLUE\"", "7\" FRAME, BLUE"),
        ("\"7\"\" FRAME\"", "7\" FRAME"),
        ("7\" FRAME", "7\" FRAME"),
        ("\"FRAME 7\"\"\"", "FRAME 7\""),
    ] {
        let content = format!("{HEADER}{}", LANTERN.replace("WHITE METAL LANTERN", written));
        let expected = Line { description: read.into(), ..lantern() };
        assert_eq!(lines(TestFile::new("a.csv", content).open()), [expected], "{written}");
    }
}

#[test]
fn one_row_that_is_too_long_is_one_reject() {
    let long = LANTERN.replace("WHITE", &"x".repeat(1_500_000));
    let size = long.len() - 1;
    let content = format!("{HEADER}{LANTERN}{long}{LANTERN}");
    let (lines, rejects) = read(TestFile::new("a.csv", content).open());
    assert_eq!(lines, [(1, lantern()), (3, lantern())]);
    let reason = format!("the row has {size} bytes: more than 131072");
    assert_eq!(reasons(&rejects), [(3, reason)]);
    assert!(rejects[0].text.starts_with("536365,71053,xxx") && rejects[0].text.len() < 1000);
}

#[test]
fn numbers_are_read_with_the_mark_that_the_file_has() {
    let rows = |numbers: &[(&str, &str)]| {
        let row = |(quantity, price): &(&str, &str)| {
            LANTERN
                .replace(',', ";")
                .replace(";6;", &format!(";{quantity};"))
                .replace("3.39", price)
        };
        HEADER.replace(',', ";") + &numbers.iter().map(row).collect::<String>()
    };
    let found = |numbers: &[(&str, &str)], decimal: Option<Decimal>| {
        let file = TestFile::new("a.csv", rows(numbers));
        let mut input = file.open_with(&ReadOptions { decimal, ..ReadOptions::default() });
        let notices = input.take_notices();
        let (lines, rejects) = read(input);
        let numbers: Vec<_> =
            lines.iter().map(|(_, line)| (line.quantity, line.unit_price)).collect();
        (numbers, rejects.len(), notices)
    };
    let german = [("1.000", "12.345"), ("6", "1.355,90"), ("-2", "2,55")];
    let expected = vec![(1000, 12_345.0), (6, 1355.9), (-2, 2.55)];
    assert_eq!(found(&german, None), (expected.clone(), 0, vec![]));
    assert_eq!(found(&german, Some(Decimal::Comma)), (expected, 0, vec![]));
    let english = [("1,000", "12.345"), ("6", "1,355.90"), ("-2", "2.55")];
    let expected = vec![(1000, 12.345), (6, 1355.9), (-2, 2.55)];
    assert_eq!(found(&english, None), (expected.clone(), 0, vec![]));
    assert_eq!(found(&english, Some(Decimal::Point)), (expected, 0, vec![]));

    // Nothing tells: it is said, and either can be had.
    let open = [("6", "1.000"), ("7", "12.345")];
    let (numbers, rejects, notices) = found(&open, None);
    assert_eq!((numbers, rejects), (vec![(6, 1000.0), (7, 12_345.0)], 0));
    assert!(notices[0].contains("1.000") && notices[0].contains("--decimal point"), "{notices:?}");
    let expected = (vec![(6, 1.0), (7, 12.345)], 0, vec![]);
    assert_eq!(found(&open, Some(Decimal::Point)), expected);
    // What the mark does not fit is rejected and not guessed at.
    assert_eq!(found(&german, Some(Decimal::Point)).0, [(1, 12.345)]);
    let (numbers, rejects, notices) = found(&[("6", "2,55"), ("6", "2,56"), ("6", "2.55")], None);
    assert_eq!((numbers, rejects), (vec![(6, 2.55), (6, 2.56)], 1));
    assert!(notices[0].contains("contradict"), "{notices:?}");
}

#[test]
fn a_byte_that_is_not_utf_8_spoils_its_field_alone() {
    let utf8 = LANTERN.replace("WHITE METAL", "CAF\u{c9} \u{a3}2 \u{2013}");
    let mixed = LANTERN.replace("WHITE METAL", "CAF?").replace("United", "\u{d6}sterreich");
    let mixed: Vec<u8> =
        mixed.into_bytes().iter().map(|byte| if *byte == b'?' { 0xc9 } else { *byte }).collect();
    let content = [HEADER.as_bytes(), utf8.as_bytes(), &mixed, utf8.as_bytes()].concat();
    let mut input = TestFile::new("a.csv", content).open();
    let notices = input.take_notices();
    assert_eq!(notices.len(), 1);
    assert!(notices[0].starts_with("1 rows have text that is not UTF-8, the first at line 3"));
    let expected = Line { description: "CAFÉ £2 – LANTERN".into(), ..lantern() };
    let middle = Line {
        description: "CAFÉ LANTERN".into(),
        country: "Österreich Kingdom".into(),
        ..lantern()
    };
    assert_eq!(lines(input), [expected.clone(), middle, expected]);
}

#[test]
fn a_nul_is_no_text() {
    let content = format!("{HEADER}{}{LANTERN}", LANTERN.replace("WHITE", "WH\0ITE"));
    let (lines, rejects) = read(TestFile::new("a.csv", content).open());
    assert_eq!(lines, [(2, lantern())]);
    assert_eq!(reasons(&rejects), [(2, "Description has a NUL character".to_owned())]);
}

#[test]
fn dates_outside_of_the_range_are_rejected() {
    let dated = |date: &str| LANTERN.replace("2010-12-01 08:26:00", date);
    let wrong = ["0001-01-01 00:00:00", "0201-12-01 08:26:00", "1969-12-31", "2099-01-01"];
    let content = format!("{HEADER}{LANTERN}{}", wrong.map(dated).concat());
    let file = TestFile::new("a.csv", content);
    let (lines, rejects) = read(file.open());
    assert_eq!(lines, [(1, lantern())]);
    assert_eq!(rejects.len(), 4);
    let reason = rejects[3].reason.to_string();
    assert!(reason.contains("`2099-01-01 00:00:00` is outside of 1970-01-01.."), "{reason}");
    let options =
        ReadOptions { dates: "0001-01-01..2099-01-01".parse().unwrap(), ..ReadOptions::default() };
    assert_eq!(read(file.open_with(&options)).0.len(), 5);
    let options = ReadOptions { dates: "2010-12-02..".parse().unwrap(), ..ReadOptions::default() };
    assert_eq!(read(file.open_with(&options)).0.len(), 0);
}

#[test]
fn dotted_dates_follow_the_order_and_contradictions_are_counted() {
    let content = |dates: &[&str]| {
        let row = |date: &&str| LANTERN.replace("2010-12-01 08:26:00", date);
        HEADER.to_owned() + &dates.iter().map(row).collect::<String>()
    };
    let file = TestFile::new("a.csv", content(&["01.12.2010 08:26"]));
    let options = |order| ReadOptions { date_order: Some(order), ..ReadOptions::default() };
    assert_eq!(lines(file.open_with(&options(DateOrder::DayFirst))), [lantern()]);
    let swapped = Line { invoice_date: "2010-01-12 08:26:00".into(), ..lantern() };
    assert_eq!(lines(file.open_with(&options(DateOrder::MonthFirst))), [swapped]);

    let both = TestFile::new("a.csv", content(&["13.12.2010", "12.13.2010", "14.12.2010"]));
    let mut input = both.open();
    let notices = input.take_notices();
    let expected = "dates contradict each other: 2 are day-first, such as 13.12.2010, and 1 are month-first, such as \
                    12.13.2010; they are read day-first, and rows that do not fit are rejected";
    assert_eq!(notices, [expected]);
    let (lines, rejects) = read(input);
    assert_eq!((lines.len(), rejects[0].line_in_file), (2, 3));
}

#[test]
fn prices_and_quantities_have_a_range() {
    for (from, to, reason) in [
        ("3.39", "1e200", "UnitPrice `1e200` is not a number within ±2^53"),
        ("3.39", "9007199254740994", "UnitPrice `9007199254740994` is not a number within ±2^53"),
        (
            ",6,",
            ",9007199254740993,",
            "Quantity `9007199254740993` is not a whole number within ±2^53",
        ),
    ] {
        let content = format!("{HEADER}{}{LANTERN}", LANTERN.replace(from, to));
        let (lines, rejects) = read(TestFile::new("a.csv", content).open());
        assert_eq!(lines, [(2, lantern())]);
        assert_eq!(reasons(&rejects), [(2, reason.to_owned())]);
    }
}

#[test]
fn codes_and_countries_have_no_blanks_around_them() {
    let codes = ["85123A", "85123A ", " 85123A", "\" 85123A\t\""];
    let row = |code| LANTERN.replace("71053", code).replace("United Kingdom", "EIRE ");
    let content = HEADER.to_owned() + &codes.map(row).concat();
    let expected = Line { stock_code: "85123A".into(), country: "EIRE".into(), ..lantern() };
    for line in lines(TestFile::new("a.csv", content).open()) {
        assert_eq!(line, expected);
    }
}

#[test]
fn titles_may_stand_above_the_header() {
    let content = format!("Sales of the shop\n\n\"All, of 2010\"\n{HEADER}{LANTERN}a,b\n");
    let (lines, rejects) = read(TestFile::new("a.csv", content).open());
    assert_eq!(lines, [(1, lantern())]);
    assert_eq!(rejects[0].line_in_file, 6);
}
