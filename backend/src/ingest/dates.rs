//! Dates in the forms that exports of the data set use, and the order of day and month.

use std::{borrow::Cow, ops::RangeInclusive};

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime};

use super::{date_format, fields::FieldError};

/// Whether `1/12/2010` is the first of December or the twelfth of January.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, strum::IntoStaticStr, strum::VariantNames,
)]
#[strum(serialize_all = "kebab-case")]
pub enum DateOrder {
    /// 1 December.
    DayFirst,
    /// 12 January.
    MonthFirst,
}

impl DateOrder {
    /// The name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The opposite.
    pub(super) const fn other(self) -> Self {
        match self {
            Self::DayFirst => Self::MonthFirst,
            Self::MonthFirst => Self::DayFirst,
        }
    }
}

/// The date and time as `YYYY-MM-DD HH:MM:SS`; a text that is so already is borrowed.
///
/// Read are `2010-12-01 08:26:00`, RFC 3339, `12/1/2010 8:26`, `01-12-2010 08:26` and
/// `01.12.2010 08:26` in the given order of day and month, each also without seconds or
/// without a time (midnight), with fractions of a second (dropped), and with AM or PM. An offset
/// from UTC is dropped: what counts is the time on the receipt. Years of two digits lie between
/// 1970 and 2069.
///
/// # Errors
/// [`FieldError::InvoiceDate`] for anything else, such as the 13th month or 29 February 2011.
pub fn normalise_date(text: &str, order: DateOrder) -> Result<Cow<'_, str>, FieldError> {
    if date_format::is_valid(text) {
        return Ok(Cow::Borrowed(text));
    }
    parse(text.trim(), order)
        .map(|date| Cow::Owned(date_format::format(date)))
        .ok_or_else(|| FieldError::InvoiceDate(text.to_owned()))
}

/// The years in which a count of milliseconds is believed. Seconds and days of these years would be milliseconds
/// before them, and so would `201012010826`; microseconds and nanoseconds would be after them.
const YEARS_OF_MILLIS: RangeInclusive<i32> = 1980..=2100;

/// The date and time, in UTC, that is `millis` milliseconds after the beginning of 1970, as
/// `YYYY-MM-DD HH:MM:SS`; `None` where that is not a year from 1980 to 2100, as it then counts something else.
#[must_use]
pub fn date_of_millis(millis: i64) -> Option<String> {
    let date = DateTime::from_timestamp_millis(millis)?.naive_utc();
    YEARS_OF_MILLIS.contains(&date.year()).then(|| date_format::format(date))
}

/// A date as three numbers, before it is known which is which.
pub(super) struct SplitDate<'a> {
    pub(super) numbers: [u32; 3],
    /// Digits of the first number.
    pub(super) first_width: usize,
    pub(super) separator: u8,
    /// What follows the date.
    rest: &'a str,
}

/// The date at the start of `text`.
pub(super) fn split(text: &str) -> Option<SplitDate<'_>> {
    let (first, first_width, rest) = number(text, 4)?;
    let separator = *rest.as_bytes().first().filter(|byte| b"-/.".contains(byte))?;
    let (second, _, rest) = number(&rest[1..], 2)?;
    let rest = rest.strip_prefix(char::from(separator))?;
    let (third, _, rest) = number(rest, 4)?;
    Some(SplitDate { numbers: [first, second, third], first_width, separator, rest })
}

/// Up to `width` digits at the start of `text`, how many they are, and the rest.
fn number(text: &str, width: usize) -> Option<(u32, usize, &str)> {
    let digits = text.bytes().take(width).take_while(u8::is_ascii_digit).count();
    let value = text[..digits].parse().ok()?;
    Some((value, digits, &text[digits..]))
}

fn parse(text: &str, order: DateOrder) -> Option<NaiveDateTime> {
    let SplitDate { numbers: [first, second, third], first_width, rest, .. } = split(text)?;
    let (year, month, day) = if first_width == 4 {
        (first, second, third)
    } else if order == DateOrder::DayFirst {
        (full_year(third), second, first)
    } else {
        (full_year(third), first, second)
    };
    let (hour, minute, second) = parse_time(rest)?;
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?
        .and_hms_opt(hour, minute, second)
}

const fn full_year(year: u32) -> u32 {
    match year {
        0..70 => 2000 + year,
        70..100 => 1900 + year,
        _ => year,
    }
}

