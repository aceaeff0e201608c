//! Lines per second, from counts that are sampled.

use std::{
    collections::VecDeque,
    sync::Mutex,
    time::{Duration, Instant},
};

use tillstream_shared::api::Rates;

use super::lock;

/// The time over which rates are measured.
const WINDOW: Duration = Duration::from_secs(10);

/// Lines so far.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) sent: u64,
    pub(super) received: u64,
    pub(super) stored: u64,
}

/// The samples of a window, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Samples(Mutex<VecDeque<(Instant, Counts)>>);

impl Samples {
    /// Adds what is counted at `now`.
    pub(super) fn add(&self, now: Instant, counts: Counts) {
        let mut samples = lock(&self.0);
        samples.push_back((now, counts));
        // The one before the window is where it begins.
        while samples.get(1).is_some_and(|(at, _)| now.duration_since(*at) >= WINDOW) {
            samples.pop_front();
        }
    }

    /// The rates between the first and the last sample; `None` before there are two.
    pub(super) fn rates(&self) -> Option<Rates> {
        let samples = lock(&self.0);
        let ((from, first), (to, last)) = (samples.front()?, samples.back()?);
        let seconds = to.duration_since(*from).as_secs_f64();
        // One decimal, so that the status is the same as long as nothing happens.
        let rate = |first: u64, last: u64| {
            (last.saturating_sub(first) as f64 / seconds * 10.0).round() / 10.0
        };
        (seconds > 0.0).then(|| Rates {
            sent: rate(first.sent, last.sent),
            received: rate(first.received, last.received),
            stored: rate(first.stored, last.stored),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_those_of_the_last_seconds() {
        let samples = Samples::default();
        let begun = Instant::now();
        let add = |second: u64, sent, received, stored| {
            let at = begun + Duration::from_secs(second);
            samples.add(at, Counts { sent, received, stored });
            samples.rates()
        };
        assert_eq!(add(0, 1000, 0, 0), None);
        assert_eq!(add(2, 1100, 25, 0), Some(Rates { sent: 50.0, received: 12.5, stored: 0.0 }));
        assert_eq!(add(10, 1100, 25, 20), Some(Rates { sent: 10.0, received: 2.5, stored: 2.0 }));
        assert_eq!(add(12, 1100, 20, 20), Some(Rates { sent: 0.0, received: 0.0, stored: 2.0 }));
        for second in 13..100 {
            add(second, 1100, 20, 20);
        }
        assert_eq!(samples.rates(), Some(Rates::default()));
        assert_eq!(lock(&samples.0).len(), 11);
    }
}
