//! Lines as messages: what the producer writes, and all that the consumer understands.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Deserializer, de};
use tillstream_shared::Line;

use crate::ingest::fields::{parse_customer_id, parse_price, parse_quantity};

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
    /// No payload.
    #[error("the message is empty")]
    Empty,
    /// Not JSON, or a field is missing or of a wrong type.
    #[error("{0}")]
    Json(String),
}

impl From<serde_json::Error> for InvalidMessage {
    fn from(error: serde_json::Error) -> Self {
        let mut reason = error.to_string();
        reason.truncate(reason.floor_char_boundary(MAX_REASON));
        Self::Json(reason)
    }
}

/// Reads a message of any producer. Beyond what [`encode`] writes, numbers may be strings,
/// identifiers may be numbers, a CustomerID may be `17850.0`, and a missing value may be null, empty or
/// a bare `NaN`, which is not JSON but what Python writes.
///
/// # Errors
/// [`InvalidMessage`] with a reason for the dead-letter topic.
pub fn parse<'a>(
    payload: Option<&'a [u8]>,
    repaired: &'a mut Vec<u8>,
) -> Result<Line<'a>, InvalidMessage> {
    let payload = payload.filter(|payload| !payload.is_empty()).ok_or(InvalidMessage::Empty)?;
    let wire = match serde_json::from_slice::<WireLine<'a>>(payload) {
        Ok(wire) => wire,
        Err(error) => {
            if !null_for_nan(payload, repaired) {
                return Err(error.into());
            }
            serde_json::from_slice(repaired)?
        }
    };
    Ok(Line {
        invoice_no: wire.invoice_no.0,
        stock_code: wire.stock_code.0,
        description: wire.description.unwrap_or_default().0,
        quantity: wire.quantity,
        invoice_date: wire.invoice_date.0,
        unit_price: wire.unit_price,
        customer_id: wire.customer_id.0,
        country: wire.country.0,
    })
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
    invoice_date: Text<'a>,
    #[serde(alias = "Price", deserialize_with = "price")]
    unit_price: f64,
    #[serde(borrow, default, rename = "CustomerID", alias = "Customer ID")]
    customer_id: Customer<'a>,
    #[serde(borrow)]
    country: Text<'a>,
}

/// A text, possibly written as a number.
#[derive(Default)]
struct Text<'a>(Cow<'a, str>);

/// A customer's number, possibly missing in one of many ways.
#[derive(Default)]
struct Customer<'a>(Option<Cow<'a, str>>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Scalar::deserialize(deserializer)? {
            Scalar::Missing => Err(de::Error::custom("a text is null")),
            scalar => Ok(Self(scalar.into_text())),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Customer<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match Scalar::deserialize(deserializer)? {
            Scalar::Missing => None,
            Scalar::Text(Cow::Borrowed(text)) => parse_customer_id(text),
            scalar => parse_customer_id(&scalar.into_text()).map(|id| Cow::Owned(id.into_owned())),
        }))
    }
}

fn quantity<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    match Scalar::deserialize(deserializer)? {
        Scalar::Integer(quantity) => Ok(quantity),
        Scalar::Missing => Err(de::Error::custom("Quantity is null")),
        scalar => parse_quantity(&scalar.into_text())
            .map_err(|error| de::Error::custom(format_args!("Quantity: {error}"))),
    }
}

fn price<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    match Scalar::deserialize(deserializer)? {
        Scalar::Integer(price) => Ok(price as f64),
        Scalar::Number(price) => Ok(price),
        Scalar::Missing => Err(de::Error::custom("UnitPrice is null")),
        Scalar::Text(text) => parse_price(&text)
            .map_err(|error| de::Error::custom(format_args!("UnitPrice: {error}"))),
    }
}

/// Any JSON value that is neither a list nor an object nor a boolean.
enum Scalar<'a> {
    Missing,
    Integer(i64),
    Number(f64),
    Text(Cow<'a, str>),
}

