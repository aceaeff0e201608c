//! Numbers and times as a person reads them.

/// A whole number with its thousands grouped: `541,909`.
#[must_use]
pub fn count(n: u64) -> String {
    group(&n.to_string())
}

/// A measured number with about three significant digits, at most two decimals unless it is tiny,
/// thousands grouped.
#[must_use]
pub fn number(x: f64) -> String {
    if !x.is_finite() {
        return "\u{2013}".to_owned();
    }
    let size = x.abs();
    let decimals = match size {
        _ if size == 0.0 => return "0".to_owned(),
        _ if size >= 999.5 => 0,
        _ if size >= 99.95 => 1,
        _ if size >= 0.1 => 2,
        _ if size >= 0.001 => 4,
        _ => return format!("{x:.1e}"),
    };
    decimal(x, decimals)
}

/// A number with a fixed count of decimals, thousands grouped.
#[must_use]
pub fn decimal(x: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", x.abs());
    let sign =
        if x < 0.0 && text.bytes().any(|b| matches!(b, b'1'..=b'9')) { "\u{2212}" } else { "" };
    match text.split_once('.') {
        Some((whole, fraction)) => format!("{sign}{}.{fraction}", group(whole)),
        None => format!("{sign}{}", group(&text)),
    }
}

/// A data value as it was written: no digits added, thousands grouped (`12`, `2.55`, `1,250`).
#[must_use]
pub fn exact(x: f64) -> String {
    let text = x.abs().to_string();
    let sign = if x < 0.0 { "\u{2212}" } else { "" };
    match text.split_once('.') {
        Some((whole, fraction)) => format!("{sign}{}.{fraction}", group(whole)),
        None => format!("{sign}{}", group(&text)),
    }
}

/// A figure that may be a count or a measure: whole numbers stay whole.
#[must_use]
pub fn figure(x: f64) -> String {
    if x.fract() == 0.0 { exact(x) } else { number(x) }
}

/// The label of an axis tick: `0.01`, `20`, `5k`, `1M`.
#[must_use]
pub fn tick(x: f64) -> String {
    let size = x.abs();
    let (scaled, unit) = match size {
        _ if size >= 1e9 => (size / 1e9, "G"),
        _ if size >= 1e6 => (size / 1e6, "M"),
        _ if size >= 1e3 => (size / 1e3, "k"),
        _ => (size, ""),
    };
    // Ticks are computed, so 0.30000000000000004 must not show.
    let rounded = format!("{scaled:.9}");
    let digits = rounded.trim_end_matches('0').trim_end_matches('.');
    let sign = if x < 0.0 { "\u{2212}" } else { "" };
    format!("{sign}{digits}{unit}")
}

/// A share in percent; a share above zero is never shown as none of it.
#[must_use]
pub fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "\u{2013}".to_owned();
    }
    let share = part as f64 / whole as f64 * 100.0;
    match share {
        _ if part == 0 => "0 %".to_owned(),
        _ if share < 0.1 => "< 0.1 %".to_owned(),
        _ if part < whole && share > 99.9 => "> 99.9 %".to_owned(),
        _ => format!("{share:.1} %"),
    }
}

/// Bytes with a binary unit.
#[must_use]
pub fn bytes(n: u64) -> String {
    match n {
        0..1024 => format!("{n} B"),
        1024..1_048_576 => format!("{:.0} KiB", n as f64 / 1024.0),
        1_048_576..1_073_741_824 => format!("{:.1} MiB", n as f64 / 1_048_576.0),
        _ => format!("{:.1} GiB", n as f64 / 1_073_741_824.0),
    }
}

/// A length of time: `45 s`, `3 min`, `2 h 5 min`.
#[must_use]
pub fn duration(seconds: f64) -> String {
    let seconds = seconds.max(0.0) as u64;
    match seconds {
        0..90 => format!("{seconds} s"),
        90..3600 => format!("{} min", (seconds + 30) / 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// Date and time of an RFC 3339 timestamp in UTC, without its fraction: `2026-11-23 17:35:09`.
#[must_use]
pub fn timestamp(rfc3339: &str) -> String {
    match (rfc3339.get(..10), rfc3339.get(11..19)) {
        (Some(day), Some(time)) => format!("{day} {time}"),
        _ => rfc3339.to_owned(),
    }
}

/// `1 line`, `2 lines`.
#[must_use]
pub fn plural(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

fn group(digits: &str) -> String {
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_000), "1,000");
        assert_eq!(count(541_909), "541,909");
        assert_eq!(count(1_000_000), "1,000,000");
    }

    #[test]
    fn a_number_keeps_the_digits_that_matter() {
        assert_eq!(number(0.0), "0");
        assert_eq!(number(3.4217), "3.42");
        assert_eq!(number(-3.4217), "\u{2212}3.42");
        assert_eq!(number(123.456), "123.5");
        assert_eq!(number(3_026_155_452.376), "3,026,155,452");
        assert_eq!(number(0.01234), "0.0123");
        assert_eq!(number(0.000_012), "1.2e-5");
        assert_eq!(number(f64::NAN), "\u{2013}");
        assert_eq!(decimal(-0.001, 2), "0.00");
    }

    #[test]
    fn a_data_value_is_left_as_it_was_written() {
        assert_eq!(exact(2.55), "2.55");
        assert_eq!(exact(6.0), "6");
        assert_eq!(exact(-80_995.0), "\u{2212}80,995");
        assert_eq!(exact(0.001), "0.001");
        assert_eq!(figure(372.0), "372");
        assert_eq!(figure(5391.21), "5,391");
        assert_eq!(figure(-0.0), "0");
        assert_eq!(figure(f64::NAN), "\u{2013}");
    }

    #[test]
    fn ticks_are_short() {
        assert_eq!(tick(0.0), "0");
        assert_eq!(tick(0.1 + 0.2), "0.3");
        assert_eq!(tick(0.001), "0.001");
        assert_eq!(tick(20_000.0), "20k");
        assert_eq!(tick(-1_500_000.0), "\u{2212}1.5M");
    }

    #[test]
    fn a_small_share_is_not_none() {
        assert_eq!(percent(1, 0), "\u{2013}");
        assert_eq!(percent(0, 10), "0 %");
        assert_eq!(percent(2, 541_909), "< 0.1 %");
        assert_eq!(percent(541_905, 541_909), "> 99.9 %");
        assert_eq!(percent(10, 10), "100.0 %");
        assert_eq!(percent(1, 3), "33.3 %");
    }

    #[test]
    fn lengths_and_times() {
        assert_eq!(duration(-1.0), "0 s");
        assert_eq!(duration(89.9), "89 s");
        assert_eq!(duration(90.0), "2 min");
        assert_eq!(duration(3725.0), "1 h 2 min");
        assert_eq!(timestamp("2026-11-23T17:35:09.123Z"), "2026-11-23 17:35:09");
        assert_eq!(timestamp("soon"), "soon");
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(920_000), "898 KiB");
        assert_eq!(plural(1, "line", "lines"), "1 line");
        assert_eq!(plural(2000, "line", "lines"), "2,000 lines");
    }
}
