//! The module as a whole: files of every kind, and the whole real data set.

mod archives;
mod dirty;
mod files;
mod generated;
mod identities;
mod parquet;
mod pipes;
mod real;
mod workbooks;
mod xlsx;

use std::{io::Write, path::PathBuf};

use flate2::{Compression, write::GzEncoder};
use tempfile::TempDir;
use tillstream_shared::Line;

use super::{Input, InputSpec, ReadOptions, Reject, Row};

const HEADER: &str =
    "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";
/// [`lantern`] as a row.
const LANTERN: &str =
    "536365,71053,WHITE METAL LANTERN,6,2010-12-01 08:26:00,3.39,17850,United Kingdom\n";

fn gzip(content: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content.as_ref()).unwrap();
    encoder.finish().unwrap()
}

/// A file in a folder of its own, which lives as long as this.
struct TestFile {
    folder: TempDir,
    name: &'static str,
}

impl TestFile {
    fn new(name: &'static str, content: impl AsRef<[u8]>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(name), content).unwrap();
        Self { folder, name }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join(self.name)
    }

    #[track_caller]
    fn open_with(&self, options: &ReadOptions) -> Input {
        Input::open(&InputSpec::File(self.path()), options).unwrap()
    }

    #[track_caller]
    fn open(&self) -> Input {
        self.open_with(&ReadOptions::default())
    }

    /// The message of the error with which opening fails.
    #[track_caller]
    fn error(&self) -> String {
        Input::open(&InputSpec::File(self.path()), &ReadOptions::default()).unwrap_err().to_string()
    }
}

/// All rows of an input, with the lines' numbers.
#[track_caller]
fn read(mut input: Input) -> (Vec<(u64, Line<'static>)>, Vec<Reject>) {
    let (mut lines, mut rejects) = (Vec::new(), Vec::new());
    while let Some(row) = input.next() {
        match row.unwrap() {
            Row::Line { number, line } => lines.push((number, line.into_owned())),
            Row::Reject(reject) => rejects.push(reject),
            Row::Pending => {}
        }
    }
    (lines, rejects)
}

/// The lines of an input that has nothing to reject.
#[track_caller]
fn lines(input: Input) -> Vec<Line<'static>> {
    let count = input.line_count();
    let (lines, rejects) = read(input);
    assert_eq!(rejects, []);
    assert_eq!(count, Some(lines.len() as u64));
    lines.into_iter().map(|(_, line)| line).collect()
}

/// Where each reject begins, and why it is one.
fn reasons(rejects: &[Reject]) -> Vec<(u64, String)> {
    rejects.iter().map(|reject| (reject.line_in_file, reject.reason.to_string())).collect()
}

/// A line of the real data set.
fn lantern() -> Line<'static> {
    Line {
        invoice_no: "536365".into(),
        stock_code: "71053".into(),
        description: "WHITE METAL LANTERN".into(),
        quantity: 6,
        invoice_date: "2010-12-01 08:26:00".into(),
        unit_price: 3.39,
        customer_id: Some("17850".into()),
        country: "United Kingdom".into(),
    }
}
