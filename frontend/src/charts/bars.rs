//! Small bars: the shares of clusters, and distances.

use yew::prelude::*;

use crate::format;

/// Properties of [`ShareBar`].
#[derive(Debug, PartialEq, Properties)]
pub struct ShareBarProps {
    /// Lines or entities in each cluster.
    pub sizes: Vec<u64>,
    /// The clusters' colours as CSS values; without one a cluster is grey.
    pub colours: Vec<String>,
}

/// One bar divided among the clusters.
#[component]
pub fn ShareBar(props: &ShareBarProps) -> Html {
    let whole: u64 = props.sizes.iter().sum();
    let share = |(index, size): (usize, &u64)| {
        format!("cluster {} {}", index + 1, format::percent(*size, whole))
    };
    let label = props.sizes.iter().enumerate().map(share).collect::<Vec<_>>().join(", ");
    html! {
        <div class="share-bar" role="img" aria-label={label}>
            { for props.sizes.iter().enumerate().map(|(index, size)| {
                let colour = props.colours.get(index).map_or("var(--muted)", String::as_str);
                html! { <span style={format!("flex-grow:{size};background:{colour}")} /> }
            }) }
        </div>
    }
}

/// Properties of [`Meter`].
#[derive(Debug, PartialEq, Properties)]
pub struct MeterProps {
    /// From 0 to 1.
    pub share: f64,
    /// A CSS colour.
    pub colour: AttrValue,
}

/// One bar filled to a share; the figure stands beside it, so it says nothing to screen readers.
#[component]
pub fn Meter(props: &MeterProps) -> Html {
    let width = (props.share.clamp(0.0, 1.0) * 100.0).max(0.5);
    html! {
        <span class="meter" aria-hidden="true">
            <span style={format!("width:{width:.2}%;background:{}", props.colour)} />
        </span>
    }
}
