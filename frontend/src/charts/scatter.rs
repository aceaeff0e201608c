//! The scatter of a model: its weighted distinct points on a canvas, axes, centroids and the line
//! predicted last in SVG around it.

use std::rc::Rc;

use gloo::{render::request_animation_frame, utils::window};
use tillstream_shared::{Model, api::Points};
use wasm_bindgen::JsCast;
use web_sys::{CanvasRenderingContext2d, Element, HtmlCanvasElement};
use yew::prelude::*;

use crate::{
    charts::{
        cloud::Cloud,
        palette::{COLOURS, colour, variable},
        scale::{Kind, Scale, Tick},
    },
    components::browser::{use_dark, use_width},
    format,
};

const LEFT: f64 = 54.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 46.0;

/// A line to point out.
#[derive(Debug, Clone, PartialEq)]
pub struct Marked {
    /// Pieces.
    pub quantity: f64,
    /// Price of one piece.
    pub unit_price: f64,
    /// What the line is about.
    pub id: String,
    /// The cluster that the model shown gives it; `None` when the model does not admit it.
    pub cluster: Option<u32>,
}

/// Properties of [`Scatter`].
#[derive(Debug, PartialEq, Properties)]
pub struct ScatterProps {
    /// The model.
    pub model: Rc<Model>,
    /// Its points.
    pub points: Rc<Points>,
    /// The line predicted last.
    pub marked: Option<Marked>,
    /// By cluster, whether it is left out.
    pub hidden: Vec<bool>,
    /// The cluster that stands out.
    pub highlighted: Option<u32>,
}

/// Everything that is drawn, in pixels.
#[derive(PartialEq)]
struct Plot {
    width: f64,
    height: f64,
    x: Scale,
    y: Scale,
    cloud: Cloud,
}

impl Plot {
    fn new(width: f64, points: &Points, model: &Model, marked: Option<&Marked>) -> Self {
        let height = (width * 0.66).clamp(300.0, 580.0);
        let axis = |column: &[f64], feature: usize, extra: Option<f64>, range| {
            let centroids = model.centroids.iter().map(|c| c[feature]);
            let values: Vec<f64> = column.iter().copied().chain(centroids).chain(extra).collect();
            Scale::fit(Kind::logarithmic(values.iter().copied()), values, 0.04, range)
        };
        let (right, bottom) = ((width - RIGHT).max(LEFT + 1.0), height - BOTTOM);
        let x = axis(&points.quantity, 0, marked.map(|m| m.quantity), (LEFT, right));
        let y = axis(&points.unit_price, 1, marked.map(|m| m.unit_price), (bottom, TOP));
        let largest = (width / 42.0).clamp(9.0, 19.0);
        Self { width, height, x, y, cloud: Cloud::new(points, &x, &y, largest) }
    }
}

