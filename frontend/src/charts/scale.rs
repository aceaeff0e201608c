//! From data to pixels and back, with ticks. Knows nothing of the DOM.

use crate::format;

/// How values are spread along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Evenly.
    Linear,
    /// By their logarithm; for values above zero.
    Log,
    /// By `sign(x) log10(1 + |x|)`; for values of any sign.
    Symlog,
}

impl Kind {
    /// `Log` where all values allow it, `Symlog` where some are zero or negative.
    #[must_use]
    pub fn logarithmic(values: impl IntoIterator<Item = f64>) -> Self {
        let positive = values.into_iter().filter(|v| v.is_finite()).all(|v| v > 0.0);
        if positive { Self::Log } else { Self::Symlog }
    }

    fn forward(self, v: f64) -> f64 {
        match self {
            Self::Linear => v,
            Self::Log => v.log10(),
            Self::Symlog => v.signum() * v.abs().ln_1p() / std::f64::consts::LN_10,
        }
    }

    fn backward(self, t: f64) -> f64 {
        match self {
            Self::Linear => t,
            Self::Log => 10_f64.powf(t),
            Self::Symlog => t.signum() * (t.abs() * std::f64::consts::LN_10).exp_m1(),
        }
    }
}

/// A mark on an axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Tick {
    /// In data units.
    pub value: f64,
    /// In pixels.
    pub position: f64,
    /// Empty for a minor tick.
    pub label: String,
}

/// An axis: a domain in data units laid over a range in pixels. Either may run backwards.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    kind: Kind,
    /// Transformed.
    from: f64,
    to: f64,
    range: (f64, f64),
}

impl Scale {
    /// Lays `domain` over `range`. A domain of no extent is widened around its value, so that the
    /// value comes to lie in the middle.
    ///
    /// # Panics
    /// In debug builds, when the domain is not finite, or not above zero for [`Kind::Log`].
    #[must_use]
    pub fn new(kind: Kind, domain: (f64, f64), range: (f64, f64)) -> Self {
        let (mut from, mut to) = (kind.forward(domain.0), kind.forward(domain.1));
        debug_assert!(from.is_finite() && to.is_finite(), "unusable domain {domain:?}");
        if from == to {
            let margin = match kind {
                Kind::Linear => (from.abs() * 0.1).max(0.5),
                Kind::Log | Kind::Symlog => 0.5,
            };
            (from, to) = (from - margin, to + margin);
        }
        Self { kind, from, to, range }
    }

    /// Lays the extent of the finite values over `range`, with `margin` (a share of the extent) free
    /// at both ends. Without values the axis runs from 1 to 10.
    #[must_use]
    pub fn fit(
        kind: Kind,
        values: impl IntoIterator<Item = f64>,
        margin: f64,
        range: (f64, f64),
    ) -> Self {
        let extent = values
            .into_iter()
            .filter(|v| v.is_finite() && (kind != Kind::Log || *v > 0.0))
            .fold(None, |extent: Option<(f64, f64)>, v| {
                Some(extent.map_or((v, v), |(low, high)| (low.min(v), high.max(v))))
            });
        let scale = Self::new(kind, extent.unwrap_or((1.0, 10.0)), range);
        let free = (scale.to - scale.from) * margin;
        Self { from: scale.from - free, to: scale.to + free, ..scale }
    }

    /// How values are spread.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// The pixel of a value; `NaN` for one that the axis cannot show.
    #[must_use]
    pub fn position(&self, value: f64) -> f64 {
        let share = (self.kind.forward(value) - self.from) / (self.to - self.from);
        self.range.0 + share * (self.range.1 - self.range.0)
    }

    /// The value at a pixel.
    #[must_use]
    pub fn invert(&self, position: f64) -> f64 {
        let share = (position - self.range.0) / (self.range.1 - self.range.0);
        self.kind.backward(self.from + share * (self.to - self.from))
    }

    /// Ticks inside the domain, ascending in value, labels at least `spacing` pixels apart.
    #[must_use]
    pub fn ticks(&self, spacing: f64) -> Vec<Tick> {
        match self.kind {
            Kind::Linear => self.even_ticks(spacing),
            Kind::Log => self.log_ticks(spacing),
            Kind::Symlog => self.symlog_ticks(spacing),
        }
    }

    fn low_high(&self) -> (f64, f64) {
        (self.from.min(self.to), self.from.max(self.to))
    }

