//! The lines of one input, in order.

use std::{borrow::Cow, sync::Arc};

use csv::ByteRecord;
use encoding_rs::WINDOWS_1252;
use tillstream_shared::Line;

use super::{
    DateOrder, IngestError, InputSpec, ReadOptions, Reject, RejectReason,
    csv_lines::write_field,
    dates::normalise_date,
    fields::{parse_customer_id, parse_price, parse_price_with_comma, parse_quantity},
    generate::Generator,
    survey::{identity, survey},
    table::{Source, Table, is_workbook},
    workbook,
};

/// The data set Online Retail; see `backend/data/NOTICE.md`.
const BUILT_IN: &[u8] = include_bytes!("../../data/online_retail.csv.zst");
/// Its lines.
const BUILT_IN_LINES: u64 = 541_909;

/// An input that is being read.
pub struct Input {
    rows: Rows,
    source: String,
    line_count: Option<u64>,
    date_report: Option<String>,
    number: u64,
}

enum Rows {
    Generated(Box<Generator>, u64),
    Table(Box<TableRows>),
}

struct TableRows {
    table: Table,
    record: ByteRecord,
    latin: bool,
    order: DateOrder,
}

/// One row of an input.
#[derive(Debug)]
pub enum Row<'a> {
    /// A line.
    Line {
        /// Its number among all rows, lines and rejects alike, from 1.
        number: u64,
        /// The line itself.
        line: Line<'a>,
    },
    /// What is no line.
    Reject(Reject),
}

impl Input {
    /// Opens what `spec` names. A file is read once from beginning to end for this.
    ///
    /// # Errors
    /// [`IngestError`] when it cannot be read or has no fitting header.
    pub fn open(spec: &InputSpec, options: &ReadOptions) -> Result<Self, IngestError> {
        let name = spec.to_string();
        let unreadable = |cause| IngestError::Unreadable { name: name.clone(), cause };
        let source = match spec {
            InputSpec::Generated { lines, seed } => {
                return Ok(Self {
                    rows: Rows::Generated(Box::new(Generator::new(*seed)), *lines),
                    source: name,
                    line_count: Some(*lines),
                    date_report: None,
                    number: 0,
                });
            }
            InputSpec::BuiltIn => {
                let source = Source::Static(BUILT_IN);
                let table = Table::open(&source, &name)?;
                let order = DateOrder::DayFirst;
                return Ok(Self {
                    rows: Rows::Table(Box::new(TableRows::new(table, false, order))),
                    source: identity(&source, &name)?,
                    line_count: Some(BUILT_IN_LINES),
                    date_report: None,
                    number: 0,
                });
            }
            InputSpec::File(path) => Source::File(path.clone()),
        };
        let mut identity = identity(&source, &name)?;
        let source = match &source {
            Source::File(path) if is_workbook(path).map_err(unreadable)? => {
                Source::Memory(Arc::from(workbook::to_csv(path)?))
            }
            _ => source,
        };
        let survey = survey(&source, &name, options)?;
        if survey.dates.overridden {
            // The same bytes, and yet other lines.
            identity.push(':');
            identity.push_str(survey.dates.order.name());
        }
        let table = Table::open(&source, &name)?;
        Ok(Self {
            rows: Rows::Table(Box::new(TableRows::new(table, survey.latin, survey.dates.order))),
            source: identity,
            line_count: Some(survey.rows),
            date_report: survey.dates.report,
            number: 0,
        })
    }

    /// The input's identity: the same content has the same, wherever it lies.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Rows in all, lines and rejects alike, where that is known.
    #[must_use]
    pub fn line_count(&self) -> Option<u64> {
        self.line_count
    }

    /// A sentence on how the order of day and month was decided, where there was a choice.
    #[must_use]
    pub fn date_report(&self) -> Option<&str> {
        self.date_report.as_deref()
    }

    /// The next row, borrowed until the next call; `None` at the end.
    ///
    /// # Errors
    /// [`IngestError::Unreadable`] when the file cannot be read on.
    #[allow(clippy::should_implement_trait, reason = "an Iterator cannot lend")]
    pub fn next(&mut self) -> Option<Result<Row<'_>, IngestError>> {
        self.number += 1;
        let number = self.number;
        match &mut self.rows {
            Rows::Generated(generator, lines) => {
                (number <= *lines).then(|| Ok(Row::Line { number, line: generator.line() }))
            }
            Rows::Table(rows) => match rows.table.read(&mut rows.record) {
                Ok(false) => None,
                Ok(true) => Some(Ok(rows.row(number))),
                Err(error) => Some(Err(error)),
            },
        }
    }
}

impl TableRows {
    fn new(table: Table, latin: bool, order: DateOrder) -> Self {
        Self { table, record: ByteRecord::new(), latin, order }
    }

    fn row(&self, number: u64) -> Row<'_> {
        match self.line() {
            Ok(line) => Row::Line { number, line },
            Err(reason) => Row::Reject(Reject {
                number,
                line_in_file: self.record.position().map_or(0, csv::Position::line),
                reason,
                text: self.text(),
            }),
        }
    }

    fn line(&self) -> Result<Line<'_>, RejectReason> {
        if self.record.len() != self.table.columns {
            let (found, expected) = (self.record.len(), self.table.columns);
            return Err(RejectReason::FieldCount { found, expected });
        }
        let [invoice, stock, description, quantity, date, price, customer, country] =
            self.table.layout.0.map(|at| self.field(at));
        let price = if self.table.semicolons {
            parse_price_with_comma(&price)
        } else {
            parse_price(&price)
        };
        Ok(Line {
            invoice_no: invoice,
            stock_code: stock,
            description,
            quantity: parse_quantity(&quantity)?,
            invoice_date: match date {
                Cow::Borrowed(date) => normalise_date(date, self.order)?,
                Cow::Owned(date) => Cow::Owned(normalise_date(&date, self.order)?.into_owned()),
            },
            unit_price: price?,
            customer_id: match customer {
                Cow::Borrowed(id) => parse_customer_id(id),
                Cow::Owned(id) => parse_customer_id(&id).map(|id| Cow::Owned(id.into_owned())),
            },
            country,
        })
    }

    fn field(&self, at: usize) -> Cow<'_, str> {
        let bytes = self.record.get(at).unwrap_or_default();
        if self.latin {
            WINDOWS_1252.decode_without_bom_handling(bytes).0
        } else {
            String::from_utf8_lossy(bytes)
        }
    }

    /// The row as CSV again.
    fn text(&self) -> String {
        let mut text = Vec::new();
        for at in 0..self.record.len() {
            if at > 0 {
                text.push(b',');
            }
            write_field(&mut text, &self.field(at));
        }
        String::from_utf8_lossy(&text).into_owned()
    }
}
