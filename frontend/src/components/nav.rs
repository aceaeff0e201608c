//! The head of the page: its name, the way to the other pages, and how the connection is.

use yew::prelude::*;
use yew_router::prelude::*;

use crate::{components::live_provider::LiveContext, routes::Route, state::live::Connection};

/// The head of every page.
#[component]
pub fn Nav() -> Html {
    let current = use_route::<Route>().unwrap_or(Route::NotFound);
    html! {
        <header class="head">
            <div class="head-inner">
                <NavLink to={Route::Overview} classes="brand" current={false}>
                    <svg viewBox="0 0 32 32" width="30" height="30" aria-hidden="true">
                        <rect width="32" height="32" rx="8" class="brand-tile" />
                        <path
                            d="M9 6h14v17.5l-2.3-1.8-2.4 1.8-2.3-1.8-2.3 1.8-2.4-1.8L9 23.5z"
                            fill="#fff"
                        />
                        <circle cx="12.6" cy="17.4" r="1.5" fill="#0072b2" />
                        <circle cx="15.4" cy="13.8" r="1.9" fill="#e69f00" />
                        <circle cx="19.2" cy="9.9" r="2.3" fill="#009e73" />
                    </svg>
                    <span>{ "Tillstream" }</span>
                </NavLink>
                <nav aria-label="Pages">
                    { for Route::NAVIGATION.into_iter().map(|route| html! {
                        <NavLink to={route} classes="nav-link" current={route == current}>
                            { route.title() }
                        </NavLink>
                    }) }
                </nav>
                <ConnectionPill />
            </div>
        </header>
    }
}

#[derive(Debug, PartialEq, Properties)]
struct NavLinkProps {
    to: Route,
    classes: &'static str,
    current: bool,
    children: Html,
}

/// A link that tells assistive technology when it leads to the page that is open.
#[component]
fn NavLink(props: &NavLinkProps) -> Html {
    let navigator = use_navigator();
    let to = props.to;
    let onclick = Callback::from(move |event: MouseEvent| {
        // Opening in a new tab or window is left to the browser.
        if event.meta_key() || event.ctrl_key() || event.shift_key() || event.alt_key() {
            return;
        }
        if let Some(navigator) = &navigator {
            event.prevent_default();
            navigator.push(&to);
        }
    });
    html! {
        <a
            class={props.classes}
            href={props.to.to_path()}
            aria-current={props.current.then_some("page")}
            data-testid={(props.classes == "nav-link").then(|| format!("nav-{}", props.to.title().to_lowercase()))}
            {onclick}
        >
            { props.children.clone() }
        </a>
    }
}

/// Whether counts come in right now.
#[component]
fn ConnectionPill() -> Html {
    let connection = use_context::<LiveContext>()
        .map_or(Connection::Connecting, |context| context.live.connection);
    let (state, text) = match connection {
        Connection::Connecting => ("connecting", "Connecting"),
        Connection::Open => ("open", "Live"),
        Connection::Lost { .. } => ("lost", "Offline"),
    };
    html! {
        <span class={classes!("pill", state)} data-testid="connection" data-state={state}>
            <span class="dot" aria-hidden="true" />
            { text }
        </span>
    }
}
