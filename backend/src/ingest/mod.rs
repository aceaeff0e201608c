//! From files to lines.
//!
//! [`Input`] reads CSV (plain, gzip or zstd), XLSX workbooks, the built-in data set and the generated
//! stream, and hands out [`Row`]s: a line borrowed from the record's buffer, or a [`Reject`] with the
//! reason. The same CSV dialect serves batch files ([`write_line`], [`BatchReader`]), and the
//! tolerant parsers of single fields serve whoever reads foreign data.
//!
//! A file is read twice: a survey for what must be the same for all of it (identity, encoding,
//! delimiter, order of day and month, number of rows), then the rows themselves. Memory does not
//! grow with a CSV file; a workbook is kept as CSV.

mod csv_lines;
mod dates;
mod error;
mod fields;
mod generate;
mod input;
mod layout;
mod rejects;
mod spec;
mod survey;
mod table;
mod workbook;

#[cfg(test)]
mod tests;

pub use csv_lines::{BatchReader, write_header, write_line};
pub use dates::DateOrder;
pub use error::{IngestError, RejectReason};
pub use fields::{FieldError, parse_customer_id, parse_price, parse_quantity};
pub use generate::write_csv;
pub use input::{Input, Row};
pub use rejects::{Reject, RejectsWriter};
pub use spec::{InputSpec, ReadOptions};
