//! What stands around the discs of a scatter: axes, centroids, the marked line and the tooltip.

use yew::prelude::*;

use super::{
    palette::{apart, colour},
    plot::{BOTTOM, LEFT, Plot, RIGHT, TOP},
    scale::{Kind, Tick},
    scatter::ScatterProps,
};

fn axis_name(name: &str, kind: Kind) -> String {
    match kind {
        Kind::Linear => name.to_owned(),
        Kind::Log => format!("{name} (log scale)"),
        Kind::Symlog => format!("{name} (signed log scale)"),
    }
}

/// Grid, ticks and names of the axes, below the points.
pub(super) fn axes(plot: &Plot, props: &ScatterProps) -> Html {
    let (right, bottom) = (plot.width - RIGHT, plot.height - BOTTOM);
    let class = |tick: &Tick| if tick.label.is_empty() { "grid minor" } else { "grid" };
    let columns = plot.x.ticks(46.0).into_iter().map(|tick| {
        let x = tick.position.to_string();
        html! {
            <>
                <line class={class(&tick)} x1={x.clone()} x2={x.clone()}
                    y1={TOP.to_string()} y2={bottom.to_string()} />
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
                    x1={LEFT.to_string()} x2={right.to_string()} />
                <text class="tick" x={(LEFT - 8.0).to_string()} {y} dy="0.32em" text-anchor="end">
                    { tick.label }
                </text>
            </>
        }
    });
    let (middle_x, middle_y) = ((LEFT + right) / 2.0, (TOP + bottom) / 2.0);
    html! {
        <svg class="axes" width={plot.width.to_string()} height={plot.height.to_string()}
            aria-hidden="true">
            { for columns }
            { for rows }
            <text class="axis" x={middle_x.to_string()} y={(plot.height - 7.0).to_string()}
                text-anchor="middle">
                { axis_name(&props.sheet.x.name, plot.x.kind()) }
            </text>
            <text class="axis" transform={format!("translate(13 {middle_y}) rotate(-90)")}
                text-anchor="middle">
                { axis_name(&props.sheet.y.name, plot.y.kind()) }
            </text>
        </svg>
    }
}

/// Centroids and the marked line, above the points.
pub(super) fn marks(plot: &Plot, props: &ScatterProps, shown: impl Fn(u32) -> bool) -> Html {
    let colours: Vec<String> = apart(&props.identities).into_iter().map(colour).collect();
    let places = props.sheet.x.centroids.iter().zip(&props.sheet.y.centroids);
    let centroids = (1_u32..).zip(places.zip(&colours)).filter(|(cluster, _)| shown(*cluster));
    let centroids = centroids.map(|(cluster, ((x, y), colour))| {
        let (x, y) = (plot.x.position(*x), plot.y.position(*y));
        html! {
            <g key={cluster} class="centroid" transform={format!("translate({x:.1} {y:.1})")}
                data-testid="centroid">
                <circle r="11" style={format!("fill:{colour}")} />
                <text dy="0.35em" text-anchor="middle">{ cluster }</text>
            </g>
        }
    });
    let marked = props.marked.as_ref().map(|marked| {
        let (x, y) = (plot.x.position(marked.x), plot.y.position(marked.y));
        let (anchor, dx) = if x > plot.width * 0.7 { ("end", "-14") } else { ("start", "14") };
        let own = marked.cluster.and_then(|cluster| colours.get(cluster as usize - 1));
        let fill = own.map_or("var(--muted)", String::as_str);
        html! {
            <g class="marked" transform={format!("translate({x:.1} {y:.1})")}
                data-testid="predicted-point">
                <circle class="ring" r="15" />
                <path d="M0-9 9 0 0 9-9 0Z" style={format!("fill:{fill}")} />
                <text x={dx} dy="-0.9em" text-anchor={anchor}>{ &marked.id }</text>
            </g>
        }
    });
    html! {
        <svg class="marks" width={plot.width.to_string()} height={plot.height.to_string()}
            aria-hidden="true">
            { for centroids }
            { for marked }
        </svg>
    }
}

/// Names the row under the pointer.
pub(super) fn tooltip(plot: &Plot, props: &ScatterProps, hovered: Option<usize>) -> Html {
    let sheet = &props.sheet;
    let Some(row) = hovered.filter(|row| *row < sheet.len()) else {
        return html! { <div class="tooltip-live" aria-live="polite" /> };
    };
    let (x, y) = (plot.cloud.x[row], plot.cloud.y[row]);
    let cluster = sheet.cluster[row];
    let slot = cluster as usize - 1;
    let fill = apart(&props.identities).get(slot).map(|identity| colour(*identity));
    let name = props.names.get(slot).cloned().unwrap_or_default();
    // Beside the point where there is room, above or below it on a phone.
    let narrow = plot.width < 560.0;
    let side = match (narrow, x > plot.width / 2.0) {
        (true, _) => "middle",
        (false, true) => "left",
        (false, false) => "right",
    };
    let left = if narrow { x.clamp(122.0, (plot.width - 122.0).max(122.0)) } else { x };
    let details = sheet.details(row);
    let below = (y < 90.0 + 20.0 * details.len() as f64).then_some("below");
    html! {
        <>
            <svg class="marks" width={plot.width.to_string()} height={plot.height.to_string()}
                aria-hidden="true">
                <circle class="hover" cx={x.to_string()} cy={y.to_string()}
                    r={(plot.cloud.radius[row] + 2.5).to_string()} />
            </svg>
            <div class="tooltip-live" aria-live="polite">
                <div class={classes!("tooltip", side, below)} data-testid="tooltip"
                    style={format!("left:{left:.1}px;top:{y:.1}px")}>
                    <strong>{ sheet.title(row) }</strong>
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
