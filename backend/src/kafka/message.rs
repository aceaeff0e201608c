//! Lines as messages: what the producer writes, and all that the consumer understands.

mod dates;
mod envelope;
mod own_form;

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Deserializer, de};
use tillstream_shared::Line;

pub use self::dates::{MessageDates, MessageOptions};
use self::{dates::WireDate, envelope::Envelope};
use super::schema_frame::{BinaryFormat, Framed};
use crate::ingest::fields::{
    FieldError, is_exact_integer, is_price, is_quantity, parse_customer_id, parse_identifier,
    parse_price, parse_quantity,
};

/// Appends `line` to `buffer` as the JSON that goes over the wire: the CSV's field names, Quantity an
/// integer, UnitPrice a number, a missing CustomerID null.
pub fn encode(line: &Line<'_>, buffer: &mut Vec<u8>) {
    // Writing to memory cannot fail, and a line has no map whose keys could be wrong.
    let _ = serde_json::to_writer(buffer, line);
}

/// Bytes of a reason that are kept: the text of a JSON error may repeat the whole message.
const MAX_REASON: usize = 1024;

/// Why a message cannot be decoded as a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMessage {
    /// Not UTF-8, which JSON is.
    #[error("it is not UTF-8: {0}")]
    Utf8(#[from] std::str::Utf8Error),
    /// Not JSON, or a field is missing, of a wrong type or out of range.
    #[error("{0}")]
    Json(String),
    /// Of a schema registry, but not JSON.
    #[error(
        "it is {format} with the schema {schema_id} of a schema registry: only JSON can be read"
    )]
    Binary {
        /// The schema's id in its registry.
        schema_id: u32,
        /// Its encoding.
        format: BinaryFormat,
    },
}

impl From<serde_json::Error> for InvalidMessage {
    fn from(error: serde_json::Error) -> Self {
        Self::with_reason(&error)
    }
}

impl From<FieldError> for InvalidMessage {
    fn from(error: FieldError) -> Self {
        Self::with_reason(&error)
    }
}

impl InvalidMessage {
    fn with_reason(error: &impl fmt::Display) -> Self {
        let mut reason = error.to_string();
        reason.truncate(reason.floor_char_boundary(MAX_REASON));
        Self::Json(reason)
    }
}

/// Reads the payload of any producer's message; `repaired` is room for one that has to be changed first.
///
/// Beyond what [`encode`] writes, numbers may be texts and texts numbers, a CustomerID may be `17850.0`, a
/// date may have any form that `dates` understand, and a missing value may be null, empty or
/// what Python writes instead (`NaN`, `Infinity`), which is not JSON. Fields of other names are not looked at.
/// The frame of a schema registry is taken off JSON, and so is the
/// envelope of Kafka Connect.
///
/// # Errors
/// [`InvalidMessage`] with a reason for the dead-letter topic.
pub fn parse<'a>(
    payload: &'a [u8],
    repaired: &'a mut Vec<u8>,
    dates: &MessageDates,
) -> Result<Line<'a>, InvalidMessage> {
    match Framed::of(payload) {
        None => parse_json(payload, repaired, dates),
        Some(Framed::Json(json)) => parse_json(json, repaired, dates),
        Some(Framed::Binary { schema_id, format }) => {
            Err(InvalidMessage::Binary { schema_id, format })
        }
    }
}

fn parse_json<'a>(
    json: &'a [u8],
    repaired: &'a mut Vec<u8>,
    dates: &MessageDates,
) -> Result<Line<'a>, InvalidMessage> {
    // One look at all bytes costs less than one at each text.
    let json = std::str::from_utf8(json)?;
    let wire = match WireLine::read(json) {
        Ok(wire) => wire,
        Err(error) => {
            if !null_for_python_words(json.as_bytes(), repaired) {
                return Err(error);
            }
            WireLine::read(std::str::from_utf8(repaired)?)?
        }
    };
    let customer_id = wire.customer_id.0.map(|id| identifier("CustomerID", id)).transpose()?;
    Ok(Line {
        invoice_no: identifier("InvoiceNo", wire.invoice_no.0)?,
        stock_code: identifier("StockCode", wire.stock_code.0)?,
        description: without_nul("Description", wire.description.unwrap_or_default().0)?,
        quantity: wire.quantity,
        invoice_date: dates.normalise(wire.invoice_date)?,
        unit_price: wire.unit_price,
        customer_id,
        country: identifier("Country", wire.country.0)?,
    })
}

/// A text that names something, without the blanks around it.
fn identifier<'a>(column: &'static str, text: Cow<'a, str>) -> Result<Cow<'a, str>, FieldError> {
    let text = match without_nul(column, text)? {
        Cow::Borrowed(text) => Cow::Borrowed(parse_identifier(column, text)?),
        Cow::Owned(text) => Cow::Owned(parse_identifier(column, &text)?.to_owned()),
    };
    Ok(text)
}

