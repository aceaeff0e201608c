//! The rows of a text: lines and rejects.

use std::io::{self, Cursor};

use super::{
    IngestError, Reject, RejectReason, Row,
    code_page::{CodePageRows, append_as_utf8},
    csv_lines::write_field,
    layout::{DATE, Fields, Layout},
    records::{Kind, Records},
    survey::{after_header, unreadable},
    text::Content,
};

/// Reads the rows of a text.
pub(super) struct TextRows {
    records: Records<Content>,
    layout: Layout,
    code_page: CodePageRows,
    name: String,
    number: u64,
    failed: bool,
}

impl TextRows {
    /// The rows after the header; messages call the text `name`.
    pub(super) fn new(
        content: Content,
        header_records: usize,
        layout: Layout,
        name: String,
    ) -> Result<Self, IngestError> {
        let records = after_header(content, layout.delimiter, header_records, &layout.columns)
            .map_err(|cause| unreadable(&name, cause))?;
        Ok(Self::of_records(records, layout, name))
    }

    /// The rows of a part of a text without a header.
    pub(super) fn of_block(block: Vec<u8>, layout: Layout) -> Self {
        let mut records = Records::new(Box::new(Cursor::new(block)) as Content, layout.delimiter);
        records.expect(layout.columns.shape());
        Self::of_records(records, layout, String::new())
    }

    fn of_records(records: Records<Content>, layout: Layout, name: String) -> Self {
        let code_page = CodePageRows::default();
        Self { records, layout, code_page, name, number: 0, failed: false }
    }

    /// The date of the last row, as it stands there.
    pub(super) fn date(&self) -> &str {
        let (text, ranges) = self.records.fields();
        let range = ranges.get(self.layout.columns.index(DATE)).cloned();
        let date = range.and_then(|range| text.get(range)).unwrap_or_default();
        std::str::from_utf8(date).unwrap_or_default()
    }

    /// The rows so far that are not UTF-8; from now on they are counted anew.
    pub(super) fn take_code_page(&mut self) -> CodePageRows {
        std::mem::take(&mut self.code_page)
    }

    pub(super) fn next(&mut self) -> Option<Result<Row<'_>, IngestError>> {
        if self.failed {
            return None;
        }
        let kind = match self.records.read() {
            Ok(Some(kind)) => kind,
            Ok(None) => return None,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                return Some(Ok(Row::Pending));
            }
            Err(error) => {
                self.failed = true;
                return Some(Err(unreadable(&self.name, error)));
            }
        };
        self.number += 1;
        let reason = match kind {
            Kind::Fields => {
                let (text, _) = self.records.fields();
                if !self.code_page.see(text, self.records.line()) {
                    self.records.replace_fields(append_as_utf8);
                }
                let fields = self.fields();
                let (found, expected) = (fields.ranges.len(), self.layout.columns.width);
                if found == expected {
                    match self.layout.line(fields) {
                        Ok(line) => return Some(Ok(Row::Line { number: self.number, line })),
                        Err(error) => error.into(),
                    }
                } else {
                    RejectReason::FieldCount { found, expected }
                }
            }
            Kind::Unclosed => RejectReason::Unclosed,
            Kind::TooLong(bytes) => RejectReason::TooLong(bytes),
        };
        Some(Ok(Row::Reject(Reject {
            number: self.number,
            line_in_file: self.line_in_file(kind),
            reason,
            text: self.text(kind),
        })))
    }

    /// The fields of the last record, which are UTF-8.
    fn fields(&self) -> Fields<'_> {
        let (text, ranges) = self.records.fields();
        Fields { text: std::str::from_utf8(text).unwrap_or_default(), ranges }
    }

    /// Where the last record begins: the line of the text, or the row of the sheet.
    fn line_in_file(&self, kind: Kind) -> u64 {
        let row = self.layout.columns.row.filter(|_| kind == Kind::Fields);
        let row = row.and_then(|column| self.fields().get(column).parse().ok());
        row.unwrap_or(self.records.line())
    }

    /// The last record, its fields as CSV with commas.
    fn text(&self, kind: Kind) -> String {
        match kind {
            Kind::Fields => {
                let fields = self.fields();
                let shown = self.layout.columns.row.unwrap_or(fields.ranges.len());
                let mut text = Vec::new();
                for index in 0..shown {
                    if index > 0 {
                        text.push(b',');
                    }
                    write_field(&mut text, fields.get(index));
                }
                String::from_utf8_lossy(&text).into_owned()
            }
            Kind::Unclosed => String::from_utf8_lossy(self.records.raw()).into_owned(),
            Kind::TooLong(_) => {
                format!("{}…", String::from_utf8_lossy(self.records.beginning()))
            }
        }
    }
}
