//! Choosing an entity and one of its models.

use std::rc::Rc;

use tillstream_shared::{Entity, ModelNumber, ModelRef, api::ModelList};
use web_sys::HtmlSelectElement;
use yew::prelude::*;

/// The name of an entity in the plural, as a heading.
#[must_use]
pub const fn plural(entity: Entity) -> &'static str {
    match entity {
        Entity::Customer => "Customers",
        Entity::Product => "Products",
        Entity::Country => "Countries",
    }
}

/// The name of an entity, as a heading.
#[must_use]
pub const fn singular(entity: Entity) -> &'static str {
    match entity {
        Entity::Customer => "Customer",
        Entity::Product => "Product",
        Entity::Country => "Country",
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
    /// Whose models.
    pub entity: Entity,
    /// The chosen one.
    pub value: ModelRef,
    /// All models, once known.
    pub models: Option<Rc<ModelList>>,
    /// Another was chosen.
    pub on_change: Callback<ModelRef>,
}

/// `latest`, `all` or a number.
#[component]
pub fn ModelPicker(props: &ModelPickerProps) -> Html {
    let node = use_node_ref();
    let numbers: Vec<u64> = props
        .models
        .iter()
        .flat_map(|list| &list.models)
        .filter(|model| model.entity == props.entity)
        .filter_map(|model| match model.number {
            ModelNumber::Number(number) => Some(number),
            ModelNumber::All | ModelNumber::Live => None,
        })
        .rev()
        .collect();
    let missing = match props.value {
        ModelRef::Number(number) if !numbers.contains(&number) => Some(number),
        _ => None,
    };
    // A browser does not go back to an option once the reader chose another, whatever its
    // attributes say; the property has to be set.
    use_effect_with((props.value, numbers.len(), missing, node.clone()), |(value, _, _, node)| {
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
    let latest = match numbers.first() {
        Some(number) => format!("latest (model {number})"),
        None => "latest".to_owned(),
    };
    html! {
        <div class="field">
            <label for="model">{ "Model" }</label>
            <select id="model" data-testid="model" ref={node} {onchange}>
                <option value="latest">{ latest }</option>
                <option value="all">{ "all (every batch so far)" }</option>
                if let Some(number) = missing {
                    <option value={number.to_string()}>
                        { format!("model {number} (not in the list)") }
                    </option>
                }
                { for numbers.iter().map(|number| html! {
                    <option key={*number} value={number.to_string()}>
                        { format!("model {number}") }
                    </option>
                }) }
            </select>
        </div>
    }
}
