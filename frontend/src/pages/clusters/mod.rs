//! The clusters of a model: scatter, legend, figures, what changed, and the champion.

mod champion;
mod changes;
mod facts;
mod figures;
mod legend;
mod migration;
mod report;
mod view;

use tillstream_shared::{Entity, ModelKind, api::ModelList};
use yew::prelude::*;
use yew_router::prelude::*;

use self::view::ClusterView;
use crate::{
    components::{
        language::LanguagePicker,
        live_provider::LiveContext,
        pickers::{EntityPicker, KindPicker, ModelPicker},
        view::{EmptyState, loaded},
    },
    format,
    labels::plural,
    routes::Route,
    services::{http::ApiError, models},
    state::{
        live::Versions,
        model_options::KnownModels,
        resource::use_resource,
        selection::{Query, Selection},
    },
};

async fn load_list((kind, entity): (ModelKind, Entity)) -> Result<ModelList, ApiError> {
    models::list(kind, entity).await
}

/// `/clusters`.
#[component]
pub fn ClustersPage() -> Html {
    let query = use_location().and_then(|location| location.query::<Query>().ok());
    let selection = Selection::from(query.unwrap_or_default());
    let navigator = use_navigator();
    let versions = use_context::<Versions>().unwrap_or_default();
    let list = use_resource((selection.kind, selection.entity), versions.of_models(), load_list);
    let known = list.remote.value.as_deref().map(KnownModels::new).unwrap_or_default();

    let select = Callback::from(move |selection: Selection| {
        if let Some(navigator) = &navigator {
            // An address that cannot be written leaves the page as it is.
            navigator.replace_with_query(&Route::Clusters, Query::from(selection)).ok();
        }
    });
    let on_kind = select.reform(move |kind| Selection { kind, ..selection });
    let on_entity = select.reform(move |entity| Selection { entity, ..selection });
    let on_model = select.reform(move |model| Selection { model, ..selection });
    let lead = match selection.kind {
        ModelKind::Line => {
            "Each disc is one pair of quantity and price; its area grows with the number of lines."
        }
        ModelKind::Profile => {
            "Each disc is one customer, product or country, by two features of all its lines."
        }
    };

    html! {
        <section class="page">
            <div class="page-head">
                <div>
                    <h1>{ "Clusters" }</h1>
                    <p class="lead">{ lead }</p>
                </div>
                <div class="toolbar">
                    <KindPicker value={selection.kind} on_change={on_kind} />
                    <EntityPicker legend="About" value={selection.entity} on_change={on_entity} />
                    <ModelPicker
                        kind={selection.kind}
                        value={selection.model}
                        known={known.clone()}
                        on_change={on_model}
                    />
                    <LanguagePicker />
                </div>
            </div>
            { loaded(&list, "the models", |_| {
                let Selection { kind, entity, model } = selection;
                if known.is_empty() {
                    return html! { <NoModel {kind} {entity} /> };
                }
                // Another kind or entity has other clusters: the view starts with its defaults.
                html! { <ClusterView key={format!("{kind} {entity}")} {kind} {entity} {model} {known} /> }
            }) }
        </section>
    }
}

#[derive(Debug, PartialEq, Properties)]
struct NoModelProps {
    kind: ModelKind,
    entity: Entity,
}

/// Nothing was trained yet.
#[component]
fn NoModel(props: &NoModelProps) -> Html {
    let live = use_context::<LiveContext>();
    let status = live.and_then(|context| context.live.status.clone());
    let of = plural(props.entity).to_lowercase();
    let title = match props.kind {
        ModelKind::Line => format!("No model of {of} yet"),
        ModelKind::Profile => format!("No profile model of {of} yet"),
    };
    html! {
        <EmptyState {title}>
            <p>{ "The first one is trained as soon as a stored batch holds enough of them. It appears \
                  here by itself." }</p>
            if let Some(status) = status {
                <p class="muted">
                    { format!(
                        "The open batch holds {} so far.",
                        format::plural(status.lines_open, "line", "lines")
                    ) }
                </p>
            }
        </EmptyState>
    }
}
