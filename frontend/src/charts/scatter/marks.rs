//! Centroids and the marked point, above the points.

use yew::prelude::*;

use super::{
    data::ScatterData,
    plot::{MarkedPoint, Plot},
};

/// The SVG of both. `colours` are CSS values in the order of the clusters' numbers; clusters that `shown`
/// refuses have no centroid.
pub(super) fn marks(
    plot: &Plot,
    data: &ScatterData,
    colours: &[String],
    marked: Option<&MarkedPoint>,
    shown: impl Fn(u32) -> bool,
) -> Html {
    let places = data.x.centroids.iter().zip(&data.y.centroids);
    let centroids = (1_u32..).zip(places.zip(colours)).filter(|(cluster, _)| shown(*cluster));
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
    let marked = marked.map(|marked| {
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
