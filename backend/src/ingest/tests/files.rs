//! CSV files of every kind.

use std::borrow::Cow;

use proptest::prelude::*;
use tillstream_shared::Line;

use super::{HEADER, LANTERN, TestFile, gzip, lantern, lines, read};
use crate::ingest::{
    DateOrder, Input, InputSpec, ReadOptions, RejectReason, RejectsWriter,
    csv_lines::{BatchReader, write_header, write_line},
};

#[test]
fn the_second_edition_is_read_with_its_own_names() {
    let content = "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country\n\
                   536365,71053,WHITE METAL LANTERN,6,12/1/2010 8:26,3.39,17850.0,United Kingdom\n";
    let mut input = TestFile::new("online_retail_II.csv", content).open();
    let notices = input.take_notices();
    assert!(notices[0].contains("--date-order day-first"), "{notices:?}");
    assert_eq!(input.take_notices(), Vec::<String>::new(), "each is said once");
    assert_eq!(lines(input), [lantern()]);
}

#[test]
fn semicolons_tabs_and_a_byte_order_mark_are_understood() {
    let semicolons = format!("{HEADER}{LANTERN}").replace(',', ";").replace("3.39", "3,39");
    let tabs = format!("{HEADER}{LANTERN}").replace(',', "\t");
    let marked = format!("\u{feff}{HEADER}{LANTERN}");
    let shuffled = "Country;x;CustomerID;UnitPrice;InvoiceDate;Quantity;Description;StockCode;InvoiceNo\r\n\
                    United Kingdom;y;17850;3,39;01.12.2010 08:26;6;WHITE METAL LANTERN;71053;536365";
    for content in [semicolons.as_str(), &tabs, &marked, shuffled] {
        assert_eq!(lines(TestFile::new("a.csv", content).open()), [lantern()], "{content}");
    }
}

#[test]
fn latin_1_is_seen_anywhere_in_the_file() {
    let plain = LANTERN.repeat(40_000);
    let last = LANTERN.replace("WHITE METAL", "CAF\u{c9} \u{a3}2");
    let latin1: Vec<u8> =
        format!("{HEADER}{plain}{last}").chars().map(|c| u8::try_from(c).unwrap()).collect();
    let utf8 = format!("{HEADER}{plain}{last}");
    for content in [latin1.as_slice(), utf8.as_bytes(), &gzip(&utf8)] {
        let lines = lines(TestFile::new("a.csv", content).open());
        assert_eq!(lines.len(), 40_001);
        assert_eq!(lines[40_000].description, "CAFÉ £2 LANTERN");
    }
}

#[test]
fn a_missing_customer_is_none() {
    let content: String =
        ["", "NaN", "nan", "null", " "].map(|customer| LANTERN.replace("17850", customer)).concat();
    for line in lines(TestFile::new("a.csv", format!("{HEADER}{content}")).open()) {
        assert_eq!(line, Line { customer_id: None, ..lantern() });
    }
}

#[test]
fn the_order_of_day_and_month_is_decided_once_for_the_file() {
    let content = format!(
        "{HEADER}{}{}",
        LANTERN.replace("2010-12-01 08:26:00", "1/12/2010 8:26"),
        LANTERN.replace("2010-12-01 08:26:00", "13/12/2010 8:26"),
    );
    let file = TestFile::new("a.csv", content);
    let mut decided = file.open();
    assert!(decided.take_notices()[0].contains("13/12/2010"));
    let source = decided.source().to_owned();
    assert!(source.ends_with(":day-first:point"), "{source}");
    let dates: Vec<_> = lines(decided).into_iter().map(|line| line.invoice_date).collect();
    assert_eq!(dates, ["2010-12-01 08:26:00", "2010-12-13 08:26:00"]);

    let in_order =
        |order| file.open_with(&ReadOptions { date_order: Some(order), ..ReadOptions::default() });
    assert_eq!(in_order(DateOrder::DayFirst).source(), source);
    let overridden = in_order(DateOrder::MonthFirst);
    assert_eq!(overridden.source(), source.replace("day-first", "month-first"));
    let (lines, rejects) = read(overridden);
    assert_eq!(lines[0].1.invoice_date, "2010-01-12 08:26:00");
    assert_eq!(rejects[0].line_in_file, 3);
}

