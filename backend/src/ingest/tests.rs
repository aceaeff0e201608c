//! Inputs of every kind, read whole.

use std::{fs, io::Write, path::Path};

use proptest::prelude::*;
use tempfile::TempDir;
use tillstream_shared::Line;

use super::*;

const HEADER: &str =
    "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";

/// Lines and rejects of an input, and what it reports of its dates.
type Whole = (Vec<Line<'static>>, Vec<Reject>, Option<String>);

/// A file with these bytes.
fn read(bytes: &[u8]) -> Result<Whole, IngestError> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("lines.csv");
    fs::write(&path, bytes).unwrap();
    read_file(&path, None)
}

fn read_file(
    path: &Path,
    date_order: Option<DateOrder>,
) -> Result<Whole, IngestError> {
    let mut input = Input::open(&InputSpec::File(path.to_owned()), &ReadOptions { date_order })?;
    let report = input.date_report().map(str::to_owned);
    let (mut lines, mut rejects) = (Vec::new(), Vec::new());
    while let Some(row) = input.next() {
        match row? {
            Row::Line { line, .. } => lines.push(line.into_owned()),
            Row::Reject(reject) => rejects.push(reject),
        }
    }
    assert_eq!(input.line_count(), Some((lines.len() + rejects.len()) as u64));
    Ok((lines, rejects, report))
}

fn row(date: &str) -> String {
    format!("536365,85123A,LANTERN,6,{date},2.55,17850,France\n")
}

#[test]
fn online_retail_ii_and_other_dialects_are_understood() {
    let plain = read(format!("{HEADER}{}", row("2010-12-01 08:26:00")).as_bytes()).unwrap().0;
    assert_eq!(plain.len(), 1);
    let second = "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country\n\
                  536365,85123A,LANTERN,6,2010-12-01 08:26:00,2.55,17850.0,France\n";
    let shuffled = "\u{feff}country;UNITPRICE;Extra;CustomerID;InvoiceDate;Quantity;Description;StockCode;InvoiceNo\n\
                    France;2,55;x;17850;2010-12-01T08:26:00Z;6.0;LANTERN;85123A;536365\n";
    for text in [second, shuffled, &second.replace(',', "\t")] {
        assert_eq!(read(text.as_bytes()).unwrap().0, plain, "{text}");
    }
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(second.as_bytes()).unwrap();
    assert_eq!(read(&gzip.finish().unwrap()).unwrap().0, plain);
    assert_eq!(read(&zstd::encode_all(second.as_bytes(), 1).unwrap()).unwrap().0, plain);
}

#[test]
fn latin_1_is_recognised_for_the_whole_file() {
    let mut bytes = format!("{HEADER}{}", row("2010-12-01 08:26:00")).into_bytes();
    bytes.extend_from_slice(b"536366,1,CAF\xc9 \xa32,1,2010-12-01 08:26:00,1.0,,Espa\xf1a\n");
    let (lines, ..) = read(&bytes).unwrap();
    assert_eq!((&*lines[1].description, &*lines[1].country), ("CAFÉ £2", "España"));
}

#[test]
fn the_order_of_day_and_month_is_decided_once() {
    let dates = |dates: &[&str], order| {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("lines.csv");
        let rows: String = dates.iter().map(|date| row(date)).collect();
        fs::write(&path, format!("{HEADER}{rows}")).unwrap();
        let (lines, rejects, report) = read_file(&path, order).unwrap();
        let dates: Vec<_> = lines.iter().map(|line| line.invoice_date[..10].to_owned()).collect();
        (dates, rejects.len(), report)
    };
    let (found, _, report) = dates(&["12/1/2010 8:26", "12/13/2010 8:26"], None);
    assert_eq!(found, ["2010-12-01", "2010-12-13"]);
    assert!(report.unwrap().contains("month-first"));
    let (found, ..) = dates(&["01-12-2010 08:26", "13-12-2010 08:26"], None);
    assert_eq!(found, ["2010-12-01", "2010-12-13"]);
    let (found, _, report) = dates(&["1/2/2010 8:26"], None);
    assert_eq!(found, ["2010-01-02"]);
    assert!(report.unwrap().contains("ambiguous"));
    let (found, _, report) = dates(&["1/2/2010 8:26"], Some(DateOrder::DayFirst));
    assert_eq!((found, report), (vec!["2010-02-01".to_owned()], None));
    let (_, rejects, _) = dates(&["13/1/2010 8:26", "14/1/2010 8:26", "1/15/2010 8:26"], None);
    assert_eq!(rejects, 1);
}

