//! The addresses of the pages.

use yew::prelude::*;
use yew_router::prelude::*;

use crate::pages::{
    clusters::ClustersPage, overview::Overview, predict::PredictPage, profiles::ProfilesPage,
};

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

/// Renders the page of a route.
pub fn switch(route: Route) -> Html {
    gloo::utils::document().set_title(&format!("{} \u{b7} Tillstream", route.title()));
    match route {
        Route::Overview => html! { <Overview /> },
        Route::Clusters => html! { <ClustersPage /> },
        Route::Profiles => html! { <ProfilesPage /> },
        Route::Predict => html! { <PredictPage /> },
        Route::NotFound => html! {
            <section class="empty" data-testid="not-found">
                <h1>{ "There is no such page" }</h1>
                <p><Link<Route> to={Route::Overview}>{ "Go to the overview" }</Link<Route>></p>
            </section>
        },
    }
}
