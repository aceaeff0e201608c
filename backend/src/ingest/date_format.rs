//! The one form in which lines carry the time of a receipt: local time as `YYYY-MM-DD HH:MM:SS`.

use chrono::{NaiveDate, NaiveDateTime};

/// Writes a time in that form.
pub(super) fn format(time: NaiveDateTime) -> String {
    time.format("%Y-%m-%d %H:%M:%S").to_string()
}

/// Whether `text` has that form and is a time that exists.
pub(super) fn is_valid(text: &str) -> bool {
    let Some([year, month, day, hour, minute, second]) = fields(text) else { return false };
    hour < 24
        && minute < 60
        && second < 60
        && (1..=12).contains(&month)
        && day >= 1
        // The calendar is asked only where a month can be too short.
        && (day <= 28 || NaiveDate::from_ymd_opt(year as i32, month, day).is_some())
}

/// Seconds from 1970 to the local time `text`; `None` for any other form and for times that do not
/// exist.
pub(crate) fn seconds(text: &str) -> Option<i64> {
    let [year, month, day, hour, minute, second] = fields(text)?;
    let date = NaiveDate::from_ymd_opt(year as i32, month, day)?;
    Some(date.and_hms_opt(hour, minute, second)?.and_utc().timestamp())
}

/// Year, month, day, hour, minute and second, not checked against the calendar.
fn fields(text: &str) -> Option<[u32; 6]> {
    let text: &[u8; 19] = text.as_bytes().try_into().ok()?;
    let [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1, b' ', h0, h1, b':', i0, i1, b':', s0, s1] =
        *text
    else {
        return None;
    };
    let digits = [y0, y1, y2, y3, m0, m1, d0, d1, h0, h1, i0, i1, s0, s1];
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let two = |tens: u8, ones: u8| u32::from(tens - b'0') * 10 + u32::from(ones - b'0');
    let year = two(y0, y1) * 100 + two(y2, y3);
    Some([year, two(m0, m1), two(d0, d1), two(h0, h1), two(i0, i1), two(s0, s1)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_counted_in_seconds() {
        for (text, expected) in [
            ("1970-01-01 00:00:00", Some(0)),
            ("1969-12-31 23:59:59", Some(-1)),
            ("2011-12-09 12:50:00", Some(1_323_435_000)),
            ("2012-02-29 00:00:01", Some(1_330_473_601)),
            ("2011-02-29 00:00:00", None),
            ("2011-13-01 00:00:00", None),
            ("2011-00-01 00:00:00", None),
            ("2011-12-00 00:00:00", None),
            ("2011-12-01 24:00:00", None),
            ("2011-12-01 00:60:00", None),
            ("2011-12-01 00:00:60", None),
            ("2011-12-01T00:00:00", None),
            ("12/1/2010 8:26", None),
            ("2011-12-0é 00:00:00", None),
            ("", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
            assert_eq!(is_valid(text), expected.is_some(), "{text}");
        }
    }

    #[test]
    fn what_was_written_is_read_again() {
        let time = NaiveDate::from_ymd_opt(2010, 12, 1).unwrap().and_hms_opt(8, 26, 0).unwrap();
        assert_eq!(format(time), "2010-12-01 08:26:00");
        assert_eq!(seconds(&format(time)), Some(time.and_utc().timestamp()));
    }
}
