//! The one reader for all inputs.

use std::{
    fs::File,
    io::{self, Read, Seek},
    path::Path,
};

use csv::StringRecord;
use tillstream_shared::Line;

use super::{
    IngestError, InputSpec, ReadOptions, Reject, RejectReason,
    csv_lines::write_field,
    generate::Generator,
    layout::{Columns, DATE, Layout},
    survey::{Survey, csv_cause, decoded, reader, unreadable},
    text::{BUFFER, Content, Format, Guard, Opened},
    workbook,
};

/// The real data set: UCI Online Retail; see `backend/data/NOTICE.md`.
static BUILT_IN: &[u8] = include_bytes!("../../data/online_retail.csv.zst");
/// Its lines.
const BUILT_IN_LINES: u64 = 541_909;
/// Hexadecimal digits of the hash in an input's identity.
const IDENTITY_DIGITS: usize = 32;

/// One row of an input.
#[derive(Debug, PartialEq)]
pub enum Row<'a> {
    /// A line.
    Line {
        /// The row's number among all rows of the input, lines and rejects alike, from 1. It is the
        /// same whenever the input is read, so that a reader can go on after it.
        number: u64,
        /// The line, borrowed from the input's buffer.
        line: Line<'a>,
    },
    /// An invalid row.
    Reject(Reject),
}

impl Row<'_> {
    /// The row's number, from 1.
    #[must_use]
    pub fn number(&self) -> u64 {
        match self {
            Self::Line { number, .. } | Self::Reject(Reject { number, .. }) => *number,
        }
    }
}

/// An opened input, from which the rows are taken one after the other.
pub struct Input {
    source: String,
    line_count: Option<u64>,
    date_report: Option<String>,
    rows: Rows,
}

enum Rows {
    Text(Box<TextRows>),
    Generated(Box<Generator>),
}

impl Input {
    /// Opens an input. A file is read through once, to find its identity, encoding and order of day
    /// and month, and a second time by [`Self::next`].
    ///
    /// # Errors
    /// When the file cannot be read, is damaged, or its header lacks a column.
    pub fn open(spec: &InputSpec, options: &ReadOptions) -> Result<Self, IngestError> {
        match spec {
            InputSpec::BuiltIn => Self::open_built_in(),
            InputSpec::Generated { lines, seed } => Ok(Self {
                source: format!("generate:{lines}:{seed}"),
                line_count: Some(*lines),
                date_report: None,
                rows: Rows::Generated(Box::new(Generator::new(*lines, *seed))),
            }),
            InputSpec::File(path) => Self::open_file(path, options),
        }
    }

    /// The built-in data set needs no survey: a test makes sure that what is said here is true.
    fn open_built_in() -> Result<Self, IngestError> {
        let name = InputSpec::BuiltIn.to_string();
        let columns = Columns::find(Line::COLUMNS.into_iter()).map_err(|error| {
            let missing = error.missing.join(", ");
            IngestError::Header { name: name.clone(), missing, found: error.found }
        })?;
        let layout = Layout { columns, delimiter: b',', order: super::DateOrder::DayFirst };
        let content =
            Format::Zstd.decompress(BUILT_IN).map_err(|cause| unreadable(&name, cause))?;
        Ok(Self {
            source: identity(&blake3::hash(BUILT_IN)),
            line_count: Some(BUILT_IN_LINES),
            date_report: None,
            rows: Rows::Text(Box::new(TextRows::new(content, layout, false, name)?)),
        })
    }

    fn open_file(path: &Path, options: &ReadOptions) -> Result<Self, IngestError> {
        let name = path.display().to_string();
        let failed = |cause| unreadable(&name, cause);
        let mut file = File::open(path).map_err(failed)?;
        if file.metadata().map_err(failed)?.is_dir() {
            return Err(failed(io::ErrorKind::IsADirectory.into()));
        }
        let mut head = Vec::new();
        file.by_ref().take(8).read_to_end(&mut head).map_err(failed)?;
        file.rewind().map_err(failed)?;

        let (hash, survey, content) = match Format::detect(&head) {
            Format::Ole => {
                return Err(IngestError::Unsupported {
                    name,
                    kind: "an old (.xls) or encrypted workbook",
                });
            }
            Format::Zip => {
                let mut hasher = blake3::Hasher::new();
                hasher.update_reader(&mut file).map_err(failed)?;
                file.rewind().map_err(failed)?;
                let csv = workbook::to_csv(file, &name)?;
                let content = Format::Zstd.decompress(&csv[..]).map_err(failed)?;
                let survey = Survey::of(content, &name, options.date_order)?;
                let content = Format::Zstd.decompress(io::Cursor::new(csv)).map_err(failed)?;
                (hasher.finalize(), survey, content)
            }
            format => {
                let mut stored = Hashing { inner: file, hasher: blake3::Hasher::new() };
                let content = format.decompress(&mut stored).map_err(failed)?;
                let survey = Survey::of(content, &name, options.date_order)?;
                // A decompressor may leave what follows its last frame.
                io::copy(&mut stored, &mut io::sink()).map_err(failed)?;
                let Hashing { inner: mut file, hasher } = stored;
                file.rewind().map_err(failed)?;
                (hasher.finalize(), survey, format.decompress(file).map_err(failed)?)
            }
        };
        let mut source = identity(&hash);
        if survey.dates.overridden {
            source = format!("{source}:{}", survey.dates.order.name());
        }
        let Survey { layout, latin1, crlf, rows, dates } = survey;
        let opened = Opened::new(content).map_err(failed)?;
        let content = decoded(opened.content, latin1);
        Ok(Self {
            source,
            line_count: Some(rows),
            date_report: dates.report,
            rows: Rows::Text(Box::new(TextRows::new(content, layout, crlf, name)?)),
        })
    }

