//! The whole real data set.

use super::{TestFile, read};
use crate::ingest::{
    Input, InputSpec, ReadOptions, Row,
    csv_lines::{BatchReader, write_header, write_line},
};

fn open() -> Input {
    Input::open(&InputSpec::default(), &ReadOptions::default()).unwrap()
}

#[test]
fn every_line_is_read_and_written_back_byte_by_byte() {
    let stored = include_bytes!("../../../data/online_retail.csv.zst");
    let original = zstd::decode_all(&stored[..]).unwrap();
    let mut input = open();
    assert_eq!(input.line_count(), Some(541_909));
    assert_eq!(input.take_notices(), Vec::<String>::new());

    let mut written = Vec::with_capacity(original.len());
    write_header(&mut written);
    let (mut lines, mut anonymous, mut cancellations) = (0, 0, 0);
    while let Some(row) = input.next() {
        match row.unwrap() {
            Row::Line { number, line } => {
                lines += 1;
                assert_eq!(number, lines);
                anonymous += u64::from(line.customer_id.is_none());
                cancellations += u64::from(line.is_cancellation());
                write_line(&mut written, &line);
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((lines, anonymous, cancellations), (541_909, 135_080, 9_288));
    // Not assert_eq!, which would print 47 MB.
    assert!(written == original, "what is written differs from what was read");

    let mut reader = BatchReader::new(&written[..], "all").unwrap();
    let mut again = Vec::with_capacity(original.len());
    write_header(&mut again);
    while let Some(line) = reader.next() {
        write_line(&mut again, &line.unwrap());
    }
    assert!(again == original, "what is read from a batch differs from what was written");
}

#[test]
fn the_same_content_has_the_same_identity_as_a_file() {
    let file = TestFile::new("x", include_bytes!("../../../data/online_retail.csv.zst"));
    let input = file.open();
    assert_eq!(input.source(), open().source());
    assert_eq!(input.line_count(), open().line_count());
    assert!(read(input) == read(open()));
}
