//! The envelope of Kafka Connect's JsonConverter: `{"schema": …, "payload": …}`.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{InvalidMessage, WireLine};

/// Fields whose value Connect may write as the bytes of a Decimal, in base64. Digits alone can be that too.
const NUMBERS: [&str; 3] = ["Quantity", "UnitPrice", "Price"];

/// An envelope that is not opened yet.
#[derive(Deserialize)]
pub(super) struct Envelope<'a> {
    #[serde(borrow)]
    schema: &'a RawValue,
    #[serde(borrow)]
    payload: &'a RawValue,
}

/// The part of a schema that is looked at; any may be missing.
#[derive(Deserialize)]
struct Schema<'a> {
    #[serde(borrow, default)]
    fields: Vec<Field<'a>>,
}

#[derive(Deserialize)]
struct Field<'a> {
    #[serde(borrow, default)]
    field: Cow<'a, str>,
    #[serde(borrow, default, rename = "type")]
    kind: Cow<'a, str>,
}

impl<'a> Envelope<'a> {
    /// `None` for what is no envelope.
    pub(super) fn of(json: &'a str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }

    /// The line in it.
    pub(super) fn open(self) -> Result<WireLine<'a>, InvalidMessage> {
        // What the payload says is tried without a schema that is null or of another shape.
        let schema = serde_json::from_str::<Schema<'_>>(self.schema.get());
        let decimal = schema.ok().and_then(|schema| {
            let is_decimal = |field: &Field<'_>| {
                field.kind == "bytes" && NUMBERS.contains(&field.field.as_ref())
            };
            schema.fields.into_iter().find(is_decimal)
        });
        if let Some(Field { field, .. }) = decimal {
            return Err(InvalidMessage::Json(format!(
                "{field} is a Decimal as bytes: it has to be a number (decimal.format=NUMERIC)"
            )));
        }
        Ok(serde_json::from_str(self.payload.get())?)
    }
}