fn without_nul<'a>(column: &'static str, text: Cow<'a, str>) -> Result<Cow<'a, str>, FieldError> {
    // In JSON the character is an escape sequence, and a text with one is not borrowed.
    match &text {
        Cow::Owned(owned) if owned.contains('\0') => Err(FieldError::Nul(column)),
        _ => Ok(text),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WireLine<'a> {
    #[serde(borrow, alias = "Invoice")]
    invoice_no: Text<'a>,
    #[serde(borrow)]
    stock_code: Text<'a>,
    #[serde(borrow, default)]
    description: Option<Text<'a>>,
    #[serde(deserialize_with = "quantity")]
    quantity: i64,
    #[serde(borrow)]
    invoice_date: WireDate<'a>,
    #[serde(alias = "Price", deserialize_with = "price")]
    unit_price: f64,
    #[serde(borrow, default, rename = "CustomerID", alias = "Customer ID")]
    customer_id: Customer<'a>,
    #[serde(borrow)]
    country: Text<'a>,
}

impl<'a> WireLine<'a> {
    fn read(json: &'a str) -> Result<Self, InvalidMessage> {
        if let Some(line) = own_form::read(json) {
            return Ok(line);
        }
        serde_json::from_str(json).or_else(|error| match Envelope::of(json) {
            Some(envelope) => envelope.open(),
            None => Err(error.into()),
        })
    }
}

/// A text, possibly written as a number.
#[derive(Default)]
struct Text<'a>(Cow<'a, str>);

/// A customer's number, possibly missing in one of many ways.
#[derive(Default)]
struct Customer<'a>(Option<Cow<'a, str>>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Scalar::deserialize(deserializer)?.into_text()?;
        text.map(Self).ok_or_else(|| de::Error::custom("a text is null"))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Customer<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match Scalar::deserialize(deserializer)?.into_text()? {
            None => None,
            Some(Cow::Borrowed(text)) => parse_customer_id(text),
            Some(Cow::Owned(text)) => {
                parse_customer_id(&text).map(|id| Cow::Owned(id.into_owned()))
            }
        }))
    }
}

fn quantity<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let parsed = match Scalar::deserialize(deserializer)? {
        Scalar::Integer(quantity) if is_quantity(quantity) => Ok(quantity),
        Scalar::Integer(quantity) => Err(FieldError::Quantity(quantity.to_string())),
        Scalar::Number(number) if is_exact_integer(number) => Ok(number as i64),
        Scalar::Number(number) => Err(FieldError::Quantity(number.to_string())),
        Scalar::Text(text) => parse_quantity(&text),
        Scalar::Missing => return Err(de::Error::custom("Quantity is null")),
    };
    parsed.map_err(de::Error::custom)
}

fn price<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let price = match Scalar::deserialize(deserializer)? {
        Scalar::Integer(price) => price as f64,
        Scalar::Number(price) => price,
        Scalar::Text(text) => return parse_price(&text).map_err(de::Error::custom),
        Scalar::Missing => return Err(de::Error::custom("UnitPrice is null")),
    };
    if !is_price(price) {
        return Err(de::Error::custom(FieldError::UnitPrice(price.to_string())));
    }
    Ok(price)
}

/// Any JSON value that is neither a list nor an object nor a boolean.
enum Scalar<'a> {
    Missing,
    Integer(i64),
    Number(f64),
    Text(Cow<'a, str>),
}

impl<'a> Scalar<'a> {
    /// As a text, such as an identifier; a number only where it is certain to be the one that was written.
    #[inline]
    fn into_text<E: de::Error>(self) -> Result<Option<Cow<'a, str>>, E> {
        Ok(Some(match self {
            Self::Missing => return Ok(None),
            Self::Integer(number) => Cow::Owned(number.to_string()),
            Self::Number(number) if number.fract() == 0.0 && !is_exact_integer(number) => {
                return Err(E::custom(format_args!("{number} is not exact: it has to be a text")));
            }
            Self::Number(number) => Cow::Owned(number.to_string()),
            Self::Text(text) => text,
        }))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Scalar<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Scalar<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, a number or null")
            }

            fn visit_unit<E: de::Error>(self) -> Result<Scalar<'de>, E> {
                Ok(Scalar::Missing)
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Scalar<'de>, E> {
                Ok(Scalar::Integer(number))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Scalar<'de>, E> {
                Ok(i64::try_from(number)
                    .map_or(Scalar::Text(Cow::Owned(number.to_string())), Scalar::Integer))
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Scalar<'de>, E> {
                Ok(Scalar::Number(number))
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Scalar<'de>, E> {
                Ok(Scalar::Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Scalar<'de>, E> {
                Ok(Scalar::Text(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

/// What Python writes for floating-point values that are no numbers.
const PYTHON_WORDS: [&[u8]; 3] = [b"NaN", b"Infinity", b"-Infinity"];

/// Copies `json` to `repaired` with null for each of [`PYTHON_WORDS`] outside of texts; tells whether there
/// was any.
fn null_for_python_words(json: &[u8], repaired: &mut Vec<u8>) -> bool {
    repaired.clear();
    let mut found = false;
    let mut in_string = false;
    let mut rest = json;
    while let Some((&byte, after)) = rest.split_first() {
        if !in_string
            && matches!(byte, b'N' | b'I' | b'-')
            && let Some(word) = PYTHON_WORDS.iter().find(|word| rest.starts_with(word))
        {
            repaired.extend_from_slice(b"null");
            rest = &rest[word.len()..];
            found = true;
            continue;
        }
        repaired.push(byte);
        rest = after;
        match byte {
            b'"' => in_string = !in_string,
            b'\\' if in_string => {
                if let Some((&escaped, after)) = rest.split_first() {
                    repaired.push(escaped);
                    rest = after;
                }
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests;
