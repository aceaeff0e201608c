//! The cards of a profile.

use std::rc::Rc;

use tillstream_shared::{
    Entity, ModelKind, ModelRef,
    api::{Membership, ProfileView, RfmScore},
};
use yew::prelude::*;
use yew_router::prelude::*;

use crate::{
    charts::palette::colour,
    components::language::{LocalizedText, use_language},
    format,
    labels::{self, singular},
    routes::Route,
    state::{
        history::{Run, runs},
        selection::{Query, Selection},
    },
};

/// The best score.
const MAX_SCORE: u8 = 5;

#[derive(Debug, PartialEq, Properties)]
pub(super) struct ProfileCardsProps {
    pub(super) view: Rc<ProfileView>,
}

/// Everything about one customer, product or country.
#[component]
pub(super) fn ProfileCards(props: &ProfileCardsProps) -> Html {
    let view = &props.view;
    html! {
        <>
            <div class="profile-grid" data-testid="profile" data-entity={view.entity.name()}
                data-id={view.id.clone()}>
                <div class="card">
                    { head(view) }
                    <dl class="facts column" data-testid="profile-values">
                        { for view.features.iter().zip(&view.values).map(|(name, value)| html! {
                            <div>
                                <dt>{ labels::feature(name) }</dt>
                                <dd data-feature={name.clone()} data-value={value.to_string()}>
                                    { format::figure(*value) }
                                </dd>
                            </div>
                        }) }
                    </dl>
                    if !view.exact {
                        <p class="muted small">
                            { "Some counts are estimates, because there are very many." }
                        </p>
                    }
                </div>
                if let Some(score) = &view.rfm {
                    { rfm(score) }
                }
            </div>
            <HistoryCard entity={view.entity} history={view.history.clone()} />
        </>
    }
}

/// Who it is, and the cluster where it is now.
fn head(view: &ProfileView) -> Html {
    html! {
        <div class="profile-head">
            if let Some(now) = view.history.last() {
                <span class="badge large" aria-hidden="true"
                    style={format!("--cluster:{}", colour(now.identity))}>
                    { now.cluster }
                </span>
            }
            <div>
                <h2>{ format!("{} {}", singular(view.entity), view.id) }</h2>
                if let Some(now) = view.history.last() {
                    <p data-testid="profile-cluster">
                        { format!("Cluster {}: ", now.cluster) }<LocalizedText text={now.name.clone()} />
                    </p>
                } else {
                    <p class="muted">{ "No profile model contains it yet." }</p>
                }
            </div>
        </div>
    }
}

/// Recency, frequency and monetary value as scores.
fn rfm(score: &RfmScore) -> Html {
    let row = |name: &'static str, about: &'static str, score: u8| {
        html! {
            <li>
                <span>{ name }<small class="muted">{ about }</small></span>
                <span class="dots" aria-hidden="true">
                    { for (1..=MAX_SCORE).map(|n| html! { <i class={(n <= score).then_some("on")} /> }) }
                </span>
                <strong>{ score }<span class="sr-only">{ format!(" of {MAX_SCORE}") }</span></strong>
            </li>
        }
    };
    html! {
        <div class="card" data-testid="rfm">
            <p class="label">{ "RFM segment" }</p>
            <h2 class="rfm-segment" data-testid="segment"><LocalizedText text={score.segment.clone()} /></h2>
            <ul class="scores">
                { row("Recency", "how recent the last purchase is", score.recency) }
                { row("Frequency", "number of invoices", score.frequency) }
                { row("Monetary", "money spent", score.monetary) }
            </ul>
            <p class="muted small">
                { "5 is the best fifth of all customers, 1 the lowest." }
            </p>
        </div>
    }
}

#[derive(Debug, PartialEq, Properties)]
struct HistoryCardProps {
    entity: Entity,
    history: Vec<Membership>,
}

/// The clusters over time: a strip with a cell for each model, and a list of the changes.
#[component]
fn HistoryCard(props: &HistoryCardProps) -> Html {
    let language = use_language();
    let history = &props.history;
    let runs = runs(history);
    let cell = |membership: &Membership| {
        let name = language.of(&membership.name);
        html! {
            <span
                key={membership.model}
                style={format!("background:{}", colour(membership.identity))}
                title={format!("Model {}: cluster {}, {name}", membership.model, membership.cluster)}
            />
        }
    };
    html! {
        <div class="card" data-testid="history">
            <h2>{ "Clusters over time" }</h2>
            if history.is_empty() {
                <p class="muted">{ "No profile model contains it yet." }</p>
            } else {
                <div class="strip" aria-hidden="true">{ for history.iter().map(cell) }</div>
                <ol class="runs" data-testid="runs">
                    { for runs.iter().rev().map(|run| entry(props.entity, run)) }
                </ol>
            }
        </div>
    }
}

fn entry(entity: Entity, run: &Run) -> Html {
    let Run { first, last, newest } = run;
    let models =
        if first == last { format!("Model {first}") } else { format!("Models {first} to {last}") };
    let query =
        Query::from(Selection { kind: ModelKind::Profile, entity, model: ModelRef::Number(*last) });
    html! {
        <li key={*first}>
            <span class="badge" style={format!("background:{}", colour(newest.identity))}>
                { newest.cluster }
            </span>
            <span>
                <strong><LocalizedText text={newest.name.clone()} /></strong>
                <span class="muted">
                    <Link<Route, Query> to={Route::Clusters} query={Some(query)}>
                        { models }
                    </Link<Route, Query>>
                    { format!(" \u{b7} {} UTC", format::timestamp(&newest.trained_at)) }
                </span>
            </span>
        </li>
    }
}
