//! How many lines or entities moved from which cluster to which.

use tillstream_shared::{Entity, Model, ModelKind, ModelNumber};
use yew::prelude::*;

use crate::{
    charts::palette::colours,
    components::{language::use_language, view::loaded},
    format,
    labels::{self, model_number},
    services::{
        http::ApiError,
        models::{self, ModelComparison},
    },
    state::{live::Versions, names, resource::use_resource},
};

/// The models, and when the one shown was trained: an alias may stand for a newer model since.
type Key = (ModelKind, Entity, (ModelNumber, ModelNumber), AttrValue);

async fn load_comparison((kind, entity, (from, to), _): Key) -> Result<ModelComparison, ApiError> {
    models::compare(kind, entity, from, to).await
}

#[derive(Debug, PartialEq, Properties)]
pub(super) struct MigrationViewProps {
    pub(super) kind: ModelKind,
    pub(super) entity: Entity,
    pub(super) between: (ModelNumber, ModelNumber),
    pub(super) trained: AttrValue,
}

/// The matrix of one pair of models.
#[component]
pub(super) fn MigrationView(props: &MigrationViewProps) -> Html {
    let versions = use_context::<Versions>().unwrap_or_default();
    let key = (props.kind, props.entity, props.between, props.trained.clone());
    let comparison = use_resource(key, versions.reconnected, load_comparison);
    let language = use_language();
    // That a model or its rows are no longer kept is an answer, and no failure.
    if let (None, Some(ApiError::Refused { status: 404, message })) =
        (&comparison.remote.value, &comparison.remote.error)
    {
        return html! { <p class="muted" data-testid="no-migration">{ message }</p> };
    }
    loaded(&comparison, "the comparison", |comparison| {
        let ModelComparison { from, to, migration } = &**comparison;
        let head = |model: &Model, cluster: u32| {
            let name = names::of(model, cluster, language);
            html! {
                <>
                    <i class="swatch" style={
                        format!("background:{}", colours(model)[cluster as usize - 1])
                    } />
                    <abbr title={name}>{ cluster }</abbr>
                </>
            }
        };
        let (left, arrived) = (any(&migration.left), any(&migration.arrived));
        let many = labels::members(props.kind, props.entity).1;
        let about = match props.kind {
            ModelKind::Line => format!(
                "Training lines of {}, as both models assign them.",
                model_number(migration.to)
            ),
            ModelKind::Profile => {
                format!(
                    "The {many} that both models contain, as each assigned them when it was trained."
                )
            }
        };
        html! {
            <>
                <p class="muted small">{ about }</p>
                <div class="scroll" tabindex="0" role="region" aria-label="Who moved">
                    <table class="migration" data-testid="migration"
                        data-from={migration.from.to_string()} data-to={migration.to.to_string()}>
                        <thead>
                            <tr>
                                <th scope="col">
                                    { format!("{} \u{2193} to {} \u{2192}",
                                        model_number(migration.from), model_number(migration.to)) }
                                </th>
                                { for (1..=to.k).map(|cluster| html! {
                                    <th scope="col" class="num">{ head(to, cluster) }</th>
                                }) }
                                if left {
                                    <th scope="col" class="num">{ "left" }</th>
                                }
                            </tr>
                        </thead>
                        <tbody>
                            { for (1..=from.k).zip(&migration.counts).map(|(cluster, counts)| html! {
                                <tr key={cluster}>
                                    <th scope="row">{ head(from, cluster) }</th>
                                    { cells(counts) }
                                    if left {
                                        <td class="num">
                                            { format::count(migration.left[cluster as usize - 1]) }
                                        </td>
                                    }
                                </tr>
                            }) }
                            if arrived {
                                <tr>
                                    <th scope="row">{ "arrived" }</th>
                                    { for migration.arrived.iter().map(|n| html! {
                                        <td class="num">{ format::count(*n) }</td>
                                    }) }
                                    if left {
                                        <td />
                                    }
                                </tr>
                            }
                        </tbody>
                    </table>
                </div>
            </>
        }
    })
}

fn any(counts: &[u64]) -> bool {
    counts.iter().any(|count| *count > 0)
}

/// One row: counts and their shares of the row, the larger the darker.
fn cells(counts: &[u64]) -> Html {
    let whole: u64 = counts.iter().sum();
    counts
        .iter()
        .map(|count| {
            let share = *count as f64 / whole.max(1) as f64;
            let style = format!("--share:{:.1}%", share * 70.0);
            html! {
                <td class="num moved" {style}>
                    { format::count(*count) }
                    <small>{ format::percent(*count, whole) }</small>
                </td>
            }
        })
        .collect()
}
