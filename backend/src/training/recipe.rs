//! What is made of the lines before they are clustered.

use std::{fmt, str::FromStr};

use tillstream_shared::{Entity, PreprocessingKind};

/// What one row of the training data is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
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

/// A name that is no [`Recipe`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown recipe `{0}`: use line, profile or rfm")]
pub struct UnknownRecipe(pub String);

/// A recipe that says nothing about the entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the recipe `rfm` is about customers: use the entity customer, or for {0} the recipe profile"
)]
pub struct UnsuitableRecipe(pub Entity);

impl Recipe {
    /// All recipes, in the order in which they are listed everywhere.
    pub const ALL: [Self; 3] = [Self::Line, Self::Profile, Self::Rfm];

    /// The name in flags.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Line => "line",
            Self::Profile => "profile",
            Self::Rfm => "rfm",
        }
    }

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

impl fmt::Display for Recipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Recipe {
    type Err = UnknownRecipe;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|recipe| recipe.name() == name)
            .ok_or_else(|| UnknownRecipe(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipes_are_found_by_their_names() {
        for recipe in Recipe::ALL {
            assert_eq!(recipe.to_string().parse(), Ok(recipe));
        }
        assert_eq!("RFM".parse::<Recipe>(), Err(UnknownRecipe("RFM".into())));
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
