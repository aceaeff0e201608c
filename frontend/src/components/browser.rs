//! Hooks on what the browser knows: the clock, the size of an element, the colour scheme.

use gloo::{events::EventListener, utils::window};
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{Element, ResizeObserver};
use yew::{NodeRef, hook, use_effect_with, use_state_eq};

/// Milliseconds since the page was opened.
#[must_use]
pub fn clock() -> f64 {
    window().performance().map_or(0.0, |performance| performance.now())
}

/// The width of an element in CSS pixels, 0 until it is laid out; followed as it changes.
#[hook]
pub fn use_width(node: NodeRef) -> f64 {
    let width = use_state_eq(|| 0.0);
    let current = *width;
    use_effect_with(node, move |node| {
        let element = node.cast::<Element>();
        let measured = element.clone();
        let measure = Closure::<dyn FnMut()>::new(move || {
            if let Some(element) = &measured {
                width.set(f64::from(element.client_width()));
            }
        });
        let observer = ResizeObserver::new(measure.as_ref().unchecked_ref()).ok();
        if let (Some(observer), Some(element)) = (&observer, &element) {
            observer.observe(element);
        }
        move || {
            if let Some(observer) = observer {
                observer.disconnect();
            }
            drop(measure);
        }
    });
    current
}

/// Whether the reader's system asks for dark colours; followed as it changes.
#[hook]
pub fn use_dark() -> bool {
    let query = || window().match_media("(prefers-color-scheme: dark)").ok().flatten();
    let dark = use_state_eq(|| query().is_some_and(|query| query.matches()));
    let current = *dark;
    use_effect_with((), move |()| {
        let listener = query().map(|list| {
            EventListener::new(&list.clone(), "change", move |_| dark.set(list.matches()))
        });
        move || drop(listener)
    });
    current
}
