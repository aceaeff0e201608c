//! Bodies: JSON objects whose fields keep the text that they came in.

use std::fmt;

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::{StatusCode, header},
};
use serde::de::{self, DeserializeOwned, DeserializeSeed, MapAccess};
use serde_json::value::RawValue;
use tillstream_shared::{Assignment, Entity, Excluded, Model, ModelRef};

use super::error::ApiError;

/// A body that is meant as JSON. A missing content type is taken for JSON.
pub(super) struct JsonBody(Bytes);

impl<S: Send + Sync> FromRequest<S> for JsonBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let content_type = request.headers().get(header::CONTENT_TYPE);
        let is_json = content_type.is_none_or(|value| {
            let essence = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
            let essence = essence.trim().to_ascii_lowercase();
            essence == "application/json" || essence.ends_with("+json")
        });
        if !is_json {
            return Err(ApiError::NotJson);
        }
        match Bytes::from_request(request, state).await {
            Ok(bytes) => Ok(Self(bytes)),
            Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                Err(ApiError::TooLarge)
            }
            Err(rejection) => Err(ApiError::Invalid(rejection.body_text())),
        }
    }
}

impl JsonBody {
    /// The fields called `names`, in that order. Other fields are ignored.
    ///
    /// # Errors
    /// [`ApiError::Invalid`] for what is no JSON object, and for a field that is missing or there twice.
    pub(super) fn fields<const N: usize>(
        &self,
        names: [&'static str; N],
    ) -> Result<[Field<'_>; N], ApiError> {
        let mut keys = Names { names, wrong: None };
        let mut json = serde_json::Deserializer::from_slice(&self.0);
        let found = keys.deserialize(&mut json).and_then(|found| json.end().map(|()| found));
        let found = found.map_err(|error| match keys.wrong {
            Some((name, Wrong::Twice)) => ApiError::field(name, "is there twice"),
            Some((name, Wrong::NotJson)) if self.not_finite(&error) => {
                ApiError::field(name, "must be a finite number")
            }
            Some((name, Wrong::NotJson)) => ApiError::field(name, format!("is not JSON: {error}")),
            None if error.is_data() => ApiError::Invalid(error.to_string()),
            None => ApiError::Invalid(format!("the body is not JSON: {error}")),
        })?;
        let mut fields = names.map(|name| Field { name, raw: RawValue::NULL });
        for (field, raw) in fields.iter_mut().zip(found) {
            field.raw = raw.ok_or_else(|| ApiError::field(field.name, "is missing"))?;
        }
        Ok(fields)
    }

    /// All of the body.
    ///
    /// # Errors
    /// [`ApiError::Invalid`] for what is no JSON, or not of this type.
    pub(super) fn parse<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        serde_json::from_slice(&self.0).map_err(|error| ApiError::Invalid(error.to_string()))
    }

    /// Whether `error` is about a NaN or Infinity, as Python writes them.
    fn not_finite(&self, error: &serde_json::Error) -> bool {
        let is_word = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b'-';
        // Lines and columns are counted from 1, columns in bytes.
        let line = self.0.split(|byte| *byte == b'\n').nth(error.line().saturating_sub(1));
        let line = line.unwrap_or_default();
        let at = error.column().saturating_sub(1).min(line.len());
        let before = line[..at].iter().rev().take_while(|byte| is_word(byte)).count();
        let after = line[at..].iter().take_while(|byte| is_word(byte)).count();
        let word = line[at - before..at + after].trim_ascii();
        let word = word.strip_prefix(b"-").unwrap_or(word);
        word.eq_ignore_ascii_case(b"NaN") || word.eq_ignore_ascii_case(b"Infinity")
    }
}

/// One field of a body, its text unchanged.
#[derive(Clone, Copy)]
pub(super) struct Field<'a> {
    /// Its name.
    pub(super) name: &'static str,
    /// Its value, as it came.
    pub(super) raw: &'a RawValue,
}

