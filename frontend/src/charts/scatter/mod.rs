//! The scatter plot of a model: its rows on a canvas, with axes, centroids and the last prediction in
//! SVG around it.

mod axes;
mod canvas;
mod data;
mod layout;
mod marks;
mod plot;
mod tooltip;

use std::rc::Rc;

use gloo::render::request_animation_frame;
use web_sys::{Element, HtmlCanvasElement};
use yew::prelude::*;

use self::{
    axes::axes,
    canvas::{ClusterStyles, draw},
    marks::marks,
    plot::Plot,
    tooltip::tooltip,
};
pub use self::{
    data::{Column, ScatterData},
    plot::MarkedPoint,
};
use super::palette::{colour, distinct, variable};
use crate::{
    components::browser::{use_dark, use_width},
    format,
};

/// Properties of [`Scatter`].
#[derive(Debug, PartialEq, Properties)]
pub struct ScatterProps {
    /// The rows.
    pub data: Rc<ScatterData>,
    /// What a row is: one, and several.
    pub rows: (&'static str, &'static str),
    /// The clusters' identities, in the order of their numbers.
    pub identities: Vec<u32>,
    /// What the clusters are called, in the order of their numbers.
    pub names: Vec<AttrValue>,
    /// The last prediction.
    pub marked: Option<MarkedPoint>,
    /// Whether each cluster is hidden, in the order of their numbers.
    pub hidden: Vec<bool>,
    /// The cluster that stands out.
    pub highlighted: Option<u32>,
}

/// The scatter plot of a model by two features.
#[component]
pub fn Scatter(props: &ScatterProps) -> Html {
    let frame = use_node_ref();
    let canvas = use_node_ref();
    let width = use_width(frame.clone());
    let dark = use_dark();
    let hovered = use_state_eq(|| None::<usize>);

    let plot = use_memo((Rc::as_ptr(&props.data), props.marked.clone(), width as i64), |_| {
        Plot::new(width, &props.data, props.marked.as_ref())
    });
    {
        // Another model's points have other indices.
        let hovered = hovered.clone();
        use_effect_with(Rc::as_ptr(&props.data), move |_| hovered.set(None));
    }
    let colour_ids = distinct(&props.identities);
    let colours: Vec<String> = colour_ids.iter().copied().map(colour).collect();
    let styles = ClusterStyles {
        colours: colour_ids.into_iter().map(variable).collect(),
        hidden: props.hidden.clone(),
        highlighted: props.highlighted,
    };
    use_effect_with((Rc::as_ptr(&plot), styles, dark, canvas.clone()), {
        let plot = Rc::clone(&plot);
        move |(_, styles, _, canvas)| {
            // Several changes before the next frame make one drawing: the frame of the earlier one
            // is dropped, which cancels it.
            let (canvas, styles) = (canvas.clone(), styles.clone());
            let frame = request_animation_frame(move |_| {
                if let Some(canvas) = canvas.cast::<HtmlCanvasElement>() {
                    draw(&canvas, &plot, &styles);
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
            hovered.set(plot.points.at(x, y, &shown));
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
                let all = plot.points.order.iter().copied();
                all.filter(|index| shown(plot.points.cluster[*index])).collect()
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
        "Scatter plot of {} by {} and {} in {}. The arrow keys go from one to the next, the heaviest first.",
        format::plural(props.data.len() as u64, props.rows.0, props.rows.1),
        props.data.x.name,
        props.data.y.name,
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
            data-points={props.data.len().to_string()}
            onpointermove={onpointer.clone()}
            onpointerdown={onpointer}
            onpointerleave={onleave}
            {onkeydown}
        >
            if width > 0.0 {
                { axes(&plot, &props.data) }
                <canvas ref={canvas} aria-hidden="true" data-testid="scatter-canvas" />
                { marks(&plot, &props.data, &colours, props.marked.as_ref(), &shown) }
                { tooltip(&plot, &props.data, *hovered, &colours, &props.names) }
            }
        </div>
    }
}