/// The scatter of a model of two features, quantity and price.
#[component]
pub fn Scatter(props: &ScatterProps) -> Html {
    let frame = use_node_ref();
    let canvas = use_node_ref();
    let width = use_width(frame.clone());
    let dark = use_dark();
    let hovered = use_state_eq(|| None::<usize>);

    let plot = use_memo(
        (Rc::as_ptr(&props.points), Rc::clone(&props.model), props.marked.clone(), width as i64),
        |_| Plot::new(width, &props.points, &props.model, props.marked.as_ref()),
    );
    {
        // Another model's points have other indices.
        let hovered = hovered.clone();
        use_effect_with(Rc::as_ptr(&props.points), move |_| hovered.set(None));
    }
    use_effect_with(
        (Rc::as_ptr(&plot), props.hidden.clone(), props.highlighted, dark, canvas.clone()),
        {
            let plot = Rc::clone(&plot);
            move |(_, hidden, highlighted, _, canvas)| {
                // Several changes before the next frame make one drawing: the frame of the earlier
                // one is dropped, and so never comes.
                let (canvas, hidden, highlighted) = (canvas.clone(), hidden.clone(), *highlighted);
                let frame = request_animation_frame(move |_| {
                    if let Some(canvas) = canvas.cast::<HtmlCanvasElement>() {
                        draw(&canvas, &plot, &hidden, highlighted);
                    }
                });
                move || drop(frame)
            }
        },
    );

    let shown = {
        let hidden = props.hidden.clone();
        move |cluster: u32| !hidden.get(cluster as usize - 1).copied().unwrap_or(false)
    };
    let onpointer = {
        let (plot, hovered, frame, shown) =
            (Rc::clone(&plot), hovered.clone(), frame.clone(), shown.clone());
        Callback::from(move |event: PointerEvent| {
            let Some(element) = frame.cast::<Element>() else { return };
            let area = element.get_bounding_client_rect();
            let x = f64::from(event.client_x()) - area.left();
            let y = f64::from(event.client_y()) - area.top();
            hovered.set(plot.cloud.at(x, y, &shown));
        })
    };
    let onleave = {
        let hovered = hovered.clone();
        Callback::from(move |_: PointerEvent| hovered.set(None))
    };
    let onkeydown = {
        let (plot, hovered, shown) = (Rc::clone(&plot), hovered.clone(), shown.clone());
        Callback::from(move |event: KeyboardEvent| {
            let order: Vec<usize> = {
                let all = plot.cloud.order.iter().copied();
                all.filter(|index| shown(plot.cloud.cluster[*index])).collect()
            };
            let now = hovered.and_then(|h| order.iter().position(|index| *index == h));
            let next = match event.key().as_str() {
                "ArrowRight" | "ArrowDown" => Some(now.map_or(0, |rank| rank + 1)),
                "ArrowLeft" | "ArrowUp" => Some(now.map_or(0, |rank| rank.saturating_sub(1))),
                "Home" => Some(0),
                "Escape" => None,
                _ => return,
            };
            event.prevent_default();
            hovered.set(next.and_then(|rank| order.get(rank.min(order.len().max(1) - 1)).copied()));
        })
    };

    let points = format::plural(props.points.weight.len() as u64, "point", "points");
    let label = format!(
        "Scatter of {points} by quantity and unit price in {} clusters. \
         The arrow keys go from the point with the most lines to those with fewer.",
        props.model.k
    );
    let style = format!("height:{}px", plot.height);
    html! {
        <div
            class="scatter"
            ref={frame}
            {style}
            tabindex="0"
            role="application"
            aria-roledescription="chart"
            aria-label={label}
            data-testid="scatter"
            data-points={props.points.weight.len().to_string()}
            onpointermove={onpointer.clone()}
            onpointerdown={onpointer}
            onpointerleave={onleave}
            {onkeydown}
        >
            if width > 0.0 {
                { axes(&plot) }
                <canvas ref={canvas} aria-hidden="true" data-testid="scatter-canvas" />
                { marks(&plot, props, &shown) }
                { tooltip(&plot, props, *hovered) }
            }
        </div>
    }
}

/// Draws the discs, the heaviest first.
fn draw(canvas: &HtmlCanvasElement, plot: &Plot, hidden: &[bool], highlighted: Option<u32>) {
    // A screen of two device pixels to the CSS pixel gets twice as many.
    let ratio = window().device_pixel_ratio().max(1.0);
    canvas.set_width((plot.width * ratio).round() as u32);
    canvas.set_height((plot.height * ratio).round() as u32);
    let Ok(style) = window().get_computed_style(canvas) else { return };
    let value = |name: &str| {
        style.as_ref().and_then(|style| style.get_property_value(name).ok()).unwrap_or_default()
    };
    let colours: Vec<String> = (1..=COLOURS).map(|cluster| value(&variable(cluster))).collect();
    let context = canvas.get_context("2d").ok().flatten();
    let Some(context) = context.and_then(|c| c.dyn_into::<CanvasRenderingContext2d>().ok()) else {
        return;
    };
    if context.set_transform(ratio, 0.0, 0.0, ratio, 0.0, 0.0).is_err() {
        return;
    }
    context.set_stroke_style_str(&value("--surface"));
    context.set_line_width(0.75);
    let cloud = &plot.cloud;
    for &index in &cloud.order {
        let (x, y, radius) = (cloud.x[index], cloud.y[index], cloud.radius[index]);
        let cluster = cloud.cluster[index];
        if hidden.get(cluster as usize - 1).copied().unwrap_or(false) || !(x + y).is_finite() {
            continue;
        }
        let faint = highlighted.is_some_and(|highlighted| highlighted != cluster);
        context.set_global_alpha(if faint { 0.08 } else { 0.62 });
        context.set_fill_style_str(&colours[(cluster as usize - 1) % colours.len()]);
        context.begin_path();
        if context.arc(x, y, radius, 0.0, std::f64::consts::TAU).is_ok() {
            context.fill();
            if radius > 3.0 {
                context.stroke();
            }
        }
    }
}

