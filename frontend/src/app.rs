//! The frame around every page: contexts, navigation, the banner of a lost connection, and the page of
//! each route.

use yew::prelude::*;
use yew_router::prelude::*;

use crate::{
    components::{
        language::{LanguageContext, preferred},
        live_provider::LiveProvider,
        nav::Nav,
        view::ConnectionBanner,
    },
    pages::{
        clusters::ClustersPage, overview::OverviewPage, predict::PredictPage,
        profiles::ProfilesPage,
    },
    routes::Route,
    state::prediction::LastPrediction,
};

/// The whole application.
#[component]
pub fn App() -> Html {
    let last_prediction: LastPrediction = use_state(|| None);
    let language: LanguageContext = use_state(preferred);
    html! {
        <BrowserRouter>
            <LiveProvider>
                <ContextProvider<LanguageContext> context={language}>
                <ContextProvider<LastPrediction> context={last_prediction}>
                    <a class="skip" href="#main">{ "Skip to the content" }</a>
                    <Nav />
                    <ConnectionBanner />
                    <main id="main" tabindex="-1">
                        <Switch<Route> render={page} />
                    </main>
                    <footer class="foot">
                        { "Tillstream turns a stream of till receipts into customer, product and \
                           country segments while it runs." }
                    </footer>
                </ContextProvider<LastPrediction>>
                </ContextProvider<LanguageContext>>
            </LiveProvider>
        </BrowserRouter>
    }
}

/// Renders the page of a route and gives the document its title.
fn page(route: Route) -> Html {
    gloo::utils::document().set_title(&format!("{} \u{b7} Tillstream", route.title()));
    match route {
        Route::Overview => html! { <OverviewPage /> },
        Route::Clusters => html! { <ClustersPage /> },
        Route::Profiles => html! { <ProfilesPage /> },
        Route::Predict => html! { <PredictPage /> },
        Route::NotFound => html! {
            <section class="empty" data-testid="not-found">
                <h1>{ "Page not found" }</h1>
                <p><Link<Route> to={Route::Overview}>{ "Go to the overview" }</Link<Route>></p>
            </section>
        },
    }
}