impl<'a> Scalar<'a> {
    fn into_text(self) -> Cow<'a, str> {
        match self {
            Self::Missing => Cow::Borrowed(""),
            Self::Integer(number) => Cow::Owned(number.to_string()),
            Self::Number(number) => Cow::Owned(number.to_string()),
            Self::Text(text) => text,
        }
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

/// Copies `payload` to `repaired` with every bare `NaN` replaced by `null`; tells whether there was any.
fn null_for_nan(payload: &[u8], repaired: &mut Vec<u8>) -> bool {
    repaired.clear();
    let mut found = false;
    let mut in_string = false;
    let mut rest = payload;
    while let Some((&byte, after)) = rest.split_first() {
        if !in_string && rest.starts_with(b"NaN") {
            repaired.extend_from_slice(b"null");
            rest = &rest[3..];
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
mod tests {
    use super::*;

    fn line() -> Line<'static> {
        Line {
            invoice_no: "536365".into(),
            stock_code: "85123A".into(),
            description: "WHITE \"HEART\" NaN".into(),
            quantity: 6,
            invoice_date: "2010-12-01 08:26:00".into(),
            unit_price: 2.55,
            customer_id: Some("17850".into()),
            country: "United Kingdom".into(),
        }
    }

    fn parsed(json: &str) -> Result<Line<'static>, InvalidMessage> {
        parse(Some(json.as_bytes()), &mut Vec::new()).map(Line::into_owned)
    }

    #[test]
    fn what_is_sent_is_read_again() {
        let mut json = Vec::new();
        encode(&line(), &mut json);
        let json = String::from_utf8(json).unwrap();
        assert_eq!(
            json,
            r#"{"InvoiceNo":"536365","StockCode":"85123A","Description":"WHITE \"HEART\" NaN","Quantity":6,"InvoiceDate":"2010-12-01 08:26:00","UnitPrice":2.55,"CustomerID":"17850","Country":"United Kingdom"}"#
        );
        assert_eq!(parsed(&json), Ok(line()));
        let anonymous = Line { customer_id: None, ..line() };
        let mut json = Vec::new();
        encode(&anonymous, &mut json);
        let json = String::from_utf8(json).unwrap();
        assert!(json.contains(r#""CustomerID":null"#), "{json}");
        assert_eq!(parsed(&json), Ok(anonymous));
    }

    #[test]
    fn other_producers_are_understood() {
        let strings = r#"{"InvoiceNo": "536365", "StockCode": "85123A", "Description": "WHITE \"HEART\" NaN", "Quantity": "6", "InvoiceDate": "2010-12-01 08:26:00", "UnitPrice": "2.55", "CustomerID": "17850.0", "Country": "United Kingdom"}"#;
        assert_eq!(parsed(strings), Ok(line()));
        let numbers = r#"{"Invoice": 536365, "StockCode": "85123A", "Description": "WHITE \"HEART\" NaN", "Quantity": 6.0, "InvoiceDate": "2010-12-01 08:26:00", "Price": 2.55, "Customer ID": 17850.0, "Country": "United Kingdom", "Extra": 1}"#;
        assert_eq!(parsed(numbers), Ok(line()));
        let pandas = r#"{"InvoiceNo": "536365", "StockCode": 22139, "Description": NaN, "Quantity": 6, "InvoiceDate": "12/1/2010 8:26", "UnitPrice": 3, "CustomerID": NaN, "Country": "United Kingdom"}"#;
        let read = parsed(pandas).unwrap();
        assert_eq!((&*read.stock_code, &*read.description, read.unit_price), ("22139", "", 3.0));
        assert_eq!((read.customer_id, &*read.invoice_date), (None, "12/1/2010 8:26"));
        for missing in [r#""""#, "null", r#""NaN""#] {
            let json = strings.replace(r#""17850.0""#, missing);
            assert_eq!(parsed(&json).unwrap().customer_id, None, "{missing}");
        }
    }

    #[test]
    fn invalid_messages_are_refused_with_a_reason() {
        let good = r#"{"InvoiceNo":"1","StockCode":"A","Quantity":1,"InvoiceDate":"d","UnitPrice":1,"Country":"F"}"#;
        assert!(parsed(good).is_ok());
        for (from, to, reason) in [
            (good, "", "empty"),
            (good, "hello", "expected"),
            (good, "[1]", "invalid"),
            (r#""StockCode":"A","#, "", "StockCode"),
            (r#""Quantity":1"#, r#""Quantity":1.5"#, "Quantity"),
            (r#""Quantity":1"#, r#""Quantity":"many""#, "Quantity"),
            (r#""Quantity":1"#, r#""Quantity":NaN"#, "Quantity"),
            (r#""UnitPrice":1"#, r#""UnitPrice":"inf""#, "UnitPrice"),
            (r#""UnitPrice":1"#, r#""UnitPrice":true"#, "true"),
            (r#""Country":"F""#, r#""Country":null"#, "null"),
        ] {
            let error = parsed(&good.replace(from, to)).unwrap_err().to_string();
            assert!(error.contains(reason), "{to}: {error}");
        }
    }
    #[test]
    fn long_reasons_are_cut_between_characters() {
        let text = format!("\"{}\"", "ü".repeat(300_000));
        let reason = parsed(&text).unwrap_err().to_string();
        assert!((MAX_REASON - 1..=MAX_REASON).contains(&reason.len()), "{}", reason.len());
        assert!(reason.starts_with("invalid type: string \"üü"), "{}", &reason[..40]);
    }
}
