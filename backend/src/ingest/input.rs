//! The one reader for all inputs.

use std::{
    fs::File,
    io::{self, Cursor, Read},
    os::unix::fs::FileExt,
    path::Path,
    sync::Arc,
};

use bytes::Bytes;
use tillstream_shared::Line;
use uuid::Uuid;

use super::{
    DateOrder, Decimal, IngestError, InputSpec, ReadOptions, Reject,
    archive::Archive,
    date_range::DateBounds,
    format::{Format, HEAD},
    generate::Generator,
    header::Columns,
    identity::Identity,
    kept::{Kept, Recognised},
    layout::Layout,
    pipe::{Pipe, whole_lines},
    rows::TextRows,
    stored::Stored,
    survey::{Survey, header_error, unreadable},
    text::{FileReader, decode},
    workbook,
};

/// The real data set: UCI Online Retail; see `backend/data/NOTICE.md`.
static BUILT_IN: &[u8] = include_bytes!("../../data/online_retail.csv.zst");
/// Its lines.
const BUILT_IN_LINES: u64 = 541_909;
/// Its identity.
const BUILT_IN_SOURCE: &str = "blake3:f1aa2e3caa0a06a33cc341024d2ab1df:47109517:468ab454:point";

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
    /// Nothing has arrived for a moment, but more may: only from a pipe.
    Pending,
}

/// An opened input, from which the rows are taken one after the other.
pub struct Input {
    source: String,
    line_count: Option<u64>,
    notices: Vec<String>,
    kept: Option<Kept>,
    rows: Rows,
}

enum Rows {
    Text(Box<TextRows>),
    Generated(Box<Generator>),
}

impl Input {
    /// Opens an input. A file is read through once, to find its identity and how dates and numbers are to be read, and
    /// a second time by [`Self::next`]. Of a pipe the header is waited for.
    ///
    /// # Errors
    /// When the input cannot be read, is damaged, or its header lacks a column.
    pub fn open(spec: &InputSpec, options: &ReadOptions) -> Result<Self, IngestError> {
        match spec {
            InputSpec::BuiltIn => Self::open_built_in(options),
            InputSpec::Generated { lines, seed } => Ok(Self {
                source: format!("generate:{lines}:{seed}"),
                line_count: Some(*lines),
                notices: Vec::new(),
                kept: None,
                rows: Rows::Generated(Box::new(Generator::new(*lines, *seed))),
            }),
            InputSpec::StandardInput => {
                Self::open_pipe(Pipe::standard_input(), "standard input".to_owned(), options)
            }
            InputSpec::File(path) => Self::open_file(path, options),
        }
    }

    /// The built-in data set needs no survey: a test makes sure that what is said here is true.
    fn open_built_in(options: &ReadOptions) -> Result<Self, IngestError> {
        let name = InputSpec::BuiltIn.to_string();
        let columns = Columns::find(Line::COLUMNS.into_iter())
            .map_err(|missing| header_error(&name, missing))?;
        let layout = Layout {
            columns,
            delimiter: b',',
            order: DateOrder::DayFirst,
            decimal: Decimal::Point,
            dates: DateBounds::new(options.dates),
        };
        let content = Stored::Memory(Bytes::from_static(BUILT_IN));
        let text = content.open().map_err(|cause| unreadable(&name, cause))?;
        let kept = Identity::parse(BUILT_IN_SOURCE).map(|identity| Kept {
            name: name.clone(),
            identity,
            before: Some(Identity::before(&blake3::hash(BUILT_IN), None)),
            content,
            unit: 1,
        });
        Ok(Self {
            source: BUILT_IN_SOURCE.to_owned(),
            line_count: Some(BUILT_IN_LINES),
            notices: Vec::new(),
            kept,
            rows: Rows::Text(Box::new(TextRows::new(text, 1, layout, name)?)),
        })
    }

