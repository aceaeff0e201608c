//! Choosing a kind of model, an entity and one of its models.

use std::rc::Rc;

use tillstream_shared::{Entity, ModelKind, ModelNumber, ModelRef, api::ModelList};
use web_sys::HtmlSelectElement;
use yew::prelude::*;

use crate::words::{plural, singular};

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
    /// What the choice is about, for those who do not see it.
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
    /// Whose models.
    pub entity: Entity,
    /// The chosen one.
    pub value: ModelRef,
    /// All models, once known.
    pub models: Option<Rc<ModelList>>,
    /// Another was chosen.
    pub on_change: Callback<ModelRef>,
}

/// An alias or a number. Profile models are of all lines so far as they are: for them there is no
/// `all` and no `live`.
#[component]
pub fn ModelPicker(props: &ModelPickerProps) -> Html {
    let node = use_node_ref();
    let numbers: Vec<u64> = props
        .models
        .iter()
        .flat_map(|list| &list.models)
        .filter(|model| model.kind == props.kind && model.entity == props.entity)
        .filter_map(|model| match model.number {
            ModelNumber::Number(number) => Some(number),
            ModelNumber::All | ModelNumber::Live => None,
        })
        .rev()
        .collect();
    let latest = match numbers.first() {
        Some(number) => format!("latest (model {number})"),
        None => "latest".to_owned(),
    };
    let aliases = [
        (ModelRef::Latest, latest),
        (ModelRef::Champion, "champion (the promoted one)".to_owned()),
        (ModelRef::All, "all (every batch so far)".to_owned()),
        (ModelRef::Live, "live (follows the stream)".to_owned()),
    ];
    let offered = if props.kind == ModelKind::Line { 4 } else { 2 };
    let aliases = aliases.into_iter().take(offered);
    let numbered = numbers.iter().map(|n| (ModelRef::Number(*n), format!("model {n}")));
    let mut options: Vec<(ModelRef, String)> = aliases.chain(numbered).collect();
    if !options.iter().any(|(model, _)| *model == props.value) {
        options.insert(offered, (props.value, format!("{} (not in the list)", props.value)));
    }
    // A browser does not go back to an option once the reader chose another, whatever its
    // attributes say; the property has to be set.
    use_effect_with((props.value, options.len(), node.clone()), |(value, _, node)| {
        if let Some(select) = node.cast::<HtmlSelectElement>() {
            select.set_value(&value.to_string());
        }
    });
    let onchange = props.on_change.clone();
    let onchange = move |event: Event| {
        let text = event.target_unchecked_into::<HtmlSelectElement>().value();
        if let Ok(model) = text.parse() {
            onchange.emit(model);
        }
    };
    html! {
        <div class="field">
            <label for="model">{ "Model" }</label>
            <select id="model" data-testid="model" ref={node} {onchange}>
                { for options.into_iter().map(|(model, name)| html! {
                    <option key={model.to_string()} value={model.to_string()}>{ name }</option>
                }) }
            </select>
        </div>
    }
}

/// Properties of [`Choice`].
#[derive(Debug, PartialEq, Properties)]
pub struct ChoiceProps {
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
pub fn Choice(props: &ChoiceProps) -> Html {
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