fn axis_name(name: &str, kind: Kind) -> String {
    match kind {
        Kind::Linear => name.to_owned(),
        Kind::Log => format!("{name} (log scale)"),
        Kind::Symlog => format!("{name} (signed log scale)"),
    }
}

/// Grid, ticks and names of the axes, below the points.
fn axes(plot: &Plot) -> Html {
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
                { axis_name("Quantity", plot.x.kind()) }
            </text>
            <text class="axis" transform={format!("translate(13 {middle_y}) rotate(-90)")}
                text-anchor="middle">
                { axis_name("UnitPrice", plot.y.kind()) }
            </text>
        </svg>
    }
}

/// Centroids and the marked line, above the points.
fn marks(plot: &Plot, props: &ScatterProps, shown: impl Fn(u32) -> bool) -> Html {
    let centroids = (1_u32..).zip(&props.model.centroids).filter(|(cluster, _)| shown(*cluster));
    let centroids = centroids.map(|(cluster, centroid)| {
        let (x, y) = (plot.x.position(centroid[0]), plot.y.position(centroid[1]));
        html! {
            <g key={cluster} class="centroid" transform={format!("translate({x:.1} {y:.1})")}
                data-testid="centroid">
                <circle r="11" style={format!("fill:{}", colour(cluster))} />
                <text dy="0.35em" text-anchor="middle">{ cluster }</text>
            </g>
        }
    });
    let marked = props.marked.as_ref().map(|marked| {
        let (x, y) = (plot.x.position(marked.quantity), plot.y.position(marked.unit_price));
        let (anchor, dx) = if x > plot.width * 0.7 { ("end", "-14") } else { ("start", "14") };
        let fill = marked.cluster.map_or("var(--muted)".to_owned(), colour);
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

/// Names the point under the pointer.
fn tooltip(plot: &Plot, props: &ScatterProps, hovered: Option<usize>) -> Html {
    let points = &props.points;
    let Some(index) = hovered.filter(|index| *index < points.weight.len()) else {
        return html! { <div class="tooltip-live" aria-live="polite" /> };
    };
    let (x, y) = (plot.cloud.x[index], plot.cloud.y[index]);
    let (quantity, price) = (points.quantity[index], points.unit_price[index]);
    let cluster = points.cluster[index];
    // Beside the point where there is room, above or below it on a phone.
    let narrow = plot.width < 560.0;
    let side = match (narrow, x > plot.width / 2.0) {
        (true, _) => "middle",
        (false, true) => "left",
        (false, false) => "right",
    };
    let left = if narrow { x.clamp(122.0, (plot.width - 122.0).max(122.0)) } else { x };
    let below = if y < 110.0 { Some("below") } else { None };
    html! {
        <>
            <svg class="marks" width={plot.width.to_string()} height={plot.height.to_string()}
                aria-hidden="true">
                <circle class="hover" cx={x.to_string()} cy={y.to_string()}
                    r={(plot.cloud.radius[index] + 2.5).to_string()} />
            </svg>
            <div class="tooltip-live" aria-live="polite">
                <div class={classes!("tooltip", side, below)} data-testid="tooltip"
                    style={format!("left:{left:.1}px;top:{y:.1}px")}>
                    <strong>
                        { format!("{} \u{d7} {}", format::exact(quantity), format::exact(price)) }
                    </strong>
                    <span>{ format::plural(points.weight[index], "line", "lines") }
                        { format!(", {} each", format::decimal(quantity * price, 2)) }</span>
                    <span>
                        <i class="swatch" style={format!("background:{}", colour(cluster))} />
                        { format!("Cluster {cluster}: {}", props.model.description(cluster)) }
                    </span>
                </div>
            </div>
        </>
    }
}
