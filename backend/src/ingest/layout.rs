//! Which column of a file holds which field of a line.

use super::IngestError;

/// Positions of the fields, in the order of [`tillstream_shared::Line::COLUMNS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout(pub(super) [usize; 8]);

/// The names of every column: those of Online Retail, then those of Online Retail II.
const NAMES: [&[&str]; 8] = [
    &["InvoiceNo", "Invoice"],
    &["StockCode"],
    &["Description"],
    &["Quantity"],
    &["InvoiceDate"],
    &["UnitPrice", "Price"],
    &["CustomerID", "Customer ID"],
    &["Country"],
];

impl Layout {
    /// Finds the columns in a header, whatever their order and case.
    pub(super) fn of(header: &[String], name: &str) -> Result<Self, IngestError> {
        let mut missing = Vec::new();
        let positions = NAMES.map(|names| {
            let found = header.iter().position(|column| {
                names.iter().any(|name| name.eq_ignore_ascii_case(column.trim()))
            });
            found.unwrap_or_else(|| {
                missing.push(names[0]);
                0
            })
        });
        if missing.is_empty() {
            return Ok(Self(positions));
        }
        Err(IngestError::Header {
            name: name.to_owned(),
            missing: missing.join(", "),
            found: header.join(", "),
        })
    }
}
