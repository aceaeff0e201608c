//! The discs of a scatter plot, drawn on a canvas.

use gloo::utils::window;
use wasm_bindgen::JsCast;
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement};

use super::plot::Plot;

/// How the clusters are drawn, in the order of their numbers.
#[derive(Clone, PartialEq)]
pub(super) struct ClusterStyles {
    /// Names of CSS variables.
    pub(super) colours: Vec<String>,
    /// Whether each cluster is hidden.
    pub(super) hidden: Vec<bool>,
    /// The cluster that stands out; the others are faint.
    pub(super) highlighted: Option<u32>,
}

/// Draws the discs, the heaviest first.
pub(super) fn draw(canvas: &HtmlCanvasElement, plot: &Plot, styles: &ClusterStyles) {
    // A screen of two device pixels to the CSS pixel gets twice as many.
    let ratio = window().device_pixel_ratio().max(1.0);
    canvas.set_width((plot.width * ratio).round() as u32);
    canvas.set_height((plot.height * ratio).round() as u32);
    let Ok(computed) = window().get_computed_style(canvas) else { return };
    let value = |name: &str| {
        computed.as_ref().and_then(|css| css.get_property_value(name).ok()).unwrap_or_default()
    };
    let colours: Vec<String> = styles.colours.iter().map(|name| value(name)).collect();
    let context = canvas.get_context("2d").ok().flatten();
    let Some(context) = context.and_then(|c| c.dyn_into::<CanvasRenderingContext2d>().ok()) else {
        return;
    };
    if context.set_transform(ratio, 0.0, 0.0, ratio, 0.0, 0.0).is_err() {
        return;
    }
    context.set_stroke_style_str(&value("--surface"));
    context.set_line_width(0.75);
    let points = &plot.points;
    for &index in &points.order {
        let (x, y, radius) = (points.x[index], points.y[index], points.radius[index]);
        let cluster = points.cluster[index];
        let slot = cluster as usize - 1;
        let hidden = styles.hidden.get(slot).copied().unwrap_or(false);
        let Some(colour) = colours.get(slot).filter(|_| !hidden && (x + y).is_finite()) else {
            continue;
        };
        let faint = styles.highlighted.is_some_and(|highlighted| highlighted != cluster);
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
