//! Choosing a kind of model, an entity and one of its models.

use tillstream_shared::{Entity, ModelKind, ModelRef};
use web_sys::HtmlSelectElement;
use yew::prelude::*;

use super::model_select::ModelSelect;
use crate::{
    labels::{plural, singular},
    state::model_options::KnownModels,
};

/// Properties of [`KindPicker`].
#[derive(Debug, PartialEq, Properties)]
pub struct KindPickerProps {
    /// The chosen one.
    pub value: ModelKind,
    /// Another was chosen.
    pub on_change: Callback<ModelKind>,
}

/// Lines or profiles.
#[component]
pub fn KindPicker(props: &KindPickerProps) -> Html {
    html! {
        <fieldset class="segments">
            <legend class="label">{ "Clusters of" }</legend>
            <div>
                { for ModelKind::ALL.into_iter().map(|kind| html! {
                    <label key={kind.name()}>
                        <input
                            type="radio"
                            name="kind"
                            value={kind.name()}
                            checked={kind == props.value}
                            onchange={props.on_change.reform(move |_: Event| kind)}
                            data-testid={format!("kind-{kind}")}
                        />
                        <span>
                            { match kind {
                                ModelKind::Line => "Lines",
                                ModelKind::Profile => "Profiles",
                            } }
                        </span>
                    </label>
                }) }
            </div>
        </fieldset>
    }
}

/// Properties of [`EntityPicker`].
#[derive(Debug, PartialEq, Properties)]
pub struct EntityPickerProps {
    /// Name of the group of buttons.
    pub legend: AttrValue,
    /// One of them, not all.
    #[prop_or_default]
    pub singular: bool,
    /// The chosen one.
    pub value: Entity,
    /// Another was chosen.
    pub on_change: Callback<Entity>,
}

/// Customers, products or countries.
#[component]
pub fn EntityPicker(props: &EntityPickerProps) -> Html {
    let name = if props.singular { singular } else { plural };
    html! {
        <fieldset class="segments">
            <legend class="label">{ props.legend.clone() }</legend>
            <div>
                { for Entity::ALL.into_iter().map(|entity| html! {
                    <label key={entity.name()}>
                        <input
                            type="radio"
                            name="entity"
                            value={entity.name()}
                            checked={entity == props.value}
                            onchange={props.on_change.reform(move |_: Event| entity)}
                            data-testid={format!("entity-{entity}")}
                        />
                        <span>{ name(entity) }</span>
                    </label>
                }) }
            </div>
        </fieldset>
    }
}

/// Properties of [`ModelPicker`].
#[derive(Debug, PartialEq, Properties)]
pub struct ModelPickerProps {
    /// Line or profile models.
    pub kind: ModelKind,
    /// The chosen one.
    pub value: ModelRef,
    /// The models of this kind and of one entity; none of them until they are loaded.
    pub known: KnownModels,
    /// Another was chosen.
    pub on_change: Callback<ModelRef>,
}

/// An alias or a number.
#[component]
pub fn ModelPicker(props: &ModelPickerProps) -> Html {
    html! {
        <ModelSelect
            id="model"
            label="Model"
            options={props.known.choices(props.kind, props.value)}
            value={props.value}
            has_older={props.known.has_older()}
            on_change={props.on_change.clone()}
        />
    }
}

/// Properties of [`Select`].
#[derive(Debug, PartialEq, Properties)]
pub struct SelectProps {
    /// Of the select element.
    pub id: AttrValue,
    /// Its name for people.
    pub label: AttrValue,
    /// What there is to choose from.
    pub options: Vec<AttrValue>,
    /// Index of the chosen one.
    pub value: usize,
    /// Index of another that was chosen.
    pub on_change: Callback<usize>,
}

/// One of several texts.
#[component]
pub fn Select(props: &SelectProps) -> Html {
    let node = use_node_ref();
    use_effect_with((props.value, props.options.clone(), node.clone()), |(value, _, node)| {
        if let Some(select) = node.cast::<HtmlSelectElement>() {
            select.set_value(&value.to_string());
        }
    });
    let on_change = props.on_change.clone();
    let onchange = move |event: Event| {
        let text = event.target_unchecked_into::<HtmlSelectElement>().value();
        if let Ok(index) = text.parse() {
            on_change.emit(index);
        }
    };
    html! {
        <div class="field">
            <label for={props.id.clone()}>{ &props.label }</label>
            <select id={props.id.clone()} data-testid={props.id.clone()} ref={node} {onchange}>
                { for props.options.iter().enumerate().map(|(index, option)| html! {
                    <option key={index} value={index.to_string()}>{ option }</option>
                }) }
            </select>
        </div>
    }
}
