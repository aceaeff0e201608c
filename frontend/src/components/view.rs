//! Loading, error, empty and ready: the one place where they are drawn.

use std::rc::Rc;

use yew::prelude::*;

use crate::{
    components::live_provider::LiveContext,
    services::http::ApiError,
    state::{live::Connection, resource::Resource},
};

/// Draws what was loaded with `ready`, or says that it is loading or why it is not there. What was
/// loaded once stays on show while loading it again fails.
pub fn loaded<T>(resource: &Resource<T>, what: &str, ready: impl FnOnce(&Rc<T>) -> Html) -> Html {
    let remote = &resource.remote;
    match (&remote.value, &remote.error) {
        (Some(value), None) => ready(value),
        (Some(value), Some(error)) => html! {
            <>
                <ErrorAlert error={error.clone()} retry={resource.retry.clone()} stale={true} />
                { ready(value) }
            </>
        },
        (None, Some(error)) => html! {
            <ErrorAlert
                error={error.clone()}
                retry={resource.retry.clone()}
                busy={remote.loading}
            />
        },
        (None, None) => html! { <Loading what={what.to_owned()} /> },
    }
}

/// Properties of [`Loading`].
#[derive(Debug, PartialEq, Properties)]
pub struct LoadingProps {
    /// What is loaded, as in "Loading the models".
    pub what: AttrValue,
}

/// Something is on its way.
#[component]
pub fn Loading(props: &LoadingProps) -> Html {
    html! {
        <div class="loading" role="status" data-testid="loading">
            <span class="spinner" aria-hidden="true" />
            { format!("Loading {}\u{2026}", props.what) }
        </div>
    }
}

/// Properties of [`ErrorAlert`].
#[derive(Debug, PartialEq, Properties)]
pub struct ErrorAlertProps {
    /// What went wrong.
    pub error: ApiError,
    /// Tries again.
    pub retry: Callback<()>,
    /// It is being tried again.
    #[prop_or_default]
    pub busy: bool,
    /// Something older is shown below.
    #[prop_or_default]
    pub stale: bool,
}

/// Something could not be loaded, with a way to try again.
#[component]
pub fn ErrorAlert(props: &ErrorAlertProps) -> Html {
    let onclick = props.retry.reform(|_: MouseEvent| ());
    html! {
        <div class="problem" role="alert" data-testid="error">
            <div>
                <strong>
                    { if props.stale { "The data shown may be out of date" } else { "Loading failed" } }
                </strong>
                <p>{ props.error.to_string() }</p>
            </div>
            <button type="button" class="button" {onclick} disabled={props.busy}>
                { if props.busy { "Retrying\u{2026}" } else { "Try again" } }
            </button>
        </div>
    }
}

/// Properties of [`EmptyState`].
#[derive(Debug, PartialEq, Properties)]
pub struct EmptyStateProps {
    /// What is not there.
    pub title: AttrValue,
    /// When it will be, or what to do.
    pub children: Html,
}

/// There is nothing to show yet.
#[component]
pub fn EmptyState(props: &EmptyStateProps) -> Html {
    html! {
        <div class="empty" data-testid="empty">
            <svg viewBox="0 0 64 64" width="56" height="56" aria-hidden="true">
                <circle cx="20" cy="26" r="9" />
                <circle cx="42" cy="20" r="6" />
                <circle cx="40" cy="43" r="12" />
            </svg>
            <h2>{ props.title.clone() }</h2>
            <div>{ props.children.clone() }</div>
        </div>
    }
}

/// Says that the server is gone, on every page, for as long as it is.
#[component]
pub fn ConnectionBanner() -> Html {
    let Some(LiveContext { live, reconnect }) = use_context::<LiveContext>() else {
        return Html::default();
    };
    let Connection::Lost { attempts } = live.connection else {
        return Html::default();
    };
    let onclick = reconnect.reform(|_: MouseEvent| ());
    html! {
        <div class="banner" role="status" data-testid="connection-lost">
            <p>
                <strong>{ "The server does not answer. " }</strong>
                { "Counts are not updated until it is back; reconnecting automatically" }
                if attempts > 1 {
                    { format!(" (failed {attempts} times)") }
                }
                { "." }
            </p>
            <button type="button" class="button" {onclick}>{ "Try now" }</button>
        </div>
    }
}
