//! The frame that serializers of a schema registry put before a payload: a zero byte, the schema's id as four
//! bytes, big-endian, and then what the format writes. Only JSON can be read without the schema.
//!
//! A zero byte alone is no frame: what follows must look like one.

/// Ids are given one after the other from 1 on, so that a greater one is rather a part of something else.
const MAX_PLAUSIBLE_ID: u32 = (1 << 24) - 1;
/// The white space of JSON, the only control characters in it.
const WHITE_SPACE: [u8; 4] = *b" \t\n\r";

/// An encoding that cannot be read without its schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display)]
pub enum BinaryFormat {
    /// Avro's binary encoding.
    Avro,
    /// Protobuf, after the indexes that say which message of the schema it is.
    Protobuf,
}

/// What is in a frame, as its bytes tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framed<'a> {
    /// JSON, here without the frame, or at least text.
    Json(&'a [u8]),
    /// Something else.
    Binary {
        /// The schema's id in its registry.
        schema_id: u32,
        /// Its encoding.
        format: BinaryFormat,
    },
}

impl<'a> Framed<'a> {
    /// Looks into the frame; `None` for a payload without one.
    pub(super) fn of(payload: &'a [u8]) -> Option<Self> {
        let [0, a, b, c, d, body @ ..] = payload else { return None };
        let first = body.iter().find(|byte| !WHITE_SPACE.contains(byte))?;
        // An object at this very place is no coincidence, whatever the id.
        if *first == b'{' {
            return Some(Self::Json(body));
        }
        let schema_id = u32::from_be_bytes([*a, *b, *c, *d]);
        if !(1..=MAX_PLAUSIBLE_ID).contains(&schema_id) {
            return None;
        }
        if is_text(body) {
            return Some(Self::Json(body));
        }
        let format = if is_protobuf(body) { BinaryFormat::Protobuf } else { BinaryFormat::Avro };
        Some(Self::Binary { schema_id, format })
    }
}

fn is_text(bytes: &[u8]) -> bool {
    !bytes.iter().any(|byte| byte.is_ascii_control() && !WHITE_SPACE.contains(byte))
}

