//! One model: its facts, the scatter plot, and a card for each other aspect.

use std::rc::Rc;

use tillstream_shared::{
    Entity, Model, ModelKind, ModelNumber, ModelRef,
    api::{Champions, PredictResponse},
};
use yew::prelude::*;

use super::{
    champion::ChampionCard,
    changes::ChangesCard,
    facts::{ModelFacts, QualityCard},
    figures::{DescriptionsCard, FunnelCard, SummaryTable},
    legend::Legend,
    report::ReportSection,
};
use crate::{
    charts::{
        palette::identities,
        scatter::{MarkedPoint, Scatter, ScatterData},
    },
    components::{language::use_language, pickers::Select, view::loaded},
    labels,
    services::{
        champions,
        http::ApiError,
        models::{self, ModelData, TrainingRows},
    },
    state::{
        live::Versions, model_options::KnownModels, names, prediction::LastPrediction,
        resource::use_resource,
    },
};

type Key = (ModelKind, Entity, ModelRef);

async fn load_model((kind, entity, model): Key) -> Result<ModelData, ApiError> {
    models::with_rows(kind, entity, model).await
}

async fn load_champions((): ()) -> Result<Champions, ApiError> {
    champions::list().await
}

#[derive(Debug, PartialEq, Properties)]
pub(super) struct ClusterViewProps {
    pub(super) kind: ModelKind,
    pub(super) entity: Entity,
    pub(super) model: ModelRef,
    /// The newest models of this kind and entity.
    pub(super) known: KnownModels,
}

/// One model.
#[component]
pub(super) fn ClusterView(props: &ClusterViewProps) -> Html {
    let versions = use_context::<Versions>().unwrap_or_default();
    let (kind, entity) = (props.kind, props.entity);
    let version = versions.of_model(kind, entity, props.model);
    let clusters = use_resource((kind, entity, props.model), version, load_model);
    let champions = use_resource((), versions.of_champions(), load_champions);
    let own = champions.remote.value.as_ref().and_then(|list| {
        list.champions.iter().find(|champion| champion.kind == kind && champion.entity == entity)
    });
    let champion = own.and_then(|champion| champion.model);

    loaded(&clusters, "the clusters", |clusters| {
        let ModelData { model, rows } = (**clusters).clone();
        html! {
            <>
                <ModelFacts
                    model={Rc::clone(&model)}
                    rows={rows.len() as u64}
                    champion={champion.map(ModelNumber::Number) == Some(model.number)}
                />
                <ScatterCard clusters={Rc::clone(clusters)} />
                <DescriptionsCard model={Rc::clone(&model)} />
                <SummaryTable model={Rc::clone(&model)} />
                <div class="card-row">
                    <QualityCard model={Rc::clone(&model)} />
                    <FunnelCard model={Rc::clone(&model)} />
                    { loaded(&champions, "the champions", |_| html! {
                        <ChampionCard
                            {kind}
                            {entity}
                            shown={model.number}
                            champion={own.cloned().map(Rc::new)}
                            on_changed={champions.retry.clone()}
                        />
                    }) }
                </div>
                <ChangesCard model={Rc::clone(&model)} known={props.known.clone()} />
                <ReportSection {model} />
            </>
        }
    })
}

#[derive(PartialEq, Properties)]
struct ScatterCardProps {
    clusters: Rc<ModelData>,
}

/// The scatter with its axes and its legend.
#[component]
fn ScatterCard(props: &ScatterCardProps) -> Html {
    let ModelData { model, rows } = &*props.clusters;
    let axes = use_state_eq(|| first_axes(model));
    // Identities left out: the same cluster stays left out when the next model comes.
    let hidden = use_state(Vec::<u32>::new);
    let highlighted = use_state_eq(|| None::<u32>);
    let language = use_language();
    let last = use_context::<LastPrediction>().and_then(|last| (*last).clone());
    let last = last.filter(|last| model.kind == ModelKind::Line && last.entity == model.entity);
    let data = use_memo((Rc::clone(&props.clusters), *axes), |(clusters, axes)| {
        ScatterData::new(&clusters.model, &clusters.rows, *axes)
    });

    let identities = identities(model);
    let on_toggle = {
        let hidden = hidden.clone();
        Callback::from(move |identity: u32| {
            let mut next = (*hidden).clone();
            if next.contains(&identity) {
                next.retain(|other| *other != identity);
            } else {
                next.push(identity);
            }
            hidden.set(next);
        })
    };
    let on_highlight = {
        let highlighted = highlighted.clone();
        Callback::from(move |cluster| highlighted.set(cluster))
    };
    let left_out: Vec<bool> = identities.iter().map(|id| hidden.contains(id)).collect();
    let names: Vec<AttrValue> =
        (1..=model.k).map(|number| names::of(model, number, language).into()).collect();
    let row_names = match model.kind {
        ModelKind::Line => ("point", "points"),
        ModelKind::Profile => labels::members(model.kind, model.entity),
    };
    html! {
        <div class="clusters-grid">
            <div class="card plot-card">
                if matches!(rows, TrainingRows::Profiles(_)) {
                    <AxisPickers model={Rc::clone(model)} axes={*axes}
                        on_change={move |next| axes.set(next)} />
                }
                <Scatter
                    {data}
                    rows={row_names}
                    {identities}
                    {names}
                    marked={last.as_deref().map(|last| mark(last, model))}
                    hidden={left_out.clone()}
                    highlighted={*highlighted}
                />
            </div>
            <Legend
                model={Rc::clone(model)}
                hidden={left_out}
                {on_toggle}
                {on_highlight}
                predicted={last}
            />
        </div>
    }
}

/// Of customers, what they spend by how often they come; otherwise the first two features.
fn first_axes(model: &Model) -> (usize, usize) {
    let place = |name: &str| model.features.iter().position(|feature| feature == name);
    place("frequency").zip(place("monetary")).unwrap_or((0, 1))
}

#[derive(Debug, PartialEq, Properties)]
struct AxisPickersProps {
    model: Rc<Model>,
    axes: (usize, usize),
    on_change: Callback<(usize, usize)>,
}

/// Which two features are shown.
#[component]
fn AxisPickers(props: &AxisPickersProps) -> Html {
    let (x, y) = props.axes;
    let options: Vec<AttrValue> =
        props.model.features.iter().map(|name| labels::feature(name).into()).collect();
    html! {
        <div class="axis-pickers">
            <Select id="axis-x" label="Across" options={options.clone()} value={x}
                on_change={props.on_change.reform(move |x| (x, y))} />
            <Select id="axis-y" label="Upwards" {options} value={y}
                on_change={props.on_change.reform(move |y| (x, y))} />
        </div>
    }
}

/// The line predicted last, as the model shown sees it.
fn mark(last: &PredictResponse, model: &Model) -> MarkedPoint {
    MarkedPoint {
        x: last.quantity,
        y: last.unit_price,
        id: last.id.clone(),
        cluster: model.assign(&[last.quantity, last.unit_price]).ok().map(|a| a.cluster),
    }
}