    fn pixels(&self) -> f64 {
        (self.range.1 - self.range.0).abs()
    }

    fn tick(&self, value: f64, labelled: bool) -> Tick {
        let label = if labelled { format::tick(value) } else { String::new() };
        Tick { value, position: self.position(value), label }
    }

    /// Ticks at even steps in data units; where the axis presses them together, not all have labels.
    fn even_ticks(&self, spacing: f64) -> Vec<Tick> {
        let (low, high) = self.low_high();
        let (low, high) = (self.kind.backward(low), self.kind.backward(high));
        let mut last: Option<f64> = None;
        nice(low, high, self.pixels() / spacing)
            .map(|value| {
                let position = self.position(value);
                let free = last.is_none_or(|last| (position - last).abs() >= spacing - 1e-6);
                if free {
                    last = Some(position);
                }
                self.tick(value, free)
            })
            .collect()
    }

    fn log_ticks(&self, spacing: f64) -> Vec<Tick> {
        let (low, high) = self.low_high();
        let decade = self.pixels() / (high - low);
        // Within less than a decade and a half, decades alone would leave the axis almost bare.
        if high - low < 1.5 {
            return self.even_ticks(spacing);
        }
        let every = (spacing / decade).ceil().max(1.0) as i32;
        let mut ticks = Vec::new();
        for exponent in low.floor() as i32..=high.ceil() as i32 {
            let base = 10_f64.powi(exponent);
            for multiple in 1..10 {
                let value = base * f64::from(multiple);
                let place = value.log10();
                if place < low - 1e-9 || place > high + 1e-9 || (multiple > 1 && decade < 24.0) {
                    continue;
                }
                ticks.push(self.tick(value, multiple == 1 && exponent.rem_euclid(every) == 0));
            }
        }
        ticks
    }

    fn symlog_ticks(&self, spacing: f64) -> Vec<Tick> {
        let (low, high) = self.low_high();
        let decade = self.pixels() / (high - low);
        let every = (spacing / decade).ceil().max(1.0) as i32;
        let largest = low.abs().max(high.abs()).ceil() as i32;
        let powers = || (0..=largest).filter(|exponent| exponent % every == 0);
        // One lies only 0.3 decades from zero: left out where the labels would collide.
        let one = 2_f64.log10() * decade >= spacing;
        let wanted = |exponent: &i32| *exponent > 0 || one;
        let negative = powers().filter(wanted).map(|e| -10_f64.powi(e)).collect::<Vec<_>>();
        let positive = powers().filter(wanted).map(|e| 10_f64.powi(e));
        let ticks: Vec<_> = negative
            .into_iter()
            .rev()
            .chain([0.0])
            .chain(positive)
            .filter(|value| (low..=high).contains(&self.kind.forward(*value)))
            .map(|value| self.tick(value, true))
            .collect();
        if ticks.len() < 2 { self.even_ticks(spacing) } else { ticks }
    }
}

