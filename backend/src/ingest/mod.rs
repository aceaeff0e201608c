//! From files to lines.
//!
//! [`Input`] reads CSV (plain, gzip or zstd), XLSX workbooks, the built-in data set and the
//! [`generate`]d stream, and hands out [`Row`]s: a [`Line`](tillstream_shared::Line) borrowed from
//! the record's buffer, or a [`Reject`] with the reason. [`csv_lines`] and
//! [`parquet_lines`] are the forms of batch files, [`fields`] and [`dates`] the tolerant parsers that whoever
//! reads foreign data shares.
//!
//! A file is read twice: a survey for what must be the same for all of it (identity, encoding,
//! delimiter, order of day and month, number of rows), then the rows themselves. Memory does not
//! grow with a CSV file; a workbook is kept as compressed CSV.
//!
//! This module must not know Kafka, batches or anything else that comes after it.

mod blocks;
pub mod csv_lines;
pub(crate) mod date_format;
mod date_survey;
pub mod dates;
mod error;
pub mod fields;
pub mod generate;
mod input;
mod layout;
pub mod parquet_lines;
mod rejects;
mod spec;
mod survey;
mod text;
mod workbook;

#[cfg(test)]
mod tests;

pub use blocks::fold_blocks;
pub use dates::DateOrder;
pub use error::{IngestError, RejectReason};
pub use input::{Input, Row};
pub use rejects::{Reject, RejectsWriter};
pub use spec::{InputSpec, ReadOptions};
