//! The champion of one kind and entity: who it is, what the gate decided, and a person's choice.

use std::rc::Rc;

use tillstream_shared::{
    Champion, Decision, Entity, Judgement, ModelKind, ModelNumber, api::ChampionRequest,
};
use yew::prelude::*;

use crate::{
    format,
    services::{champions, http::ApiError, task::Task},
};

/// How many decisions are shown.
const MAX_DECISIONS: usize = 3;

/// What became of the last choice.
#[derive(Debug, Clone, PartialEq)]
enum RequestState {
    No,
    Waiting,
    Failed(ApiError),
}

#[derive(Debug, PartialEq, Properties)]
pub(super) struct ChampionCardProps {
    pub(super) kind: ModelKind,
    pub(super) entity: Entity,
    /// The model that is shown.
    pub(super) shown: ModelNumber,
    /// None as long as no model was judged.
    pub(super) champion: Option<Rc<Champion>>,
    pub(super) on_changed: Callback<()>,
}

/// The champion and the buttons that change it.
#[component]
pub(super) fn ChampionCard(props: &ChampionCardProps) -> Html {
    let asked = use_state_eq(|| RequestState::No);
    let task = use_mut_ref(|| None::<Task>);
    {
        let task = task.clone();
        use_effect_with((), move |()| move || drop(task.borrow_mut().take()));
    }
    let decide = {
        let (kind, entity) = (props.kind, props.entity);
        let (asked, on_changed) = (asked.clone(), props.on_changed.clone());
        Callback::from(move |request: ChampionRequest| {
            asked.set(RequestState::Waiting);
            let (asked, on_changed) = (asked.clone(), on_changed.clone());
            *task.borrow_mut() = Some(Task::spawn(async move {
                match champions::decide(kind, entity, request).await {
                    Ok(_) => {
                        asked.set(RequestState::No);
                        on_changed.emit(());
                    }
                    Err(error) => asked.set(RequestState::Failed(error)),
                }
            }));
        })
    };
    let waiting = *asked == RequestState::Waiting;
    let button = |text: String, request: ChampionRequest, testid: &'static str| {
        html! {
            <button
                type="button"
                class="button"
                disabled={waiting}
                data-testid={testid}
                onclick={decide.reform(move |_: MouseEvent| request)}
            >
                { text }
            </button>
        }
    };
    let champion = props.champion.as_deref();
    let model = champion.and_then(|champion| champion.model);
    let promotable = match props.shown {
        ModelNumber::Number(number) => Some(number).filter(|number| model != Some(*number)),
        ModelNumber::All | ModelNumber::Live => None,
    };
    let back = champion.and_then(|champion| champion.earlier.last().copied());
    html! {
        <div class="card champion" data-testid="champion" data-model={model.map(|m| m.to_string())}>
            <h2>{ "Champion" }</h2>
            <p>
                if let Some(model) = model {
                    <strong>{ format!("Model {model}") }</strong>
                    { " answers under the alias champion. " }
                } else {
                    { "No model has passed the quality gate yet. " }
                }
                if champion.is_some_and(|champion| champion.held) {
                    <span data-testid="champion-held">
                        { "It was promoted by a person: the quality gate judges new models, but \
                           promotes none until it is released." }
                    </span>
                }
            </p>
            <div class="actions">
                if let Some(number) = promotable {
                    { button(format!("Promote model {number}"), ChampionRequest::Promote(number),
                        "promote") }
                }
                if let Some(back) = back {
                    { button(format!("Roll back to model {back}"), ChampionRequest::RollBack,
                        "roll-back") }
                }
                if champion.is_some_and(|champion| champion.held) {
                    { button("Release".to_owned(), ChampionRequest::Release, "release") }
                }
            </div>
            <div aria-live="polite">
                if let RequestState::Failed(error) = &*asked {
                    <div class="problem" data-testid="champion-error">
                        <div>
                            <strong>{ "The champion was not changed" }</strong>
                            <p>{ error.to_string() }</p>
                        </div>
                    </div>
                }
            </div>
            { decisions(champion.map(|champion| &champion.decisions[..]).unwrap_or_default()) }
        </div>
    }
}

/// The newest decisions with their reasons, newest first.
fn decisions(decisions: &[Decision]) -> Html {
    if decisions.is_empty() {
        return html! { <p class="muted">{ "No decisions yet." }</p> };
    }
    html! {
        <>
            <h3>{ "Decisions" }</h3>
            <ul class="decisions" data-testid="decisions">
                { for decisions.iter().rev().take(MAX_DECISIONS).map(decision) }
            </ul>
        </>
    }
}

fn decision(decision: &Decision) -> Html {
    let (class, text) = match (decision.promoted, &decision.judgement) {
        (true, Some(_)) => ("open", "passed the quality gate"),
        (true, None) => ("done", "promoted by a person"),
        (false, Some(judgement)) if judgement.reasons.is_empty() => ("done", "would pass"),
        (false, _) => ("lost", "refused"),
    };
    html! {
        <li>
            <p>
                <strong>{ format!("Model {}", decision.model) }</strong>
                <span class={classes!("pill", class)}>{ text }</span>
                <span class="muted small nowrap">{ format::timestamp(&decision.at) }</span>
            </p>
            if let Some(judgement) = &decision.judgement {
                <p class="muted small">{ measures(judgement) }</p>
                if !judgement.reasons.is_empty() {
                    <ul class="reasons" data-testid="reasons">
                        { for judgement.reasons.iter().map(|reason| html! { <li>{ reason }</li> }) }
                    </ul>
                }
            }
        </li>
    }
}

fn measures(judgement: &Judgement) -> String {
    let measure = |name: &str, value: Option<f64>| {
        value.map(|value| format!("{name} {}", format::decimal(value, 3)))
    };
    let smallest =
        format!("smallest cluster {} %", format::decimal(judgement.smallest_share * 100.0, 1));
    let measured = [
        measure("silhouette", judgement.silhouette),
        measure("stability", judgement.stability),
        Some(smallest),
    ];
    measured.into_iter().flatten().collect::<Vec<_>>().join(" \u{b7} ")
}