/// Multiples of 1, 2 or 5 times a power of ten from `low` to `high`, at most `most` of them or so.
fn nice(low: f64, high: f64, most: f64) -> impl Iterator<Item = f64> {
    let rough = (high - low) / most.max(1.0);
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|step| *step >= rough * (1.0 - 1e-9))
        .unwrap_or(10.0 * power);
    let (first, last) = ((low / step - 1e-9).ceil() as i64, (high / step + 1e-9).floor() as i64);
    (first..=last).map(move |index| index as f64 * step)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: &Scale, spacing: f64) -> Vec<String> {
        let ticks = scale.ticks(spacing).into_iter();
        ticks.map(|tick| tick.label).filter(|label| !label.is_empty()).collect()
    }

    #[test]
    fn decades_are_equally_far_apart() {
        let scale = Scale::new(Kind::Log, (1.0, 1000.0), (0.0, 300.0));
        assert!((scale.position(10.0) - 100.0).abs() < 1e-9);
        assert!((scale.position(100.0) - 200.0).abs() < 1e-9);
        assert!((scale.invert(150.0) - 10_f64.powf(1.5)).abs() < 1e-9);
        assert_eq!(labels(&scale, 50.0), ["1", "10", "100", "1k"]);
        assert_eq!(scale.ticks(50.0).len(), 28, "the minor ticks between the decades");
    }

    #[test]
    fn a_reversed_range_turns_the_axis_round() {
        let scale = Scale::new(Kind::Log, (1.0, 100.0), (200.0, 0.0));
        assert_eq!(scale.position(1.0), 200.0);
        assert_eq!(scale.position(100.0), 0.0);
        assert!((scale.invert(100.0) - 10.0).abs() < 1e-9);
        assert_eq!(labels(&scale, 50.0), ["1", "10", "100"]);
    }

    #[test]
    fn a_reversed_domain_turns_the_axis_round() {
        let scale = Scale::new(Kind::Linear, (10.0, 0.0), (0.0, 100.0));
        assert_eq!(scale.position(10.0), 0.0);
        assert_eq!(scale.position(2.5), 75.0);
        assert_eq!(labels(&scale, 50.0), ["0", "5", "10"]);
        let scale = Scale::new(Kind::Log, (100.0, 1.0), (0.0, 100.0));
        assert_eq!(labels(&scale, 40.0), ["1", "10", "100"]);
    }

    #[test]
    fn a_single_value_lies_in_the_middle() {
        for kind in [Kind::Linear, Kind::Log, Kind::Symlog] {
            for value in [0.01, 1.0, 7.5, 40_000.0] {
                let scale = Scale::new(kind, (value, value), (0.0, 100.0));
                assert!((scale.position(value) - 50.0).abs() < 1e-9, "{kind:?} {value}");
                assert!(!scale.ticks(40.0).is_empty(), "{kind:?} {value}");
            }
        }
        let zero = Scale::fit(Kind::Symlog, [0.0, 0.0], 0.05, (0.0, 100.0));
        assert_eq!(zero.position(0.0), 50.0);
    }

    #[test]
    fn no_values_and_useless_values_still_make_an_axis() {
        let empty = Scale::fit(Kind::Log, [], 0.0, (0.0, 100.0));
        assert_eq!((empty.position(1.0), empty.position(10.0)), (0.0, 100.0));
        let odd = Scale::fit(Kind::Log, [f64::NAN, -3.0, 0.0, 2.0, 20.0], 0.0, (0.0, 100.0));
        assert!((odd.position(2.0)).abs() < 1e-9);
        assert!((odd.position(20.0) - 100.0).abs() < 1e-9);
    }

    #[test]
    fn symlog_is_symmetric_about_zero() {
        let scale = Scale::new(Kind::Symlog, (-1000.0, 1000.0), (0.0, 600.0));
        assert!((scale.position(0.0) - 300.0).abs() < 1e-9);
        let sum = scale.position(-37.0) + scale.position(37.0);
        assert!((sum - 600.0).abs() < 1e-9);
        for value in [-999.0, -1.5, 0.0, 0.25, 640.0] {
            assert!((scale.invert(scale.position(value)) - value).abs() < 1e-9);
        }
        let minus = |text: &str| format!("\u{2212}{text}");
        let expected =
            [&minus("1k"), &minus("100"), &minus("10"), "0", "10", "100", "1k"].map(str::to_owned);
        assert_eq!(labels(&scale, 40.0), expected);
    }

    #[test]
    fn the_kind_follows_the_values() {
        assert_eq!(Kind::logarithmic([0.001, 5.0]), Kind::Log);
        assert_eq!(Kind::logarithmic([0.0, 5.0]), Kind::Symlog);
        assert_eq!(Kind::logarithmic([-80_995.0, 5.0]), Kind::Symlog);
        assert_eq!(Kind::logarithmic([]), Kind::Log);
    }

    #[test]
    fn labels_never_come_closer_than_asked() {
        let domains = [(0.001, 38_970.0), (1.0, 80_995.0), (3.0, 7.0), (0.9, 14.0), (99.0, 101.0)];
        for domain in domains {
            for kind in [Kind::Linear, Kind::Log, Kind::Symlog] {
                for pixels in [120.0, 300.0, 900.0] {
                    let scale = Scale::fit(kind, [domain.0, domain.1], 0.04, (0.0, pixels));
                    let ticks = scale.ticks(44.0);
                    let labelled: Vec<_> = ticks.iter().filter(|t| !t.label.is_empty()).collect();
                    assert!(!labelled.is_empty(), "{kind:?} {domain:?} {pixels}");
                    for pair in labelled.windows(2) {
                        let apart = pair[1].position - pair[0].position;
                        assert!(apart > 43.0, "{kind:?} {domain:?} {pixels}: {apart}");
                    }
                    assert!(ticks.iter().all(|t| t.position > -1.0 && t.position < pixels + 1.0));
                }
            }
        }
    }
}
