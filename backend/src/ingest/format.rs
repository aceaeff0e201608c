//! What a file is, by its first bytes: what is decompressed, what is a workbook, and what is refused by name.

use std::io::{self, BufReader, Read};

use flate2::bufread::MultiGzDecoder;

use super::text::{BUFFER, Content};

/// Bytes that tell a format.
pub(super) const HEAD: usize = 16;

/// How a file is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Plain,
    Gzip,
    Zstd,
    /// A zip archive, which a workbook is too.
    Zip,
    /// What is not read.
    Other {
        /// What it is.
        kind: &'static str,
        /// What to do about it.
        advice: &'static str,
    },
}

const DECOMPRESS: &str = "decompress it first, or use gzip or zstd";
const UNPACK: &str = "unpack it first";
const SAVE: &str = "save it as .xlsx or .csv";

/// Formats that are not read, by their first bytes.
const OTHERS: [(&[u8], &str, &str); 12] = [
    (b"BZh", "compressed by bzip2", DECOMPRESS),
    (b"\xfd7zXZ\0", "compressed by xz", DECOMPRESS),
    (b"\x04\x22\x4d\x18", "compressed by lz4", DECOMPRESS),
    (b"LZIP", "compressed by lzip", DECOMPRESS),
    (b"\x1f\x9d", "compressed by compress", DECOMPRESS),
    (b"\xff\x06\0\0sNaPpY", "compressed by Snappy", DECOMPRESS),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", UNPACK),
    (b"Rar!\x1a\x07", "a RAR archive", UNPACK),
    (b"\xd0\xcf\x11\xe0", "an old (.xls) or encrypted workbook", SAVE),
    (b"PAR1", "a Parquet file", SAVE),
    (b"%PDF-", "a PDF document", SAVE),
    (b"SQLite format 3\0", "an SQLite database", SAVE),
];

impl Format {
    pub(super) fn detect(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Self::Zip,
            _ => OTHERS
                .iter()
                .find(|(magic, ..)| head.starts_with(magic))
                .map_or(Self::Plain, |(_, kind, advice)| Self::Other { kind, advice }),
        }
    }

    /// The content of `stored`, decompressed.
    pub(super) fn decompress(self, stored: impl Read + Send + 'static) -> io::Result<Content> {
        Ok(match self {
            Self::Gzip => Box::new(MultiGzDecoder::new(BufReader::with_capacity(BUFFER, stored))),
            Self::Zstd => {
                Box::new(zstd::Decoder::with_buffer(BufReader::with_capacity(BUFFER, stored))?)
            }
            Self::Plain | Self::Zip | Self::Other { .. } => Box::new(stored),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_known_by_their_first_bytes() {
        assert_eq!(Format::detect(b"InvoiceNo,"), Format::Plain);
        assert_eq!(Format::detect(b""), Format::Plain);
        assert_eq!(Format::detect(b"\x1f\x8b\x08"), Format::Gzip);
        assert_eq!(Format::detect(b"PK\x05\x06"), Format::Zip);
        for (magic, kind, _) in OTHERS {
            assert!(magic.len() <= HEAD);
            let found = Format::detect(&[magic, b"more"].concat());
            assert!(matches!(found, Format::Other { kind: found, .. } if found == kind), "{kind}");
        }
    }
}
