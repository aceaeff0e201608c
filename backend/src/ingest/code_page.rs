//! Text that is not UTF-8.

use encoding_rs::WINDOWS_1252;

/// The rows that are not UTF-8, which are read as windows-1252: the superset of Latin-1 that files called Latin-1 are
/// in. Each field is looked at by itself, so that a wrong byte spoils nothing else.
#[derive(Debug, Default)]
pub(super) struct CodePageRows {
    rows: u64,
    first_line: u64,
}

impl CodePageRows {
    /// Takes notice of a row on this line; tells whether it is UTF-8.
    pub(super) fn see(&mut self, text: &[u8], line: u64) -> bool {
        if text.is_ascii() || std::str::from_utf8(text).is_ok() {
            return true;
        }
        if self.rows == 0 {
            self.first_line = line;
        }
        self.rows += 1;
        false
    }

    pub(super) fn is_none(&self) -> bool {
        self.rows == 0
    }

    /// A sentence for the user, where there are any.
    pub(super) fn notice(&self) -> Option<String> {
        let Self { rows, first_line } = self;
        (*rows > 0).then(|| {
            format!(
                "{rows} rows have text that is not UTF-8, the first at line {first_line}; it is read as windows-1252"
            )
        })
    }
}

/// Appends a field as UTF-8.
pub(super) fn append_as_utf8(field: &[u8], text: &mut Vec<u8>) {
    if std::str::from_utf8(field).is_ok() {
        text.extend_from_slice(field);
    } else {
        let (decoded, _) = WINDOWS_1252.decode_without_bom_handling(field);
        text.extend_from_slice(decoded.as_bytes());
    }
}
