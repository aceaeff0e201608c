//! One decimal mark for a whole file.

use super::{decimals::Decimal, evidence::Evidence};

/// What the numbers of a whole file say about their decimal mark.
#[derive(Debug, Default)]
pub(super) struct DecimalSurvey {
    /// Numbers that have a decimal point for certain.
    point: Evidence,
    /// Numbers that have a decimal comma for certain.
    comma: Evidence,
    /// The first number, such as `1.000`, whose mark could be either.
    open: Option<String>,
}

/// The decimal mark for a whole file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct DecimalDecision {
    pub(super) decimal: Decimal,
    /// A sentence for the user where the file does not tell, or contradicts itself.
    pub(super) notice: Option<String>,
    /// Whether any number would be read otherwise with the other mark.
    pub(super) matters: bool,
}

impl DecimalSurvey {
    /// Takes notice of one number.
    pub(super) fn see(&mut self, text: &[u8]) {
        let text = text.trim_ascii();
        let digits = text.strip_prefix(b"-").or(text.strip_prefix(b"+")).unwrap_or(text);
        let (mut points, mut commas, mut last) = (0, 0, 0);
        for (at, byte) in digits.iter().enumerate() {
            match byte {
                b'0'..=b'9' => continue,
                b'.' => points += 1,
                b',' => commas += 1,
                _ => return,
            }
            last = at;
        }
        if points + commas == 0 {
            return;
        }
        let is_comma_last = digits[last] == b',';
        let certain = match (points, commas) {
            (1, 0) | (0, 1) => {
                let could_group = digits.len() - last == 4 && (1..=3).contains(&last);
                (!could_group || digits[0] == b'0').then_some(is_comma_last)
            }
            // Between thousands there may be many marks, and only one before the fraction.
            (_, 0) => Some(true),
            (0, _) => Some(false),
            (_, 1) if is_comma_last => Some(true),
            (1, _) if !is_comma_last => Some(false),
            _ => return,
        };
        // It is ASCII.
        let text = String::from_utf8_lossy(text);
        match certain {
            Some(true) => self.comma.add(&text),
            Some(false) => self.point.add(&text),
            None => drop(self.open.get_or_insert_with(|| text.into_owned())),
        }
    }

    /// Decides once for a file with this delimiter; `asked` overrides.
    pub(super) fn decide(&self, asked: Option<Decimal>, delimiter: u8) -> DecimalDecision {
        // Semicolons separate columns where the comma is taken.
        let usual = if delimiter == b';' { Decimal::Comma } else { Decimal::Point };
        let Self { point, comma, open } = self;
        let found = match (point.is_none(), comma.is_none()) {
            (true, true) => usual,
            _ if point.values >= comma.values => Decimal::Point,
            _ => Decimal::Comma,
        };
        let decimal = asked.unwrap_or(found);
        let notice = match (point.is_none(), comma.is_none(), open) {
            (false, false, _) => Some(format!(
                "numbers contradict each other: {} with a decimal point, such as {}, and {} with a decimal comma, \
                 such as {}; they are read with a decimal {}, and rows that do not fit are rejected",
                point.values,
                point.example,
                comma.values,
                comma.example,
                decimal.name()
            )),
            (true, true, Some(open)) if asked.is_none() => Some(format!(
                "numbers such as {open} are ambiguous and read with a decimal {}; if that is wrong, use --decimal {}",
                decimal.name(),
                decimal.other().name()
            )),
            _ => None,
        };
        let matters = open.is_some() || !point.is_none() || !comma.is_none();
        DecimalDecision { decimal, notice, matters }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decide(numbers: &[&str], asked: Option<Decimal>, delimiter: u8) -> DecimalDecision {
        let mut survey = DecimalSurvey::default();
        numbers.iter().for_each(|number| survey.see(number.as_bytes()));
        survey.decide(asked, delimiter)
    }

    #[test]
    fn numbers_that_can_only_be_read_in_one_way_decide() {
        for (numbers, decimal) in [
            (&["1.000", "2,55"][..], Decimal::Comma),
            (&["1.000", "1.355,90"], Decimal::Comma),
            (&["12.345", "1.234.567"], Decimal::Comma),
            (&["1.000", "2.55"], Decimal::Point),
            (&["1.000", "0.125"], Decimal::Point),
            (&["1,000", "1,355.90"], Decimal::Point),
            (&["-1.000", "-1,234,567"], Decimal::Point),
            (&["1.000", "1234.567"], Decimal::Point),
            (&["2,55", "2,56", "2.55", "n/a", "1e5"], Decimal::Comma),
        ] {
            for delimiter in [b',', b';'] {
                let decision = decide(numbers, None, delimiter);
                assert_eq!(decision.decimal, decimal, "{numbers:?}");
                assert_eq!(decision.notice.is_some(), numbers.len() == 5, "{numbers:?}");
                assert!(decision.matters);
            }
        }
    }

    #[test]
    fn what_stays_open_is_decided_by_the_delimiter_and_said() {
        let decision = decide(&["1.000", "12.345", "7"], None, b';');
        assert_eq!(decision.decimal, Decimal::Comma);
        let notice = decision.notice.unwrap();
        assert!(notice.contains("1.000") && notice.contains("--decimal point"), "{notice}");
        let decision = decide(&["1.000"], None, b',');
        assert_eq!(decision.decimal, Decimal::Point);
        assert!(decision.notice.unwrap().contains("--decimal comma"));
        let asked = decide(&["1.000"], Some(Decimal::Point), b';');
        assert_eq!((asked.decimal, asked.notice), (Decimal::Point, None));
    }

    #[test]
    fn contradictions_are_counted_and_named() {
        let decision = decide(&["2,55", "2.55", "3.55"], None, b';');
        assert_eq!(decision.decimal, Decimal::Point);
        let notice = decision.notice.unwrap();
        for part in ["2 with a decimal point, such as 2.55", "1 with a decimal comma, such as 2,55"]
        {
            assert!(notice.contains(part), "{notice}");
        }
        assert!(decide(&["2,55", "2.55"], Some(Decimal::Comma), b';').notice.is_some());
    }

    #[test]
    fn whole_numbers_need_no_decision() {
        let decision = decide(&["6", "-12", "", "six", "1e3"], None, b';');
        assert_eq!((decision.notice, decision.matters), (None, false));
    }
}
