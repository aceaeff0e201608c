//! What is made of the lines before they are clustered.

use strum::VariantNames;
use tillstream_shared::{Entity, PreprocessingKind, UnknownName};

/// What one row of the training data is.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Default,
    strum::Display,
    strum::EnumString,
    strum::VariantNames,
)]
#[strum(serialize_all = "lowercase")]
#[strum(parse_err_ty = UnknownName, parse_err_fn = unknown)]
pub enum Recipe {
    /// A line: Quantity and UnitPrice.
    #[default]
    Line,
    /// A customer, product or country: the features of [`crate::features::Profiles::table`].
    Profile,
    /// A customer: recency, frequency and monetary of the sales alone, as
    /// [`crate::features::Profiles::rfm_table`] has them; the usual recipe for this kind of data.
    Rfm,
}

/// A recipe that says nothing about the entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the recipe `rfm` is about customers: use the entity customer, or for {0} the recipe profile"
)]
pub struct UnsuitableRecipe(pub Entity);

impl Recipe {
    /// All recipes, in the order in which they are listed everywhere.
    pub const ALL: [Self; 3] = [Self::Line, Self::Profile, Self::Rfm];

    /// The preprocessing unless another is asked for. A net spend may be negative, which is why
    /// profiles are not on a plain log scale.
    #[must_use]
    pub const fn preprocessing(self) -> PreprocessingKind {
        match self {
            Self::Line | Self::Rfm => PreprocessingKind::Log,
            Self::Profile => PreprocessingKind::Signed,
        }
    }

    /// Checks that the recipe is of use for `entity`.
    ///
    /// # Errors
    /// [`UnsuitableRecipe`] when it is not.
    pub fn suits(self, entity: Entity) -> Result<(), UnsuitableRecipe> {
        if self == Self::Rfm && entity != Entity::Customer {
            return Err(UnsuitableRecipe(entity));
        }
        Ok(())
    }
}

fn unknown(name: &str) -> UnknownName {
    UnknownName::new("recipe", name, Recipe::VARIANTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipes_are_found_by_their_names() {
        for recipe in Recipe::ALL {
            assert_eq!(recipe.to_string().parse(), Ok(recipe));
        }
        let error = "RFM".parse::<Recipe>().unwrap_err().to_string();
        assert_eq!(error, "unknown recipe `RFM`: use line, profile or rfm");
    }

    #[test]
    fn rfm_is_for_customers() {
        for recipe in Recipe::ALL {
            for entity in Entity::ALL {
                let suits = recipe != Recipe::Rfm || entity == Entity::Customer;
                assert_eq!(recipe.suits(entity).is_ok(), suits, "{recipe} {entity}");
            }
        }
    }
}
