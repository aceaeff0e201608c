//! The consumer's lag in every partition.

use tillstream_shared::api::PartitionLag;
use yew::prelude::*;

use crate::{charts::bars::Meter, format};

#[derive(Debug, PartialEq, Properties)]
pub(super) struct PartitionsProps {
    /// By ascending number; of many those with the largest lag.
    pub(super) partitions: Vec<PartitionLag>,
    /// Partitions in all, listed or not.
    pub(super) count: u64,
}

/// The lag in every partition; nothing for a single one, whose lag is that of the topic.
#[component]
pub(super) fn Partitions(props: &PartitionsProps) -> Html {
    let partitions = &props.partitions;
    if partitions.len() < 2 {
        return Html::default();
    }
    let most = partitions.iter().map(|lag| lag.messages).max().unwrap_or(0).max(1);
    let row = |lag: &PartitionLag| {
        let share = lag.messages as f64 / most as f64;
        html! {
            <tr key={lag.partition} data-partition={lag.partition.to_string()}>
                <th scope="row">{ lag.partition }</th>
                <td class="lag-bar"><Meter {share} colour="var(--accent)" /></td>
                <td class="num">{ format::count(lag.messages) }</td>
                <td class="num nowrap">
                    { lag.seconds.map_or("\u{2013}".to_owned(), |n| format::duration(n as f64)) }
                </td>
                <td class="num">{ offset(lag.next) }</td>
                <td class="num">{ offset(lag.end) }</td>
            </tr>
        }
    };
    let listed = partitions.len() as u64;
    html! {
        <div class="card">
            <h2>{ "Lag by partition" }</h2>
            if listed < props.count {
                <p class="muted">
                    { format!(
                        "The {listed} with the largest lag of {} partitions.",
                        format::count(props.count)
                    ) }
                </p>
            }
            <div class="scroll partitions" tabindex="0" role="region" aria-label="Lag by partition">
                <table data-testid="partitions">
                    <thead>
                        <tr>
                            <th scope="col">{ "Partition" }</th>
                            <th scope="col" colspan="2" class="num">{ "Messages waiting" }</th>
                            <th scope="col" class="num">{ "Behind" }</th>
                            <th scope="col" class="num">{ "Next offset" }</th>
                            <th scope="col" class="num">{ "End" }</th>
                        </tr>
                    </thead>
                    <tbody>{ for partitions.iter().map(row) }</tbody>
                </table>
            </div>
        </div>
    }
}

fn offset(offset: i64) -> String {
    format::count(offset.try_into().unwrap_or(0))
}
