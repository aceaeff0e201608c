//! The newest events since the page was opened.

use std::collections::VecDeque;

use yew::prelude::*;

use crate::{format, state::live::LogEntry};

#[derive(Debug, PartialEq, Properties)]
pub(super) struct EventLogProps {
    pub(super) log: VecDeque<LogEntry>,
    pub(super) now: f64,
}

/// The newest events.
#[component]
pub(super) fn EventLog(props: &EventLogProps) -> Html {
    html! {
        <div class="card">
            <h2>{ "Events" }</h2>
            if props.log.is_empty() {
                <p class="muted">{ "No events since this page was opened." }</p>
            } else {
                <ul class="events" data-testid="events" tabindex="0">
                    { for props.log.iter().map(|entry| html! {
                        <li class={entry.notice.then_some("notice")}>
                            <span>{ &entry.text }</span>
                            <span class="muted nowrap">
                                { format!(
                                    "{} ago",
                                    format::duration((props.now - entry.at) / 1000.0)
                                ) }
                            </span>
                        </li>
                    }) }
                </ul>
            }
        </div>
    }
}
