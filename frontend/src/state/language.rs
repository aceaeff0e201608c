//! The language of the clusters' names and sentences.

use tillstream_shared::Text;

/// A language that every [`Text`] comes in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Indonesian.
    Indonesian,
}

impl Language {
    /// Both, in the order in which they are offered.
    pub const ALL: [Self; 2] = [Self::English, Self::Indonesian];

    /// The code of ISO 639-1.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Indonesian => "id",
        }
    }

    /// The language's own name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Indonesian => "Bahasa Indonesia",
        }
    }

    /// The language of a tag such as `id` or `id-ID`.
    #[must_use]
    pub fn of_tag(tag: &str) -> Option<Self> {
        let code = tag.split('-').next()?.to_lowercase();
        Self::ALL.into_iter().find(|language| language.code() == code)
    }

    /// The text in this language.
    #[must_use]
    pub fn of(self, text: &Text) -> &str {
        match self {
            Self::English => &text.en,
            Self::Indonesian => &text.id,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_may_name_a_region() {
        assert_eq!(Language::of_tag("id-ID"), Some(Language::Indonesian));
        assert_eq!(Language::of_tag("EN"), Some(Language::English));
        assert_eq!(Language::of_tag("de"), None);
        assert_eq!(Language::of_tag(""), None);
        for language in Language::ALL {
            assert_eq!(Language::of_tag(language.code()), Some(language));
        }
    }

    #[test]
    fn a_text_is_read_in_the_chosen_language() {
        let text = Text { en: "few pieces".to_owned(), id: "sedikit barang".to_owned() };
        assert_eq!(Language::English.of(&text), "few pieces");
        assert_eq!(Language::Indonesian.of(&text), "sedikit barang");
    }
}
