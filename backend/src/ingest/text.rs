//! From bytes to UTF-8: byte order marks and UTF-16. What is in neither is found row by row.

use std::{
    fs::File,
    io::{self, Cursor, Read},
    os::unix::fs::FileExt,
    sync::Arc,
};

use encoding_rs::{CoderResult, Decoder, UTF_16BE, UTF_16LE};

/// Bytes moved at once.
pub(super) const BUFFER: usize = 128 << 10;

/// A byte stream of an input's content.
pub(super) type Content = Box<dyn Read + Send>;

/// Reads a file from its beginning, whoever else reads it through the same handle.
pub(super) struct FileReader {
    file: Arc<File>,
    at: u64,
}

impl FileReader {
    /// Reads from the position `at` on.
    pub(super) fn new(file: Arc<File>, at: u64) -> Self {
        Self { file, at }
    }
}

impl Read for FileReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(out, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

/// How a text is encoded, as far as its first bytes tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// ASCII, UTF-8 or a code page.
    Bytes,
    Utf16Le,
    Utf16Be,
}

impl Encoding {
    /// The encoding of a text with these first bytes, and the length of its byte order mark.
    ///
    /// # Errors
    /// For UTF-32, which is not read.
    fn of(head: &[u8]) -> io::Result<(Self, usize)> {
        Ok(match head {
            [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => {
                return Err(io::Error::other("it is UTF-32: save it as UTF-8"));
            }
            [0xef, 0xbb, 0xbf, ..] => (Self::Bytes, 3),
            [0xff, 0xfe, ..] => (Self::Utf16Le, 2),
            [0xfe, 0xff, ..] => (Self::Utf16Be, 2),
            // Without a mark: a header begins with ASCII.
            [first, 0, second, 0, ..] if *first != 0 && *second != 0 => (Self::Utf16Le, 0),
            [0, first, 0, second, ..] if *first != 0 && *second != 0 => (Self::Utf16Be, 0),
            _ => (Self::Bytes, 0),
        })
    }

    /// Bytes of the smallest character.
    pub(super) fn unit(self) -> usize {
        if self == Self::Bytes { 1 } else { 2 }
    }
}

/// The text of `content` without a byte order mark, in UTF-8 if it was in UTF-16, and what it was in.
///
/// # Errors
/// What `content` reports, and UTF-32.
pub(super) fn decode(mut content: Content) -> io::Result<(Content, Encoding)> {
    let mut head = Vec::new();
    content.by_ref().take(4).read_to_end(&mut head)?;
    let (encoding, mark) = Encoding::of(&head)?;
    head.drain(..mark);
    let rest = Cursor::new(head).chain(content);
    let decoder = match encoding {
        Encoding::Bytes => return Ok((Box::new(rest), encoding)),
        Encoding::Utf16Le => UTF_16LE.new_decoder_without_bom_handling(),
        Encoding::Utf16Be => UTF_16BE.new_decoder_without_bom_handling(),
    };
    Ok((Box::new(Utf16::new(rest, decoder)), encoding))
}

/// Reads UTF-16 as UTF-8.
struct Utf16<R> {
    inner: R,
    decoder: Decoder,
    raw: Box<[u8]>,
    text: Cursor<Vec<u8>>,
    ended: bool,
}

impl<R: Read> Utf16<R> {
    fn new(inner: R, decoder: Decoder) -> Self {
        let raw = vec![0; BUFFER].into();
        Self { inner, decoder, raw, text: Cursor::default(), ended: false }
    }
}

impl<R: Read> Read for Utf16<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.text.position() == self.text.get_ref().len() as u64 && !self.ended {
            let read = self.inner.read(&mut self.raw)?;
            self.ended = read == 0;
            let room = self.decoder.max_utf8_buffer_length(read).unwrap_or(4 * BUFFER);
            let mut text = vec![0; room];
            let raw = &self.raw[..read];
            let (result, _, written, damaged) =
                self.decoder.decode_to_utf8(raw, &mut text, self.ended);
            debug_assert_eq!(result, CoderResult::InputEmpty, "there is room for all of it");
            if damaged {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "its UTF-16 is damaged"));
            }
            text.truncate(written);
            self.text = Cursor::new(text);
        }
        self.text.read(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: Vec<u8>) -> io::Result<(String, Encoding)> {
        let (mut content, encoding) = decode(Box::new(Cursor::new(bytes)))?;
        let mut text = String::new();
        content.read_to_string(&mut text)?;
        Ok((text, encoding))
    }

    #[test]
    fn utf_16_becomes_utf_8_with_and_without_a_mark_and_across_blocks() {
        for text in ["ab", "InvoiceNo,caf\u{e9} \u{1f600}", &"a,\u{1f600}\u{e9}\n".repeat(BUFFER)] {
            for mark in ["", "\u{feff}"] {
                let units: Vec<u16> = format!("{mark}{text}").encode_utf16().collect();
                let le = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
                assert_eq!(decoded(le).unwrap(), (text.to_owned(), Encoding::Utf16Le));
                let be = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
                assert_eq!(decoded(be).unwrap(), (text.to_owned(), Encoding::Utf16Be));
            }
            let utf8 = format!("\u{feff}{text}").into_bytes();
            assert_eq!(decoded(utf8).unwrap(), (text.to_owned(), Encoding::Bytes));
        }
    }

    #[test]
    fn damaged_utf_16_and_utf_32_are_errors() {
        for damaged in [&b"\xff\xfea\0b"[..], b"\xff\xfea\0\0\xd8b\0"] {
            let error = decoded(damaged.to_vec()).unwrap_err().to_string();
            assert!(error.contains("UTF-16 is damaged"), "{error}");
        }
        assert!(
            decoded(b"\xff\xfe\0\0a\0\0\0".to_vec()).unwrap_err().to_string().contains("UTF-32")
        );
    }

    #[test]
    fn short_texts_are_what_they_are() {
        for text in ["", "a", "ab\n"] {
            assert_eq!(decoded(text.into()).unwrap(), (text.to_owned(), Encoding::Bytes));
        }
    }
}
