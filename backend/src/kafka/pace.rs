//! How fast lines are sent.

use std::{
    str::FromStr,
    time::{Duration, Instant},
};

use rand::Rng;

use crate::shutdown::Shutdown;

/// The most that a rate falls behind before the time lost is given up, so that a stopped clock or a
/// slow broker is not followed by a flood.
const MAX_RATE_DEBT: Duration = Duration::from_secs(1);

/// How fast lines are sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// As fast as they are acknowledged.
    Max,
    /// Lines per second.
    PerSecond(f64),
    /// A random pause after each line, uniform between the two, in seconds.
    Delay(f64, f64),
}

/// A pace that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PaceError(&'static str);

/// `max`, or lines per second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate(pub Pace);

impl FromStr for Rate {
    type Err = PaceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match (text, text.parse::<f64>()) {
            ("max", _) => Ok(Self(Pace::Max)),
            (_, Ok(rate)) if rate.is_finite() && rate > 0.0 => Ok(Self(Pace::PerSecond(rate))),
            _ => Err(PaceError("use `max` or lines per second, such as 2000")),
        }
    }
}

impl FromStr for Pace {
    type Err = PaceError;

    /// Reads `MIN..MAX`, in seconds.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = PaceError("use seconds as MIN..MAX, such as 0.5..2");
        let (min, max) = text.split_once("..").ok_or(wrong.clone())?;
        match (min.parse::<f64>(), max.parse::<f64>()) {
            (Ok(min), Ok(max)) if 0.0 <= min && min <= max && max <= 86_400.0 => {
                Ok(Self::Delay(min, max))
            }
            _ => Err(wrong),
        }
    }
}

/// Holds the sending back to the pace asked for.
pub(super) struct Pacer {
    pace: Pace,
    begun: Instant,
    sent: f64,
    first: bool,
}

impl Pacer {
    pub(super) fn new(pace: Pace) -> Self {
        Self { pace, begun: Instant::now(), sent: 0.0, first: true }
    }

    /// Waits until the next line is due; true when asked to stop meanwhile.
    pub(super) fn wait(&mut self, shutdown: &Shutdown) -> bool {
        let first = std::mem::take(&mut self.first);
        match self.pace {
            Pace::Max => false,
            Pace::Delay(min, max) => {
                !first
                    && shutdown.wait(Duration::from_secs_f64(rand::rng().random_range(min..=max)))
            }
            Pace::PerSecond(rate) => {
                if first {
                    self.begun = Instant::now();
                }
                let due = Duration::from_secs_f64(self.sent / rate);
                let elapsed = self.begun.elapsed();
                if elapsed > due + MAX_RATE_DEBT {
                    self.begun += elapsed - due;
                }
                self.sent += 1.0;
                // Short waits are saved up: a thread cannot sleep for half a millisecond exactly.
                let ahead = due.saturating_sub(elapsed);
                ahead > Duration::from_millis(5) && shutdown.wait(ahead)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paces_are_read() {
        assert_eq!("max".parse(), Ok(Rate(Pace::Max)));
        assert_eq!("2000".parse(), Ok(Rate(Pace::PerSecond(2000.0))));
        assert_eq!("0.5..2".parse(), Ok(Pace::Delay(0.5, 2.0)));
        for wrong in ["0", "-1", "fast", "NaN", "inf", ""] {
            assert!(wrong.parse::<Rate>().is_err(), "{wrong}");
        }
        for wrong in ["1", "2..1", "-1..1", "a..b", "NaN..1", "..", "0..inf"] {
            assert!(wrong.parse::<Pace>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_rate_is_kept_from_the_first_line_on() {
        let mut pacer = Pacer::new(Pace::PerSecond(10_000.0));
        let stop = Shutdown::default();
        let begun = Instant::now();
        for _ in 0..500 {
            assert!(!pacer.wait(&stop));
        }
        assert!(begun.elapsed() >= Duration::from_millis(44), "499 lines take 49.9 ms, less 5");
    }

    #[test]
    fn waiting_ends_when_asked_to_stop() {
        let stop = Shutdown::default();
        stop.request();
        let mut pacer = Pacer::new(Pace::Delay(3600.0, 3600.0));
        assert!(!pacer.wait(&stop), "no pause before the first line");
        assert!(pacer.wait(&stop));
    }
}
