//! What stands around the scatter.

use std::rc::Rc;

use tillstream_shared::{Filter, Model, ModelNumber, PreprocessingKind, api::PredictResponse};
use yew::prelude::*;

use crate::{
    charts::{
        bars::{Meter, ShareBar},
        palette::colour,
    },
    format,
};

#[derive(Debug, PartialEq, Properties)]
pub(super) struct ModelFactsProps {
    pub(super) model: Rc<Model>,
    pub(super) distinct: u64,
}

/// One line of facts about the model.
#[component]
pub(super) fn ModelFacts(props: &ModelFactsProps) -> Html {
    let model = &props.model;
    let name = match model.number {
        ModelNumber::Number(number) => format!("Model {number}"),
        ModelNumber::All => "Model of every batch".to_owned(),
    };
    let batch = match (model.number, model.batch) {
        (ModelNumber::Number(_), Some(batch)) => format!("batch {batch}"),
        (ModelNumber::All, Some(batch)) => format!("batches 1 to {batch}"),
        (_, None) => "a file".to_owned(),
    };
    let preprocessing = match model.preprocessing.kind {
        PreprocessingKind::Raw => "raw: values as they are",
        PreprocessingKind::Log => "log: sales only, log1p, standardised",
    };
    let fact = |name: &str, value: String| {
        html! { <div><dt>{ name.to_owned() }</dt><dd>{ value }</dd></div> }
    };
    html! {
        <dl
            class="facts"
            data-testid="model-facts"
            data-model={model.number.to_string()}
            data-entity={model.entity.name()}
        >
            <div><dt class="sr-only">{ "Model" }</dt><dd class="strong">{ name }</dd></div>
            { fact("trained on", batch) }
            { fact("lines", format::count(model.funnel.kept)) }
            { fact("distinct points", format::count(props.distinct)) }
            { fact("preprocessing", preprocessing.to_owned()) }
            { fact("SSE", format::number(model.sse)) }
            { fact("iterations", format!("{} (best of {} starts)", model.iterations, model.restarts)) }
            { fact("trained", format!("{} UTC", format::timestamp(&model.trained_at))) }
        </dl>
    }
}

#[derive(Debug, PartialEq, Properties)]
pub(super) struct LegendProps {
    pub(super) model: Rc<Model>,
    pub(super) hidden: Vec<bool>,
    pub(super) on_toggle: Callback<u32>,
    pub(super) on_highlight: Callback<Option<u32>>,
    pub(super) predicted: Option<Rc<PredictResponse>>,
}

/// Names, sizes and centroids of the clusters; each entry shows or leaves out its cluster.
#[component]
pub(super) fn Legend(props: &LegendProps) -> Html {
    let model = &props.model;
    let whole: u64 = model.sizes.iter().sum();
    let entry = |cluster: u32| {
        let index = cluster as usize - 1;
        let shown = !props.hidden.get(index).copied().unwrap_or(false);
        let (toggle, enter, leave) =
            (props.on_toggle.clone(), props.on_highlight.clone(), props.on_highlight.clone());
        let (focus, blur) = (enter.clone(), leave.clone());
        html! {
            <li key={cluster}>
                <button
                    type="button"
                    class="legend-item"
                    aria-pressed={if shown { "true" } else { "false" }}
                    title={if shown { "Leave this cluster out" } else { "Show this cluster" }}
                    data-testid="legend-item"
                    onclick={move |_| toggle.emit(cluster)}
                    onpointerenter={move |_| enter.emit(Some(cluster))}
                    onpointerleave={move |_| leave.emit(None)}
                    onfocus={move |_| focus.emit(Some(cluster))}
                    onblur={move |_| blur.emit(None)}
                >
                    <span class="badge" style={format!("background:{}", colour(cluster))}>
                        { cluster }
                    </span>
                    <span class="legend-text">
                        <strong>{ model.description(cluster) }</strong>
                        <span>
                            { format!(
                                "{} \u{b7} {}",
                                format::plural(model.sizes[index], "line", "lines"),
                                format::percent(model.sizes[index], whole)
                            ) }
                        </span>
                        <span class="muted">
                            { format!(
                                "around {} pieces at {}",
                                format::number(model.centroids[index][0]),
                                format::number(model.centroids[index][1])
                            ) }
                        </span>
                    </span>
                </button>
            </li>
        }
    };
    html! {
        <aside class="card legend" aria-label="Legend">
            <h2>{ "Clusters" }</h2>
            <ShareBar sizes={model.sizes.clone()} />
            <ul data-testid="legend">{ for (1..=model.k).map(entry) }</ul>
            <p class="muted small">{ "Choose a cluster to leave it out or bring it back." }</p>
            <ul class="legend-keys">
                <li><span class="key-centroid" aria-hidden="true">{ "1" }</span>{ "centroid" }</li>
                <li><span class="key-disc" aria-hidden="true" />{ "area: lines at the point" }</li>
                if let Some(last) = &props.predicted {
                    <li data-testid="legend-predicted">
                        <span class="key-marked" aria-hidden="true" />
                        { format!(
                            "predicted last: {}, {} \u{d7} {}",
                            last.id,
                            format::exact(last.quantity),
                            format::exact(last.unit_price)
                        ) }
                    </li>
                }
            </ul>
        </aside>
    }
}

