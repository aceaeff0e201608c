//! The CSV dialect of batch files: comma, `\n`, quotes only where they are needed, as Python's
//! `csv` module writes it. What is written is read back unchanged.

use std::{
    borrow::Cow,
    fs::File,
    io::{Read, Write},
    path::Path,
};

use csv::StringRecord;
use tillstream_shared::Line;

use super::{
    IngestError,
    fields::{FieldError, parse_price},
};

/// Bytes that the reader asks for at once.
const BUFFER: usize = 128 << 10;

/// Appends the header, [`Line::COLUMNS`].
pub fn write_header(w: &mut Vec<u8>) {
    for (index, column) in Line::COLUMNS.iter().enumerate() {
        if index > 0 {
            w.push(b',');
        }
        w.extend_from_slice(column.as_bytes());
    }
    w.push(b'\n');
}

/// Appends one line. A price is written with a decimal point (`2.55`, `18.0`), a missing customer
/// as an empty field.
pub fn write_line(w: &mut Vec<u8>, line: &Line<'_>) {
    write_field(w, &line.invoice_no);
    w.push(b',');
    write_field(w, &line.stock_code);
    w.push(b',');
    write_field(w, &line.description);
    w.push(b',');
    write_number(w, &line.quantity);
    w.push(b',');
    write_field(w, &line.invoice_date);
    w.push(b',');
    write_number(w, &line.unit_price);
    w.push(b',');
    write_field(w, line.customer_id.as_deref().unwrap_or_default());
    w.push(b',');
    write_field(w, &line.country);
    w.push(b'\n');
}

/// Through serde_json, whose number formatting is several times faster than `std::fmt`.
fn write_number(w: &mut Vec<u8>, number: &impl serde::Serialize) {
    serde_json::to_writer(w, number).expect("a Vec takes every number");
}

/// Appends one field, quoted if it has to be.
pub(super) fn write_field(w: &mut Vec<u8>, field: &str) {
    // All bytes, which the compiler looks at many at a time.
    let is_special = |byte| matches!(byte, b',' | b'"' | b'\n' | b'\r');
    if !field.bytes().fold(false, |found, byte| found | is_special(byte)) {
        w.extend_from_slice(field.as_bytes());
        return;
    }
    w.push(b'"');
    for byte in field.bytes() {
        if byte == b'"' {
            w.push(b'"');
        }
        w.push(byte);
    }
    w.push(b'"');
}

/// Reads the lines of a batch file.
#[derive(Debug)]
pub struct BatchReader<R> {
    reader: csv::Reader<R>,
    record: StringRecord,
    name: String,
    failed: bool,
}

impl BatchReader<File> {
    /// Opens the batch file at `path`.
    ///
    /// # Errors
    /// When it cannot be read, or does not begin with the header of a batch file.
    pub fn open(path: &Path) -> Result<Self, IngestError> {
        let name = path.display().to_string();
        match File::open(path) {
            Ok(file) => Self::new(file, name),
            Err(cause) => Err(IngestError::UnreadableBatch { name, cause }),
        }
    }
}

impl<R: Read> BatchReader<R> {
    /// Reads from `input`, which messages call `name`.
    ///
    /// # Errors
    /// When it cannot be read, or does not begin with the header of a batch file.
    pub fn new(input: R, name: impl Into<String>) -> Result<Self, IngestError> {
        let mut reader =
            csv::ReaderBuilder::new().buffer_capacity(BUFFER).flexible(true).from_reader(input);
        let name = name.into();
        let damaged = |cause: String| IngestError::Batch { name: name.clone(), line: 1, cause };
        let header = reader.headers().map_err(|error| damaged(error.to_string()))?;
        if *header != Line::COLUMNS[..] {
            return Err(damaged(format!("the header is not {}", Line::COLUMNS.join(","))));
        }
        Ok(Self { reader, record: StringRecord::new(), name, failed: false })
    }

    /// The next line, borrowed until the next call; `None` at the end and after an error.
    #[allow(clippy::should_implement_trait, reason = "an Iterator cannot lend")]
    pub fn next(&mut self) -> Option<Result<Line<'_>, IngestError>> {
        if self.failed {
            return None;
        }
        let cause = match self.reader.read_record(&mut self.record) {
            Ok(false) => return None,
            Ok(true) => match batch_line(&self.record) {
                Ok(line) => return Some(Ok(line)),
                Err(cause) => cause,
            },
            Err(error) => error.to_string(),
        };
        self.failed = true;
        let line = self.record.position().map_or(0, csv::Position::line);
        Some(Err(IngestError::Batch { name: self.name.clone(), line, cause }))
    }
}

fn batch_line(record: &StringRecord) -> Result<Line<'_>, String> {
    let mut fields = record.iter();
    let [
        Some(invoice_no),
        Some(stock_code),
        Some(description),
        Some(quantity),
        Some(invoice_date),
        Some(unit_price),
        Some(customer_id),
        Some(country),
        None,
    ] = std::array::from_fn(|_| fields.next())
    else {
        return Err(format!("{} fields instead of {}", record.len(), Line::COLUMNS.len()));
    };
    Ok(Line {
        invoice_no: Cow::Borrowed(invoice_no),
        stock_code: Cow::Borrowed(stock_code),
        description: Cow::Borrowed(description),
        quantity: quantity
            .parse()
            .map_err(|_| FieldError::Quantity(quantity.to_owned()).to_string())?,
        invoice_date: Cow::Borrowed(invoice_date),
        unit_price: parse_price(unit_price).map_err(|error| error.to_string())?,
        customer_id: (!customer_id.is_empty()).then_some(Cow::Borrowed(customer_id)),
        country: Cow::Borrowed(country),
    })
}

/// Writes lines as a file in this dialect, with the header.
///
/// # Errors
/// Whatever `out` reports.
pub(super) fn write_all(
    out: &mut impl Write,
    mut each: impl FnMut(&mut Vec<u8>) -> bool,
) -> std::io::Result<()> {
    let mut buffer = Vec::with_capacity(BUFFER + 1024);
    write_header(&mut buffer);
    while each(&mut buffer) {
        if buffer.len() >= BUFFER {
            out.write_all(&buffer)?;
            buffer.clear();
        }
    }
    out.write_all(&buffer)?;
    out.flush()
}
