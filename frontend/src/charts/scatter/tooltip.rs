//! The label of the row under the pointer.

use yew::prelude::*;

use super::{data::ScatterData, plot::Plot};

/// A ring around the row and its figures beside it. `colours` (CSS values) and `names` are in the order
/// of the clusters' numbers.
pub(super) fn tooltip(
    plot: &Plot,
    data: &ScatterData,
    hovered: Option<usize>,
    colours: &[String],
    names: &[AttrValue],
) -> Html {
    let Some(row) = hovered.filter(|row| *row < data.len()) else {
        return html! { <div class="tooltip-live" aria-live="polite" /> };
    };
    let (x, y) = (plot.points.x[row], plot.points.y[row]);
    let cluster = data.cluster[row];
    let slot = cluster as usize - 1;
    let fill = colours.get(slot);
    let name = names.get(slot).cloned().unwrap_or_default();
    // Beside the point where there is room, above or below it on a phone.
    let narrow = plot.width < 560.0;
    let side = match (narrow, x > plot.width / 2.0) {
        (true, _) => "middle",
        (false, true) => "left",
        (false, false) => "right",
    };
    let left = if narrow { x.clamp(122.0, (plot.width - 122.0).max(122.0)) } else { x };
    let details = data.details(row);
    let below = (y < 90.0 + 20.0 * details.len() as f64).then_some("below");
    html! {
        <>
            <svg class="marks" width={plot.width.to_string()} height={plot.height.to_string()}
                aria-hidden="true">
                <circle class="hover" cx={x.to_string()} cy={y.to_string()}
                    r={(plot.points.radius[row] + 2.5).to_string()} />
            </svg>
            <div class="tooltip-live" aria-live="polite">
                <div class={classes!("tooltip", side, below)} data-testid="tooltip"
                    style={format!("left:{left:.1}px;top:{y:.1}px")}>
                    <strong>{ data.title(row) }</strong>
                    { for details.into_iter().map(|detail| html! { <span>{ detail }</span> }) }
                    <span>
                        <i class="swatch" style={fill.map(|fill| format!("background:{fill}"))} />
                        { format!("Cluster {cluster}: {name}") }
                    </span>
                </div>
            </div>
        </>
    }
}
