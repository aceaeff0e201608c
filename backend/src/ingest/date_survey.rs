//! One order of day and month for a whole file.

use std::cmp::Ordering;

use super::dates::{DateOrder, split};

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

#[derive(Debug, Default)]
struct Evidence {
    dates: u64,
    example: String,
}

impl Evidence {
    fn add(&mut self, text: &str) {
        if self.dates == 0 {
            text.clone_into(&mut self.example);
        }
        self.dates += 1;
    }
}

/// The order for a whole file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Decision {
    pub(super) order: DateOrder,
    /// A sentence for the user where there was something to decide.
    pub(super) report: Option<String>,
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
        if parts.first_width > 2 || parts.separator == b'.' {
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
            return Decision { order, report: None, overridden: false };
        };
        let usual = if *separator == b'/' { DateOrder::MonthFirst } else { DateOrder::DayFirst };
        let (order, report) = match (&self.day_first, &self.month_first) {
            (Evidence { dates: 0, .. }, Evidence { dates: 0, .. }) => (
                usual,
                format!(
                    "dates such as {example} are ambiguous and read {}; if that is wrong, use \
                     --date-order {}",
                    usual.name(),
                    usual.other().name()
                ),
            ),
            (day, Evidence { dates: 0, .. }) => (DateOrder::DayFirst, decided("day", day)),
            (Evidence { dates: 0, .. }, month) => (DateOrder::MonthFirst, decided("month", month)),
            (day, month) => {
                let order = match day.dates.cmp(&month.dates) {
                    Ordering::Greater => DateOrder::DayFirst,
                    Ordering::Less => DateOrder::MonthFirst,
                    Ordering::Equal => usual,
                };
                let report = format!(
                    "dates contradict each other ({} is day-first, {} is month-first): they are \
                     read {}, and rows that do not fit are rejected",
                    day.example,
                    month.example,
                    order.name()
                );
                (order, report)
            }
        };
        match asked {
            Some(asked) => Decision { order: asked, report: None, overridden: asked != order },
            None => Decision { order, report: Some(report), overridden: false },
        }
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
        assert!(decision.report.unwrap().contains("12/13/2010"));
        let decision = decide(&["1/2/2010 8:26", "13/12/2010 8:26"], None);
        assert_eq!(decision.order, DateOrder::DayFirst);
    }

    #[test]
    fn what_stays_open_is_decided_by_the_separator_and_reported() {
        let slash = decide(&["1/2/2010 8:26"], None);
        assert_eq!(slash.order, DateOrder::MonthFirst);
        assert!(slash.report.unwrap().contains("--date-order day-first"));
        let hyphen = decide(&["01-02-2010 08:26"], None);
        assert_eq!(hyphen.order, DateOrder::DayFirst);
        assert!(hyphen.report.unwrap().contains("ambiguous"));
    }

    #[test]
    fn contradictions_go_with_the_majority() {
        let decision = decide(&["13/1/2010", "1/13/2010", "1/14/2010"], None);
        assert_eq!(decision.order, DateOrder::MonthFirst);
        assert!(decision.report.unwrap().contains("contradict"));
    }

    #[test]
    fn iso_dates_need_no_decision() {
        let decision = decide(&["2010-12-01 08:26:00", "2010/12/01", "01.12.2010"], None);
        assert_eq!(decision.report, None);
        let asked = decide(&["2010-12-01 08:26:00"], Some(DateOrder::MonthFirst));
        assert!(!asked.overridden);
    }

    #[test]
    fn an_override_is_noted_only_where_it_changes_the_meaning() {
        assert!(decide(&["1/2/2010"], Some(DateOrder::DayFirst)).overridden);
        assert!(!decide(&["1/2/2010"], Some(DateOrder::MonthFirst)).overridden);
    }
}
