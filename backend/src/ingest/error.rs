//! What can be wrong with an input as a whole, and with one of its rows.

use std::io;

use super::fields::FieldError;

/// An input that cannot be read (on).
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// `--input` is neither a path nor a valid `generate:N[:SEED]`.
    #[error(
        "`{0}` is not an input: give the path of a file, `generate:N` or `generate:N:SEED` with whole \
         numbers"
    )]
    Spec(String),
    /// The file is not there, may not be read, or is damaged.
    #[error("cannot read the input {name}: {cause}; check --input, and that the file is whole")]
    Unreadable {
        /// The file's path.
        name: String,
        /// What the file system or the decompressor says.
        cause: io::Error,
    },
    /// The file is of a kind that is not read.
    #[error("cannot read the input {name}: it is {kind}; {advice}")]
    Unsupported {
        /// The file's path.
        name: String,
        /// Which kind.
        kind: &'static str,
        /// What to do about it.
        advice: &'static str,
    },
    /// The file is a zip archive, and not one of a single file that can be read.
    #[error("cannot read the input {name}: it {cause}")]
    Archive {
        /// The file's path.
        name: String,
        /// What it is.
        cause: String,
    },
    /// None of the first rows names all columns.
    #[error(
        "the input {name} lacks the column {missing}: one of its first {} rows must name InvoiceNo, StockCode, \
         Description, Quantity, InvoiceDate, UnitPrice, CustomerID and Country, but the closest has: {found}",
        super::header::HEADER_ROWS
    )]
    Header {
        /// The file's path.
        name: String,
        /// The columns that are missing.
        missing: String,
        /// The columns that are there.
        found: String,
    },
    /// The workbook cannot be opened, or none of its sheets has a fitting header.
    #[error("cannot read the workbook {name}: {cause}")]
    Workbook {
        /// The file's path.
        name: String,
        /// What is wrong with it.
        cause: String,
    },
    /// A batch file cannot be opened.
    #[error("cannot open the batch file {name}: {cause}")]
    UnreadableBatch {
        /// The file's path.
        name: String,
        /// What the file system says.
        cause: io::Error,
    },
    /// A batch file that is not as [`super::csv_lines::write_line`] wrote it.
    #[error("the batch file {name} is damaged at line {line}: {cause}")]
    Batch {
        /// The file's path.
        name: String,
        /// Where, from 1.
        line: u64,
        /// What is wrong there.
        cause: String,
    },
    /// A batch file that is not as [`super::parquet_lines::ParquetWriter`] wrote it.
    #[error("the batch file {name} is not one of lines in Parquet: {cause}")]
    Parquet {
        /// The file's path.
        name: String,
        /// What is wrong.
        cause: String,
    },
}

/// Why a row is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RejectReason {
    /// More or fewer fields than the header.
    #[error("{found} fields instead of {expected}")]
    FieldCount {
        /// Fields of the row.
        found: usize,
        /// Columns of the header.
        expected: usize,
    },
    /// A quotation mark without its other half.
    #[error("a quotation mark is opened and not closed")]
    Unclosed,
    /// A row that is too long.
    #[error("the row has {0} bytes: more than {max}", max = super::records::MAX_ROW)]
    TooLong(u64),
    /// A field cannot be understood.
    #[error(transparent)]
    Field(#[from] FieldError),
}
