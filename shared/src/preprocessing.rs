//! From original units to model space, the same in training, on the server and in the page.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantNames};

use crate::UnknownName;

/// The most features that a model may have; lets a prediction work on the stack.
pub const MAX_FEATURES: usize = 8;

/// The named preprocessings.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Default,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    IntoStaticStr,
    VariantNames,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
#[strum(parse_err_ty = UnknownName, parse_err_fn = unknown)]
pub enum PreprocessingKind {
    /// Every line, its values as they are.
    Raw,
    /// Sales only, log1p, standardised.
    #[default]
    Log,
    /// Every value, signed log1p, standardised.
    Signed,
    /// Every value, signed log1p, less the median and by the interquartile range, so that a few
    /// enormous values do not set the scale.
    Robust,
}

impl PreprocessingKind {
    /// All kinds, in the order in which they are listed everywhere.
    pub const ALL: [Self; 4] = [Self::Raw, Self::Log, Self::Signed, Self::Robust];

    /// The name in flags and JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Which points it admits.
    #[must_use]
    pub const fn filter(self) -> Filter {
        match self {
            Self::Log => Filter::Positive,
            Self::Raw | Self::Signed | Self::Robust => Filter::All,
        }
    }

    /// The function that it applies first.
    #[must_use]
    pub const fn transform(self) -> Transform {
        match self {
            Self::Raw => Transform::Identity,
            Self::Log => Transform::Log1p,
            Self::Signed | Self::Robust => Transform::SignedLog1p,
        }
    }

    /// How it scales.
    #[must_use]
    pub const fn scaling(self) -> Scaling {
        match self {
            Self::Raw => Scaling::None,
            Self::Log | Self::Signed => Scaling::Standard,
            Self::Robust => Scaling::Robust,
        }
    }
}

fn unknown(name: &str) -> UnknownName {
    UnknownName::new("preprocessing", name, PreprocessingKind::VARIANTS)
}

/// Which points a model admits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Filter {
    /// All finite ones.
    All,
    /// Those whose every value is above zero (of lines: the sales).
    Positive,
}

/// The function applied to every value before scaling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transform {
    /// x
    Identity,
    /// ln(1 + x), for x > -1.
    Log1p,
    /// sign(x) ln(1 + |x|), for every x.
    SignedLog1p,
}

/// Where `means` and `scales` come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scaling {
    /// Means 0, scales 1.
    None,
    /// Mean and population standard deviation.
    Standard,
    /// Median and interquartile range; where at least half of the values are equal and the range is 0,
    /// the population standard deviation in its place.
    Robust,
}

/// A value that the model's preprocessing does not admit.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Excluded {
    /// A NaN or an infinity.
    #[error("must be a finite number")]
    NotFinite {
        /// Index of the feature.
        feature: usize,
    },
    /// Not above zero where the model was trained on sales only.
    #[error("must be above zero: the model was trained on sales only")]
    NotPositive {
        /// Index of the feature.
        feature: usize,
    },
}

impl Excluded {
    /// Index of the feature that was at fault.
    #[must_use]
    pub const fn feature(&self) -> usize {
        match self {
            Self::NotFinite { feature } | Self::NotPositive { feature } => *feature,
        }
    }
}

/// Filter, transform, scaling and clipping of a model, with the figures found in training.
///
/// `z = clip((transform(x) - mean) / scale)`, feature by feature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Preprocessing {
    /// The name under which it was asked for.
    pub kind: PreprocessingKind,
    /// Which points are admitted.
    pub filter: Filter,
    /// The function applied first.
    pub transform: Transform,
    /// How `means` and `scales` were found.
    pub scaling: Scaling,
    /// One per feature, in units of the transformed value (medians where `scaling` is robust).
    pub means: Vec<f64>,
    /// One per feature, above zero, in units of the transformed value.
    pub scales: Vec<f64>,
    /// The largest absolute value in model space; larger ones are cut to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip: Option<f64>,
}

impl Preprocessing {
    /// Tells whether `values` (original units) are admitted.
    ///
    /// # Errors
    /// The first feature that is not, and why.
    pub fn admit(filter: Filter, values: &[f64]) -> Result<(), Excluded> {
        for (feature, value) in values.iter().enumerate() {
            if !value.is_finite() {
                return Err(Excluded::NotFinite { feature });
            }
            if filter == Filter::Positive && *value <= 0.0 {
                return Err(Excluded::NotPositive { feature });
            }
        }
        Ok(())
    }

    /// Takes `values` (original units, one per feature) to model space.
    ///
    /// # Errors
    /// [`Excluded`] when the filter does not admit them.
    ///
    /// # Panics
    /// When there are more than [`MAX_FEATURES`] values.
    pub fn apply(&self, values: &[f64]) -> Result<[f64; MAX_FEATURES], Excluded> {
        Self::admit(self.filter, values)?;
        let mut point = [0.0; MAX_FEATURES];
        for (feature, value) in values.iter().enumerate() {
            let z = (self.transform.forward(*value) - self.means[feature]) / self.scales[feature];
            point[feature] = self.clip.map_or(z, |limit| z.clamp(-limit, limit));
        }
        Ok(point)
    }

    /// Takes one value of model space back to original units (clipping cannot be undone).
    #[must_use]
    pub fn invert(&self, feature: usize, z: f64) -> f64 {
        self.transform.backward(z * self.scales[feature] + self.means[feature])
    }
}

impl Transform {
    /// The function itself. `libm` in place of the platform's own, so that native code and wasm
    /// give the same bits.
    #[must_use]
    pub fn forward(self, x: f64) -> f64 {
        match self {
            Self::Identity => x,
            Self::Log1p => libm::log1p(x),
            Self::SignedLog1p => libm::copysign(libm::log1p(x.abs()), x),
        }
    }

    /// Its inverse.
    #[must_use]
    pub fn backward(self, y: f64) -> f64 {
        match self {
            Self::Identity => y,
            Self::Log1p => libm::expm1(y),
            Self::SignedLog1p => libm::copysign(libm::expm1(y.abs()), y),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_found_by_their_names() {
        for kind in PreprocessingKind::ALL {
            assert_eq!(kind.name().parse(), Ok(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
        let error = "cooked".parse::<PreprocessingKind>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "unknown preprocessing `cooked`: use raw, log, signed or robust"
        );
    }
}
