//! Bodies: JSON objects whose fields keep the text that they came in.

use std::fmt;

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::{StatusCode, header},
};
use serde::de::{self, DeserializeSeed, MapAccess};
use serde_json::value::RawValue;
use tillstream_shared::{Entity, Excluded, Model, ModelRef};

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
        let mut deserializer = serde_json::Deserializer::from_slice(&self.0);
        let found = Names(names)
            .deserialize(&mut deserializer)
            .and_then(|found| deserializer.end().map(|()| found))
            .map_err(|error| self.explain(&error))?;
        let mut fields = names.map(|name| Field { name, raw: RawValue::NULL });
        for (field, raw) in fields.iter_mut().zip(found) {
            field.raw = raw.ok_or_else(|| ApiError::field(field.name, "is missing"))?;
        }
        Ok(fields)
    }

    /// Python writes NaN and Infinity, which are not JSON: say which field, as for any wrong value.
    fn explain(&self, error: &serde_json::Error) -> ApiError {
        if error.is_data() {
            return ApiError::Invalid(error.to_string());
        }
        let text = String::from_utf8_lossy(&self.0);
        let line = text.lines().nth(error.line().saturating_sub(1)).unwrap_or_default();
        let before: String = line.chars().take(error.column()).collect();
        let key = before.rsplit_once(':').and_then(|(key, value)| {
            let value = value.trim_start().trim_start_matches('-');
            let is_number =
                ["NaN", "Infinity"].iter().any(|n| !value.is_empty() && n.starts_with(value));
            let key = key.trim_end().strip_suffix('"')?.rsplit('"').next()?;
            is_number.then(|| key.to_owned())
        });
        match key {
            Some(key) => ApiError::field(&key, "must be a finite number"),
            None => ApiError::Invalid(format!("the body is not JSON: {error}")),
        }
    }
}

/// One field of a body, its text unchanged.
#[derive(Clone, Copy)]
pub(super) struct Field<'a> {
    /// Its name.
    pub(super) name: &'static str,
    raw: &'a RawValue,
}

impl Field<'_> {
    /// The text of its value, as it came.
    pub(super) fn json(&self) -> &str {
        self.raw.get()
    }

    fn is_number(&self) -> bool {
        self.json().starts_with(|c: char| c == '-' || c.is_ascii_digit())
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
            Err(_) if self.is_text() || self.json().parse::<i64>().is_ok() => {
                Err(ApiError::ModelNotFound)
            }
            Err(_) => self.refuse("must be a model number, `latest` or `all`"),
        }
    }
}

/// The answer to a point that the model does not admit.
pub(super) fn excluded(model: &Model, excluded: &Excluded, fields: [&str; 2]) -> ApiError {
    let name = fields.get(excluded.feature()).copied();
    let feature = model.features.get(excluded.feature()).map_or("a feature", String::as_str);
    ApiError::field(name.unwrap_or(feature), excluded)
}

/// Collects the values of the named keys.
struct Names<const N: usize>([&'static str; N]);

impl<'de, const N: usize> DeserializeSeed<'de> for Names<N> {
    type Value = [Option<&'de RawValue>; N];

    fn deserialize<D: de::Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de, const N: usize> de::Visitor<'de> for Names<N> {
    type Value = [Option<&'de RawValue>; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = [None; N];
        while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            let value = map.next_value::<&RawValue>()?;
            if let Some(at) = self.0.iter().position(|name| **name == *key)
                && found[at].replace(value).is_some()
            {
                return Err(de::Error::custom(format_args!("`{key}` is there twice")));
            }
        }
        Ok(found)
    }
}
