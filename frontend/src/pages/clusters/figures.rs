//! The clusters in words and in figures, and the funnel of the training data.

use std::rc::Rc;

use tillstream_shared::{Filter, Model, ModelKind};
use yew::prelude::*;

use crate::{
    charts::{
        bars::Meter,
        palette::{colours, identities},
    },
    components::language::use_language,
    format,
    labels::{self, capitalized},
    state::names,
};

#[derive(Debug, PartialEq, Properties)]
pub(super) struct ModelProps {
    pub(super) model: Rc<Model>,
}

/// The clusters in words: their names, and how their figures differ from the overall ones.
#[component]
pub(super) fn DescriptionsCard(props: &ModelProps) -> Html {
    let model = &props.model;
    let language = use_language();
    if model.clusters.is_empty() {
        return Html::default();
    }
    let colours = colours(model);
    html! {
        <div class="card">
            <h2>{ "Cluster descriptions" }</h2>
            <ul class="sentences" lang={language.code()} data-testid="sentences">
                { for model.clusters.iter().zip(colours).map(|(cluster, colour)| html! {
                    <li key={cluster.identity}>
                        <span class="badge" style={format!("background:{colour}")}>
                            { cluster.number }
                        </span>
                        <p>
                            <strong>{ language.of(&cluster.name) }</strong>
                            { language.of(&cluster.sentence) }
                        </p>
                    </li>
                }) }
            </ul>
        </div>
    }
}

/// The clusters in figures.
#[component]
pub(super) fn SummaryTable(props: &ModelProps) -> Html {
    let model = &props.model;
    let language = use_language();
    let (colours, identities) = (colours(model), identities(model));
    let whole: u64 = model.sizes.iter().sum();
    let members = labels::members(model.kind, model.entity).1;
    let value = match model.kind {
        ModelKind::Line => "Mean line value",
        ModelKind::Profile => "Mean value",
    };
    let row = |cluster: u32| {
        let index = cluster as usize - 1;
        html! {
            <tr key={cluster}>
                <th scope="row">
                    <i class="swatch" style={format!("background:{}", colours[index])} />
                    { cluster }
                </th>
                <td lang={names::text(model, cluster).map(|_| language.code())}>
                    { names::of(model, cluster, language) }
                </td>
                <td class="num">{ identities[index] }</td>
                if let Some(description) = names::description(model, cluster, language) {
                    <td>{ description }</td>
                }
                <td class="num">{ format::count(model.sizes[index]) }</td>
                <td class="num">{ format::percent(model.sizes[index], whole) }</td>
                { for model.centroids[index].iter().map(|value| html! {
                    <td class="num">{ format::number(*value) }</td>
                }) }
                <td class="num">{ format::number(model.mean_values[index]) }</td>
            </tr>
        }
    };
    html! {
        <div class="card">
            <h2>{ "Cluster statistics" }</h2>
            <div class="scroll" tabindex="0" role="region" aria-label="Cluster statistics">
                <table class="figures" data-testid="summary-table">
                    <thead>
                        <tr>
                            <th scope="col">{ "Cluster" }</th>
                            <th scope="col">{ "Name" }</th>
                            <th scope="col" class="num">{ "Identity" }</th>
                            if names::has_descriptions(model) {
                                <th scope="col">{ "Description" }</th>
                            }
                            <th scope="col" class="num">{ capitalized(members) }</th>
                            <th scope="col" class="num">{ "Share" }</th>
                            { for model.features.iter().map(|name| html! {
                                <th scope="col" class="num">
                                    { format!("Centroid {}", labels::spaced(name)) }
                                </th>
                            }) }
                            <th scope="col" class="num">{ value }</th>
                        </tr>
                    </thead>
                    <tbody>{ for (1..=model.k).map(row) }</tbody>
                </table>
            </div>
            <p class="muted small table-note">
                { "Clusters are numbered by ascending mean value. The identity stays with a cluster \
                   from model to model, and with it the colour." }
            </p>
        </div>
    }
}

/// The cleaning funnel: lines kept, and lines left out with the reason.
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
            <h2>{ "Training data" }</h2>
            <ul class="funnel">
                { row("lines read".to_owned(), funnel.lines, "", "var(--muted)") }
                { for left_out.into_iter().filter(|(_, lines)| *lines > 0).map(|(why, lines)| {
                    row(format!("\u{2212} {why}"), lines, "out", "var(--warn)")
                }) }
                { row("kept".to_owned(), funnel.kept, "kept", "var(--accent)") }
            </ul>
            if model.kind == ModelKind::Line && model.preprocessing.filter == Filter::All {
                <p class="muted">{ "A raw model keeps returns and lines without a price." }</p>
            }
        </div>
    }
}
