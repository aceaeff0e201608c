//! The legend of the scatter.

use std::rc::Rc;

use tillstream_shared::{Model, ModelKind, api::PredictResponse};
use yew::prelude::*;

use crate::{
    charts::{
        bars::ShareBar,
        palette::{colours, identities},
    },
    components::language::use_language,
    format, labels,
    state::names,
};

#[derive(Debug, PartialEq, Properties)]
pub(super) struct LegendProps {
    pub(super) model: Rc<Model>,
    /// Whether each cluster is hidden, in the order of their numbers.
    pub(super) hidden: Vec<bool>,
    /// Shows or hides a cluster, named by its identity.
    pub(super) on_toggle: Callback<u32>,
    pub(super) on_highlight: Callback<Option<u32>>,
    pub(super) predicted: Option<Rc<PredictResponse>>,
}

/// Names and sizes of the clusters; each entry shows or hides its cluster.
#[component]
pub(super) fn Legend(props: &LegendProps) -> Html {
    let model = &props.model;
    let language = use_language();
    let (colours, identities) = (colours(model), identities(model));
    let (one, many) = labels::members(model.kind, model.entity);
    let whole: u64 = model.sizes.iter().sum();
    let entry = |cluster: u32| {
        let index = cluster as usize - 1;
        let shown = !props.hidden.get(index).copied().unwrap_or(false);
        let identity = identities[index];
        let (toggle, enter, leave) =
            (props.on_toggle.clone(), props.on_highlight.clone(), props.on_highlight.clone());
        let (focus, blur) = (enter.clone(), leave.clone());
        let size = format!(
            "{} \u{b7} {}",
            format::plural(model.sizes[index], one, many),
            format::percent(model.sizes[index], whole)
        );
        html! {
            <li key={identity}>
                <button
                    type="button"
                    class="legend-item"
                    aria-pressed={if shown { "true" } else { "false" }}
                    title={if shown { "Hide this cluster" } else { "Show this cluster" }}
                    data-testid="legend-item"
                    data-identity={identity.to_string()}
                    onclick={move |_| toggle.emit(identity)}
                    onpointerenter={move |_| enter.emit(Some(cluster))}
                    onpointerleave={move |_| leave.emit(None)}
                    onfocus={move |_| focus.emit(Some(cluster))}
                    onblur={move |_| blur.emit(None)}
                >
                    <span class="badge" style={format!("background:{}", colours[index])}>
                        { cluster }
                    </span>
                    <span class="legend-text">
                        <strong lang={names::text(model, cluster).map(|_| language.code())}>
                            { names::of(model, cluster, language) }
                        </strong>
                        <span>{ size }</span>
                        if let Some(description) = names::description(model, cluster, language) {
                            <span class="muted">{ description }</span>
                        }
                    </span>
                </button>
            </li>
        }
    };
    html! {
        <aside class="card legend" aria-label="Legend">
            <h2>{ "Clusters" }</h2>
            <ShareBar sizes={model.sizes.clone()} colours={colours.clone()} />
            <ul data-testid="legend">{ for (1..=model.k).map(entry) }</ul>
            <p class="muted small">{ "Select a cluster to hide or show it." }</p>
            <ul class="legend-keys">
                <li><span class="key-centroid" aria-hidden="true">{ "1" }</span>{ "centroid" }</li>
                if model.kind == ModelKind::Line {
                    <li><span class="key-disc" aria-hidden="true" />{ "area: lines at the point" }</li>
                }
                if let Some(last) = &props.predicted {
                    <li data-testid="legend-predicted">
                        <span class="key-marked" aria-hidden="true" />
                        { format!(
                            "last prediction: {}, {} \u{d7} {}",
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