fn parse_time(rest: &str) -> Option<(u32, u32, u32)> {
    if rest.is_empty() {
        return Some((0, 0, 0));
    }
    let (hour, _, rest) = number(rest.strip_prefix(['T', 't', ' '])?.trim_start(), 2)?;
    let (minute, _, rest) = number(rest.strip_prefix(':')?, 2)?;
    let (second, rest) = match rest.strip_prefix(':') {
        Some(seconds) => {
            let (second, _, rest) = number(seconds, 2)?;
            let rest = rest.strip_prefix('.').map_or(rest, |fraction| {
                fraction.trim_start_matches(|digit: char| digit.is_ascii_digit())
            });
            (second, rest)
        }
        None => (0, rest),
    };
    let rest = rest.trim_start();
    let hour = match (hour, rest.to_ascii_uppercase().as_str()) {
        (1..=11, "PM") => hour + 12,
        (12, "AM") => 0,
        (12, "PM") | (1..=11, "AM") => hour,
        _ if is_offset(rest) => hour,
        _ => return None,
    };
    Some((hour, minute, second))
}

/// Whether the text is empty or an offset from UTC: `Z`, `+01:00`, `-0530`.
fn is_offset(text: &str) -> bool {
    if text.is_empty() || text.eq_ignore_ascii_case("z") {
        return true;
    }
    let Some(offset) = text.strip_prefix(['+', '-']) else { return false };
    let digits = offset.bytes().filter(u8::is_ascii_digit).count();
    digits == 4 && (offset.len() == 4 || offset.len() == 5 && offset.as_bytes()[2] == b':')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(text: &str, order: DateOrder) -> Option<String> {
        normalise_date(text, order).ok().map(Cow::into_owned)
    }

    #[test]
    fn every_form_becomes_the_normal_one() {
        use DateOrder::{DayFirst, MonthFirst};
        for (text, order, expected) in [
            ("2010-12-01 08:26:00", MonthFirst, "2010-12-01 08:26:00"),
            ("2010-12-01 08:26", DayFirst, "2010-12-01 08:26:00"),
            ("2010-12-01", DayFirst, "2010-12-01 00:00:00"),
            ("2010/12/1 8:26", DayFirst, "2010-12-01 08:26:00"),
            ("12/1/2010 8:26", MonthFirst, "2010-12-01 08:26:00"),
            ("12/1/2010 8:26", DayFirst, "2010-01-12 08:26:00"),
            ("12/1/10 8:26 PM", MonthFirst, "2010-12-01 20:26:00"),
            ("12/1/2010 12:26:59 AM", MonthFirst, "2010-12-01 00:26:59"),
            ("12/1/2010 12:26 pm", MonthFirst, "2010-12-01 12:26:00"),
            ("01-12-2010 08:26", DayFirst, "2010-12-01 08:26:00"),
            ("01-12-2010 08:26", MonthFirst, "2010-01-12 08:26:00"),
            ("01.12.2010 08:26", DayFirst, "2010-12-01 08:26:00"),
            ("01.12.2010 08:26", MonthFirst, "2010-01-12 08:26:00"),
            ("2010-12-01T08:26:00Z", DayFirst, "2010-12-01 08:26:00"),
            ("2010-12-01T08:26:00+01:00", DayFirst, "2010-12-01 08:26:00"),
            ("2010-12-01t08:26:00.123456-0530", DayFirst, "2010-12-01 08:26:00"),
            (" 2010-12-01 08:26:00 ", DayFirst, "2010-12-01 08:26:00"),
            ("2012-02-29 00:00:00", DayFirst, "2012-02-29 00:00:00"),
        ] {
            assert_eq!(normal(text, order).as_deref(), Some(expected), "{text:?} {order:?}");
        }
    }

    #[test]
    fn the_normal_form_is_borrowed() {
        let date = normalise_date("2011-10-31 23:59:59", DateOrder::DayFirst).unwrap();
        assert!(matches!(date, Cow::Borrowed(_)));
    }

    #[test]
    fn dates_that_do_not_exist_are_errors() {
        for text in [
            "",
            "yesterday",
            "2010-13-01 08:26:00",
            "2010-00-01 08:26:00",
            "2011-02-29 08:26:00",
            "2011-04-31 08:26:00",
            "2010-12-00 08:26:00",
            "2010-12-01 24:00:00",
            "2010-12-01 08:60:00",
            "2010-12-01 08:26:60",
            "2010-12-01x08:26:00",
            "2010-12-01 08",
            "2010-12-01 08:26:00 in the morning",
            "2010-12-01 13:26 PM",
            "2010-12-01 08:26:00+1",
            "2010-12/01 08:26:00",
            "13/13/2010 8:26",
            "40513.35",
            "２010-12-01 08:26:00",
        ] {
            assert_eq!(normal(text, DateOrder::DayFirst), None, "{text:?}");
        }
        assert_eq!(normal("12/13/2010 8:26", DateOrder::DayFirst), None);
        assert_eq!(normal("13/12/2010 8:26", DateOrder::MonthFirst), None);
    }
}
