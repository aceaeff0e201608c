//! What makes an input the same: its content, and how it is understood.
//!
//! The identity of a file is written `blake3:<hash>:<bytes>:<beginning>`, of its content without compression, and where
//! it matters `:day-first`, `:month-first`, `:point` or `:comma`. With the number of bytes it can be told later whether
//! another file, which has grown since, begins with that content. Files that begin alike (their header and first row)
//! are told apart from others, so that a change in the middle can be said.
//!
//! Before, it was `blake3:<hash>` of the file as it was stored, and the order of day and month where that was asked for
//! against the file: [`Identity::before`].

use std::fmt;

use strum::VariantNames as _;

use super::{DateOrder, Decimal};

/// Hexadecimal digits of a hash in an identity.
const HASH_DIGITS: usize = 32;
/// Hexadecimal digits of the hash of the beginning.
const BEGINNING_DIGITS: usize = 8;

/// The identity of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    /// Hash of the content.
    pub(super) hash: String,
    /// Bytes of the content.
    pub(super) bytes: u64,
    /// Hash of the header and the first row.
    pub(super) beginning: String,
    /// How days and months are ordered, where it matters.
    pub(super) order: Option<String>,
    /// The decimal mark, where it matters.
    pub(super) decimal: Option<String>,
}

impl Identity {
    pub(super) fn new(
        content: &blake3::Hash,
        bytes: u64,
        beginning: &blake3::Hash,
        order: Option<DateOrder>,
        decimal: Option<Decimal>,
    ) -> Self {
        let mut beginning = beginning.to_hex().to_string();
        beginning.truncate(BEGINNING_DIGITS);
        Self {
            hash: shown(content),
            bytes,
            beginning,
            order: order.map(|order| order.name().to_owned()),
            decimal: decimal.map(|decimal| decimal.name().to_owned()),
        }
    }

    /// Reads what was written; `None` for anything else, such as the identity of another kind of input.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix("blake3:")?.split(':');
        let hash = parts.next().filter(|hash| hash.len() == HASH_DIGITS)?.to_owned();
        let bytes = parts.next()?.parse().ok()?;
        let beginning = parts.next().filter(|hash| hash.len() == BEGINNING_DIGITS)?.to_owned();
        let (mut order, mut decimal) = (None, None);
        for part in parts {
            let place = if DateOrder::VARIANTS.contains(&part) { &mut order } else { &mut decimal };
            *place = Some(part.to_owned());
        }
        Some(Self { hash, bytes, beginning, order, decimal })
    }

    /// Whether what is understood of `earlier` is understood in the same way here.
    pub(super) fn agrees_with(&self, earlier: &Self) -> bool {
        let same =
            |earlier: &Option<String>, now: &Option<String>| earlier.is_none() || earlier == now;
        same(&earlier.order, &self.order) && same(&earlier.decimal, &self.decimal)
    }

    /// The identity that the version before gave a file with this hash as it is stored, which was `overridden` to this
    /// order.
    pub(super) fn before(stored: &blake3::Hash, overridden: Option<DateOrder>) -> String {
        let order = overridden.map_or_else(String::new, |order| format!(":{}", order.name()));
        format!("blake3:{}{order}", shown(stored))
    }
}

/// The part of a hash that an identity shows.
pub(super) fn shown(hash: &blake3::Hash) -> String {
    hash.to_hex()[..HASH_DIGITS].to_owned()
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "blake3:{}:{}:{}", self.hash, self.bytes, self.beginning)?;
        for part in self.order.iter().chain(&self.decimal) {
            write!(f, ":{part}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_are_read_as_they_are_written() {
        let hash = blake3::hash(b"content");
        for order in [None, Some(DateOrder::DayFirst)] {
            for decimal in [None, Some(Decimal::Comma)] {
                let identity = Identity::new(&hash, 12, &hash, order, decimal);
                assert_eq!(Identity::parse(&identity.to_string()), Some(identity));
            }
        }
        let before = Identity::before(&hash, Some(DateOrder::DayFirst));
        for other in ["generate:10:1", "blake3:", "", &before, &Identity::before(&hash, None)] {
            assert_eq!(Identity::parse(other), None, "{other}");
        }
    }

    #[test]
    fn what_did_not_matter_before_agrees() {
        let hash = blake3::hash(b"content");
        let identity = |order, decimal| Identity::new(&hash, 12, &hash, order, decimal);
        let (day, month) = (Some(DateOrder::DayFirst), Some(DateOrder::MonthFirst));
        assert!(identity(day, Some(Decimal::Comma)).agrees_with(&identity(None, None)));
        assert!(identity(day, None).agrees_with(&identity(day, None)));
        assert!(!identity(day, None).agrees_with(&identity(month, None)));
        assert!(
            !identity(None, Some(Decimal::Point))
                .agrees_with(&identity(None, Some(Decimal::Comma)))
        );
    }
}