#[test]
fn wrong_rows_are_rejected_with_their_line_and_reason() {
    let content = "\n\n536365,71053,\"A \"\"WHITE\"\"\nLANTERN,\nTWO MORE\",6,2010-12-01 08:26:00,3.39,17850,UK\n\
                   536365,71053,A,six,2010-12-01 08:26:00,3.39,17850,UK\n\
                   \n\
                   536365,71053,B,6,2010-13-01 08:26:00,3.39,17850,UK\n\
                   536365,71053,\"C\nC\",6,2010-12-01 08:26:00,NaN,17850,UK\n\
                   536365,71053\n\
                   536366,71053,D,6,2010-12-01 08:26:00,3.39,17850,UK\n\
                   536366,71053,E,6,2010-12-01 08:26:00,3.39,17850,UK,more";
    let lf = format!("{HEADER}{content}");
    for content in [lf.clone(), lf.replace('\n', "\r\n"), format!("\n{lf}").replacen('\n', "", 1)] {
        let file = TestFile::new("a.csv", &content);
        assert_eq!(file.open().line_count(), Some(7));
        let (lines, rejects) = read(file.open());
        assert_eq!(lines.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [1, 6]);
        let seen: Vec<_> = rejects
            .iter()
            .map(|reject| (reject.number, reject.line_in_file, reject.reason.to_string()))
            .collect();
        let expected = [
            (2, 7, "Quantity `six` is not a whole number within ±2^53"),
            (
                3,
                9,
                "InvoiceDate `2010-13-01 08:26:00` is not a date and time such as \
                    2010-12-01 08:26:00",
            ),
            (4, 10, "UnitPrice `NaN` is not a number within ±2^53"),
            (5, 12, "2 fields instead of 8"),
            (7, 14, "9 fields instead of 8"),
        ];
        assert_eq!(seen, expected.map(|(number, line, reason)| (number, line, reason.to_owned())));
        assert_eq!(rejects[3].text, "536365,71053");
        assert!(rejects[2].text.contains("\"C"), "{}", rejects[2].text);
        assert_eq!(rejects[4].reason, RejectReason::FieldCount { found: 9, expected: 8 });
    }
}

#[test]
fn rejects_are_kept_and_not_doubled() {
    let content = format!("{HEADER}{}a,\"b\nc\"\n", LANTERN.replace(",6,", ",\"1,5\","));
    let file = TestFile::new("a.csv", content);
    let path = file.folder.path().join("rejects/a.csv");
    for _ in 0..2 {
        let mut writer = RejectsWriter::create(&path).unwrap();
        for reject in read(file.open()).1 {
            writer.write(&reject).unwrap();
        }
        assert_eq!(writer.count(), 2);
        let mut reader = csv::Reader::from_path(&path).unwrap();
        assert_eq!(reader.headers().unwrap(), vec!["line", "reason", "text"]);
        let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
        assert_eq!(rows.len(), 2);
        assert_eq!(&rows[0][0], "2");
        assert_eq!(&rows[0][1], "Quantity `1,5` is not a whole number within ±2^53");
        assert_eq!(&rows[0][2], LANTERN.replace(",6,", ",\"1,5\",").trim_end());
        assert_eq!(&rows[1][2], "a,\"b\nc\"");
    }
}

#[test]
fn what_cannot_be_read_is_said_in_one_sentence() {
    let missing = TestFile::new("a.csv", "");
    let path = missing.folder.path().join("gone.csv");
    let error = Input::open(&InputSpec::File(path), &ReadOptions::default()).unwrap_err();
    assert!(error.to_string().contains("gone.csv: No such file"), "{error}");
    let folder = InputSpec::File(missing.folder.path().to_owned());
    let error = Input::open(&folder, &ReadOptions::default()).unwrap_err().to_string();
    assert!(error.contains("directory"), "{error}");

    let header = "InvoiceNo,StockCode,Quantity,InvoiceDate,Cost,CustomerID,Country\n";
    let full = format!("{HEADER}{LANTERN}");
    let mut torn = gzip(LANTERN.repeat(1000).replacen(LANTERN, HEADER, 1));
    torn.truncate(torn.len() / 2);
    for (content, expected) in [
        (Vec::new(), "lacks the column InvoiceNo, StockCode"),
        (header.into(), "lacks the column Description, UnitPrice: "),
        (
            header.into(),
            "the closest has: InvoiceNo, StockCode, Quantity, InvoiceDate, Cost, CustomerID",
        ),
        (torn, "a.csv: "),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".into(), "save it as .xlsx"),
        (b"PK\x03\x04no workbook".into(), "it is a damaged zip archive or workbook"),
        (full.encode_utf16().flat_map(u16::to_le_bytes).chain([0]).collect(), "UTF-16 is damaged"),
    ] {
        let error = TestFile::new("a.csv", content).error();
        assert!(error.contains("a.csv") && error.contains(expected), "{error}");
    }
}

