//! The addresses of the pages.

use yew_router::Routable;

/// The pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Routable)]
pub enum Route {
    /// Live counts.
    #[at("/")]
    Overview,
    /// The scatter of a model.
    #[at("/clusters")]
    Clusters,
    /// One customer, product or country.
    #[at("/profiles")]
    Profiles,
    /// The forms.
    #[at("/predict")]
    Predict,
    /// Everything else.
    #[not_found]
    #[at("/404")]
    NotFound,
}

impl Route {
    /// The pages in the navigation.
    pub const NAVIGATION: [Self; 4] =
        [Self::Overview, Self::Clusters, Self::Profiles, Self::Predict];

    /// The page's name.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Clusters => "Clusters",
            Self::Profiles => "Profiles",
            Self::Predict => "Predict",
            Self::NotFound => "Not found",
        }
    }
}
