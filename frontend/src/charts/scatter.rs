//! The scatter of a model: its rows on a canvas, axes, centroids and the line predicted last in SVG
//! around it.

use std::rc::Rc;

use gloo::{render::request_animation_frame, utils::window};
use wasm_bindgen::JsCast;
use web_sys::{CanvasRenderingContext2d, Element, HtmlCanvasElement};
use yew::prelude::*;

use super::{
    palette::{apart, variable},
    plot::{Marked, Plot},
    scatter_parts::{axes, marks, tooltip},
    sheet::Sheet,
};
use crate::{
    components::browser::{use_dark, use_width},
    format,
};

/// Properties of [`Scatter`].
#[derive(Debug, PartialEq, Properties)]
pub struct ScatterProps {
    /// The rows.
    pub sheet: Rc<Sheet>,
    /// What a row is: one, and several.
    pub rows: (&'static str, &'static str),
    /// The clusters' identities, in the order of their numbers.
    pub identities: Vec<u32>,
    /// What the clusters are called, in the order of their numbers.
    pub names: Vec<AttrValue>,
    /// The line predicted last.
    pub marked: Option<Marked>,
    /// Whether each cluster is left out, in the order of their numbers.
    pub hidden: Vec<bool>,
    /// The cluster that stands out.
    pub highlighted: Option<u32>,
}

/// The scatter of a model by two features.
#[component]
pub fn Scatter(props: &ScatterProps) -> Html {
    let frame = use_node_ref();
    let canvas = use_node_ref();
    let width = use_width(frame.clone());
    let dark = use_dark();
    let hovered = use_state_eq(|| None::<usize>);

    let plot = use_memo((Rc::as_ptr(&props.sheet), props.marked.clone(), width as i64), |_| {
        Plot::new(width, &props.sheet, props.marked.as_ref())
    });
    {
        // Another model's points have other indices.
        let hovered = hovered.clone();
        use_effect_with(Rc::as_ptr(&props.sheet), move |_| hovered.set(None));
    }
    let brush = Brush {
        colours: apart(&props.identities).into_iter().map(variable).collect(),
        hidden: props.hidden.clone(),
        highlighted: props.highlighted,
    };
    use_effect_with((Rc::as_ptr(&plot), brush, dark, canvas.clone()), {
        let plot = Rc::clone(&plot);
        move |(_, brush, _, canvas)| {
            // Several changes before the next frame make one drawing: the frame of the earlier one
            // is dropped, and so never comes.
            let (canvas, brush) = (canvas.clone(), brush.clone());
            let frame = request_animation_frame(move |_| {
                if let Some(canvas) = canvas.cast::<HtmlCanvasElement>() {
                    draw(&canvas, &plot, &brush);
                }
            });
            move || drop(frame)
        }
    });

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

    let label = format!(
        "Scatter of {} by {} and {} in {}. The arrow keys go from one to the next, the heaviest first.",
        format::plural(props.sheet.len() as u64, props.rows.0, props.rows.1),
        props.sheet.x.name,
        props.sheet.y.name,
        format::plural(props.identities.len() as u64, "cluster", "clusters"),
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
            data-points={props.sheet.len().to_string()}
            onpointermove={onpointer.clone()}
            onpointerdown={onpointer}
            onpointerleave={onleave}
            {onkeydown}
        >
            if width > 0.0 {
                { axes(&plot, props) }
                <canvas ref={canvas} aria-hidden="true" data-testid="scatter-canvas" />
                { marks(&plot, props, &shown) }
                { tooltip(&plot, props, *hovered) }
            }
        </div>
    }
}

/// How the clusters are drawn, in the order of their numbers.
#[derive(Clone, PartialEq)]
struct Brush {
    /// Names of CSS variables.
    colours: Vec<String>,
    hidden: Vec<bool>,
    highlighted: Option<u32>,
}

/// Draws the discs, the heaviest first.
fn draw(canvas: &HtmlCanvasElement, plot: &Plot, brush: &Brush) {
    // A screen of two device pixels to the CSS pixel gets twice as many.
    let ratio = window().device_pixel_ratio().max(1.0);
    canvas.set_width((plot.width * ratio).round() as u32);
    canvas.set_height((plot.height * ratio).round() as u32);
    let Ok(style) = window().get_computed_style(canvas) else { return };
    let value = |name: &str| {
        style.as_ref().and_then(|style| style.get_property_value(name).ok()).unwrap_or_default()
    };
    let colours: Vec<String> = brush.colours.iter().map(|name| value(name)).collect();
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
        let slot = cluster as usize - 1;
        let hidden = brush.hidden.get(slot).copied().unwrap_or(false);
        let Some(colour) = colours.get(slot).filter(|_| !hidden && (x + y).is_finite()) else {
            continue;
        };
        let faint = brush.highlighted.is_some_and(|highlighted| highlighted != cluster);
        context.set_global_alpha(if faint { 0.08 } else { 0.62 });
        context.set_fill_style_str(colour);
        context.begin_path();
        if context.arc(x, y, radius, 0.0, std::f64::consts::TAU).is_ok() {
            context.fill();
            if radius > 3.0 {
                context.stroke();
            }
        }
    }
}
