//! From files to lines.
//!
//! [`Input`] reads CSV (plain, gzip, zstd or zip), XLSX workbooks, the built-in data set and the
//! [`generate`]d stream, and hands out [`Row`]s: a [`Line`](tillstream_shared::Line) borrowed from
//! the record's buffer, or a [`Reject`] with the reason. [`csv_lines`] and
//! [`parquet_lines`] are the forms of batch files, [`fields`] and [`dates`] the tolerant parsers that whoever
//! reads foreign data shares.
//!
//! A file is read twice: a survey for what must be the same for all of it (identity, header, delimiter, order of
//! day and month, decimal mark, number of rows), then the rows themselves. A pipe is read once, as it arrives. Memory
//! does not grow with a CSV file; a workbook is kept as compressed CSV.
//!
//! This module must not know Kafka, batches or anything else that comes after it.

mod archive;
mod blocks;
mod code_page;
pub mod csv_lines;
pub(crate) mod date_format;
pub(crate) mod date_range;
mod date_survey;
pub mod dates;
mod decimal_survey;
mod decimals;
mod error;
mod evidence;
pub mod fields;
mod format;
pub mod generate;
mod header;
mod identity;
mod input;
mod kept;
mod layout;
pub mod parquet_lines;
mod pipe;
mod records;
mod rejects;
mod rows;
mod spec;
mod stored;
mod survey;
mod text;
mod workbook;

#[cfg(test)]
mod tests;

pub use blocks::fold_blocks;
pub use date_range::DateRange;
pub use dates::DateOrder;
pub use decimals::Decimal;
pub use error::{IngestError, RejectReason};
pub use input::{Input, Row};
pub use kept::Recognised;
pub use rejects::{Reject, RejectsWriter};
pub use spec::{InputSpec, ReadOptions};
