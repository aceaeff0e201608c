//! Choosing one of many models: the newest from a list, an older one by its number.

use tillstream_shared::ModelRef;
use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use crate::state::model_options::typed_number;

/// The value of the entry that asks for a number.
const OLDER: &str = "older";

/// Properties of [`ModelSelect`].
#[derive(Debug, PartialEq, Properties)]
pub struct ModelSelectProps {
    /// Of the select element.
    pub id: AttrValue,
    /// Its name for people.
    pub label: AttrValue,
    /// What there is to choose from, the chosen one included.
    pub options: Vec<(ModelRef, String)>,
    /// The chosen one.
    pub value: ModelRef,
    /// Whether there may be older models than those in `options`.
    pub has_older: bool,
    /// Another was chosen.
    pub on_change: Callback<ModelRef>,
}

/// A list of models, and below it, when asked for, a field for the number of an older one.
#[component]
pub fn ModelSelect(props: &ModelSelectProps) -> Html {
    let node = use_node_ref();
    let entering = use_state_eq(|| false);
    let shows_entry = *entering && props.has_older;
    // A browser does not go back to an option once the reader chose another, whatever its
    // attributes say; the property has to be set.
    let shown = if shows_entry { OLDER.to_owned() } else { props.value.to_string() };
    use_effect_with(
        (shown, props.options.clone(), props.has_older, node.clone()),
        |(shown, _, _, node)| {
            if let Some(select) = node.cast::<HtmlSelectElement>() {
                select.set_value(shown);
            }
        },
    );
    let onchange = {
        let (on_change, entering) = (props.on_change.clone(), entering.clone());
        move |event: Event| {
            let text = event.target_unchecked_into::<HtmlSelectElement>().value();
            entering.set(text == OLDER);
            if let Ok(model) = text.parse() {
                on_change.emit(model);
            }
        }
    };
    let on_enter = {
        let (on_change, entering) = (props.on_change.clone(), entering.clone());
        Callback::from(move |number| {
            entering.set(false);
            on_change.emit(ModelRef::Number(number));
        })
    };
    let on_cancel = Callback::from(move |()| entering.set(false));
    html! {
        <div class="field">
            <label for={props.id.clone()}>{ &props.label }</label>
            <select id={props.id.clone()} data-testid={props.id.clone()} ref={node} {onchange}>
                { for props.options.iter().map(|(model, text)| html! {
                    <option key={model.to_string()} value={model.to_string()}>{ text }</option>
                }) }
                if props.has_older {
                    <option key={OLDER} value={OLDER}>{ "older model\u{2026}" }</option>
                }
            </select>
            if shows_entry {
                <NumberEntry id={format!("{}-number", props.id)} {on_enter} {on_cancel} />
            }
        </div>
    }
}

#[derive(Debug, PartialEq, Properties)]
struct NumberEntryProps {
    /// Of the input element.
    id: AttrValue,
    /// A model number was entered.
    on_enter: Callback<u64>,
    /// The reader wants none.
    on_cancel: Callback<()>,
}

/// A field for a model number. No form: it may stand within one.
#[component]
fn NumberEntry(props: &NumberEntryProps) -> Html {
    let node = use_node_ref();
    let error = use_state_eq(String::new);
    use_effect_with(node.clone(), |node| {
        if let Some(input) = node.cast::<HtmlInputElement>() {
            input.focus().ok();
        }
    });
    let enter = {
        let (node, error, on_enter) = (node.clone(), error.clone(), props.on_enter.clone());
        Callback::from(move |()| {
            let Some(input) = node.cast::<HtmlInputElement>() else { return };
            match typed_number(&input.value()) {
                Ok(number) => on_enter.emit(number),
                Err(why) => error.set(why),
            }
        })
    };
    let onkeydown = {
        let (enter, on_cancel) = (enter.clone(), props.on_cancel.clone());
        move |event: KeyboardEvent| match event.key().as_str() {
            "Enter" => {
                event.prevent_default();
                enter.emit(());
            }
            "Escape" => on_cancel.emit(()),
            _ => {}
        }
    };
    let error_id = format!("{}-error", props.id);
    let wrong = !error.is_empty();
    html! {
        <div class={classes!("number-entry", wrong.then_some("wrong"))}>
            <input
                ref={node}
                id={props.id.clone()}
                data-testid={props.id.clone()}
                type="text"
                inputmode="numeric"
                autocomplete="off"
                placeholder="Model number"
                aria-label="Number of an older model"
                aria-invalid={if wrong { "true" } else { "false" }}
                aria-describedby={error_id.clone()}
                {onkeydown}
            />
            <button
                type="button"
                class="button"
                data-testid={format!("{}-select", props.id)}
                onclick={enter.reform(|_: MouseEvent| ())}
            >
                { "Select" }
            </button>
            <p class="field-error" id={error_id} aria-live="polite">{ &*error }</p>
        </div>
    }
}
