//! The language of the clusters' names: kept in the browser, offered in the head of a page.

use gloo::utils::window;
use tillstream_shared::Text;
use yew::prelude::*;

use crate::{components::pickers::Select, state::language::Language};

/// Where the choice is kept in the browser.
const KEY: &str = "tillstream.language";

/// The chosen language; setting it through [`LanguagePicker`] also keeps it.
pub type LanguageContext = UseStateHandle<Language>;

/// The language chosen before, or else that of the browser where there are texts in it.
#[must_use]
pub fn preferred() -> Language {
    let stored = window().local_storage().ok().flatten();
    let stored = stored.and_then(|storage| storage.get_item(KEY).ok().flatten());
    let browser = || window().navigator().language();
    stored.or_else(browser).and_then(|tag| Language::of_tag(&tag)).unwrap_or_default()
}

/// The chosen language.
#[hook]
pub fn use_language() -> Language {
    use_context::<LanguageContext>().map_or_else(Language::default, |language| *language)
}

/// Chooses the language.
#[component]
pub fn LanguagePicker() -> Html {
    let Some(language) = use_context::<LanguageContext>() else {
        return Html::default();
    };
    let chosen = *language;
    let on_change = Callback::from(move |index: usize| {
        let Some(next) = Language::ALL.get(index) else { return };
        // A browser that keeps nothing still shows the language until the page is left.
        if let Ok(Some(storage)) = window().local_storage() {
            storage.set_item(KEY, next.code()).ok();
        }
        language.set(*next);
    });
    html! {
        <Select
            id="language"
            label="Names in"
            options={Language::ALL.map(|language| AttrValue::from(language.name())).to_vec()}
            value={chosen as usize}
            {on_change}
        />
    }
}

/// Properties of [`LocalizedText`].
#[derive(Debug, PartialEq, Properties)]
pub struct LocalizedTextProps {
    /// In both languages.
    pub text: Text,
}

/// A text in the chosen language, marked as such for screen readers.
#[component]
pub fn LocalizedText(props: &LocalizedTextProps) -> Html {
    let language = use_language();
    html! { <span lang={language.code()}>{ language.of(&props.text) }</span> }
}
