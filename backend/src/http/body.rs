//! From the bytes of a request to the raw JSON of the fields that a route knows.
//!
//! The fields stay borrowed text, so that they can be echoed exactly as they were given, and every
//! message can name the field that is wrong.

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::{HeaderMap, StatusCode, header},
    response::IntoResponse,
};
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::ApiError;

/// The body of a request that says it is JSON or says nothing.
pub(super) struct JsonBody(Bytes);

impl<S: Send + Sync> FromRequest<S> for JsonBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            return Err(ApiError::NotJsonType);
        }
        Bytes::from_request(request, state).await.map(Self).map_err(|rejection| {
            match rejection.into_response().status() {
                StatusCode::PAYLOAD_TOO_LARGE => ApiError::TooLarge,
                _ => ApiError::UnreadableBody,
            }
        })
    }
}

/// `application/json`, `application/…+json`, with or without parameters; or no type at all.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return true };
    let Ok(value) = value.to_str() else { return false };
    let kind = value.split(';').next().unwrap_or_default().trim();
    let Some((group, name)) = kind.split_once('/') else { return false };
    let suffix = name.rsplit('+').next().unwrap_or_default();
    group.eq_ignore_ascii_case("application") && suffix.eq_ignore_ascii_case("json")
}

impl JsonBody {
    /// The raw JSON of the fields `names`; other fields are ignored.
    ///
    /// # Errors
    /// The body is no JSON object, or a field is missing, given twice, or not JSON.
    pub(super) fn fields<const N: usize>(
        &self,
        names: [&'static str; N],
    ) -> Result<Fields<'_, N>, ApiError> {
        let text = std::str::from_utf8(&self.0)
            .map_err(|_| ApiError::NotJson("it is not UTF-8".to_owned()))?;
        let mut reading = Reading { names, wrong: None };
        let mut json = serde_json::Deserializer::from_str(text);
        let read = reading.deserialize(&mut json).and_then(|raw| json.end().map(|()| raw));
        let raw = read.map_err(|error| match reading.wrong {
            Some((field, Wrong::Twice)) => ApiError::field(field, "is given twice"),
            Some((field, Wrong::NotJson)) => ApiError::field(
                field,
                format!("is not JSON ({error}); NaN and infinity are not numbers in JSON"),
            ),
            None => ApiError::NotJson(error.to_string()),
        })?;
        for (name, raw) in names.into_iter().zip(raw) {
            if raw.is_none() {
                return Err(ApiError::field(name, "is missing"));
            }
        }
        Ok(Fields { names, raw: raw.map(|raw| raw.map_or("null", RawValue::get)) })
    }
}

/// The raw JSON of each field that a route knows, in the route's order.
pub(super) struct Fields<'a, const N: usize> {
    pub(super) names: [&'static str; N],
    pub(super) raw: [&'a str; N],
}

/// What is wrong with a field, found while reading; serde's own errors cannot carry it.
enum Wrong {
    Twice,
    NotJson,
}

struct Reading<const N: usize> {
    names: [&'static str; N],
    wrong: Option<(&'static str, Wrong)>,
}

impl<'de, const N: usize> DeserializeSeed<'de> for &mut Reading<N> {
    type Value = [Option<&'de RawValue>; N];

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de, const N: usize> Visitor<'de> for &mut Reading<N> {
    type Value = [Option<&'de RawValue>; N];

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut raw = [None; N];
        while let Some(index) = map.next_key_seed(Name(&self.names))? {
            let Some(index) = index else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let name = self.names[index];
            if raw[index].is_some() {
                self.wrong = Some((name, Wrong::Twice));
                return Err(de::Error::duplicate_field(name));
            }
            match map.next_value() {
                Ok(value) => raw[index] = Some(value),
                Err(error) => {
                    self.wrong = Some((name, Wrong::NotJson));
                    return Err(error);
                }
            }
        }
        Ok(raw)
    }
}

/// Reads a key as the index of the field it names.
struct Name<'a>(&'a [&'static str]);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, key: D) -> Result<Self::Value, D::Error> {
        key.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|name| *name == key))
    }
}
