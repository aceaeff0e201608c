//! The answer to a prediction.

use std::rc::Rc;

use tillstream_shared::{ModelNumber, ModelRef, api::PredictResponse};
use yew::prelude::*;
use yew_router::prelude::*;

use crate::{
    charts::{bars::Meter, palette::colour},
    components::{pickers::singular, view::Loading},
    format,
    routes::Route,
    state::selection::{Query, Selection},
};

#[derive(Debug, PartialEq, Properties)]
pub(super) struct NoResultProps {
    pub(super) waiting: bool,
}

/// Before the first answer.
#[component]
pub(super) fn NoResult(props: &NoResultProps) -> Html {
    html! {
        <div class="card no-result">
            if props.waiting {
                <Loading what="the answer" />
            } else {
                <p class="muted">{ "The answer appears here: the cluster, what it stands for, the \
                    model that answered, and how far the line is from every centroid." }</p>
            }
        </div>
    }
}

#[derive(Debug, PartialEq, Properties)]
pub(super) struct ResultCardProps {
    pub(super) result: Rc<PredictResponse>,
}

/// The cluster, what it stands for, who answered, and the distances.
#[component]
pub(super) fn ResultCard(props: &ResultCardProps) -> Html {
    let result = &props.result;
    let model = match result.model {
        ModelNumber::Number(number) => format!("{} model {number}", result.entity),
        ModelNumber::All => format!("{} model of every batch", result.entity),
    };
    let longest = result.distances.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let query =
        Query::from(Selection { entity: result.entity, model: ModelRef::from(result.model) });
    html! {
        <article
            class="card result"
            style={format!("--cluster:{}", colour(result.cluster))}
            data-testid="result"
            data-cluster={result.cluster.to_string()}
            data-entity={result.entity.name()}
        >
            <header>
                <span class="badge large" aria-hidden="true">{ result.cluster }</span>
                <div>
                    <h2 data-testid="result-cluster">{ format!("Cluster {}", result.cluster) }</h2>
                    <p data-testid="result-description">{ &result.description }</p>
                </div>
            </header>
            <dl class="facts column">
                <div>
                    <dt>{ singular(result.entity) }</dt>
                    <dd>{ &result.id }</dd>
                </div>
                <div>
                    <dt>{ "Line" }</dt>
                    <dd>
                        { format!(
                            "{} \u{d7} {} = {}",
                            format::exact(result.quantity),
                            format::exact(result.unit_price),
                            format::decimal(result.quantity * result.unit_price, 2)
                        ) }
                    </dd>
                </div>
                <div>
                    <dt>{ "Answered by" }</dt>
                    <dd data-testid="result-model">{ model }</dd>
                </div>
            </dl>
            <h3>{ "Distance to each centroid" }</h3>
            <ul class="distances" data-testid="distances">
                { for result.distances.iter().zip(1_u32..).map(|(distance, cluster)| html! {
                    <li key={cluster} class={(cluster == result.cluster).then_some("nearest")}>
                        <span>{ format!("Cluster {cluster}") }</span>
                        <Meter share={distance / longest} colour={colour(cluster)} />
                        <span class="num">{ format::number(*distance) }</span>
                    </li>
                }) }
            </ul>
            <p class="muted small">
                { "Euclidean, in the model's own space: the shortest wins." }
            </p>
            <Link<Route, Query> to={Route::Clusters} query={Some(query)} classes="button">
                { "Show it among the clusters" }
            </Link<Route, Query>>
        </article>
    }
}
