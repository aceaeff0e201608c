//! Regular expressions of clients, for names of topics and the like.

use std::sync::Arc;

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

/// How long a pattern may be, in bytes.
const MAX_LEN: usize = 4096;
/// How large a compiled pattern may be, and what it may remember while it is matched, in bytes.
const MEMORY_LIMIT: usize = 256 << 10;

/// A regular expression that a name has to match as a whole; matching takes time linear in the name.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) struct NamePattern {
    text: String,
    regex: Arc<Regex>,
}

impl From<NamePattern> for String {
    fn from(pattern: NamePattern) -> Self {
        pattern.text
    }
}

impl TryFrom<String> for NamePattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::new(&text)
    }
}

impl NamePattern {
    /// Compiles a pattern, which can take milliseconds; the error says what is wrong with it.
    pub(crate) fn new(text: &str) -> Result<Self, String> {
        if text.len() > MAX_LEN {
            return Err(format!("a pattern of {} bytes; the maximum is {MAX_LEN}", text.len()));
        }
        let compile = |pattern: &str| {
            let mut builder = RegexBuilder::new(pattern);
            builder.size_limit(MEMORY_LIMIT).dfa_size_limit(MEMORY_LIMIT);
            builder.build().map_err(|error| error.to_string())
        };
        // By itself first: with parentheses around it, a text that is no pattern could be one.
        compile(text)?;
        let regex = Arc::new(compile(&format!(r"\A(?:{text})\z"))?);
        Ok(Self { text: text.to_owned(), regex })
    }

    /// Whether the whole name matches.
    pub(crate) fn matches(&self, name: &str) -> bool {
        self.regex.is_match(name)
    }

    /// The pattern as it was given.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }
}

impl PartialEq for NamePattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_LEN, NamePattern};

    #[test]
    fn names_match_as_a_whole() {
        let pattern = NamePattern::new("a|ab").unwrap();
        assert_eq!(
            ["a", "ab", "abc", "b", "a\n"].map(|name| pattern.matches(name)),
            [true, true, false, false, false]
        );
        assert!(NamePattern::new("a)(b").is_err());
        assert!(NamePattern::new("(").is_err());
    }

    #[test]
    fn patterns_that_would_take_much_memory_are_refused() {
        assert!(NamePattern::new("((a{100}){100}){100}").is_err());
        assert!(NamePattern::new(&"(".repeat(MAX_LEN)).is_err());
        assert!(NamePattern::new(&"a".repeat(MAX_LEN + 1)).is_err());
    }
}
