//! The cards of the overview.

use std::{collections::VecDeque, rc::Rc};

use tillstream_shared::{
    ClosedBy, Manifest,
    api::{Stage, Status},
};
use yew::prelude::*;

use crate::{
    components::view::loaded,
    format,
    services::{batches, http::ApiError},
    state::{
        live::{Happening, Signals},
        resource::use_resource,
    },
};

/// How many batches the table shows.
const BATCHES: usize = 8;

/// How many events the list shows.
const EVENTS: usize = 9;

#[derive(Debug, PartialEq, Properties)]
pub(super) struct NoticesProps {
    pub(super) messages: Vec<String>,
}

/// What a person should see; nothing when there is nothing.
#[component]
pub(super) fn Notices(props: &NoticesProps) -> Html {
    if props.messages.is_empty() {
        return Html::default();
    }
    html! {
        <section class="notices" aria-label="Notices" data-testid="notices">
            <h2>{ format::plural(props.messages.len() as u64, "notice", "notices") }</h2>
            <ul>{ for props.messages.iter().rev().map(|message| html! { <li>{ message }</li> }) }</ul>
        </section>
    }
}

#[derive(Debug, PartialEq, Properties)]
pub(super) struct ProgressProps {
    pub(super) status: Rc<Status>,
    pub(super) rate: Option<f64>,
}

/// How much of the input is stored; nothing while the input's length is not known.
#[component]
pub(super) fn Progress(props: &ProgressProps) -> Html {
    let status = &props.status;
    let Some(input) = status.input_lines.filter(|lines| *lines > 0) else {
        return Html::default();
    };
    let share = |lines: u64| (lines as f64 / input as f64 * 100.0).min(100.0);
    let stored = status.lines_stored.min(input);
    let rest = input.saturating_sub(status.lines_stored + status.lines_open);
    let left = match props.rate {
        Some(rate) if rate >= 1.0 && rest > 0 => {
            format!("about {} left", format::duration(rest as f64 / rate))
        }
        _ if stored == input => "all lines are stored".to_owned(),
        _ => String::new(),
    };
    html! {
        <div class="card progress-card">
            <p>
                <span>
                    <strong>{ format::percent(stored, input) }</strong>
                    { format!(" of {} stored", format::plural(input, "line", "lines")) }
                </span>
                <span class="muted">{ left }</span>
            </p>
            <div
                class="progress"
                role="progressbar"
                aria-label="Lines of the input stored in batches"
                aria-valuemin="0"
                aria-valuemax={input.to_string()}
                aria-valuenow={stored.to_string()}
                data-testid="progress"
            >
                <span class="sent" style={format!("width:{:.3}%", share(status.lines_sent))} />
                <span class="stored" style={format!("width:{:.3}%", share(stored))} />
            </div>
        </div>
    }
}

#[derive(Debug, PartialEq, Properties)]
pub(super) struct PipelineProps {
    pub(super) status: Rc<Status>,
    /// Models trained since the page was opened.
    pub(super) trained: u64,
}

/// The way of a line through the parts, with every count.
#[component]
pub(super) fn Pipeline(props: &PipelineProps) -> Html {
    let status = &props.status;
    let lag = status.lag.map_or("\u{2013}".to_owned(), format::count);
    html! {
        <ol class="pipeline" aria-label="Pipeline">
            <li class="card">
                { stage_head("Producer", Some(status.producer), "stage-producer") }
                { main_count("lines sent", status.lines_sent, "count-lines-sent") }
                <dl>
                    { count("lines read", status.lines_read, "count-lines-read", false) }
                    { count("rejects", status.rejects, "count-rejects", true) }
                </dl>
            </li>
            <li class="card">
                { stage_head("Topic", None, "stage-topic") }
                <p class="big">
                    <span data-testid="count-lag" data-value={status.lag.map(|n| n.to_string())}>
                        { lag }
                    </span>
                    <small>{ "lag: messages waiting" }</small>
                </p>
                <dl>{ count("dead letters", status.dead_letters, "count-dead-letters", true) }</dl>
            </li>
            <li class="card">
                { stage_head("Consumer", Some(status.consumer), "stage-consumer") }
                { main_count("lines stored", status.lines_stored, "count-lines-stored") }
                <dl>
                    { count("open batch", status.lines_open, "count-lines-open", false) }
                    { count("batches", status.batches, "count-batches", false) }
                </dl>
            </li>
            <li class="card">
                { stage_head("Trainer", Some(status.trainer), "stage-trainer") }
                { main_count("models", status.models, "count-models") }
                <dl>{ count("since opened", props.trained, "count-trained", false) }</dl>
            </li>
        </ol>
    }
}