/// Whether `body` is a list of message indexes and then at least one field, and nothing else.
fn is_protobuf(body: &[u8]) -> bool {
    let Some(mut rest) = after_indexes(body) else { return false };
    let begins_with_field = !rest.is_empty();
    while !rest.is_empty() {
        match after_field(rest) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    begins_with_field
}

/// What follows the message indexes: how many they are, then each, as zigzag varints.
fn after_indexes(body: &[u8]) -> Option<&[u8]> {
    let (count, mut rest) = varint(body)?;
    for _ in 0..non_negative(count)? {
        let (index, after) = varint(rest)?;
        non_negative(index)?;
        rest = after;
    }
    Some(rest)
}

/// What follows the field at the start of `bytes`.
fn after_field(bytes: &[u8]) -> Option<&[u8]> {
    let (key, rest) = varint(bytes)?;
    let (number, wire_type) = (key >> 3, key & 7);
    if !(1..1 << 29).contains(&number) {
        return None;
    }
    let (length, rest) = match wire_type {
        0 => return Some(varint(rest)?.1),
        1 => (8, rest),
        2 => varint(rest)?,
        5 => (4, rest),
        _ => return None,
    };
    rest.get(usize::try_from(length).ok()?..)
}

/// The number of a zigzag varint.
fn non_negative(zigzag: u64) -> Option<u64> {
    (zigzag & 1 == 0).then_some(zigzag >> 1)
}

/// The varint at the start of `bytes`, and what follows it.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0;
    for (index, byte) in bytes.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[index + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(body: &[u8]) -> Vec<u8> {
        [b"\x00\x00\x01\x86\xb1".as_slice(), body].concat()
    }

    #[track_caller]
    fn assert_binary(body: &[u8], format: BinaryFormat) {
        let expected = Framed::Binary { schema_id: 100_017, format };
        assert_eq!(Framed::of(&framed(body)), Some(expected), "{body:?}");
    }

    #[test]
    fn the_frame_of_json_is_taken_off() {
        for body in [" {\"a\":1}", "{\u{1}", "hello", "[1]"].map(str::as_bytes) {
            assert_eq!(Framed::of(&framed(body)), Some(Framed::Json(body)), "{body:?}");
        }
        assert_eq!(Framed::of(b"\x00\xff\xff\xff\xff{}"), Some(Framed::Json(b"{}")));
    }

    #[test]
    fn protobuf_is_known_by_its_indexes_and_fields() {
        for body in [
            // The first message of the schema: field 1 the text "536365", field 4 the number 6.
            b"\x00\x0a\x06536365\x20\x06".as_slice(),
            // Message 0, and in it message 1: field 6 an f64, field 7 an f32.
            b"\x04\x00\x02\x31\x66\x66\x66\x66\x66\x66\x04\x40\x3d\x00\x00\x80\x3f",
            // A number of ten bytes: -1.
            b"\x00\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        ] {
            assert_binary(body, BinaryFormat::Protobuf);
        }
    }

    #[test]
    fn other_binary_bodies_are_avro() {
        for body in [
            // The texts "536365" and "85123A", the number 6, the f64 2.55.
            b"\x0c536365\x0c85123A\x0c\x66\x66\x66\x66\x66\x66\x04\x40".as_slice(),
            // A text alone.
            b"\x0c536365",
            // A union's branch 1, and in it a text.
            b"\x02\x0a17850",
            b"\x00",
            // Fields of Protobuf that are cut off, or have no number, or a wire type that there is not.
            b"\x00\x0a\x0653",
            b"\x00\x02\x01\x01",
            b"\x00\x0e",
            b"\x00\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        ] {
            assert_binary(body, BinaryFormat::Avro);
        }
    }

    /// A line as Confluent's serializers for Python write it.
    #[test]
    fn messages_of_the_usual_serializers_are_recognised() {
        let avro = b"\x00\x00\x00\x00\x01\x0c536365\x0c85123A\x0eT-LIGHT\x0c\x1c12/1/2010 8:2\
            6ffffff\x04@\x0a17850\x1cUnited Kingdom";
        let nullable_avro =
            b"\x00\x00\x00\x00\x02\x02\x0c536365\x02\x0c85123A\x02\x0eT-LIGHT\x02\x0c\x02\
            \x1c12/1/2010 8:26\x02ffffff\x04@\x02\x0a17850\x02\x1cUnited Kingdom";
        let protobuf = b"\x00\x00\x00\x00\x04\x00\x0a\x06536365\x12\x0685123A\x1a\x07T-LIGHT \x06\
            *\x0e12/1/2010 8:261ffffff\x04@:\x0517850B\x0eUnited Kingdom";
        for (payload, schema_id, format) in [
            (avro.as_slice(), 1, BinaryFormat::Avro),
            (nullable_avro, 2, BinaryFormat::Avro),
            (protobuf, 4, BinaryFormat::Protobuf),
        ] {
            assert_eq!(Framed::of(payload), Some(Framed::Binary { schema_id, format }));
        }
        let json = b"\x00\x00\x00\x00\x03{\"InvoiceNo\":\"536365\",\"StockCode\":\"85123A\"}";
        assert_eq!(Framed::of(json), Some(Framed::Json(&json[5..])));
    }

    #[test]
    fn a_zero_byte_alone_is_no_frame() {
        for payload in [
            b"".as_slice(),
            b"\x00",
            b"\x00\x00\x00\x00\x07",
            b"\x00\x00\x00\x00\x07 \n",
            b"{\"a\":1}",
            b"\x01\x00\x00\x00\x07{}",
            b"\x00{\"InvoiceNo\":\"1\"}",
            b"\x00\x00\x00\x00\x00\x00\x00\x00",
            b"\x00\x01\x02\x03",
            b"\x00\xff\xff\xff\xff\x0c536365",
            b"\x00\x30\x31\x32\x33\x00\x0a\x01a",
        ] {
            assert_eq!(Framed::of(payload), None, "{payload:?}");
        }
    }
}
