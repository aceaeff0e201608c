//! The newest segments on the overview.

use tillstream_shared::{
    Entity, Model, ModelKind, ModelRef,
    api::{ModelList, ModelSummary},
};
use yew::prelude::*;
use yew_router::prelude::*;

use crate::{
    charts::{bars::ShareBar, palette::colours},
    components::view::loaded,
    format,
    labels::{self, model_number, plural},
    routes::Route,
    services::{http::ApiError, models},
    state::{
        live::Versions,
        resource::use_resource,
        selection::{Query, Selection},
    },
};

async fn load_models((): ()) -> Result<ModelList, ApiError> {
    models::newest().await
}

async fn load_latest((kind, entity): (ModelKind, Entity)) -> Result<Model, ApiError> {
    models::one(kind, entity, ModelRef::Latest).await
}

/// The newest models of each entity as bars of their clusters.
#[component]
pub(super) fn Segments() -> Html {
    let versions = use_context::<Versions>().unwrap_or_default();
    let list = use_resource((), versions.of_models(), load_models);
    html! {
        <div class="card" data-testid="segments">
            <h2>{ "Newest segments" }</h2>
            { loaded(&list, "the models", |list| html! {
                <ul class="segment-list">
                    { for Entity::ALL.into_iter().map(|entity| entity_segments(entity, &list.models)) }
                </ul>
            }) }
        </div>
    }
}

fn entity_segments(entity: Entity, models: &[ModelSummary]) -> Html {
    let trained =
        |kind: &ModelKind| models.iter().any(|model| model.kind == *kind && model.entity == entity);
    let kinds: Vec<ModelKind> = ModelKind::ALL.into_iter().filter(trained).collect();
    html! {
        <li key={entity.name()}>
            <h3>{ plural(entity) }</h3>
            if kinds.is_empty() {
                <p class="muted small">{ "no model yet" }</p>
                <ShareBar sizes={Vec::new()} colours={Vec::new()} />
            }
            { for kinds.into_iter().map(|kind| html! { <Segment key={kind.name()} {kind} {entity} /> }) }
        </li>
    }
}

#[derive(Debug, PartialEq, Properties)]
struct SegmentProps {
    kind: ModelKind,
    entity: Entity,
}

/// The newest model of one kind and entity.
#[component]
fn Segment(props: &SegmentProps) -> Html {
    let (kind, entity) = (props.kind, props.entity);
    let versions = use_context::<Versions>().unwrap_or_default();
    let version = versions.of_model(kind, entity, ModelRef::Latest);
    let model = use_resource((kind, entity), version, load_latest);
    let query = Query::from(Selection { kind, entity, model: ModelRef::Latest });
    let (one, many) = labels::members(kind, entity);
    let text = |model: &Model| {
        let whole = format::plural(model.sizes.iter().sum(), one, many);
        format!("{}, {whole}", model_number(model.number))
    };
    html! {
        <div class="segment">
            <div class="segment-head">
                <Link<Route, Query> to={Route::Clusters} query={Some(query)}>
                    { match kind {
                        ModelKind::Line => "lines",
                        ModelKind::Profile => "profiles",
                    } }
                </Link<Route, Query>>
                <span class="muted">{ model.remote.value.as_deref().map(text) }</span>
            </div>
            { loaded(&model, "the model", |model| html! {
                <ShareBar sizes={model.sizes.clone()} colours={colours(model)} />
            }) }
        </div>
    }
}
