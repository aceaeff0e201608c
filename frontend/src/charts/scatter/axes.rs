//! Grid, ticks and titles of the axes, below the points.

use yew::prelude::*;

use super::{
    data::ScatterData,
    plot::{MARGIN_BOTTOM, MARGIN_LEFT, MARGIN_RIGHT, MARGIN_TOP, Plot},
};
use crate::charts::scale::{Kind, Tick};

fn axis_title(name: &str, kind: Kind) -> String {
    match kind {
        Kind::Linear => name.to_owned(),
        Kind::Log => format!("{name} (log scale)"),
        Kind::Symlog => format!("{name} (signed log scale)"),
    }
}

/// The SVG of both axes.
pub(super) fn axes(plot: &Plot, data: &ScatterData) -> Html {
    let (right, bottom) = (plot.width - MARGIN_RIGHT, plot.height - MARGIN_BOTTOM);
    let class = |tick: &Tick| if tick.label.is_empty() { "grid minor" } else { "grid" };
    let columns = plot.x.ticks(46.0).into_iter().map(|tick| {
        let x = tick.position.to_string();
        html! {
            <>
                <line class={class(&tick)} x1={x.clone()} x2={x.clone()}
                    y1={MARGIN_TOP.to_string()} y2={bottom.to_string()} />
                <text class="tick" {x} y={(bottom + 17.0).to_string()} text-anchor="middle">
                    { tick.label }
                </text>
            </>
        }
    });
    let rows = plot.y.ticks(26.0).into_iter().map(|tick| {
        let y = tick.position.to_string();
        html! {
            <>
                <line class={class(&tick)} y1={y.clone()} y2={y.clone()}
                    x1={MARGIN_LEFT.to_string()} x2={right.to_string()} />
                <text class="tick" x={(MARGIN_LEFT - 8.0).to_string()} {y} dy="0.32em" text-anchor="end">
                    { tick.label }
                </text>
            </>
        }
    });
    let (middle_x, middle_y) = ((MARGIN_LEFT + right) / 2.0, (MARGIN_TOP + bottom) / 2.0);
    html! {
        <svg class="axes" width={plot.width.to_string()} height={plot.height.to_string()}
            aria-hidden="true">
            { for columns }
            { for rows }
            <text class="axis" x={middle_x.to_string()} y={(plot.height - 7.0).to_string()}
                text-anchor="middle">
                { axis_title(&data.x.name, plot.x.kind()) }
            </text>
            <text class="axis" transform={format!("translate(13 {middle_y}) rotate(-90)")}
                text-anchor="middle">
                { axis_title(&data.y.name, plot.y.kind()) }
            </text>
        </svg>
    }
}
