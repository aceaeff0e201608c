//! The time of a receipt as a number.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// Seconds of a day.
pub(super) const DAY: i64 = 86_400;

/// Seconds from 1970 to the local time `YYYY-MM-DD HH:MM:SS`; `None` for any other text and for
/// times that do not exist.
pub(super) fn seconds(date: &str) -> Option<i64> {
    let text: &[u8; 19] = date.as_bytes().try_into().ok()?;
    let [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1, b' ', h0, h1, b':', i0, i1, b':', s0, s1] =
        *text
    else {
        return None;
    };
    let number = |digits: &[u8]| {
        digits.iter().try_fold(0, |number, digit| {
            digit.is_ascii_digit().then(|| number * 10 + u32::from(digit - b'0'))
        })
    };
    let year = i32::try_from(number(&[y0, y1, y2, y3])?).ok()?;
    let day = NaiveDate::from_ymd_opt(year, number(&[m0, m1])?, number(&[d0, d1])?)?;
    let time = day.and_hms_opt(number(&[h0, h1])?, number(&[i0, i1])?, number(&[s0, s1])?)?;
    Some(time.and_utc().timestamp())
}

/// From one time to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Span {
    /// The earliest, in seconds from 1970.
    pub(super) first: i64,
    /// The latest.
    pub(super) last: i64,
}

impl Span {
    /// A single time.
    pub(super) fn at(time: i64) -> Self {
        Self { first: time, last: time }
    }

    /// The span that holds both.
    pub(super) fn join(left: Option<Self>, right: Option<Self>) -> Option<Self> {
        let (Some(a), Some(b)) = (left, right) else { return left.or(right) };
        Some(Self { first: a.first.min(b.first), last: a.last.max(b.last) })
    }
}

/// Days from one time to another, with fractions.
pub(super) fn days(from: i64, to: i64) -> f64 {
    (to - from) as f64 / DAY as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_counted_in_seconds() {
        for (date, expected) in [
            ("1970-01-01 00:00:00", Some(0)),
            ("1969-12-31 23:59:59", Some(-1)),
            ("2011-12-09 12:50:00", Some(1_323_435_000)),
            ("2012-02-29 00:00:01", Some(1_330_473_601)),
            ("2011-02-29 00:00:00", None),
            ("2011-13-01 00:00:00", None),
            ("2011-12-01 24:00:00", None),
            ("2011-12-01T00:00:00", None),
            ("12/1/2010 8:26", None),
            ("2011-12-0é 00:00:00", None),
            ("", None),
        ] {
            assert_eq!(seconds(date), expected, "{date}");
        }
    }

    #[test]
    fn spans_grow() {
        let [a, b] = [Span::at(5), Span { first: 1, last: 3 }].map(Some);
        assert_eq!(Span::join(a, b), Some(Span { first: 1, last: 5 }));
        assert_eq!(Span::join(b, a), Span::join(a, b));
        assert_eq!(Span::join(a, None), a);
        assert_eq!(Span::join(None, a), a);
    }
}
