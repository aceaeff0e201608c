//! The body of a produce request.

use std::time::Duration;

use bytes::{Buf, Bytes};
use kafka_protocol::protocol::StrBytes;

use uuid::Uuid;

use crate::wire::{Request, RequestError};

/// The first version in whose encoding lengths are compact.
const COMPACT_SINCE: i16 = 9;
/// The first version that names topics by their ids.
pub(super) const IDS_SINCE: i16 = 13;

/// A decoded produce request. It is decoded by hand because it is the one that is large: the general
/// decoder reserves memory for as many elements as an array claims to have, which for a malicious
/// frame of the maximum length is 9.8 GB. In time the two hardly differ (0.2 and 0.4 µs a request).
#[derive(Debug)]
pub(super) struct Produce {
    pub(super) transactional_id: Option<StrBytes>,
    pub(super) acks: i16,
    pub(super) timeout: Duration,
    pub(super) topics: Vec<ProducedTopic>,
}

/// What is to be appended to a topic.
#[derive(Debug)]
pub(super) struct ProducedTopic {
    /// Empty if the topic is named by its id.
    pub(super) name: StrBytes,
    pub(super) id: Uuid,
    /// The partitions, with a batch for each.
    pub(super) partitions: Vec<(i32, Bytes)>,
}

impl Produce {
    pub(super) fn decode(request: &Request) -> Result<Self, RequestError> {
        let version = request.version;
        let mut fields = Fields {
            bytes: request.body.clone(),
            compact: version >= COMPACT_SINCE,
            by_id: version >= IDS_SINCE,
        };
        let cut_short =
            || RequestError::Malformed("a produce request that is cut short".to_owned());
        fields.produce().ok_or_else(cut_short)
    }
}

/// Reads the fields of a produce request; none where the bytes do not suffice.
struct Fields {
    bytes: Bytes,
    compact: bool,
    by_id: bool,
}

impl Fields {
    fn produce(&mut self) -> Option<Produce> {
        let transactional_id = self.text()?;
        let acks = self.bytes.try_get_i16().ok()?;
        let timeout = self.bytes.try_get_i32().ok()?;
        let mut topics = Vec::new();
        for _ in 0..self.length()?? {
            let (name, id) = if self.by_id {
                (StrBytes::default(), Uuid::from_u128(self.bytes.try_get_u128().ok()?))
            } else {
                (self.text()??, Uuid::nil())
            };
            let mut partitions = Vec::new();
            for _ in 0..self.length()?? {
                let index = self.bytes.try_get_i32().ok()?;
                let records = match self.length()? {
                    Some(length) => self.take(length)?,
                    None => Bytes::new(),
                };
                self.skip_tags()?;
                partitions.push((index, records));
            }
            self.skip_tags()?;
            topics.push(ProducedTopic { name, id, partitions });
        }
        self.skip_tags()?;
        let timeout = Duration::from_millis(u64::try_from(timeout).unwrap_or(0));
        Some(Produce { transactional_id, acks, timeout, topics })
    }

    /// The length of an array or of bytes; `Some(None)` for null.
    fn length(&mut self) -> Option<Option<usize>> {
        if self.compact {
            return Some((self.varint()? as usize).checked_sub(1));
        }
        match self.bytes.try_get_i32().ok()? {
            -1 => Some(None),
            length => Some(Some(usize::try_from(length).ok()?)),
        }
    }

    fn text(&mut self) -> Option<Option<StrBytes>> {
        let length = if self.compact {
            self.length()?
        } else {
            match self.bytes.try_get_i16().ok()? {
                -1 => None,
                length => Some(usize::try_from(length).ok()?),
            }
        };
        match length {
            Some(length) => StrBytes::from_utf8(self.take(length)?).ok().map(Some),
            None => Some(None),
        }
    }

    fn take(&mut self, length: usize) -> Option<Bytes> {
        (length <= self.bytes.len()).then(|| self.bytes.split_to(length))
    }

    fn varint(&mut self) -> Option<u32> {
        let mut value = 0;
        for shift in (0..35).step_by(7) {
            let byte = self.bytes.try_get_u8().ok()?;
            value |= u32::from(byte & 0x7F).checked_shl(shift)?;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn skip_tags(&mut self) -> Option<()> {
        if self.compact {
            for _ in 0..self.varint()? {
                self.varint()?;
                let size = self.varint()?;
                self.take(size as usize)?;
            }
        }
        Some(())
    }
}