#[test]
fn a_header_alone_is_an_empty_input() {
    assert_eq!(lines(TestFile::new("a.csv", HEADER).open()), []);
}

#[test]
fn a_damaged_batch_file_is_an_error_that_names_the_line() {
    let reader = BatchReader::new("InvoiceNo,Country\n".as_bytes(), "batch.csv");
    assert!(reader.unwrap_err().to_string().contains("batch.csv is damaged at line 1: the header"));
    for (row, expected) in [
        ("536365,71053,A\n", "line 3: 3 fields instead of 8"),
        ("536365,71053,A,six,2010-12-01 08:26:00,1.0,,UK\n", "line 3: Quantity `six`"),
    ] {
        let content = format!("{HEADER}{LANTERN}{row}{LANTERN}");
        let mut reader = BatchReader::new(content.as_bytes(), "batch.csv").unwrap();
        assert_eq!(reader.next().unwrap().unwrap(), lantern());
        assert!(reader.next().unwrap().unwrap_err().to_string().contains(expected));
        assert!(reader.next().is_none());
    }
}

/// Texts with everything that CSV has to quote, and with what it need not.
fn text() -> impl Strategy<Value = Cow<'static, str>> {
    "[ -~\n\r\",;\t£éß…€]{0,12}".prop_map(Cow::Owned)
}

pub(super) fn any_line() -> impl Strategy<Value = Line<'static>> {
    let dates = (1..=9999u32, 1..=12u32, 1..=28u32, 0..24u32, 0..60u32, 0..60u32).prop_map(
        |(year, month, day, hour, minute, second)| {
            format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}").into()
        },
    );
    let price = prop_oneof![
        (proptest::num::f64::NORMAL | proptest::num::f64::ZERO)
            .prop_filter("a price", |price| crate::ingest::fields::is_price(*price)),
        (-500i32..500).prop_map(f64::from)
    ];
    let customer = proptest::option::of("[0-9]{5}".prop_map(Cow::Owned));
    (text(), text(), text(), any::<i64>(), dates, price, customer, text()).prop_map(
        |(
            invoice_no,
            stock_code,
            description,
            quantity,
            invoice_date,
            unit_price,
            customer_id,
            country,
        )| Line {
            invoice_no,
            stock_code,
            description,
            quantity,
            invoice_date,
            unit_price,
            customer_id,
            country,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_lines_come_back_from_a_batch_file(expected in proptest::collection::vec(any_line(), 0..20)) {
        let mut content = Vec::new();
        write_header(&mut content);
        for line in &expected {
            write_line(&mut content, line);
        }
        let mut reader = BatchReader::new(&content[..], "batch").unwrap();
        let mut found = Vec::new();
        while let Some(line) = reader.next() {
            found.push(line.unwrap().into_owned());
        }
        prop_assert_eq!(&found, &expected);
        // A batch file is an input like any other, but for what no input may have.
        let options =
            ReadOptions { dates: "0001-01-01..9999-12-31".parse().unwrap(), ..ReadOptions::default() };
        let (lines, _) = read(TestFile::new("batch.csv", &content).open_with(&options));
        let found: Vec<_> = lines.into_iter().map(|(_, line)| line).collect();
        let trimmed = |text: &str| Cow::Owned(text.trim().to_owned());
        let of_input = |line: Line<'static>| Line {
            invoice_no: trimmed(&line.invoice_no),
            stock_code: trimmed(&line.stock_code),
            country: trimmed(&line.country),
            ..line
        };
        let expected: Vec<_> = expected
            .into_iter()
            .filter(|line| crate::ingest::fields::is_quantity(line.quantity))
            .map(of_input)
            .collect();
        prop_assert_eq!(found, expected);
    }
}
