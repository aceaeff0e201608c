//! When invoices are written: on minutes within opening hours, six days a week.

use chrono::{Datelike, Days, NaiveDate, Weekday};
use rand::Rng;
use rand_distr::{Distribution, Exp1};

/// The first day, as in the real data set.
const FIRST_DAY: NaiveDate = NaiveDate::from_ymd_opt(2010, 12, 1).expect("a date");
/// The last day, which has to be past, as lines of the future are invalid; the clock then starts again. Some eight
/// million lines come before it.
const LAST_DAY: NaiveDate = NaiveDate::from_ymd_opt(2025, 12, 31).expect("a date");
/// First hour of the day, and the first in which the shop is closed.
const OPEN: u32 = 8;
const CLOSED: u32 = 20;
/// Mean minutes between two invoices, for each hour from [`OPEN`]: busy around noon.
const MEAN_GAP: [f64; 12] = [27.0, 10.5, 6.2, 5.8, 4.6, 5.4, 5.8, 6.0, 9.4, 15.0, 55.0, 85.0];

/// The time of the current invoice; never goes back but from the last day to the first.
#[derive(Debug)]
pub(super) struct Calendar {
    day: NaiveDate,
    /// Minutes since midnight, with a fraction.
    minute: f64,
}

impl Default for Calendar {
    fn default() -> Self {
        Self { day: FIRST_DAY, minute: f64::from(OPEN * 60) }
    }
}

impl Calendar {
    /// Goes on to the next invoice.
    pub(super) fn advance(&mut self, rng: &mut impl Rng) {
        let hour = (self.minute / 60.0) as usize - OPEN as usize;
        let gap: f64 = Exp1.sample(rng);
        self.minute += gap * MEAN_GAP[hour];
        if self.minute >= f64::from(CLOSED * 60) {
            self.minute = f64::from(OPEN * 60) + rng.random_range(0.0..60.0);
            self.day = next_open(self.day);
        }
    }

    /// Replaces `text` by the time, `YYYY-MM-DD HH:MM:00`.
    pub(super) fn write(&self, text: &mut String) {
        use std::fmt::Write as _;
        let minute = self.minute as u32;
        text.clear();
        // Writing to a String cannot fail.
        let _ = write!(text, "{} {:02}:{:02}:00", self.day, minute / 60, minute % 60);
    }
}

/// The next day that is neither a Saturday nor between Christmas and New Year.
fn next_open(day: NaiveDate) -> NaiveDate {
    let mut day = day;
    loop {
        day = match day.checked_add_days(Days::new(1)) {
            Some(next) if next <= LAST_DAY => next,
            _ => FIRST_DAY,
        };
        let holiday = matches!((day.month(), day.day()), (12, 24..) | (1, 1..=3));
        if day.weekday() != Weekday::Sat && !holiday {
            return day;
        }
    }
}
