//! The answer to a prediction.

use std::rc::Rc;

use tillstream_shared::{ModelKind, ModelRef, api::PredictResponse};
use yew::prelude::*;
use yew_router::prelude::*;

use crate::{
    charts::{bars::Meter, palette::colour},
    components::{language::LocalizedText, view::Loading},
    format,
    labels::{self, singular},
    routes::Route,
    state::selection::{ProfileQuery, Query, Selection},
};

#[derive(Debug, PartialEq, Properties)]
pub(super) struct EmptyResultProps {
    pub(super) waiting: bool,
}

/// Before the first answer.
#[component]
pub(super) fn EmptyResult(props: &EmptyResultProps) -> Html {
    html! {
        <div class="card no-result">
            if props.waiting {
                <Loading what="the answer" />
            } else {
                <p class="muted">{ "The answer appears here: the cluster, its description, the model \
                    that answered, and the distance to every centroid." }</p>
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
    let longest = result.distances.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let query = Query::from(Selection {
        kind: ModelKind::Line,
        entity: result.entity,
        model: ModelRef::from(result.model),
    });
    // A model of an earlier version gave no identities: the number stands for it.
    let own = colour(if result.identity > 0 { result.identity } else { result.cluster });
    html! {
        <article
            class="card result"
            style={format!("--cluster:{own}")}
            data-testid="result"
            data-cluster={result.cluster.to_string()}
            data-entity={result.entity.name()}
        >
            <header>
                <span class="badge large" aria-hidden="true">{ result.cluster }</span>
                <div>
                    <h2 data-testid="result-cluster">{ format!("Cluster {}", result.cluster) }</h2>
                    if !result.name.en.is_empty() {
                        <p class="name" data-testid="result-name">
                            <LocalizedText text={result.name.clone()} />
                        </p>
                    }
                    <p class="muted" data-testid="result-description">{ &result.description }</p>
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
                    <dd data-testid="result-model">
                        { labels::model_name(ModelKind::Line, result.entity, result.model) }
                    </dd>
                </div>
                if result.identity > 0 {
                    <div>
                        <dt>{ "Identity of the cluster" }</dt>
                        <dd data-testid="result-identity">{ result.identity }</dd>
                    </div>
                }
            </dl>
            <h3>{ "Distance to each centroid" }</h3>
            <ul class="distances" data-testid="distances">
                { for result.distances.iter().zip(1_u32..).map(|(distance, cluster)| html! {
                    <li key={cluster} class={(cluster == result.cluster).then_some("nearest")}>
                        <span>{ format!("Cluster {cluster}") }</span>
                        <Meter
                            share={distance / longest}
                            colour={if cluster == result.cluster {
                                own.clone()
                            } else {
                                "var(--line-strong)".to_owned()
                            }}
                        />
                        <span class="num">{ format::number(*distance) }</span>
                    </li>
                }) }
            </ul>
            <p class="muted small">
                { "Euclidean distances in model space; the nearest centroid decides." }
            </p>
            <div class="actions">
                <Link<Route, Query> to={Route::Clusters} query={Some(query)} classes="button">
                    { "Show it on the scatter plot" }
                </Link<Route, Query>>
                <Link<Route, ProfileQuery>
                    to={Route::Profiles}
                    query={Some(ProfileQuery::new(result.entity, &result.id))}
                    classes="button quiet"
                >
                    { format!("About this {}", result.entity) }
                </Link<Route, ProfileQuery>>
            </div>
        </article>
    }
}
