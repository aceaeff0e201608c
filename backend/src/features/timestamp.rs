//! Times as seconds from 1970, and what lies between them.

use serde::{Deserialize, Serialize};

/// Seconds of a day.
pub(super) const DAY: i64 = 86_400;

/// From one time to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Span {
    /// The earliest, in seconds from 1970.
    pub(super) first: i64,
    /// The latest.
    pub(super) last: i64,
}

impl Span {
    /// A single time.
    pub(super) fn at(time: i64) -> Self {
        Self { first: time, last: time }
    }

    /// The span that holds both.
    pub(super) fn join(left: Option<Self>, right: Option<Self>) -> Option<Self> {
        let (Some(a), Some(b)) = (left, right) else { return left.or(right) };
        Some(Self { first: a.first.min(b.first), last: a.last.max(b.last) })
    }
}

/// Days from one time to another, with fractions.
pub(super) fn days(from: i64, to: i64) -> f64 {
    (to - from) as f64 / DAY as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_grow() {
        let [a, b] = [Span::at(5), Span { first: 1, last: 3 }].map(Some);
        assert_eq!(Span::join(a, b), Some(Span { first: 1, last: 5 }));
        assert_eq!(Span::join(b, a), Span::join(a, b));
        assert_eq!(Span::join(a, None), a);
        assert_eq!(Span::join(None, a), a);
    }
}
