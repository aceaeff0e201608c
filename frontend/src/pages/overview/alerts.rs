//! What a person should see: components that failed or wait, damaged batches and notices. Each is nothing when there
//! is nothing to tell.

use tillstream_shared::api::{ComponentStatus, Gap, Stage};
use yew::prelude::*;

use crate::{format, labels};

/// How many gaps are listed with their reasons; the others are counted.
const MAX_GAPS: usize = 10;

#[derive(Debug, PartialEq, Properties)]
pub(super) struct ComponentsProps {
    /// All components of the process.
    pub(super) components: Vec<ComponentStatus>,
}

/// Failed components and why they failed.
#[component]
pub(super) fn Failures(props: &ComponentsProps) -> Html {
    let failed = || props.components.iter().filter(|status| status.stage == Stage::Failed);
    if failed().next().is_none() {
        return Html::default();
    }
    html! {
        <section class="notices failures" role="alert" data-testid="failures">
            { for failed().map(|status| html! {
                <div key={labels::component(status.component)}>
                    <h2>{ format!("{} failed", labels::component(status.component)) }</h2>
                    <p>{ status.reason.as_deref().unwrap_or("No reason is known; see the log.") }</p>
                </div>
            }) }
        </section>
    }
}

/// Components that wait for their brokers or for room on the disk, since when and why.
#[component]
pub(super) fn Waits(props: &ComponentsProps) -> Html {
    let waits =
        || props.components.iter().filter_map(|status| Some((status, status.waiting.as_ref()?)));
    if waits().next().is_none() {
        return Html::default();
    }
    html! {
        <section class="notices waits" role="status" data-testid="waits">
            { for waits().map(|(status, waiting)| html! {
                <div key={labels::component(status.component)}>
                    <h2>{ format!("{} waits", labels::component(status.component)) }</h2>
                    <p>{ waiting }</p>
                </div>
            }) }
        </section>
    }
}

#[derive(Debug, PartialEq, Properties)]
pub(super) struct GapsProps {
    /// By ascending batch number.
    pub(super) gaps: Vec<Gap>,
}

/// Batches that training leaves out because they are damaged, the newest first.
#[component]
pub(super) fn Gaps(props: &GapsProps) -> Html {
    let gaps = &props.gaps;
    if gaps.is_empty() {
        return Html::default();
    }
    let more = gaps.len().saturating_sub(MAX_GAPS) as u64;
    let batches = format::plural(gaps.len() as u64, "damaged batch", "damaged batches");
    html! {
        <section class="notices" aria-label="Damaged batches" data-testid="gaps">
            <h2>{ format!("{batches} left out of training") }</h2>
            <ul>
                { for gaps.iter().rev().take(MAX_GAPS).map(|gap| html! {
                    <li key={gap.batch} data-batch={gap.batch.to_string()}>
                        <strong>{ format!("Batch {}: ", gap.batch) }</strong>
                        { &gap.reason }
                    </li>
                }) }
                if more > 0 {
                    <li>{ format!("and {} more", format::count(more)) }</li>
                }
            </ul>
        </section>
    }
}

#[derive(Debug, PartialEq, Properties)]
pub(super) struct NoticesProps {
    pub(super) messages: Vec<String>,
}

/// Notices of the server, the newest first.
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
