//! Tolerant parsers for the fields of a line, for files and for messages of other producers.

use std::borrow::Cow;

use super::DateRange;

/// A field that cannot be understood. The text is what was there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// Not a whole number, or one that is out of range.
    #[error("Quantity `{0}` is not a whole number within ±2^53")]
    Quantity(String),
    /// Not a number, or one that is not a price.
    #[error("UnitPrice `{0}` is not a number within ±2^53")]
    UnitPrice(String),
    /// Not a date and time, or one that does not exist in the file's order of day and month.
    #[error("InvoiceDate `{0}` is not a date and time such as 2010-12-01 08:26:00")]
    InvoiceDate(String),
    /// A number that counts something else.
    #[error("InvoiceDate {0} is not in milliseconds since 1970, from 1980 to 2100")]
    Millis(i64),
    /// A date outside of the range in which lines may be.
    #[error(
        "InvoiceDate `{date}` is outside of {range} (--dates; without an end, up to one day ahead of now)"
    )]
    OutOfRange {
        /// The date.
        date: String,
        /// The range.
        range: DateRange,
    },
    /// What a spreadsheet writes where a formula fails.
    #[error("{column} `{value}` is the error of a spreadsheet")]
    SpreadsheetError {
        /// The column.
        column: &'static str,
        /// The error.
        value: String,
    },
    /// A text with a NUL character.
    #[error("{0} has a NUL character")]
    Nul(&'static str),
}

/// Up to here every whole number is exact as an `f64`.
const MAX_EXACT_INTEGER: f64 = 9_007_199_254_740_992.0;

/// The customer's number without the `.0` that a detour through floating point leaves behind;
/// `None` where it is empty or one of the words for a missing value (`NaN`, `NA`, `#N/A`, `null`, `None`).
#[must_use]
pub fn parse_customer_id(text: &str) -> Option<Cow<'_, str>> {
    let text = trim(text);
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
    let trimmed = trim(text);
    if let Some(quantity) = trimmed.parse().ok().filter(|quantity| is_quantity(*quantity)) {
        return Ok(quantity);
    }
    // Not through a number that may round it.
    let whole = match trimmed.split_once('.') {
        Some((whole, fraction)) if fraction.bytes().all(|byte| byte == b'0') => whole,
        _ => trimmed,
    };
    let quantity = whole.parse().ok().or_else(|| {
        let value = trimmed.parse().ok().filter(|value| is_exact_integer(*value))?;
        Some(value as i64)
    });
    quantity
        .filter(|quantity| is_quantity(*quantity))
        .ok_or_else(|| FieldError::Quantity(text.to_owned()))
}

/// Whether a line may have this quantity: models compute with its `f64`, which has to be the same number.
pub(crate) fn is_quantity(quantity: i64) -> bool {
    quantity.unsigned_abs() <= 1 << 53
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
    match trim(text).parse::<f64>() {
        Ok(price) if is_price(price) => Ok(price),
        _ => Err(FieldError::UnitPrice(text.to_owned())),
    }
}

/// Whether a line may have this price. One whose square is infinite would leave no model of all lines.
pub(crate) fn is_price(price: f64) -> bool {
    price.abs() <= MAX_EXACT_INTEGER
}

/// [`str::trim`], which looks at no characters where there is nothing to trim, as nearly always.
fn trim(text: &str) -> &str {
    let is_graphic = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_graphic);
    let bytes = text.as_bytes();
    if is_graphic(bytes.first()) && is_graphic(bytes.last()) { text } else { text.trim() }
}

fn is_missing(text: &str) -> bool {
    ["nan", "na", "n/a", "#n/a", "null", "none"].iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// What spreadsheets write where a formula fails.
const SPREADSHEET_ERRORS: [&str; 9] =
    ["#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!"];

/// A text that names something, in this column, without the blanks around it.
///
/// # Errors
/// [`FieldError::SpreadsheetError`] for what a spreadsheet writes where a formula fails.
pub fn parse_identifier<'a>(column: &'static str, text: &'a str) -> Result<&'a str, FieldError> {
    let text = trim(text);
    if text.starts_with('#') && SPREADSHEET_ERRORS.contains(&text) {
        return Err(FieldError::SpreadsheetError { column, value: text.to_owned() });
    }
    Ok(text)
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
            ("NA", None),
            ("n/a", None),
            (" #N/A ", None),
            ("NAT", Some("NAT")),
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
            ("-9007199254740992", -(1 << 53)),
        ] {
            assert_eq!(parse_quantity(text), Ok(quantity), "{text:?}");
        }
        for text in [
            "",
            "six",
            "6.5",
            "1,000",
            "NaN",
            "inf",
            "1e300",
            "9007199254740993",
            "9007199254740993.0",
            "9223372036854775807",
            "6 6",
        ] {
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
}