    /// The identity of the input for the producer's `source` header: the same for the same content,
    /// wherever it lies. `blake3:` and 32 hexadecimal digits for a file as it is stored, with the
    /// date order behind it where that was asked for and changes the meaning; `generate:N:SEED`.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Rows in all, rejects included; `None` where that is not known before all are read.
    #[must_use]
    pub fn line_count(&self) -> Option<u64> {
        self.line_count
    }

    /// What was decided about the order of day and month, for a report to the user; `None` where
    /// there was nothing to decide, or `--date-order` has decided.
    #[must_use]
    pub fn date_report(&self) -> Option<&str> {
        self.date_report.as_deref()
    }

    /// The next row, borrowed until the next call; `None` at the end and after an error.
    #[allow(clippy::should_implement_trait, reason = "an Iterator cannot lend")]
    pub fn next(&mut self) -> Option<Result<Row<'_>, IngestError>> {
        match &mut self.rows {
            Rows::Text(rows) => rows.next(),
            Rows::Generated(generator) => {
                let number = generator.emitted() + 1;
                generator.next().map(|line| Ok(Row::Line { number, line }))
            }
        }
    }
}

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Input").field("source", &self.source).finish_non_exhaustive()
    }
}

fn identity(hash: &blake3::Hash) -> String {
    format!("blake3:{}", &hash.to_hex()[..IDENTITY_DIGITS])
}

/// Hashes what is read through it.
struct Hashing<R> {
    inner: R,
    hasher: blake3::Hasher,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(out)?;
        self.hasher.update(&out[..n]);
        Ok(n)
    }
}

/// The second reading of a file.
pub(super) struct TextRows {
    reader: csv::Reader<Guard<Content<'static>>>,
    record: StringRecord,
    layout: Layout,
    crlf: bool,
    name: String,
    number: u64,
    failed: bool,
}

impl TextRows {
    pub(super) fn new(
        content: Content<'static>,
        layout: Layout,
        crlf: bool,
        name: String,
    ) -> Result<Self, IngestError> {
        let mut reader = reader(content, layout.delimiter, crlf);
        reader.byte_headers().map_err(|error| unreadable(&name, csv_cause(error)))?;
        reader.get_mut().row_ended();
        let record = StringRecord::with_capacity(BUFFER >> 8, layout.columns.width);
        Ok(Self { reader, record, layout, crlf, name, number: 0, failed: false })
    }

    /// The date of the last row, as it stands there.
    pub(super) fn date(&self) -> Option<&str> {
        self.record.get(self.layout.columns.index(DATE))
    }

    pub(super) fn next(&mut self) -> Option<Result<Row<'_>, IngestError>> {
        if self.failed {
            return None;
        }
        match self.reader.read_record(&mut self.record) {
            Ok(true) => {}
            Ok(false) => return None,
            Err(error) => {
                self.failed = true;
                return Some(Err(unreadable(&self.name, csv_cause(error))));
            }
        }
        self.reader.get_mut().row_ended();
        self.number += 1;
        let expected = self.layout.columns.width;
        let reason = if self.record.len() == expected {
            match self.layout.line(&self.record) {
                Ok(line) => return Some(Ok(Row::Line { number: self.number, line })),
                Err(error) => error.into(),
            }
        } else {
            RejectReason::FieldCount { found: self.record.len(), expected }
        };
        Some(Ok(Row::Reject(Reject {
            number: self.number,
            line_in_file: self.line_in_file(),
            reason,
            text: self.text(),
        })))
    }

    /// Where the last record begins. The reader's own position of a record lies before the blank
    /// lines and the LF of the CR LF that precede it, so it is counted back from the record's end.
    fn line_in_file(&self) -> u64 {
        let row = self.layout.columns.row.and_then(|column| self.record.get(column));
        if let Some(row) = row.and_then(|row| row.parse().ok()) {
            return row;
        }
        let inside = self.record.as_slice().bytes().filter(|byte| *byte == b'\n').count() as u64;
        let end = self.reader.position().line() - u64::from(!self.crlf);
        end.saturating_sub(inside)
    }

    /// The last record as CSV with commas.
    fn text(&self) -> String {
        let shown = self.layout.columns.row.unwrap_or(self.record.len());
        let mut text = Vec::new();
        for (index, field) in self.record.iter().take(shown).enumerate() {
            if index > 0 {
                text.push(b',');
            }
            write_field(&mut text, field);
        }
        String::from_utf8_lossy(&text).into_owned()
    }
}