    fn open_file(path: &Path, options: &ReadOptions) -> Result<Self, IngestError> {
        let name = path.display().to_string();
        let failed = |cause| unreadable(&name, cause);
        let metadata = path.metadata().map_err(failed)?;
        if metadata.is_dir() {
            return Err(failed(io::ErrorKind::IsADirectory.into()));
        }
        if !metadata.is_file() {
            return Self::open_pipe(Pipe::named(path), name, options);
        }
        let file = Arc::new(File::open(path).map_err(failed)?);
        let mut head = [0; HEAD];
        let read = file.read_at(&mut head, 0).map_err(failed)?;
        let mut notices = Vec::new();
        // Only the text of a plain file is also what is stored.
        let (content, has_before, is_plain) = match Format::detect(&head[..read]) {
            Format::Other { kind, advice } => {
                return Err(IngestError::Unsupported { name, kind, advice });
            }
            Format::Zip => match Archive::open(&file) {
                Err(cause) => return Err(IngestError::Archive { name, cause }),
                Ok(Archive::One(entry)) => (Stored::Entry(file.clone(), entry), false, false),
                Ok(Archive::Workbook) => {
                    let (csv, dropped) = workbook::to_csv(&file, &name)?;
                    notices = dropped;
                    (Stored::Memory(csv.into()), true, false)
                }
            },
            format => (Stored::File(file.clone(), format), true, format == Format::Plain),
        };
        let survey = Survey::of(content.open().map_err(failed)?, &name, options)?;
        let stored_hash = match (has_before, is_plain) {
            (false, _) => None,
            (true, true) => Some(survey.hash),
            (true, false) => {
                let mut hasher = blake3::Hasher::new();
                hasher.update_reader(FileReader::new(file, 0)).map_err(failed)?;
                Some(hasher.finalize())
            }
        };
        let Survey { layout, header_records, encoding, rows, identity, overridden, .. } = survey;
        notices.extend(survey.notices.into_iter().chain(survey.code_page.notice()));
        // What is written to the file meanwhile is not what was looked at.
        let text = content.open().map_err(failed)?.take(identity.bytes);
        let (text, _) = decode(Box::new(text)).map_err(failed)?;
        Ok(Self {
            source: identity.to_string(),
            line_count: Some(rows),
            notices,
            kept: Some(Kept {
                name: name.clone(),
                identity,
                before: stored_hash.map(|hash| Identity::before(&hash, overridden)),
                content,
                unit: encoding.unit(),
            }),
            rows: Rows::Text(Box::new(TextRows::new(text, header_records, layout, name)?)),
        })
    }

    /// How dates and numbers are read is decided by the rows that arrive first.
    fn open_pipe(
        pipe: io::Result<Pipe>,
        name: String,
        options: &ReadOptions,
    ) -> Result<Self, IngestError> {
        let failed = |cause| unreadable(&name, cause);
        let mut pipe = pipe.map_err(failed)?;
        let head = pipe.head().map_err(failed)?;
        let whole = match whole_lines(&head) {
            0 => head.len(),
            whole => whole,
        };
        let survey = Survey::of(Box::new(Cursor::new(head[..whole].to_vec())), &name, options)?;
        let Survey { layout, header_records, .. } = survey;
        let mut notices = survey.notices;
        notices.push(format!(
            "{name} cannot be read again: its lines are not recognised when it is sent once more, and how dates and \
             numbers are read was decided by its first {} rows",
            survey.rows
        ));
        let text = Box::new(Cursor::new(head).chain(pipe));
        Ok(Self {
            source: format!("pipe:{}", Uuid::new_v4()),
            line_count: None,
            notices,
            kept: None,
            rows: Rows::Text(Box::new(TextRows::new(text, header_records, layout, name)?)),
        })
    }

    /// The identity of the input for the producer's `source` header: the same for the same content,
    /// wherever it lies and however it is compressed. `blake3:` and more for a file, `generate:N:SEED`, and another one
    /// each time for a pipe.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether the input may have been sent before.
    #[must_use]
    pub fn is_repeatable(&self) -> bool {
        self.kept.is_some() || matches!(self.rows, Rows::Generated(_))
    }

    /// Whether an input of this kind should have lines, as made-up ones need not if none are asked for.
    #[must_use]
    pub fn has_lines(&self) -> bool {
        !matches!(self.rows, Rows::Generated(_)) || self.line_count != Some(0)
    }

    /// What this input has to do with the one of that [`Self::source`].
    ///
    /// # Errors
    /// When the file cannot be read again.
    pub fn recognise(&self, source: &str) -> Result<Recognised, IngestError> {
        if source == self.source {
            return Ok(Recognised::Known);
        }
        self.kept.as_ref().map_or(Ok(Recognised::Other), |kept| kept.recognise(source))
    }

    /// Rows in all, rejects included; `None` where that is not known before all are read.
    #[must_use]
    pub fn line_count(&self) -> Option<u64> {
        self.line_count
    }

    /// What a person should know of the input, such as how ambiguous dates are read: each once. What there is to know of
    /// a pipe as a whole is known at its end.
    pub fn take_notices(&mut self) -> Vec<String> {
        let mut notices = std::mem::take(&mut self.notices);
        if let (None, Rows::Text(rows)) = (&self.kept, &mut self.rows) {
            notices.extend(rows.take_code_page().notice());
        }
        notices
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
