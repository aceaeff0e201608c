//! The report card: how good every number of clusters would be, and why the model has the one it has.

use std::rc::Rc;

use tillstream_shared::{Model, ModelNumber, ReportCard, ReportRow};
use yew::prelude::*;

use crate::{charts::sweep::Sweep, format, labels::capitalized};

#[derive(Debug, PartialEq, Properties)]
pub(super) struct ReportSectionProps {
    pub(super) model: Rc<Model>,
}

/// The report card of a model whose number of clusters was chosen; says so when it was given.
#[component]
pub(super) fn ReportSection(props: &ReportSectionProps) -> Html {
    let Some(report) = &props.model.report else {
        let why = match props.model.number {
            ModelNumber::Live => "a live model keeps the number of clusters that it started with.",
            ModelNumber::Number(_) | ModelNumber::All => {
                "its number of clusters was given, not chosen (--k auto chooses it)."
            }
        };
        return html! {
            <p class="muted small" data-testid="no-report">
                { format!("This model has no report card: {why}") }
            </p>
        };
    };
    let series = |value: fn(&ReportRow) -> Option<f64>| {
        report.rows.iter().map(|row| (row.k, value(row))).collect::<Vec<_>>()
    };
    html! {
        <div class="card" data-testid="report" data-chosen={report.chosen.to_string()}>
            <div class="card-head">
                <h2>{ "Number of clusters" }</h2>
                <span class={classes!("pill", if report.clear { "open" } else { "absent" })}>
                    { if report.clear { "clear" } else { "no clear k" } }
                </span>
            </div>
            <p class="verdict" data-testid="verdict">{ capitalized(&report.verdict) }</p>
            <div class="sweeps">
                <Sweep name="SSE" better="always falls; look for the elbow" chosen={report.chosen}
                    values={series(|row| Some(row.sse))} />
                <Sweep name="Silhouette" better="larger is better" chosen={report.chosen}
                    values={series(|row| row.evaluation.silhouette.map(|found| found.value))} />
                <Sweep name="Stability" better="1 is stable" chosen={report.chosen}
                    values={series(|row| Some(row.stability))} />
            </div>
            <div class="scroll" tabindex="0" role="region" aria-label="Report card">
                { table(report) }
            </div>
            <p class="muted small table-note">
                { "\u{25cf} is the k that a criterion prefers; a sampled silhouette is marked with \
                   \u{2248}." }
            </p>
        </div>
    }
}

fn table(report: &ReportCard) -> Html {
    let choices = &report.choices;
    let cell = |k: u32, choice: Option<u32>, text: String| {
        let preferred = choice == Some(k);
        html! {
            <td class="num">
                if preferred {
                    <span class="preferred" role="img" aria-label="preferred">{ "\u{25cf}" }</span>
                }
                { text }
            </td>
        }
    };
    let measured = |value: Option<f64>, decimals| {
        value.map_or("\u{2013}".to_owned(), |value| format::decimal(value, decimals))
    };
    let row = |row: &ReportRow| {
        let (k, found) = (row.k, &row.evaluation);
        let sampled = found.silhouette.is_some_and(|silhouette| silhouette.sampled.is_some());
        let about = if sampled { "\u{2248} " } else { "" };
        let silhouette = measured(found.silhouette.map(|silhouette| silhouette.value), 3);
        html! {
            <tr key={k} class={(k == report.chosen).then_some("chosen")}>
                <th scope="row">
                    { k }
                    if k == report.chosen {
                        <span class="muted">{ " chosen" }</span>
                    }
                </th>
                <td class="num">{ format::number(row.sse) }</td>
                { cell(k, choices.silhouette, format!("{about}{silhouette}")) }
                { cell(k, choices.davies_bouldin, measured(found.davies_bouldin, 3)) }
                { cell(k, choices.calinski_harabasz,
                    found.calinski_harabasz.map_or("\u{2013}".to_owned(), format::number)) }
                { cell(k, choices.elbow, measured(Some(row.elbow), 3)) }
                { cell(k, choices.stability, measured(Some(row.stability), 3)) }
                <td class="num">{ format!("{} ms", format::number(row.fit_ms)) }</td>
            </tr>
        }
    };
    let heads =
        ["SSE", "Silhouette", "Davies-Bouldin", "Calinski-Harabasz", "Elbow", "Stability", "Fit"];
    html! {
        <table data-testid="report-table">
            <thead>
                <tr>
                    <th scope="col">{ "k" }</th>
                    { for heads.into_iter().map(|head| html! {
                        <th scope="col" class="num">{ head }</th>
                    }) }
                </tr>
            </thead>
            <tbody>{ for report.rows.iter().map(row) }</tbody>
        </table>
    }
}
