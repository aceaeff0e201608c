//! A labelled text field whose error stands beside it.

use web_sys::HtmlInputElement;
use yew::prelude::*;

/// Properties of [`TextField`].
#[derive(Debug, PartialEq, Properties)]
pub struct TextFieldProps {
    /// Of the input element.
    pub id: AttrValue,
    /// Its name for people.
    pub label: AttrValue,
    /// What to enter.
    pub hint: AttrValue,
    /// What was typed.
    pub value: AttrValue,
    /// What is wrong with it, when that should show.
    pub error: Option<AttrValue>,
    /// The keyboard that a phone should show.
    #[prop_or("text")]
    pub inputmode: &'static str,
    /// The element, to give it the focus.
    #[prop_or_default]
    pub node: NodeRef,
    /// Something was typed.
    pub on_input: Callback<String>,
    /// The field was left.
    pub on_blur: Callback<()>,
}

/// A labelled text field.
#[component]
pub fn TextField(props: &TextFieldProps) -> Html {
    let (hint_id, error_id) = (format!("{}-hint", props.id), format!("{}-error", props.id));
    let wrong = props.error.is_some();
    let described = if wrong { format!("{error_id} {hint_id}") } else { hint_id.clone() };
    let oninput = props
        .on_input
        .reform(|event: InputEvent| event.target_unchecked_into::<HtmlInputElement>().value());
    let onblur = props.on_blur.reform(|_: FocusEvent| ());
    html! {
        <div class={classes!("field", wrong.then_some("wrong"))}>
            <label for={props.id.clone()}>{ props.label.clone() }</label>
            <input
                ref={props.node.clone()}
                id={props.id.clone()}
                data-testid={props.id.clone()}
                type="text"
                inputmode={props.inputmode}
                autocomplete="off"
                spellcheck="false"
                value={props.value.clone()}
                aria-invalid={if wrong { "true" } else { "false" }}
                aria-describedby={described}
                aria-required="true"
                {oninput}
                {onblur}
            />
            <p class="hint" id={hint_id}>{ props.hint.clone() }</p>
            // Always there, so that a screen reader hears the text when it comes.
            <p
                class="field-error"
                id={error_id}
                data-testid={format!("{}-error", props.id)}
                aria-live="polite"
            >
                { props.error.clone().unwrap_or_default() }
            </p>
        </div>
    }
}
