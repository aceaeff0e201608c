//! How a record of a file becomes a line.

use std::{borrow::Cow, ops::Range};

use memchr::memchr;
use tillstream_shared::Line;

use super::{
    DateOrder, Decimal,
    date_range::DateBounds,
    dates::normalise_date,
    fields::{FieldError, parse_customer_id, parse_identifier},
    header::Columns,
};

/// Indices in [`Line::COLUMNS`].
const INVOICE_NO: usize = 0;
const STOCK_CODE: usize = 1;
pub(super) const QUANTITY: usize = 3;
pub(super) const DATE: usize = 4;
pub(super) const PRICE: usize = 5;
const CUSTOMER_ID: usize = 6;
const COUNTRY: usize = 7;

/// The fields of a record.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a> {
    pub(super) text: &'a str,
    /// Where each is in the text.
    pub(super) ranges: &'a [Range<usize>],
}

impl<'a> Fields<'a> {
    /// A field, or an empty text where there is none.
    pub(super) fn get(&self, index: usize) -> &'a str {
        self.ranges.get(index).and_then(|range| self.text.get(range.clone())).unwrap_or_default()
    }
}

/// Everything that turns the records of one file into lines.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub(super) columns: Columns,
    pub(super) delimiter: u8,
    pub(super) order: DateOrder,
    pub(super) decimal: Decimal,
    pub(super) dates: DateBounds,
}

impl Layout {
    /// The line in a record which has as many fields as the header.
    pub(super) fn line<'a>(&self, fields: Fields<'a>) -> Result<Line<'a>, FieldError> {
        let [invoice_no, stock_code, description, quantity, date, price, customer, country] =
            self.columns.indices.map(|index| fields.get(index));
        let description = if description == "#N/A" { "" } else { description };
        let identifier =
            |column, text| parse_identifier(Line::COLUMNS[column], text).map(Cow::Borrowed);
        let line = Line {
            invoice_no: identifier(INVOICE_NO, invoice_no)?,
            stock_code: identifier(STOCK_CODE, stock_code)?,
            description: Cow::Borrowed(description),
            quantity: self.decimal.quantity(quantity)?,
            invoice_date: normalise_date(date, self.order)?,
            unit_price: self.decimal.price(price)?,
            customer_id: parse_customer_id(customer),
            country: identifier(COUNTRY, country)?,
        };
        if line.customer_id.is_some() {
            identifier(CUSTOMER_ID, customer)?;
        }
        if !self.dates.admit(&line.invoice_date) {
            let (date, range) = (line.invoice_date.into_owned(), self.dates.range());
            return Err(FieldError::OutOfRange { date, range });
        }
        if memchr(0, fields.text.as_bytes()).is_some() {
            let has_nul = |column: &usize| fields.get(self.columns.index(*column)).contains('\0');
            if let Some(column) = (0..Line::COLUMNS.len()).find(has_nul) {
                return Err(FieldError::Nul(Line::COLUMNS[column]));
            }
        }
        Ok(line)
    }
}
