//! Batch files as Parquet.

use proptest::prelude::*;
use tillstream_shared::Line;

use super::files::any_line;
use crate::ingest::{
    Input, InputSpec, ReadOptions, Row,
    csv_lines::write_line,
    parquet_lines::{ParquetWriter, read_parquet},
};

fn written<'a>(lines: impl IntoIterator<Item = &'a Line<'a>>) -> Vec<u8> {
    let mut writer = ParquetWriter::new(Vec::new()).unwrap();
    lines.into_iter().for_each(|line| writer.write(line).unwrap());
    writer.finish([("topic", "retail_stream".to_owned())]).unwrap()
}

fn read(content: Vec<u8>) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let count = read_parquet(content.into(), "batch", |line| lines.push(line.clone().into_owned()));
    assert_eq!(count.unwrap(), lines.len() as u64);
    lines
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_lines_come_back(lines in proptest::collection::vec((any_line(), any::<String>()), 0..20)) {
        let with_any_text =
            |(line, text): (Line<'static>, String)| Line { description: text.into(), ..line };
        let expected: Vec<_> = lines.into_iter().map(with_any_text).collect();
        let found = read(written(&expected));
        let bits = |lines: &[Line<'_>]| lines.iter().map(|l| l.unit_price.to_bits()).collect::<Vec<_>>();
        prop_assert_eq!(bits(&found), bits(&expected));
        prop_assert_eq!(found, expected);
    }
}

#[test]
fn the_whole_real_data_set_comes_back() {
    let mut input = Input::open(&InputSpec::default(), &ReadOptions::default()).unwrap();
    let mut writer = ParquetWriter::new(Vec::new()).unwrap();
    let (mut expected, mut lines) = (blake3::Hasher::new(), 0);
    let mut row = Vec::new();
    let mut add = |hasher: &mut blake3::Hasher, line: &Line<'_>| {
        row.clear();
        write_line(&mut row, line);
        hasher.update(&row);
    };
    while let Some(read) = input.next() {
        let Row::Line { line, .. } = read.unwrap() else { continue };
        writer.write(&line).unwrap();
        add(&mut expected, &line);
        lines += 1;
    }
    let content = writer.finish([]).unwrap();
    let mut found = blake3::Hasher::new();
    let count = read_parquet(content.into(), "batch", |line| add(&mut found, line)).unwrap();
    assert_eq!((count, found.finalize()), (lines, expected.finalize()));
}

#[test]
fn a_file_of_something_else_is_refused() {
    for (content, reason) in [
        (Vec::new(), "the batch file x is not one of lines in Parquet: "),
        (b"InvoiceNo,StockCode\n536365,85123A\n".to_vec(), "Invalid Parquet file"),
    ] {
        let error = read_parquet(content.into(), "x", |_| ()).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn a_file_without_lines_has_none_and_a_date_that_does_not_exist_is_refused() {
    assert_eq!(read(written([])), []);
    let line = Line {
        invoice_no: "536365".into(),
        stock_code: "85123A".into(),
        description: "".into(),
        quantity: 1,
        invoice_date: "2010-02-30 08:26:00".into(),
        unit_price: 2.55,
        customer_id: None,
        country: "France".into(),
    };
    let error = ParquetWriter::new(Vec::new()).unwrap().write(&line).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidData, "{error}");
}
