//! The overview: live counts of everything that runs.

mod alerts;
mod batches;
mod events;
mod partitions;
mod pipeline;
mod segments;

use tillstream_shared::api::Rates;
use yew::prelude::*;

use self::{
    alerts::{Failures, Gaps, Notices, Waits},
    batches::Batches,
    events::EventLog,
    partitions::Partitions,
    pipeline::{OtherComponents, Pipeline, Progress},
    segments::Segments,
};
use crate::{
    charts::throughput::Throughput,
    components::{
        live_provider::LiveContext,
        view::{ErrorAlert, Loading},
    },
    format,
    services::http::ApiError,
    state::live::Connection,
};

/// `/`.
#[component]
pub fn OverviewPage() -> Html {
    let Some(LiveContext { live, reconnect }) = use_context::<LiveContext>() else {
        return Html::default();
    };
    let head = |about: String| {
        html! {
            <div class="page-head">
                <div>
                    <h1>{ "Overview" }</h1>
                    <p class="lead">{ about }</p>
                </div>
            </div>
        }
    };
    let Some(status) = live.status.clone() else {
        return html! {
            <section class="page">
                { head("Live counts of the pipeline.".to_owned()) }
                if matches!(live.connection, Connection::Lost { .. }) {
                    <ErrorAlert error={ApiError::Unreachable} retry={reconnect} />
                } else {
                    <Loading what="the counts" />
                }
            </section>
        };
    };
    let about = format!(
        "Tillstream {}, running since {} UTC",
        status.version,
        format::timestamp(&status.started_at)
    );
    let rates = status.rates.filter(|_| live.connection == Connection::Open);
    html! {
        <section class="page" data-testid="overview">
            { head(about) }
            <Failures components={status.components.clone()} />
            <Waits components={status.components.clone()} />
            <Gaps gaps={status.gaps.clone()} />
            <Notices messages={status.notices.clone()} />
            <Progress status={status.clone()} rate={rates.map(|rates| rates.received)} />
            <Pipeline status={status.clone()} trained={live.versions.trained()} />
            <OtherComponents components={status.components.clone()} />
            <Partitions partitions={status.partitions.clone()} count={status.partition_count} />
            <div class="overview-grid">
                <div class="card">
                    { throughput_head(rates) }
                    <Throughput rates={live.rates.clone()} />
                </div>
                <Segments />
            </div>
            <div class="overview-grid">
                <Batches />
                <EventLog log={live.log.clone()} now={live.now} />
            </div>
        </section>
    }
}

/// The rates as the server measures them, over the last ten seconds.
fn throughput_head(rates: Option<Rates>) -> Html {
    let figure =
        |name: &str, class: Option<&'static str>, value: Option<f64>, testid: &'static str| {
            let value = value.map(|value| value.round() as u64);
            html! {
                <div>
                    <dt>
                        if let Some(class) = class {
                            <i class={classes!("line-key", class)} />
                        }
                        { name.to_owned() }
                    </dt>
                    <dd data-testid={testid} data-value={value.map(|value| value.to_string())}>
                        { value.map_or("\u{2013}".to_owned(), format::count) }
                    </dd>
                </div>
            }
        };
    html! {
        <div class="card-head">
            <h2>{ "Lines per second" }</h2>
            <dl class="rates">
                { figure("sent", Some("sent"), rates.map(|rates| rates.sent), "rate-sent") }
                { figure(
                    "received",
                    Some("received"),
                    rates.map(|rates| rates.received),
                    "rate-received",
                ) }
                { figure("stored", None, rates.map(|rates| rates.stored), "rate-stored") }
            </dl>
        </div>
    }
}
