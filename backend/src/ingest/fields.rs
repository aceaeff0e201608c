//! Tolerant parsers for the fields of a line, for files and for messages of other producers.

use std::borrow::Cow;

/// A field that cannot be understood. The text is what was there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// Not a whole number.
    #[error("Quantity `{0}` is not a whole number")]
    Quantity(String),
    /// Not a number, or one that is not a price.
    #[error("UnitPrice `{0}` is not a number within ±2^53")]
    UnitPrice(String),
    /// Not a date and time, or one that does not exist in the file's order of day and month.
    #[error("InvoiceDate `{0}` is not a date and time such as 2010-12-01 08:26:00")]
    InvoiceDate(String),
}

/// Up to here every whole number is exact as an `f64`.
const MAX_EXACT_INTEGER: f64 = 9_007_199_254_740_992.0;

/// The customer's number without the `.0` that a detour through floating point leaves behind;
/// `None` where it is empty or one of the words for a missing value (`NaN`, `null`, `None`).
#[must_use]
pub fn parse_customer_id(text: &str) -> Option<Cow<'_, str>> {
    let text = text.trim();
    if text.is_empty() || is_missing(text) {
        return None;
    }
    Some(Cow::Borrowed(without_zero_fraction(text)))
}

/// A whole number of pieces; `6.0` and `+6` are read as 6.
///
/// # Errors
/// [`FieldError::Quantity`] for fractions, numbers beyond the exact range and anything else.
pub fn parse_quantity(text: &str) -> Result<i64, FieldError> {
    let trimmed = text.trim();
    if let Ok(quantity) = trimmed.parse() {
        return Ok(quantity);
    }
    match trimmed.parse::<f64>() {
        Ok(value) if is_exact_integer(value) => Ok(value as i64),
        _ => Err(FieldError::Quantity(text.to_owned())),
    }
}

/// Whether `value` is a whole number in the range where each has an `f64` of its own.
pub(crate) fn is_exact_integer(value: f64) -> bool {
    value.fract() == 0.0 && value.abs() <= MAX_EXACT_INTEGER
}

/// The price of one piece.
///
/// # Errors
/// [`FieldError::UnitPrice`] for NaN, what is beyond ±2^53, and anything that is not a number.
pub fn parse_price(text: &str) -> Result<f64, FieldError> {
    match text.trim().parse::<f64>() {
        Ok(price) if is_price(price) => Ok(price),
        _ => Err(FieldError::UnitPrice(text.to_owned())),
    }
}

/// Whether a line may have this price. One whose square is infinite would leave no model of all lines.
pub(crate) fn is_price(price: f64) -> bool {
    price.abs() <= MAX_EXACT_INTEGER
}

/// As [`parse_price`], for files whose columns are separated by semicolons because the comma is
/// their decimal mark.
pub(super) fn parse_price_with_comma(text: &str) -> Result<f64, FieldError> {
    if text.contains('.') || !text.contains(',') {
        return parse_price(text);
    }
    parse_price(&text.replacen(',', ".", 1)).map_err(|_| FieldError::UnitPrice(text.to_owned()))
}

fn is_missing(text: &str) -> bool {
    ["nan", "null", "none"].iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// `17850.0` → `17850`; everything else as it is.
fn without_zero_fraction(text: &str) -> &str {
    match text.split_once('.') {
        Some((whole, fraction))
            if !whole.is_empty()
                && whole.bytes().all(|byte| byte.is_ascii_digit())
                && fraction.bytes().all(|byte| byte == b'0') =>
        {
            whole
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn customer_ids_lose_the_detour_through_floating_point() {
        for (text, id) in [
            ("17850", Some("17850")),
            ("17850.0", Some("17850")),
            (" 17850.00 ", Some("17850")),
            ("17850.5", Some("17850.5")),
            ("C-17.0", Some("C-17.0")),
            (".0", Some(".0")),
            ("", None),
            ("  ", None),
            ("NaN", None),
            ("nan", None),
            ("null", None),
            ("None", None),
            ("Nanette", Some("Nanette")),
        ] {
            assert_eq!(parse_customer_id(text).as_deref(), id, "{text:?}");
        }
    }

    #[test]
    fn quantities_are_whole() {
        for (text, quantity) in [
            ("6", 6),
            ("-80995", -80_995),
            ("+3", 3),
            (" 12 ", 12),
            ("6.0", 6),
            ("-6.00", -6),
            ("1e3", 1000),
            ("9223372036854775807", i64::MAX),
        ] {
            assert_eq!(parse_quantity(text), Ok(quantity), "{text:?}");
        }
        for text in ["", "six", "6.5", "1,000", "NaN", "inf", "1e300", "9223372036854775808", "6 6"]
        {
            assert_eq!(parse_quantity(text), Err(FieldError::Quantity(text.to_owned())));
        }
    }

    #[test]
    fn prices_are_numbers_that_can_be_one() {
        for (text, price) in [
            ("2.55", 2.55),
            ("18", 18.0),
            ("0.0", 0.0),
            ("-11062.06", -11_062.06),
            (" 1e2", 100.0),
            ("-9007199254740992", -9_007_199_254_740_992.0),
        ] {
            assert_eq!(parse_price(text), Ok(price), "{text:?}");
        }
        for text in ["", "NaN", "inf", "-Infinity", "2,55", "£2.55", "1e16", "-1e308", "1e999"] {
            assert_eq!(parse_price(text), Err(FieldError::UnitPrice(text.to_owned())));
        }
    }

    #[test]
    fn a_decimal_comma_is_understood_where_it_can_only_be_one() {
        assert_eq!(parse_price_with_comma("2,55"), Ok(2.55));
        assert_eq!(parse_price_with_comma("2.55"), Ok(2.55));
        assert_eq!(parse_price_with_comma("18"), Ok(18.0));
        for text in ["1.234,56", "1,2,3", ","] {
            assert_eq!(parse_price_with_comma(text), Err(FieldError::UnitPrice(text.to_owned())));
        }
    }
}
