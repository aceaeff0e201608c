//! From stored bytes to text: compression by magic bytes, Latin-1, and the end of the last row.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use encoding_rs::WINDOWS_1252;
use flate2::bufread::MultiGzDecoder;

/// Bytes moved at once.
pub(super) const BUFFER: usize = 128 << 10;
/// The longest row that is taken for one; more is an unclosed quotation mark.
pub(super) const MAX_ROW: usize = 4 << 20;

/// A byte stream of a file's content.
pub(super) type Content<'a> = Box<dyn Read + Send + 'a>;

/// How a file is stored, by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Plain,
    Gzip,
    Zstd,
    /// A zip archive, that is, a workbook.
    Zip,
    /// An OLE container, that is, an old workbook.
    Ole,
}

impl Format {
    pub(super) fn detect(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            [b'P', b'K', 3, 4, ..] => Self::Zip,
            [0xd0, 0xcf, 0x11, 0xe0, ..] => Self::Ole,
            _ => Self::Plain,
        }
    }

    /// The content of `stored`, decompressed.
    pub(super) fn decompress<'a>(self, stored: impl Read + Send + 'a) -> io::Result<Content<'a>> {
        let stored = BufReader::with_capacity(BUFFER, stored);
        Ok(match self {
            Self::Gzip => Box::new(MultiGzDecoder::new(stored)),
            Self::Zstd => Box::new(zstd::Decoder::with_buffer(stored)?),
            Self::Plain | Self::Zip | Self::Ole => Box::new(stored),
        })
    }
}

/// A file's content, of which the first line that is not blank has been looked at.
pub(super) struct Opened<'a> {
    /// All of it, without a byte order mark.
    pub(super) content: Content<'a>,
    /// The first line that is not blank, with its end and all before it.
    pub(super) head: Vec<u8>,
}

impl<'a> Opened<'a> {
    pub(super) fn new(content: Content<'a>) -> io::Result<Self> {
        let mut content = BufReader::with_capacity(BUFFER, content);
        let mut head = Vec::new();
        while head.trim_ascii().is_empty() && head.len() < BUFFER {
            let line = content.by_ref().take(BUFFER as u64).read_until(b'\n', &mut head)?;
            if head.starts_with(b"\xef\xbb\xbf") {
                head.drain(..3);
            }
            if line == 0 {
                break;
            }
        }
        let content = Box::new(Cursor::new(head.clone()).chain(content));
        Ok(Self { content, head })
    }

    /// Whether lines end with CR LF.
    pub(super) fn has_crlf(&self) -> bool {
        self.head.ends_with(b"\r\n")
    }
}

/// Reads windows-1252, the superset of Latin-1 that files called Latin-1 are in, as UTF-8.
pub(super) struct Latin1<R> {
    inner: R,
    raw: Box<[u8]>,
    text: Cursor<Vec<u8>>,
}

impl<R: Read> Latin1<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, raw: vec![0; BUFFER].into(), text: Cursor::default() }
    }
}

impl<R: Read> Read for Latin1<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.text.position() == self.text.get_ref().len() as u64 {
            let n = self.inner.read(&mut self.raw)?;
            // One byte is one character, so that a block can be decoded by itself.
            let (text, _) = WINDOWS_1252.decode_without_bom_handling(&self.raw[..n]);
            self.text = Cursor::new(text.into_owned().into_bytes());
        }
        self.text.read(out)
    }
}

/// Ends the last row if the file does not, and refuses rows without end.
pub(super) struct Guard<R> {
    inner: R,
    /// What ends a row in this file: the LF, or the CR before it.
    end: u8,
    last: u8,
    since_row: usize,
}

impl<R> Guard<R> {
    pub(super) fn new(inner: R, crlf: bool) -> Self {
        Self { inner, end: if crlf { b'\r' } else { b'\n' }, last: b'\n', since_row: 0 }
    }

    /// To be called after each row.
    pub(super) fn row_ended(&mut self) {
        self.since_row = 0;
    }

    /// Whether the last row was refused.
    pub(super) fn is_endless(&self) -> bool {
        self.since_row > MAX_ROW
    }
}

impl<R: Read> Read for Guard<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(out)?;
        self.since_row += n;
        if self.is_endless() {
            return Err(io::Error::other("a row without end"));
        }
        if n > 0 {
            self.last = out[n - 1];
        } else if !matches!(self.last, b'\n' | b'\r') && !out.is_empty() {
            self.last = self.end;
            out[0] = self.end;
            return Ok(1);
        }
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(mut from: impl Read) -> Vec<u8> {
        let mut all = Vec::new();
        from.read_to_end(&mut all).unwrap();
        all
    }

    #[test]
    fn latin_1_becomes_utf_8_across_blocks() {
        let stored: Vec<u8> =
            std::iter::repeat_n(*b"caf\xe9 \xa32\x80", BUFFER / 4).flatten().collect();
        let text = String::from_utf8(read(Latin1::new(&stored[..]))).unwrap();
        assert_eq!(text, "café £2€".repeat(BUFFER / 4));
    }

    #[test]
    fn the_last_row_ends() {
        assert_eq!(read(Guard::new(&b"a\nb"[..], false)), b"a\nb\n");
        assert_eq!(read(Guard::new(&b"a\nb\n"[..], false)), b"a\nb\n");
        assert_eq!(read(Guard::new(&b""[..], false)), b"");
        assert_eq!(read(Guard::new(&b"a\r\nb"[..], true)), b"a\r\nb\r");
        assert_eq!(read(Guard::new(&b"a\r\nb\r\n"[..], true)), b"a\r\nb\r\n");
    }

    #[test]
    fn the_head_is_the_first_line_and_nothing_is_lost() {
        let opened = Opened::new(Box::new(&b"\xef\xbb\xbf\n\r\na,b\r\n1,2"[..])).unwrap();
        assert_eq!(opened.head, b"\n\r\na,b\r\n");
        assert!(opened.has_crlf());
        assert_eq!(read(opened.content), b"\n\r\na,b\r\n1,2");
    }
}
