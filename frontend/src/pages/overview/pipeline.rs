//! The progress of the input, the way of a line through the pipeline, and the components of the process.

use std::rc::Rc;

use tillstream_shared::api::{Component, ComponentStatus, Stage, Status};
use yew::prelude::*;

use crate::{format, labels};

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
        _ if stored == input => "all lines stored".to_owned(),
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

/// The components with a card of their own.
const IN_PIPELINE: [Component; 3] = [Component::Producer, Component::Consumer, Component::Trainer];

#[derive(Debug, PartialEq, Properties)]
pub(super) struct PipelineProps {
    pub(super) status: Rc<Status>,
    /// Models trained since the page was opened.
    pub(super) trained: u64,
}

/// The way of a line through the pipeline, with every count.
#[component]
pub(super) fn Pipeline(props: &PipelineProps) -> Html {
    let status = &props.status;
    let lag = status.lag.map_or("\u{2013}".to_owned(), format::count);
    html! {
        <ol class="pipeline" aria-label="Pipeline">
            <li class="card">
                { stage_head(status, Component::Producer) }
                { main_count("lines sent", status.lines_sent, "count-lines-sent") }
                <dl>
                    { count("lines read", status.lines_read, "count-lines-read", false) }
                    { count("rejects", status.rejects, "count-rejects", true) }
                </dl>
            </li>
            <li class="card">
                <div class="stage-head"><h2>{ "Topic" }</h2></div>
                <p class="big">
                    <span data-testid="count-lag" data-value={status.lag.map(|n| n.to_string())}>
                        { lag }
                    </span>
                    <small>{ "lag: messages waiting" }</small>
                </p>
                <dl>
                    { seconds_behind(status) }
                    { count("dead letters", status.dead_letters, "count-dead-letters", true) }
                    { count("repeated lines skipped", status.repeated, "count-repeated", false) }
                    { count("empty messages skipped", status.empty, "count-empty", false) }
                </dl>
            </li>
            <li class="card">
                { stage_head(status, Component::Consumer) }
                { main_count("lines stored", status.lines_stored, "count-lines-stored") }
                <dl>
                    { count("open batch", status.lines_open, "count-lines-open", false) }
                    { count("batches", status.batches, "count-batches", false) }
                    { last_batch(status) }
                </dl>
            </li>
            <li class="card">
                { stage_head(status, Component::Trainer) }
                { main_count("models", status.models, "count-models") }
                <dl>{ count("since page load", props.trained, "count-trained", false) }</dl>
            </li>
        </ol>
    }
}

#[derive(Debug, PartialEq, Properties)]
pub(super) struct OtherComponentsProps {
    /// All components of the process.
    pub(super) components: Vec<ComponentStatus>,
}

/// The components that have no card of their own in the pipeline, as far as this process runs them.
#[component]
pub(super) fn OtherComponents(props: &OtherComponentsProps) -> Html {
    let others =
        || props.components.iter().filter(|status| !IN_PIPELINE.contains(&status.component));
    if others().next().is_none() {
        return Html::default();
    }
    html! {
        <ul class="card components" aria-label="Other components of this process"
            data-testid="components">
            { for others().map(|status| {
                let name = labels::component(status.component);
                html! { <li key={name}>{ name }{ stage_pill(status.component, Some(status)) }</li> }
            }) }
        </ul>
    }
}

fn stage_head(status: &Status, component: Component) -> Html {
    html! {
        <div class="stage-head">
            <h2>{ labels::component(component) }</h2>
            { stage_pill(component, status.component(component)) }
        </div>
    }
}

fn stage_pill(component: Component, status: Option<&ComponentStatus>) -> Html {
    let stage = status.map_or(Stage::Absent, |status| status.stage);
    let (class, text) = match stage {
        Stage::Absent => ("absent", "not in this process"),
        Stage::Running if status.is_some_and(|status| status.waiting.is_some()) => {
            ("waiting", "waiting")
        }
        Stage::Running => ("running", "running"),
        Stage::Done => ("done", "done"),
        Stage::Failed => ("failed", "failed"),
    };
    let testid = match component {
        Component::Broker => "stage-broker",
        Component::Producer => "stage-producer",
        Component::Consumer => "stage-consumer",
        Component::Trainer => "stage-trainer",
        Component::Serving => "stage-serving",
        Component::Watcher => "stage-watcher",
        Component::Terminal => "stage-terminal",
    };
    html! {
        <span class={classes!("pill", class)} data-testid={testid} data-state={class}>
            <span class="dot" aria-hidden="true" />{ text }
        </span>
    }
}

/// How far the consumer is behind in time.
fn seconds_behind(status: &Status) -> Html {
    let behind = status.lag_seconds.map_or("\u{2013}".to_owned(), |n| format::duration(n as f64));
    html! {
        <div>
            <dt>{ "behind" }</dt>
            <dd data-testid="lag-seconds" data-value={status.lag_seconds.map(|n| n.to_string())}>
                { behind }
            </dd>
        </div>
    }
}

fn last_batch(status: &Status) -> Html {
    let Some(batch) = &status.last_batch else { return Html::default() };
    let rows = format::plural(batch.rows, "line", "lines");
    html! {
        <div data-testid="last-batch" data-value={batch.number.to_string()}>
            <dt>{ format!("batch {}, by {}", batch.number, labels::closed_by(batch.closed_by)) }</dt>
            <dd title={format!("{} UTC", format::timestamp(&batch.created_at))}>{ rows }</dd>
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
