//! What both prediction routes read from a request: model, identifier, quantity and price.

use std::borrow::Cow;

use tillstream_shared::{Assignment, Entity, Excluded, Model, ModelRef};

use super::ApiError;

/// A finite JSON number; a number in quotes is not one.
pub(super) fn number(field: &'static str, raw: &str) -> Result<f64, ApiError> {
    if !is_number(raw) {
        return Err(wrong_type(field, "a number", raw));
    }
    // JSON's numbers are a part of what Rust reads, and Rust rounds correctly.
    let value: f64 = raw.parse().map_err(|_| wrong_type(field, "a number", raw))?;
    if !value.is_finite() {
        return Err(ApiError::field(field, "must be a finite number"));
    }
    Ok(value)
}

/// Text without escapes; borrowed where the request has none.
pub(super) fn text<'a>(
    field: &'static str,
    expected: &'static str,
    raw: &'a str,
) -> Result<Cow<'a, str>, ApiError> {
    /// `Cow` itself would always be owned.
    #[derive(serde::Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

    if !raw.starts_with('"') {
        return Err(wrong_type(field, expected, raw));
    }
    match serde_json::from_str(raw) {
        Ok(Text(text)) => Ok(text),
        Err(_) => Err(ApiError::field(field, "is not valid text")),
    }
}

/// The identifier of a customer (a number or a string of digits), product or country (a string).
pub(super) fn identifier<'a>(
    entity: Entity,
    field: &'static str,
    raw: &'a str,
) -> Result<Cow<'a, str>, ApiError> {
    const CUSTOMER: &str = "a number or a string of digits";

    if entity == Entity::Customer {
        if is_number(raw) {
            number(field, raw)?;
            return Ok(Cow::Borrowed(raw));
        }
        let id = text(field, CUSTOMER, raw)?;
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(wrong_type(field, CUSTOMER, raw));
        }
        return Ok(id);
    }
    let id = text(field, "a string", raw)?;
    if id.trim().is_empty() {
        return Err(ApiError::field(field, "must not be empty"));
    }
    Ok(id)
}

/// A number or an alias, in quotes or not. A whole number that no model can have is as good as one
/// that no model has: `None`.
pub(super) fn model_ref(field: &'static str, raw: &str) -> Result<Option<ModelRef>, ApiError> {
    const EXPECTED: &str = "a model number, `latest` or `all`";

    let name = if is_number(raw) { Cow::Borrowed(raw) } else { text(field, EXPECTED, raw)? };
    let name = name.trim();
    match name.parse() {
        Ok(model) => Ok(Some(model)),
        Err(_) if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit()) => Ok(None),
        Err(_) => Err(wrong_type(field, EXPECTED, raw)),
    }
}

/// The cluster of a line; `fields` are the request's names for quantity and price.
pub(super) fn assign(
    model: &Model,
    fields: [&'static str; 2],
    values: [f64; 2],
) -> Result<Assignment, ApiError> {
    if model.features.len() != values.len() {
        return Err(ApiError::internal("the model is not one of quantity and price"));
    }
    let assignment = model.assign(&values).map_err(|error| excluded(fields, error))?;
    if !assignment.distance.is_finite() {
        let largest = usize::from(values[1].abs() > values[0].abs());
        return Err(ApiError::field(fields[largest], "is too large for this model"));
    }
    Ok(assignment)
}

fn excluded(fields: [&'static str; 2], error: Excluded) -> ApiError {
    let field = fields[error.feature().min(fields.len() - 1)];
    ApiError::field(field, error.to_string())
}

fn is_number(raw: &str) -> bool {
    raw.starts_with(|first: char| first == '-' || first.is_ascii_digit())
}

fn wrong_type(field: &'static str, expected: &str, raw: &str) -> ApiError {
    /// Enough to recognise what was sent.
    const SHOWN: usize = 40;

    let given: String = raw.chars().take(SHOWN).collect();
    let more = if given.len() < raw.len() { "…" } else { "" };
    ApiError::field(field, format!("must be {expected}, not {given}{more}"))
}
