//! One order of day and month for a whole file.

use std::cmp::Ordering;

use super::{
    dates::{DateOrder, split},
    evidence::Evidence,
};

/// What the dates of a whole file say about the order of day and month.
#[derive(Debug, Default)]
pub(super) struct DateSurvey {
    /// The first date whose order is open, and its separator.
    example: Option<(String, u8)>,
    /// Dates that only exist with the day first, and the first of them.
    day_first: Evidence,
    /// Dates that only exist with the month first, and the first of them.
    month_first: Evidence,
}

/// The order for a whole file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Decision {
    pub(super) order: DateOrder,
    /// A sentence for the user where there was something to decide.
    pub(super) notice: Option<String>,
    /// Whether any date would be read otherwise in the other order.
    pub(super) matters: bool,
    /// The order was asked for and is not the one that would have been taken.
    pub(super) overridden: bool,
}

impl DateSurvey {
    /// Takes notice of one date.
    pub(super) fn see(&mut self, text: &[u8]) {
        if text.len() > 4 && text[4] == b'-' && text[..4].iter().all(u8::is_ascii_digit) {
            return; // year first, the most common case
        }
        let Ok(text) = std::str::from_utf8(text) else { return };
        let text = text.trim();
        let Some(parts) = split(text) else { return };
        if parts.first_width > 2 {
            return;
        }
        if self.example.is_none() {
            self.example = Some((text.to_owned(), parts.separator));
        }
        match (parts.numbers[0], parts.numbers[1]) {
            (13.., 1..=12) => self.day_first.add(text),
            (1..=12, 13..) => self.month_first.add(text),
            _ => {}
        }
    }

    /// Decides once for the file; `asked` overrides.
    pub(super) fn decide(&self, asked: Option<DateOrder>) -> Decision {
        let Some((example, separator)) = &self.example else {
            let order = asked.unwrap_or(DateOrder::DayFirst);
            return Decision { order, notice: None, matters: false, overridden: false };
        };
        let usual = if *separator == b'/' { DateOrder::MonthFirst } else { DateOrder::DayFirst };
        let Self { day_first: day, month_first: month, .. } = self;
        let found = match day.values.cmp(&month.values) {
            Ordering::Greater => DateOrder::DayFirst,
            Ordering::Less => DateOrder::MonthFirst,
            Ordering::Equal => usual,
        };
        let order = asked.unwrap_or(found);
        let notice = match (day.is_none(), month.is_none()) {
            // What was asked for needs no reason.
            (true, _) | (_, true) if asked.is_some() => None,
            (true, true) => Some(format!(
                "dates such as {example} are ambiguous and read {}; if that is wrong, use \
                 --date-order {}",
                order.name(),
                order.other().name()
            )),
            (false, true) => Some(decided("day", day)),
            (true, false) => Some(decided("month", month)),
            (false, false) => Some(format!(
                "dates contradict each other: {} are day-first, such as {}, and {} are month-first, such as {}; \
                 they are read {}, and rows that do not fit are rejected",
                day.values,
                day.example,
                month.values,
                month.example,
                order.name()
            )),
        };
        Decision { order, notice, matters: true, overridden: order != found }
    }
}

fn decided(first: &str, evidence: &Evidence) -> String {
    format!("dates are read {first}-first, because of {}", evidence.example)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decide(dates: &[&str], asked: Option<DateOrder>) -> Decision {
        let mut survey = DateSurvey::default();
        for date in dates {
            survey.see(date.as_bytes());
        }
        survey.decide(asked)
    }

    #[test]
    fn one_unambiguous_date_decides() {
        let decision = decide(&["1/2/2010 8:26", "12/13/2010 8:26", "1/1/2010"], None);
        assert_eq!(decision.order, DateOrder::MonthFirst);
        assert!(decision.notice.unwrap().contains("12/13/2010"));
        let decision = decide(&["1/2/2010 8:26", "13/12/2010 8:26"], None);
        assert_eq!(decision.order, DateOrder::DayFirst);
    }

    #[test]
    fn what_stays_open_is_decided_by_the_separator_and_reported() {
        let slash = decide(&["1/2/2010 8:26"], None);
        assert_eq!(slash.order, DateOrder::MonthFirst);
        assert!(slash.notice.unwrap().contains("--date-order day-first"));
        let hyphen = decide(&["01-02-2010 08:26"], None);
        assert_eq!(hyphen.order, DateOrder::DayFirst);
        assert!(hyphen.notice.unwrap().contains("ambiguous"));
    }

    #[test]
    fn contradictions_go_with_the_majority() {
        let decision = decide(&["13/1/2010", "1/13/2010", "1/14/2010"], None);
        assert_eq!(decision.order, DateOrder::MonthFirst);
        let notice = decision.notice.unwrap();
        for part in ["1 are day-first, such as 13/1/2010", "2 are month-first, such as 1/13/2010"] {
            assert!(notice.contains(part), "{notice}");
        }
        let dotted = decide(&["13.12.2010", "14.12.2010", "12.13.2010"], None);
        assert_eq!(dotted.order, DateOrder::DayFirst);
        assert!(dotted.notice.unwrap().contains("1 are month-first, such as 12.13.2010"));
        let asked = decide(&["13.12.2010", "12.13.2010"], Some(DateOrder::MonthFirst));
        assert_eq!(asked.order, DateOrder::MonthFirst);
        assert!(asked.notice.unwrap().contains("contradict"), "which of them are lost is said");
    }

    #[test]
    fn dots_are_as_good_as_slashes() {
        let asked = decide(&["1.2.2010"], Some(DateOrder::MonthFirst));
        assert_eq!((asked.order, asked.notice), (DateOrder::MonthFirst, None));
        let open = decide(&["1.2.2010"], None);
        assert_eq!(open.order, DateOrder::DayFirst);
        assert!(open.notice.unwrap().contains("ambiguous"));
        assert_eq!(decide(&["1.2.2010", "1.13.2010"], None).order, DateOrder::MonthFirst);
    }

    #[test]
    fn iso_dates_need_no_decision() {
        let decision = decide(&["2010-12-01 08:26:00", "2010/12/01"], None);
        assert_eq!((decision.notice, decision.matters), (None, false));
        let asked = decide(&["2010-12-01 08:26:00"], Some(DateOrder::MonthFirst));
        assert!(!asked.overridden);
    }

    #[test]
    fn an_override_is_noted_only_where_it_changes_the_meaning() {
        assert!(decide(&["1/2/2010"], Some(DateOrder::DayFirst)).overridden);
        assert!(!decide(&["1/2/2010"], Some(DateOrder::MonthFirst)).overridden);
    }
}
