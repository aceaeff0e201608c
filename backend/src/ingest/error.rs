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
    #[error("cannot read the input {name}: it is {kind}; save it as .xlsx or .csv")]
    Unsupported {
        /// The file's path.
        name: String,
        /// Which kind.
        kind: &'static str,
    },
    /// The first row does not name all columns.
    #[error(
        "the input {name} lacks the column {missing}: its header must name InvoiceNo, StockCode, \
         Description, Quantity, InvoiceDate, UnitPrice, CustomerID and Country, but has: {found}"
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
    /// A row that does not end within any sensible length.
    #[error(
        "the row at line {line} of {name} is longer than {} MiB: a quotation mark is probably \
         opened there and never closed",
        super::text::MAX_ROW >> 20
    )]
    EndlessRow {
        /// The file's path.
        name: String,
        /// Where the row begins, from 1.
        line: u64,
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
    /// A field cannot be understood.
    #[error(transparent)]
    Field(#[from] FieldError),
}
