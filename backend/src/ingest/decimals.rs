//! Numbers with a decimal point or a decimal comma, and marks between thousands.

use super::fields::{FieldError, parse_price, parse_quantity};

/// What stands before the fraction of a number; the other of the two may stand between thousands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum Decimal {
    /// `1,355.90`
    Point,
    /// `1.355,90`
    Comma,
}

impl Decimal {
    /// The name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    pub(super) const fn other(self) -> Self {
        match self {
            Self::Point => Self::Comma,
            Self::Comma => Self::Point,
        }
    }

    /// As [`parse_quantity`], with these marks.
    pub(super) fn quantity(self, text: &str) -> Result<i64, FieldError> {
        self.parse(text, parse_quantity).ok_or_else(|| FieldError::Quantity(text.to_owned()))
    }

    /// As [`parse_price`], with these marks.
    pub(super) fn price(self, text: &str) -> Result<f64, FieldError> {
        self.parse(text, parse_price).ok_or_else(|| FieldError::UnitPrice(text.to_owned()))
    }

    fn parse<T>(self, text: &str, parse: impl Fn(&str) -> Result<T, FieldError>) -> Option<T> {
        match self {
            Self::Point => match parse(text) {
                Err(_) if text.contains(',') => parse(&self.plain(text)?).ok(),
                parsed => parsed.ok(),
            },
            Self::Comma if text.contains([',', '.']) => parse(&self.plain(text)?).ok(),
            Self::Comma => parse(text).ok(),
        }
    }

    /// The number with a decimal point and without marks between thousands; `None` where the marks are not those of
    /// a number, such as `1.5` with a decimal comma.
    fn plain(self, text: &str) -> Option<String> {
        let (decimal, group) = match self {
            Self::Point => ('.', ','),
            Self::Comma => (',', '.'),
        };
        let text = text.trim();
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let sign = if text.starts_with('-') { "-" } else { "" };
        let (whole, fraction) = unsigned.split_once(decimal).unwrap_or((unsigned, "0"));
        let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let mut groups = whole.split(group);
        let first = groups.next().filter(|first| are_digits(first))?;
        let rest: Vec<&str> = groups.collect();
        let are_groups = rest.iter().all(|group| group.len() == 3 && are_digits(group));
        let fits = are_digits(fraction) && are_groups && (rest.is_empty() || first.len() <= 3);
        fits.then(|| format!("{sign}{first}{}.{fraction}", rest.concat()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_read_in_their_places_only() {
        use Decimal::{Comma, Point};
        for (decimal, text, price) in [
            (Comma, "1.000", Some(1000.0)),
            (Comma, "12.345", Some(12_345.0)),
            (Comma, "1.355,90", Some(1355.9)),
            (Comma, "-1.234.567,5", Some(-1_234_567.5)),
            (Comma, " 2,55 ", Some(2.55)),
            (Comma, "1,355", Some(1.355)),
            (Comma, "18", Some(18.0)),
            (Comma, "+1,5", Some(1.5)),
            (Comma, "2.55", None),
            (Comma, "1,355.90", None),
            (Comma, "1.2345", None),
            (Comma, "1234.567", None),
            (Comma, "1,2,3", None),
            (Comma, ",5", None),
            (Comma, "5,", None),
            (Comma, ",", None),
            (Comma, "1,5e3", None),
            (Point, "1.000", Some(1.0)),
            (Point, "12.345", Some(12.345)),
            (Point, "1,355.90", Some(1355.9)),
            (Point, "1,355", Some(1355.0)),
            (Point, "1e2", Some(100.0)),
            (Point, "1.355,90", None),
            (Point, "2,55", None),
            (Point, "1,00,000", None),
            (Point, "1.234.567", None),
            (Point, "", None),
            (Point, "1e200", None),
        ] {
            assert_eq!(decimal.price(text).ok(), price, "{text:?} {decimal:?}");
        }
        assert_eq!(Comma.quantity("1.000"), Ok(1000));
        assert_eq!(Comma.quantity("-6,0"), Ok(-6));
        assert_eq!(Point.quantity("1,000"), Ok(1000));
        assert_eq!(Point.quantity("6.0"), Ok(6));
        let inexact = "9.007.199.254.740.993";
        for (decimal, text) in
            [(Comma, "6.0"), (Comma, "1,5"), (Comma, inexact), (Point, "1,5"), (Point, "1.5")]
        {
            assert_eq!(decimal.quantity(text), Err(FieldError::Quantity(text.to_owned())));
        }
    }
}