#[test]
fn wrong_rows_are_rejected_with_their_line() {
    let text = format!(
        "{HEADER}1,A,\"TWO\nLINES\",1,2010-12-01 08:26:00,1.0,,France\n\
         2,A,X,many,2010-12-01 08:26:00,1.0,,France\n\
         3,A,X,1\n\
         4,A,X,1,2010-02-30 08:26:00,1.0,,France\n\
         5,A,X,1,2010-12-01 08:26:00,cheap,,France\n\
         6,A,X,1,2010-12-01 08:26:00,1.0,,France\n"
    );
    let (lines, rejects, _) = read(text.as_bytes()).unwrap();
    assert_eq!(lines.iter().map(|line| &*line.invoice_no).collect::<Vec<_>>(), ["1", "6"]);
    let found: Vec<_> = rejects.iter().map(|r| (r.number, r.line_in_file)).collect();
    assert_eq!(found, [(2, 4), (3, 5), (4, 6), (5, 7)]);
    assert_eq!(rejects[0].text, "2,A,X,many,2010-12-01 08:26:00,1.0,,France");
    assert_eq!(rejects[1].reason.to_string(), "4 fields instead of 8");

    let folder = TempDir::new().unwrap();
    let path = folder.path().join("rejects").join("file.csv");
    let mut writer = RejectsWriter::create(&path).unwrap();
    rejects.iter().for_each(|reject| writer.write(reject).unwrap());
    let written = fs::read_to_string(&path).unwrap();
    assert!(written.starts_with("line,reason,text\n4,Quantity `many` is not a whole number,"));
}

#[test]
fn an_input_that_is_none_is_refused() {
    let folder = TempDir::new().unwrap();
    assert!(matches!(
        read_file(&folder.path().join("no.csv"), None),
        Err(IngestError::Unreadable { .. })
    ));
    assert!(matches!(read(b""), Err(IngestError::Header { .. })));
    let error = read(b"InvoiceNo,Price\n").unwrap_err().to_string();
    assert!(error.contains("lacks the column StockCode, Description, Quantity"), "{error}");
    assert!(matches!(read(b"PK\x03\x04nonsense"), Err(IngestError::Workbook { .. })));
    assert!(matches!(read(b"\x1f\x8bnonsense"), Err(IngestError::Unreadable { .. })));
}

#[test]
fn workbooks_are_read() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("lines.xlsx");
    let mut workbook = rust_xlsxwriter::Workbook::new();
    let date = rust_xlsxwriter::Format::new().set_num_format("yyyy-mm-dd hh:mm");
    for (index, invoice) in [489_434.0, 536_365.0].into_iter().enumerate() {
        let sheet = workbook.add_worksheet();
        for (column, name) in (0..).zip(Line::COLUMNS) {
            sheet.write(0, column, name).unwrap();
        }
        sheet.write(1, 0, invoice).unwrap();
        sheet.write(1, 1, "85123A").unwrap();
        sheet.write(1, 2, "LANTERN, WHITE").unwrap();
        sheet.write(1, 3, 6.0).unwrap();
        sheet.write_with_format(1, 4, 40_513.351_388_888_9, &date).unwrap();
        sheet.write(1, 5, 2.55).unwrap();
        if index == 0 {
            sheet.write(1, 6, 17850.0).unwrap();
        }
        sheet.write(1, 7, "France").unwrap();
    }
    workbook.add_worksheet().write(0, 0, "a note").unwrap();
    workbook.save(&path).unwrap();
    let (lines, rejects, _) = read_file(&path, None).unwrap();
    assert_eq!((lines.len(), rejects.len()), (2, 0));
    assert_eq!((&*lines[0].invoice_no, lines[0].customer_id.as_deref()), ("489434", Some("17850")));
    assert_eq!((&*lines[1].invoice_date, lines[1].unit_price), ("2010-12-01 08:26:00", 2.55));
    assert_eq!((lines[1].quantity, lines[1].customer_id.as_deref()), (6, None));
}

