//! Facts about the model, and how good its clusters are.

use std::rc::Rc;

use tillstream_shared::{Model, ModelKind, ModelNumber};
use yew::prelude::*;

use crate::{
    format,
    labels::{self, capitalized, model_number},
};

#[derive(Debug, PartialEq, Properties)]
pub(super) struct ModelFactsProps {
    pub(super) model: Rc<Model>,
    /// Distinct points or profiles.
    pub(super) rows: u64,
    /// Whether it is the champion.
    pub(super) champion: bool,
}

/// One line of facts about the model.
#[component]
pub(super) fn ModelFacts(props: &ModelFactsProps) -> Html {
    let model = &props.model;
    let batch = match (model.kind, model.number, model.batch) {
        (_, _, None) => "a file".to_owned(),
        (ModelKind::Line, ModelNumber::Number(_), Some(batch)) => format!("batch {batch}"),
        (_, ModelNumber::Live, Some(batch)) => {
            format!("batches up to {batch}, older ones discounted")
        }
        (_, _, Some(batch)) => format!("batches 1 to {batch}"),
    };
    let fact = |name: &str, value: String| {
        html! { <div><dt>{ name.to_owned() }</dt><dd>{ value }</dd></div> }
    };
    html! {
        <dl
            class="facts"
            data-testid="model-facts"
            data-kind={model.kind.name()}
            data-model={model.number.to_string()}
            data-entity={model.entity.name()}
        >
            <div>
                <dt class="sr-only">{ "Model" }</dt>
                <dd class="strong">{ capitalized(&model_number(model.number)) }</dd>
                if props.champion {
                    <dd class="pill open" data-testid="champion-badge">{ "\u{2605} Champion" }</dd>
                }
            </div>
            { fact("trained on", batch) }
            if !model.gaps.is_empty() {
                <div class="alarm" data-testid="model-gaps">
                    <dt>{ if model.gaps.len() == 1 { "lacks batch" } else { "lacks batches" } }</dt>
                    <dd>{ labels::batch_numbers(&model.gaps) }</dd>
                </div>
            }
            { fact("lines", format::count(model.funnel.kept)) }
            { match model.kind {
                ModelKind::Line => fact("distinct points", format::count(props.rows)),
                ModelKind::Profile => {
                    fact(labels::members(model.kind, model.entity).1, format::count(props.rows))
                }
            } }
            { fact("preprocessing", labels::preprocessing(&model.preprocessing)) }
            if model.number != ModelNumber::Live {
                { fact("iterations", format!("{} ({} starts)", model.iterations, model.n_init)) }
            }
            if let Some(decay) = &model.decay {
                { fact("half-life", decay.half_life.clone()) }
            }
            { fact("trained", format!("{} UTC", format::timestamp(&model.trained_at))) }
        </dl>
    }
}

#[derive(Debug, PartialEq, Properties)]
pub(super) struct QualityCardProps {
    pub(super) model: Rc<Model>,
}

/// The indices of the clustering, with the way in which they are better.
#[component]
pub(super) fn QualityCard(props: &QualityCardProps) -> Html {
    let model = &props.model;
    let row = |name: &str, hint: &str, value: Option<f64>, testid: &'static str| {
        html! {
            <div>
                <dt>{ name.to_owned() }<small>{ hint.to_owned() }</small></dt>
                <dd data-testid={testid} data-value={value.map(|value| value.to_string())}>
                    { value.map_or("\u{2013}".to_owned(), format::number) }
                </dd>
            </div>
        }
    };
    let evaluation = model.evaluation;
    let silhouette = evaluation.and_then(|found| found.silhouette);
    let sampled = silhouette.and_then(|silhouette| silhouette.sampled);
    let silhouette_hint = match sampled {
        Some(n) => format!("\u{2212}1 to 1; sampled: {}", format::plural(n, "point", "points")),
        None => "\u{2212}1 to 1, larger is better".to_owned(),
    };
    html! {
        <div class="card" data-testid="quality">
            <h2>{ "Cluster quality" }</h2>
            <dl class="facts column quality">
                { row(
                    if sampled.is_some() { "Silhouette (sampled)" } else { "Silhouette" },
                    &silhouette_hint,
                    silhouette.map(|silhouette| silhouette.value),
                    "silhouette",
                ) }
                { row(
                    "Davies-Bouldin",
                    "smaller is better",
                    evaluation.and_then(|found| found.davies_bouldin),
                    "davies-bouldin",
                ) }
                { row(
                    "Calinski-Harabasz",
                    "larger is better",
                    evaluation.and_then(|found| found.calinski_harabasz),
                    "calinski-harabasz",
                ) }
                { row("SSE", "in model space, smaller is better", Some(model.sse), "sse") }
            </dl>
        </div>
    }
}
