//! Lines per second over the last minute.

use std::collections::VecDeque;

use yew::prelude::*;

use crate::{
    charts::scale::{Kind, Scale},
    format,
    state::live::{RATE_WINDOW, Rate},
};

const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 120.0;

/// Properties of [`Throughput`].
#[derive(Debug, PartialEq, Properties)]
pub struct ThroughputProps {
    /// The last seconds' rates, newest last.
    pub rates: VecDeque<Rate>,
}

/// Lines per second over the last minute, sent as a line over received as an area.
#[component]
pub fn Throughput(props: &ThroughputProps) -> Html {
    let highest =
        props.rates.iter().flat_map(|rate| [rate.sent, rate.received]).fold(1.0, f64::max);
    let y = Scale::new(Kind::Linear, (0.0, highest * 1.08), (HEIGHT, 0.0));
    let x = Scale::new(Kind::Linear, (1.0 - RATE_WINDOW as f64, 0.0), (0.0, WIDTH));
    let newest = props.rates.len() as f64 - 1.0;
    let path = |value: fn(&Rate) -> f64| {
        let mut path = String::new();
        for (index, rate) in props.rates.iter().enumerate() {
            let command = if index == 0 { 'M' } else { 'L' };
            let (x, y) = (x.position(index as f64 - newest), y.position(value(rate)));
            path.push_str(&format!("{command}{x:.1} {y:.1}"));
        }
        path
    };
    let received = path(|rate| rate.received);
    let area = if received.is_empty() {
        String::new()
    } else {
        format!("{received}L{WIDTH} {HEIGHT}L{:.1} {HEIGHT}Z", x.position(-newest))
    };
    html! {
        <div class="throughput">
            <svg
                viewBox={format!("0 0 {WIDTH} {HEIGHT}")}
                preserveAspectRatio="none"
                role="img"
                aria-label={format!(
                    "Lines per second over the last minute, at most {}",
                    format::count(highest as u64)
                )}
            >
                { for y.ticks(40.0).into_iter().map(|tick| html! {
                    <line class="grid" x1="0" x2={WIDTH.to_string()}
                        y1={tick.position.to_string()} y2={tick.position.to_string()} />
                }) }
                <path class="area" d={area} />
                <path class="received" d={received} />
                <path class="sent" d={path(|rate| rate.sent)} />
            </svg>
            <div class="throughput-y" aria-hidden="true">
                { for y.ticks(40.0).into_iter().map(|tick| html! {
                    <span style={format!("top:{:.2}%", tick.position / HEIGHT * 100.0)}>
                        { tick.label }
                    </span>
                }) }
            </div>
            <div class="throughput-x" aria-hidden="true">
                <span>{ "60 s ago" }</span>
                <span>{ "now" }</span>
            </div>
        </div>
    }
}