fn stage_head(name: &str, stage: Option<Stage>, testid: &'static str) -> Html {
    let state = stage.map(|stage| match stage {
        Stage::Absent => ("absent", "not here"),
        Stage::Running => ("running", "running"),
        Stage::Done => ("done", "done"),
        Stage::Failed => ("failed", "failed"),
    });
    html! {
        <div class="stage-head">
            <h2>{ name.to_owned() }</h2>
            if let Some((class, text)) = state {
                <span class={classes!("pill", class)} data-testid={testid} data-state={class}>
                    <span class="dot" aria-hidden="true" />{ text }
                </span>
            }
        </div>
    }
}

fn main_count(name: &str, value: u64, testid: &'static str) -> Html {
    html! {
        <p class="big">
            <span data-testid={testid} data-value={value.to_string()}>{ format::count(value) }</span>
            <small>{ name.to_owned() }</small>
        </p>
    }
}

fn count(name: &str, value: u64, testid: &'static str, alarming: bool) -> Html {
    let class = (alarming && value > 0).then_some("alarm");
    html! {
        <div class={classes!(class)}>
            <dt>{ name.to_owned() }</dt>
            <dd data-testid={testid} data-value={value.to_string()}>{ format::count(value) }</dd>
        </div>
    }
}

async fn load_batches((): ()) -> Result<Vec<Manifest>, ApiError> {
    batches::list().await
}

/// The newest batches.
#[component]
pub(super) fn Batches() -> Html {
    let signals = use_context::<Signals>().unwrap_or_default();
    let batches = use_resource((), signals.reconnected + signals.batches, load_batches);
    html! {
        <div class="card">
            <h2>{ "Newest batches" }</h2>
            { loaded(&batches, "the batches", |batches| html! {
                if batches.is_empty() {
                    <p class="muted" data-testid="no-batches">
                        { "No batch is stored yet: one is closed when it is full, or when its time \
                           is up." }
                    </p>
                } else {
                    { batch_table(batches) }
                }
            }) }
        </div>
    }
}

fn batch_table(batches: &[Manifest]) -> Html {
    let row = |batch: &Manifest| {
        let closed_by = match batch.closed_by {
            ClosedBy::Size => "full",
            ClosedBy::Time => "time",
            ClosedBy::Shutdown => "end",
        };
        html! {
            <tr key={batch.number}>
                <th scope="row" title={batch.file.clone()}>{ batch.number }</th>
                <td class="num">{ format::count(batch.rows) }</td>
                <td class="num">{ format::count(batch.funnel.sales) }</td>
                <td class="num">{ format::count(batch.funnel.returns) }</td>
                <td class="num">{ format::count(batch.funnel.without_customer) }</td>
                <td>{ closed_by }</td>
                <td class="num">{ format::bytes(batch.bytes) }</td>
                <td class="num nowrap">{ format::timestamp(&batch.created_at) }</td>
            </tr>
        }
    };
    html! {
        <div class="scroll" tabindex="0" role="region" aria-label="Newest batches">
            <table data-testid="batches">
                <thead>
                    <tr>
                        <th scope="col">{ "Batch" }</th>
                        <th scope="col" class="num">{ "Lines" }</th>
                        <th scope="col" class="num">{ "Sales" }</th>
                        <th scope="col" class="num">{ "Returns" }</th>
                        <th scope="col" class="num">{ "No customer" }</th>
                        <th scope="col">{ "Closed by" }</th>
                        <th scope="col" class="num">{ "Size" }</th>
                        <th scope="col" class="num">{ "Closed (UTC)" }</th>
                    </tr>
                </thead>
                <tbody>{ for batches.iter().rev().take(BATCHES).map(row) }</tbody>
            </table>
        </div>
    }
}

#[derive(Debug, PartialEq, Properties)]
pub(super) struct HappeningsProps {
    pub(super) log: VecDeque<Happening>,
    pub(super) now: f64,
}

/// What happened since the page was opened.
#[component]
pub(super) fn Happenings(props: &HappeningsProps) -> Html {
    html! {
        <div class="card">
            <h2>{ "Events" }</h2>
            if props.log.is_empty() {
                <p class="muted">{ "Nothing has happened since this page was opened." }</p>
            } else {
                <ul class="events" data-testid="events">
                    { for props.log.iter().take(EVENTS).map(|happening| html! {
                        <li class={happening.notice.then_some("notice")}>
                            <span>{ &happening.text }</span>
                            <span class="muted nowrap">
                                { format!(
                                    "{} ago",
                                    format::duration((props.now - happening.at) / 1000.0)
                                ) }
                            </span>
                        </li>
                    }) }
                </ul>
            }
        </div>
    }
}