impl Field<'_> {
    fn json(&self) -> &str {
        self.raw.get()
    }

    fn is_number(&self) -> bool {
        self.json().starts_with(|c: char| c == '-' || c.is_ascii_digit())
    }

    fn is_whole(&self) -> bool {
        let json = self.json();
        json.strip_prefix('-').unwrap_or(json).bytes().all(|byte| byte.is_ascii_digit())
    }

    fn is_text(&self) -> bool {
        self.json().starts_with('"')
    }

    fn refuse<T>(&self, reason: &str) -> Result<T, ApiError> {
        Err(ApiError::field(self.name, reason))
    }

    /// A finite number.
    pub(super) fn number(&self) -> Result<f64, ApiError> {
        match self.json().parse::<f64>() {
            Ok(number) if self.is_number() && number.is_finite() => Ok(number),
            Ok(_) if self.is_number() => self.refuse("must be a finite number"),
            _ => self.refuse("must be a number"),
        }
    }

    /// A text that is not empty.
    pub(super) fn text(&self) -> Result<String, ApiError> {
        match serde_json::from_str::<String>(self.json()) {
            Ok(text) if text.trim().is_empty() => self.refuse("must not be empty"),
            Ok(text) => Ok(text),
            Err(_) => self.refuse("must be a text"),
        }
    }

    /// An identifier of `entity`: a text, and for customers a number or a text of digits.
    pub(super) fn id(&self, entity: Entity) -> Result<String, ApiError> {
        if entity != Entity::Customer {
            return self.text();
        }
        if self.is_number() {
            self.number()?;
            return Ok(self.json().to_owned());
        }
        match self.is_text().then(|| self.text()).transpose()? {
            Some(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => Ok(text),
            _ => self.refuse("must be a number or a text of digits"),
        }
    }

    /// The model that is asked: a number or an alias, as number or text.
    pub(super) fn model(&self) -> Result<ModelRef, ApiError> {
        match serde_json::from_str(self.json()) {
            Ok(model) => Ok(model),
            // Of the right type, and still not the number or alias of any model.
            Err(_) if self.is_text() || self.is_whole() => Err(ApiError::ModelNotFound),
            Err(_) => self.refuse("must be a model number, `latest`, `all`, `live` or `champion`"),
        }
    }
}

/// The cluster of a line; `fields` are the request's names of its quantity and price.
pub(super) fn assign(
    model: &Model,
    fields: [&'static str; 2],
    line: [f64; 2],
) -> Result<Assignment, ApiError> {
    let refuse =
        |error: Excluded| ApiError::field(fields[error.feature().min(fields.len() - 1)], error);
    // Every distance counts: where only some are infinite, the nearest is not known either.
    if model.distances(&line).map_err(refuse)?.all(f64::is_finite) {
        return model.assign(&line).map_err(refuse);
    }
    let larger = usize::from(line[1].abs() > line[0].abs());
    Err(ApiError::field(fields[larger], "is too large for this model"))
}

/// What is wrong with a field, found while reading; serde's own errors cannot carry its name.
enum Wrong {
    Twice,
    NotJson,
}

/// Collects the values of the named keys.
struct Names<const N: usize> {
    names: [&'static str; N],
    wrong: Option<(&'static str, Wrong)>,
}

impl<'de, const N: usize> DeserializeSeed<'de> for &mut Names<N> {
    type Value = [Option<&'de RawValue>; N];

    fn deserialize<D: de::Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de, const N: usize> de::Visitor<'de> for &mut Names<N> {
    type Value = [Option<&'de RawValue>; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = [None; N];
        while let Some(at) = map.next_key_seed(Position(&self.names))? {
            let Some(at) = at else {
                map.next_value::<de::IgnoredAny>()?;
                continue;
            };
            let value = map.next_value().inspect_err(|_| {
                self.wrong = Some((self.names[at], Wrong::NotJson));
            })?;
            if found[at].replace(value).is_some() {
                self.wrong = Some((self.names[at], Wrong::Twice));
                return Err(de::Error::duplicate_field(self.names[at]));
            }
        }
        Ok(found)
    }
}

/// Reads a key as its position among the names, without copying it.
struct Position<'a>(&'a [&'static str]);

impl<'de> DeserializeSeed<'de> for Position<'_> {
    type Value = Option<usize>;

    fn deserialize<D: de::Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_str(self)
    }
}

impl de::Visitor<'_> for Position<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|name| *name == key))
    }
}