#[derive(Debug, PartialEq, Properties)]
pub(super) struct ModelProps {
    pub(super) model: Rc<Model>,
}

/// The clusters in figures.
#[component]
pub(super) fn SummaryTable(props: &ModelProps) -> Html {
    let model = &props.model;
    let whole: u64 = model.sizes.iter().sum();
    let row = |cluster: u32| {
        let index = cluster as usize - 1;
        html! {
            <tr key={cluster}>
                <th scope="row">
                    <i class="swatch" style={format!("background:{}", colour(cluster))} />
                    { cluster }
                </th>
                <td>{ model.description(cluster) }</td>
                <td class="num">{ format::count(model.sizes[index]) }</td>
                <td class="num">{ format::percent(model.sizes[index], whole) }</td>
                <td class="num">{ format::number(model.centroids[index][0]) }</td>
                <td class="num">{ format::number(model.centroids[index][1]) }</td>
                <td class="num">{ format::number(model.mean_values[index]) }</td>
            </tr>
        }
    };
    html! {
        <div class="card">
            <h2>{ "In figures" }</h2>
            <div class="scroll" tabindex="0" role="region" aria-label="Clusters in figures">
                <table data-testid="summary-table">
                    <thead>
                        <tr>
                            <th scope="col">{ "Cluster" }</th>
                            <th scope="col">{ "Description" }</th>
                            <th scope="col" class="num">{ "Lines" }</th>
                            <th scope="col" class="num">{ "Share" }</th>
                            <th scope="col" class="num">{ "Centroid quantity" }</th>
                            <th scope="col" class="num">{ "Centroid price" }</th>
                            <th scope="col" class="num">{ "Mean line value" }</th>
                        </tr>
                    </thead>
                    <tbody>{ for (1..=model.k).map(row) }</tbody>
                </table>
            </div>
        </div>
    }
}

/// What became of the lines: kept, or left out and why.
#[component]
pub(super) fn FunnelCard(props: &ModelProps) -> Html {
    let (model, funnel) = (&props.model, props.model.funnel);
    let row = |name: String, lines: u64, class: &'static str, colour: &'static str| {
        html! {
            <li class={class}>
                <span>{ name }</span>
                <span class="num">{ format::count(lines) }</span>
                <Meter share={lines as f64 / funnel.lines.max(1) as f64} {colour} />
            </li>
        }
    };
    let left_out = [
        (format!("no {}", model.entity.id_field()), funnel.without_id),
        ("returns: quantity not above zero".to_owned(), funnel.returns),
        ("price not above zero".to_owned(), funnel.unpriced),
    ];
    html! {
        <div class="card" data-testid="funnel">
            <h2>{ "What was trained on" }</h2>
            <ul class="funnel">
                { row("lines looked at".to_owned(), funnel.lines, "", "var(--muted)") }
                { for left_out.into_iter().filter(|(_, lines)| *lines > 0).map(|(why, lines)| {
                    row(format!("\u{2212} {why}"), lines, "out", "var(--warn)")
                }) }
                { row("kept".to_owned(), funnel.kept, "kept", "var(--accent)") }
            </ul>
            if model.preprocessing.filter == Filter::All {
                <p class="muted">{ "A raw model keeps returns and lines without a price." }</p>
            }
        </div>
    }
}
