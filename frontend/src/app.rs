//! The frame around every page: contexts, navigation and the banner of a lost connection.

use std::rc::Rc;

use tillstream_shared::api::PredictResponse;
use yew::prelude::*;
use yew_router::prelude::*;

use crate::{
    components::{
        language::{LanguageContext, preferred},
        live_provider::LiveProvider,
        nav::Nav,
        view::ConnectionBanner,
    },
    routes::{Route, switch},
};

/// The line predicted last, shown in the cluster view.
pub type LastPrediction = UseStateHandle<Option<Rc<PredictResponse>>>;

/// The whole page.
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
                        <Switch<Route> render={switch} />
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
