//! When the line of a message was sold.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, de};

use super::Scalar;
use crate::ingest::{
    DateOrder, DateRange,
    date_range::DateBounds,
    dates::{date_of_millis, normalise_date},
    fields::{FieldError, is_exact_integer},
};

/// How the dates of a topic's messages are read.
#[derive(Debug, Clone, Copy, Default)]
pub struct MessageOptions {
    /// The order of day and month; without one, the day is first where they are separated by dots, and the month
    /// everywhere else, as the data set has it.
    pub date_order: Option<DateOrder>,
    /// The days on which lines may be.
    pub dates: DateRange,
}

/// Reads the dates of messages.
#[derive(Debug)]
pub struct MessageDates {
    order: Option<DateOrder>,
    bounds: DateBounds,
}

/// A date as a message has it: a number counts milliseconds, as Kafka Connect writes timestamps.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum WireDate<'a> {
    Text(Cow<'a, str>),
    Millis(i64),
}

impl MessageDates {
    /// Reads them in this way.
    #[must_use]
    pub fn new(options: MessageOptions) -> Self {
        Self { order: options.date_order, bounds: DateBounds::new(options.dates) }
    }

    /// The date in the form of lines.
    pub(super) fn normalise<'a>(&self, date: WireDate<'a>) -> Result<Cow<'a, str>, FieldError> {
        let normalised = match date {
            WireDate::Text(Cow::Borrowed(text)) => normalise_date(text, self.order_of(text))?,
            WireDate::Text(Cow::Owned(text)) => {
                Cow::Owned(normalise_date(&text, self.order_of(&text))?.into_owned())
            }
            WireDate::Millis(millis) => {
                Cow::Owned(date_of_millis(millis).ok_or(FieldError::Millis(millis))?)
            }
        };
        if self.bounds.admit(&normalised) {
            return Ok(normalised);
        }
        let (date, range) = (normalised.into_owned(), self.bounds.range());
        Err(FieldError::OutOfRange { date, range })
    }

    /// The order of day and month in `text`, of which a message alone does not tell.
    fn order_of(&self, text: &str) -> DateOrder {
        self.order.unwrap_or_else(|| {
            let separator = text.trim_start().bytes().find(|byte| !byte.is_ascii_digit());
            if separator == Some(b'.') { DateOrder::DayFirst } else { DateOrder::MonthFirst }
        })
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for WireDate<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Scalar::deserialize(deserializer)? {
            Scalar::Text(text) => Ok(Self::Text(text)),
            Scalar::Integer(millis) => Ok(Self::Millis(millis)),
            Scalar::Number(millis) if is_exact_integer(millis) => Ok(Self::Millis(millis as i64)),
            Scalar::Number(number) => {
                Err(de::Error::custom(FieldError::InvoiceDate(number.to_string())))
            }
            Scalar::Missing => Err(de::Error::custom("InvoiceDate is null")),
        }
    }
}
