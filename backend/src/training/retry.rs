//! When to try again what has failed.

use std::time::{Duration, Instant};

/// Until the first time.
const FIRST_DELAY: Duration = Duration::from_millis(250);
/// Between later times at most.
const MAX_DELAY: Duration = Duration::from_secs(60);

/// How often something is tried when nothing else is left to do.
const MAX_ATTEMPTS: u32 = 6;

/// Something that may fail for a while, such as writing to a full disk; each failure doubles the time until
/// it is tried again.
#[derive(Debug)]
pub(super) struct Retry<E> {
    failures: u32,
    next: Option<Instant>,
    error: Option<E>,
}

impl<E> Default for Retry<E> {
    fn default() -> Self {
        Self { failures: 0, next: None, error: None }
    }
}

impl<E> Retry<E> {
    pub(super) fn failed(&mut self, error: E) {
        let delay = FIRST_DELAY.saturating_mul(1 << self.failures.min(16)).min(MAX_DELAY);
        self.next = Some(Instant::now() + delay);
        self.failures += 1;
        self.error = Some(error);
    }

    pub(super) fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// Whether a failure now would be the first.
    pub(super) fn is_first(&self) -> bool {
        self.failures == 0
    }

    /// The error of something that has failed again and again.
    pub(super) fn give_up(&mut self) -> Option<E> {
        self.error.take_if(|_| self.failures >= MAX_ATTEMPTS)
    }

    /// How often it has failed since it last succeeded.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    /// Whether it may be tried now.
    pub(super) fn is_due(&self) -> bool {
        self.remaining().is_none_or(|remaining| remaining.is_zero())
    }

    /// How long to wait until then; `None` when it has not failed.
    pub(super) fn remaining(&self) -> Option<Duration> {
        self.next.map(|next| next.saturating_duration_since(Instant::now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_doubles_the_wait_up_to_a_minute() {
        let mut retry = Retry::default();
        assert!(retry.is_due() && retry.is_first() && retry.remaining().is_none());
        for failures in 1..50 {
            assert_eq!(retry.give_up().is_some(), failures > MAX_ATTEMPTS);
            retry.failed("disk full");
            let remaining = retry.remaining().unwrap();
            assert!(remaining <= MAX_DELAY && !retry.is_due(), "{failures}");
            assert_eq!(retry.failures(), failures);
        }
        assert!(retry.remaining().unwrap() > MAX_DELAY / 2);
        retry.succeeded();
        assert!(retry.is_due());
    }
}