#[test]
fn the_same_content_is_the_same_input() {
    let folder = TempDir::new().unwrap();
    let source = |name: &str, text: &str, date_order| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        let input = Input::open(&InputSpec::File(path), &ReadOptions { date_order }).unwrap();
        input.source().to_owned()
    };
    let text = format!("{HEADER}{}", row("1/2/2010 8:26"));
    let first = source("a.csv", &text, None);
    assert_eq!(first, source("b.csv", &text, None));
    assert_eq!(first, source("b.csv", &text, Some(DateOrder::MonthFirst)));
    assert_ne!(first, source("b.csv", &text, Some(DateOrder::DayFirst)), "other lines");
    assert_ne!(first, source("a.csv", &format!("{text}{text}"), None));
}

#[test]
fn the_generated_stream_is_the_same_for_a_seed_and_resembles_the_real_one() {
    let csv = |lines, seed| {
        let mut bytes = Vec::new();
        write_csv(lines, seed, &mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    };
    let long = csv(50_000, 1);
    assert_eq!(long, csv(50_000, 1));
    assert!(long.starts_with(&csv(1_000, 1)), "prefix-stable");
    assert_ne!(csv(1_000, 1), csv(1_000, 2));
    assert_eq!(csv(0, 1), HEADER);
    let (lines, rejects, _) = read(long.as_bytes()).unwrap();
    assert_eq!((lines.len(), rejects.len()), (50_000, 0));
    let share = |is: fn(&Line<'_>) -> bool| {
        lines.iter().filter(|line| is(line)).count() as f64 / lines.len() as f64
    };
    let between = |low: f64, share: f64, high: f64| assert!(low < share && share < high, "{share}");
    between(0.10, share(|line| line.customer_id.is_none()), 0.35);
    between(0.005, share(|line| line.is_cancellation()), 0.04);
    between(0.8, share(|line| line.country == "United Kingdom"), 0.97);
    assert!(lines.iter().all(|line| line.is_cancellation() == (line.quantity < 0)));
    assert!(lines.is_sorted_by_key(|line| &line.invoice_date));
}

#[test]
fn the_real_data_set_is_whole_and_comes_back_byte_for_byte() {
    use std::io::Read;
    let mut input = Input::open(&InputSpec::BuiltIn, &ReadOptions::default()).unwrap();
    let mut written = Vec::new();
    write_header(&mut written);
    let (mut lines, mut anonymous, mut cancelled) = (0, 0, 0);
    while let Some(row) = input.next() {
        let Row::Line { number, line } = row.unwrap() else { panic!("a reject") };
        lines += 1;
        assert_eq!(number, lines);
        anonymous += u64::from(line.customer_id.is_none());
        cancelled += u64::from(line.is_cancellation());
        write_line(&mut written, &line);
    }
    assert_eq!((lines, anonymous, cancelled), (541_909, 135_080, 9_288));
    assert_eq!(input.line_count(), Some(lines));
    let mut original = Vec::new();
    let packed = &include_bytes!("../../data/online_retail.csv.zst")[..];
    zstd::Decoder::new(packed).unwrap().read_to_end(&mut original).unwrap();
    assert!(written == original);
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        texts in prop::collection::vec("[ -~é\"\\n,;]{0,20}", 3),
        quantity: i64,
        unit_price in -1e9..1e9_f64,
        customer in prop::option::of("[1-9][0-9]{0,6}"),
    ) {
        let line = Line {
            invoice_no: texts[0].as_str().into(),
            stock_code: texts[1].as_str().into(),
            description: texts[2].as_str().into(),
            quantity,
            invoice_date: "2010-12-01 08:26:00".into(),
            unit_price,
            customer_id: customer.map(Into::into),
            country: "France".into(),
        };
        let mut csv = Vec::new();
        write_header(&mut csv);
        write_line(&mut csv, &line);
        let mut reader = BatchReader::new(csv.as_slice(), "test").unwrap();
        prop_assert_eq!(reader.next().unwrap().unwrap(), line);
        prop_assert!(reader.next().is_none());
    }
}
