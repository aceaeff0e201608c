//! Inputs that can be read again, and so be recognised.

use super::{
    IngestError,
    identity::{Identity, shown},
    stored::Stored,
    survey::unreadable,
};

/// The content of an input that can be read again.
pub(super) struct Kept {
    /// What messages call it.
    pub(super) name: String,
    pub(super) identity: Identity,
    /// The identity in the version before, if that could read it.
    pub(super) before: Option<String>,
    pub(super) content: Stored,
    /// Bytes of the smallest character.
    pub(super) unit: usize,
}

/// What an input has to do with one that was sent before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recognised {
    /// It is that one, or has grown from it.
    Known,
    /// It begins in the same way and then differs.
    Differs,
    /// Nothing.
    Other,
}

impl Kept {
    /// What it has to do with the input of that other identity.
    pub(super) fn recognise(&self, source: &str) -> Result<Recognised, IngestError> {
        let Self { name, identity, before, content, unit } = self;
        if before.as_deref() == Some(source) {
            return Ok(Recognised::Known);
        }
        let Some(earlier) = Identity::parse(source) else { return Ok(Recognised::Other) };
        if earlier.beginning != identity.beginning {
            return Ok(Recognised::Other);
        }
        let has_grown = earlier.bytes < identity.bytes
            && identity.agrees_with(&earlier)
            && content
                .begins_with(earlier.bytes, *unit, |hash| shown(hash) == earlier.hash)
                .map_err(|cause| unreadable(name, cause))?;
        Ok(if has_grown { Recognised::Known } else { Recognised::Differs })
    }
}
