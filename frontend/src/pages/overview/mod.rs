//! The overview: live counts of everything that runs.

mod alerts;
mod batches;
mod events;
mod pipeline;
mod segments;

use yew::prelude::*;

use self::{
    alerts::{Failures, Gaps, Notices},
    batches::Batches,
    events::EventLog,
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
    state::live::{Connection, Live},
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
    let rate = live.rate();
    html! {
        <section class="page" data-testid="overview">
            { head(about) }
            <Failures components={status.components.clone()} />
            <Gaps gaps={status.gaps.clone()} />
            <Notices messages={status.notices.clone()} />
            <Progress status={status.clone()} rate={rate.map(|rate| rate.received)} />
            <Pipeline status={status.clone()} trained={live.versions.trained()} />
            <OtherComponents components={status.components.clone()} />
            <div class="overview-grid">
                <div class="card">
                    { throughput_head(&live) }
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

fn throughput_head(live: &Live) -> Html {
    let figure = |name: &str, class: &'static str, value: Option<f64>, testid: &'static str| {
        let value = value.map(|value| value.round() as u64);
        html! {
            <div>
                <dt><i class={classes!("line-key", class)} />{ name.to_owned() }</dt>
                <dd data-testid={testid} data-value={value.map(|value| value.to_string())}>
                    { value.map_or("\u{2013}".to_owned(), format::count) }
                </dd>
            </div>
        }
    };
    let rate = live.rate();
    html! {
        <div class="card-head">
            <h2>{ "Lines per second" }</h2>
            <dl class="rates">
                { figure("sent", "sent", rate.map(|rate| rate.sent), "rate-sent") }
                { figure("received", "received", rate.map(|rate| rate.received), "rate-received") }
            </dl>
        </div>
    }
}
