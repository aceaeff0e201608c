//! The days on which lines may be.

use std::{fmt, str::FromStr};

use chrono::{Days, NaiveDate, Utc};

use super::date_format;

/// The first day unless told otherwise.
const FIRST: NaiveDate = NaiveDate::from_ymd_opt(1970, 1, 1).expect("a date");

/// From which day to which lines may be; a line outside is invalid, as it would move the recency of everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DateRange {
    from: NaiveDate,
    /// The last day; `None` for one day ahead of now, whenever that is.
    to: Option<NaiveDate>,
}

impl Default for DateRange {
    fn default() -> Self {
        Self { from: FIRST, to: None }
    }
}

impl FromStr for DateRange {
    type Err = String;

    /// Reads `FROM..TO`, of which each may be left out.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid =
            || "use days, such as 2009-12-01..2011-12-31, 2009-12-01.. or ..2011-12-31".to_owned();
        let (from, to) = text.split_once("..").ok_or_else(invalid)?;
        let day = |text: &str| match text {
            "" => Ok(None),
            text => NaiveDate::parse_from_str(text, "%Y-%m-%d").map(Some).map_err(|_| invalid()),
        };
        let range = Self { from: day(from)?.unwrap_or(FIRST), to: day(to)? };
        if range.to.is_some_and(|to| to < range.from) {
            return Err(format!("{text} ends before it begins"));
        }
        Ok(range)
    }
}

impl fmt::Display for DateRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to {
            Some(to) => write!(f, "{}..{to}", self.from),
            None => write!(f, "{}..", self.from),
        }
    }
}

/// A [`DateRange`] as lines carry times, for a quick answer.
#[derive(Debug, Clone)]
pub(crate) struct DateBounds {
    range: DateRange,
    first: String,
    /// The last that is known to be within; what is allowed may have gone on since.
    last: String,
}

impl DateBounds {
    pub(crate) fn new(range: DateRange) -> Self {
        let first = date_format::format(range.from.into());
        Self { range, first, last: last_moment(range) }
    }

    /// Whether `date`, a time as lines carry it, is within.
    pub(crate) fn admit(&self, date: &str) -> bool {
        // Times in this form are ordered as texts.
        self.first.as_str() <= date
            && (date <= self.last.as_str()
                || self.range.to.is_none() && date <= last_moment(self.range).as_str())
    }

    pub(crate) fn range(&self) -> DateRange {
        self.range
    }
}

/// The last second within the range.
fn last_moment(range: DateRange) -> String {
    match range.to {
        Some(day) => format!("{day} 23:59:59"),
        None => date_format::format(Utc::now().naive_utc() + Days::new(1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_and_shown() {
        for text in ["2009-12-01..2011-12-31", "2009-12-01..", "2009-12-01..2009-12-01"] {
            assert_eq!(text.parse::<DateRange>().unwrap().to_string(), text);
        }
        assert_eq!(
            "..2011-12-31".parse::<DateRange>().unwrap().to_string(),
            "1970-01-01..2011-12-31"
        );
        assert_eq!("..".parse(), Ok(DateRange::default()));
        for wrong in ["", "2009", "2009-12-01", "a..b", "2009-13-01..", "2011-01-01..2010-01-01"] {
            assert!(wrong.parse::<DateRange>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_days_at_both_ends_are_within() {
        let bounds = DateBounds::new("2009-12-01..2011-12-31".parse().unwrap());
        for (date, admitted) in [
            ("2009-11-30 23:59:59", false),
            ("2009-12-01 00:00:00", true),
            ("2011-12-31 23:59:59", true),
            ("2012-01-01 00:00:00", false),
        ] {
            assert_eq!(bounds.admit(date), admitted, "{date}");
        }
    }

    #[test]
    fn the_usual_end_is_a_day_ahead_of_now_and_goes_on() {
        let mut bounds = DateBounds::new(DateRange::default());
        let in_hours =
            |hours| date_format::format(Utc::now().naive_utc() + chrono::TimeDelta::hours(hours));
        assert!(bounds.admit("1970-01-01 00:00:00") && bounds.admit(&in_hours(23)));
        for wrong in ["0001-01-01 00:00:00", "1969-12-31 23:59:59", "2099-01-01 00:00:00"] {
            assert!(!bounds.admit(wrong), "{wrong}");
        }
        assert!(!bounds.admit(&in_hours(25)));
        "2011-01-01 00:00:00".clone_into(&mut bounds.last);
        assert!(bounds.admit(&in_hours(23)), "what was the end when it began is none any more");
    }
}
