//! The error of every small enum that is read from its name.

use std::fmt;

/// A text that names no variant of an enum. The message lists the names that there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownName {
    what: &'static str,
    name: String,
    known: &'static [&'static str],
}

impl UnknownName {
    /// `what` is what the enum lists, such as `entity`; `known` are its names, at least one.
    #[must_use]
    pub fn new(what: &'static str, name: &str, known: &'static [&'static str]) -> Self {
        Self { what, name: name.to_owned(), known }
    }
}

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, name, known } = self;
        write!(f, "unknown {what} `{name}`: use ")?;
        match known {
            [first @ .., last] if !first.is_empty() => write!(f, "{} or {last}", first.join(", ")),
            names => f.write_str(&names.concat()),
        }
    }
}

impl std::error::Error for UnknownName {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_lists_the_names() {
        let message = |known| UnknownName::new("colour", "red", known).to_string();
        assert_eq!(message(&["blue"]), "unknown colour `red`: use blue");
        assert_eq!(message(&["blue", "green"]), "unknown colour `red`: use blue or green");
        assert_eq!(message(&["a", "b", "c"]), "unknown colour `red`: use a, b or c");
    }
}
