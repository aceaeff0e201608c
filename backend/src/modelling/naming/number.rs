//! Numbers as people write them.

use tillstream_shared::Text;

/// `x` to three significant digits, or as a whole number from 100 up: 1,234.5 is "1,234" (English:
/// a point before the decimals) and "1.234" (Indonesian: a comma).
pub(super) fn readable(x: f64) -> Text {
    let decimals = match x.abs() {
        size if size >= 99.95 => 0,
        size if size >= 9.995 => 1,
        size if size >= 0.9995 => 2,
        _ => 3,
    };
    with_decimals(x, decimals)
}

/// `part` of `total` in percent, to one decimal, below one percent to three.
pub(super) fn percent(part: u64, total: u64) -> Text {
    let share = 100.0 * part as f64 / total.max(1) as f64;
    if part > 0 && share < 0.001 {
        return Text { en: "under 0.001%".into(), id: "di bawah 0,001%".into() };
    }
    let share = with_decimals(share, if share < 1.0 { 3 } else { 1 });
    Text { en: share.en + "%", id: share.id + "%" }
}

/// A count.
pub(super) fn whole(n: u64) -> Text {
    grouped("", &n.to_string(), "")
}

/// Rounded to `decimals`, without zeros at the end.
fn with_decimals(x: f64, decimals: usize) -> Text {
    let written = format!("{x:.decimals$}");
    let (sign, digits) = match written.strip_prefix('-') {
        Some(digits) if digits.contains(|c| c != '0' && c != '.') => ("-", digits),
        Some(digits) => ("", digits),
        None => ("", written.as_str()),
    };
    let (integer, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    grouped(sign, integer, fraction.trim_end_matches('0'))
}

fn grouped(sign: &str, integer: &str, fraction: &str) -> Text {
    let write = |separator: char, point: char| {
        let mut text = sign.to_owned();
        for (at, digit) in integer.chars().enumerate() {
            if at > 0 && (integer.len() - at).is_multiple_of(3) {
                text.push(separator);
            }
            text.push(digit);
        }
        if !fraction.is_empty() {
            text.push(point);
            text += fraction;
        }
        text
    };
    Text { en: write(',', '.'), id: write('.', ',') }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_each_language_does() {
        for (x, en, id) in [
            (0.0, "0", "0"),
            (-0.0001, "0", "0"),
            (0.0449, "0.045", "0,045"),
            (2.999_9, "3", "3"),
            (99.97, "100", "100"),
            (12.34, "12.3", "12,3"),
            (1_234.5, "1,234", "1.234"),
            (-1_234_567.8, "-1,234,568", "-1.234.568"),
        ] {
            assert_eq!(readable(x), Text { en: en.into(), id: id.into() });
        }
        assert_eq!(percent(1, 3).id, "33,3%");
        assert_eq!(percent(0, 0).en, "0%");
        assert_eq!(percent(2, 5_000).id, "0,04%");
        assert_eq!(percent(2, 541_909).en, "under 0.001%");
        assert_eq!(whole(541_909).en, "541,909");
    }
}
