//! What a row looks like, whatever it says.

/// What tells a row from any other line: its number of fields, and which of them have to be numbers and dates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::ingest) struct Shape {
    pub(in crate::ingest) width: usize,
    /// Indices of fields with numbers.
    pub(in crate::ingest) numbers: [usize; 2],
    /// Index of the field with a date.
    pub(in crate::ingest) date: usize,
}

impl Shape {
    pub(super) fn fits<'a>(&self, fields: impl Iterator<Item = &'a [u8]>) -> bool {
        let fields: Vec<&[u8]> = fields.take(self.width + 1).collect();
        let is_number = |index: &usize| {
            let text = fields[*index].trim_ascii();
            text.iter().any(u8::is_ascii_digit)
                && text.iter().all(|byte| byte.is_ascii_digit() || b"+-.,eE".contains(byte))
        };
        let is_date = |text: &[u8]| {
            let text = text.trim_ascii();
            text.len() >= 8
                && text[0].is_ascii_digit()
                && text[..8].iter().any(|b| b"-/.".contains(b))
        };
        fields.len() == self.width
            && self.numbers.iter().all(is_number)
            && is_date(fields[self.date])
    }
}
