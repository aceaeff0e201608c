//! One measure over the numbers of clusters that were tried.

use yew::prelude::*;

use crate::{
    charts::scale::{Kind, Scale},
    format,
};

const WIDTH: f64 = 300.0;
const HEIGHT: f64 = 150.0;
/// Margins for the labels on the left, on the right, above and below, in the chart's own units.
const MARGINS: (f64, f64, f64, f64) = (46.0, 12.0, 12.0, 24.0);

/// Properties of [`Sweep`].
#[derive(Debug, PartialEq, Properties)]
pub struct SweepProps {
    /// The measure.
    pub name: AttrValue,
    /// Which way is better.
    pub better: AttrValue,
    /// Number of clusters and measure, ascending; gaps where there is none.
    pub values: Vec<(u32, Option<f64>)>,
    /// The number that the model has.
    pub chosen: u32,
}

/// A line over k, the chosen one pointed out. The figures stand in the table beside it.
#[component]
pub fn Sweep(props: &SweepProps) -> Html {
    let (left, right, top, bottom) = MARGINS;
    let ks = props.values.iter().map(|(k, _)| f64::from(*k));
    let x = Scale::fit(Kind::Linear, ks, 0.04, (left, WIDTH - right));
    let measured = props.values.iter().filter_map(|(_, value)| *value);
    let y = Scale::fit(Kind::Linear, measured, 0.08, (HEIGHT - bottom, top));
    let places: Vec<(u32, f64, f64)> = props
        .values
        .iter()
        .filter_map(|(k, value)| Some((*k, x.position(f64::from(*k)), y.position((*value)?))))
        .collect();
    let line: Vec<String> = places.iter().map(|(_, x, y)| format!("{x:.1},{y:.1}")).collect();
    let chosen = props.values.iter().find(|(k, _)| *k == props.chosen).and_then(|(_, v)| *v);
    let label = format!(
        "{} for {} to {} clusters{}",
        props.name,
        props.values.first().map_or(0, |(k, _)| *k),
        props.values.last().map_or(0, |(k, _)| *k),
        chosen.map_or(String::new(), |value| {
            format!(", {} for the chosen {}", format::number(value), props.chosen)
        }),
    );
    html! {
        <figure class="sweep">
            <figcaption>
                <strong>{ &props.name }</strong>
                <span class="muted">{ &props.better }</span>
            </figcaption>
            <svg viewBox={format!("0 0 {WIDTH} {HEIGHT}")} role="img" aria-label={label}>
                { for y.ticks(30.0).into_iter().map(|tick| html! {
                    <>
                        <line class="grid" x1={left.to_string()} x2={(WIDTH - right).to_string()}
                            y1={tick.position.to_string()} y2={tick.position.to_string()} />
                        <text x={(left - 6.0).to_string()} y={tick.position.to_string()} dy="0.32em"
                            text-anchor="end">{ tick.label }</text>
                    </>
                }) }
                { for props.values.iter().map(|(k, _)| html! {
                    <text x={x.position(f64::from(*k)).to_string()} y={(HEIGHT - 7.0).to_string()}
                        text-anchor="middle" class={(*k == props.chosen).then_some("chosen")}>
                        { k }
                    </text>
                }) }
                <polyline points={line.join(" ")} />
                { for places.iter().map(|(k, x, y)| html! {
                    <circle cx={format!("{x:.1}")} cy={format!("{y:.1}")}
                        r={if *k == props.chosen { "5" } else { "2.5" }}
                        class={(*k == props.chosen).then_some("chosen")} />
                }) }
            </svg>
        </figure>
    }
}
