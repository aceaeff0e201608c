//! The clusters of a model: scatter, legend, table and funnel.

use std::rc::Rc;

use tillstream_shared::{
    Entity, Model, ModelRef,
    api::{ModelList, PredictResponse},
};
use yew::prelude::*;
use yew_router::prelude::*;

use super::clusters_parts::{FunnelCard, Legend, ModelFacts, SummaryTable};
use crate::{
    app::LastPrediction,
    charts::scatter::{Marked, Scatter},
    components::{
        live_provider::LiveContext,
        pickers::{EntityPicker, ModelPicker, plural},
        view::{Empty, loaded},
    },
    format,
    routes::Route,
    services::{
        http::ApiError,
        models::{self, Clusters},
    },
    state::{
        live::Signals,
        resource::use_resource,
        selection::{Query, Selection},
    },
};

async fn load_list((): ()) -> Result<ModelList, ApiError> {
    models::list().await
}

async fn load_clusters((entity, model): (Entity, ModelRef)) -> Result<Clusters, ApiError> {
    models::clusters(entity, model).await
}

/// `/clusters`.
#[component]
pub fn ClustersPage() -> Html {
    let query = use_location().and_then(|location| location.query::<Query>().ok());
    let selection = Selection::from(query.unwrap_or_default());
    let navigator = use_navigator();
    let signals = use_context::<Signals>().unwrap_or_default();
    let list = use_resource((), signals.of_list(), load_list);

    let select = Callback::from(move |selection: Selection| {
        if let Some(navigator) = &navigator {
            // An address that cannot be written leaves the page as it is.
            navigator.replace_with_query(&Route::Clusters, Query::from(selection)).ok();
        }
    });
    let on_entity = select.reform(move |entity| Selection { entity, ..selection });
    let on_model = select.reform(move |model| Selection { model, ..selection });

    html! {
        <section class="page">
            <div class="page-head">
                <div>
                    <h1>{ "Clusters" }</h1>
                    <p class="lead">
                        { "Every disc is one quantity at one price; its area grows with the lines \
                           that share both." }
                    </p>
                </div>
                <div class="toolbar">
                    <EntityPicker
                        legend="Lines of"
                        value={selection.entity}
                        on_change={on_entity}
                    />
                    <ModelPicker
                        entity={selection.entity}
                        value={selection.model}
                        models={list.remote.value.clone()}
                        on_change={on_model}
                    />
                </div>
            </div>
            { loaded(&list, "the models", |list| {
                if list.models.iter().any(|model| model.entity == selection.entity) {
                    html! { <ClusterView entity={selection.entity} model={selection.model} /> }
                } else {
                    html! { <NoModel entity={selection.entity} /> }
                }
            }) }
        </section>
    }
}

#[derive(Debug, PartialEq, Properties)]
struct EntityProps {
    entity: Entity,
}

/// Nothing was trained yet.
#[component]
fn NoModel(props: &EntityProps) -> Html {
    let live = use_context::<LiveContext>();
    let status = live.and_then(|context| context.live.status.clone());
    html! {
        <Empty title={format!("No model of {} yet", plural(props.entity).to_lowercase())}>
            <p>{ "The first one is trained as soon as the first batch is stored. It appears here by \
                  itself." }</p>
            if let Some(status) = status {
                <p class="muted">
                    { format!(
                        "The open batch holds {} so far.",
                        format::plural(status.lines_open, "line", "lines")
                    ) }
                </p>
            }
        </Empty>
    }
}

#[derive(Debug, PartialEq, Properties)]
struct ClusterViewProps {
    entity: Entity,
    model: ModelRef,
}

/// One model.
#[component]
fn ClusterView(props: &ClusterViewProps) -> Html {
    let signals = use_context::<Signals>().unwrap_or_default();
    let version = signals.of_model(props.entity, props.model);
    let clusters = use_resource((props.entity, props.model), version, load_clusters);
    let hidden = use_state(Vec::<bool>::new);
    let highlighted = use_state_eq(|| None::<u32>);
    let last = use_context::<LastPrediction>().and_then(|last| (*last).clone());

    let on_toggle = {
        let hidden = hidden.clone();
        Callback::from(move |cluster: u32| {
            let mut next = (*hidden).clone();
            let index = cluster as usize - 1;
            if next.len() <= index {
                next.resize(index + 1, false);
            }
            next[index] = !next[index];
            hidden.set(next);
        })
    };
    let on_highlight = {
        let highlighted = highlighted.clone();
        Callback::from(move |cluster| highlighted.set(cluster))
    };

    loaded(&clusters, "the clusters", |clusters| {
        let Clusters { model, points } = (**clusters).clone();
        let marked = last.as_deref().and_then(|last| mark(last, &model));
        html! {
            <>
                <ModelFacts model={Rc::clone(&model)} distinct={points.weight.len() as u64} />
                <div class="clusters-grid">
                    <div class="card plot-card">
                        <Scatter
                            model={Rc::clone(&model)}
                            {points}
                            {marked}
                            hidden={(*hidden).clone()}
                            highlighted={*highlighted}
                        />
                    </div>
                    <Legend
                        model={Rc::clone(&model)}
                        hidden={(*hidden).clone()}
                        {on_toggle}
                        {on_highlight}
                        predicted={last.filter(|last| last.entity == model.entity)}
                    />
                </div>
                <div class="clusters-grid">
                    <SummaryTable model={Rc::clone(&model)} />
                    <FunnelCard {model} />
                </div>
            </>
        }
    })
}

/// The line predicted last, as the model shown sees it; `None` when it is about another entity.
fn mark(last: &PredictResponse, model: &Model) -> Option<Marked> {
    (last.entity == model.entity).then(|| Marked {
        quantity: last.quantity,
        unit_price: last.unit_price,
        id: last.id.clone(),
        cluster: model.assign(&[last.quantity, last.unit_price]).ok().map(|a| a.cluster),
    })
}
