//! How fast a stream is forgotten.

use std::{fmt, str::FromStr};

/// After how much of the stream an old line counts half.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum HalfLife {
    /// So many batches, whatever their size.
    Batches(f64),
    /// So many lines.
    Lines(f64),
}

/// A text that is not a [`HalfLife`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a half-life: use a number above 0 and a unit, such as 10batches or 100000lines"
)]
pub struct InvalidHalfLife(pub String);

impl HalfLife {
    /// α, what a batch of `lines` lines leaves of the weight of earlier ones, from 0 to 1: 2^(-1/h)
    /// for a half-life of h batches, 2^(-lines/h) for one of h lines. A half-life that is not above
    /// 0 leaves nothing.
    #[must_use]
    pub fn decay(self, lines: f64) -> f64 {
        let (passed, half_life) = match self {
            Self::Batches(half_life) => (1.0, half_life),
            Self::Lines(half_life) => (lines, half_life),
        };
        // `libm`, so that every machine gives the same bits.
        if half_life > 0.0 { libm::exp2(-passed / half_life) } else { 0.0 }
    }
}

impl fmt::Display for HalfLife {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Batches(half_life) => write!(f, "{half_life}batches"),
            Self::Lines(half_life) => write!(f, "{half_life}lines"),
        }
    }
}

impl FromStr for HalfLife {
    type Err = InvalidHalfLife;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidHalfLife(text.to_owned());
        let unit = text.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(invalid)?;
        let half_life: f64 = text[..unit].trim_end().parse().map_err(|_| invalid())?;
        if !(half_life.is_finite() && half_life > 0.0) {
            return Err(invalid());
        }
        match &text[unit..] {
            "batch" | "batches" => Ok(Self::Batches(half_life)),
            "line" | "lines" => Ok(Self::Lines(half_life)),
            _ => Err(invalid()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_read_and_written() {
        for (text, half_life, written) in [
            ("10batches", HalfLife::Batches(10.0), "10batches"),
            ("1batch", HalfLife::Batches(1.0), "1batches"),
            ("0.5 batches", HalfLife::Batches(0.5), "0.5batches"),
            ("100000lines", HalfLife::Lines(100_000.0), "100000lines"),
        ] {
            assert_eq!(text.parse(), Ok(half_life));
            assert_eq!(half_life.to_string(), written);
            assert_eq!(written.parse(), Ok(half_life));
        }
        for text in ["", "10", "batches", "0batches", "-1lines", "10days", "1e999lines", "nanlines"]
        {
            let error = text.parse::<HalfLife>().unwrap_err().to_string();
            assert!(error.contains("10batches") && error.contains(&format!("`{text}`")), "{error}");
        }
    }

    #[test]
    fn half_is_left_after_a_half_life() {
        assert_eq!(HalfLife::Lines(500.0).decay(500.0), 0.5);
        assert_eq!(HalfLife::Lines(500.0).decay(0.0), 1.0);
        assert_eq!(HalfLife::Batches(1.0).decay(7.0), 0.5);
        assert_eq!(HalfLife::Batches(f64::INFINITY).decay(7.0), 1.0);
        assert_eq!(HalfLife::Batches(0.0).decay(7.0), 0.0);
        assert_eq!(HalfLife::Batches(f64::NAN).decay(7.0), 0.0);
        let ten = (0..10).fold(1.0, |left, _| left * HalfLife::Batches(10.0).decay(1.0));
        assert!((ten - 0.5).abs() < 1e-12);
    }
}
