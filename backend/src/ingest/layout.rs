//! Which column of a file holds which field, and how a record becomes a line.

use std::borrow::Cow;

use csv::StringRecord;
use tillstream_shared::Line;

use super::{
    DateOrder,
    dates::normalise_date,
    fields::{FieldError, parse_customer_id, parse_price, parse_price_with_comma, parse_quantity},
};

/// Index of InvoiceDate in [`Line::COLUMNS`].
pub(super) const DATE: usize = 4;
/// Name of the column that tells, in a workbook's CSV, the row of the sheet. It holds a control
/// character, so that no file has it by chance.
pub(super) const ROW_COLUMN: &str = "\u{1}row";
/// The delimiters that are tried; the first wins where several fit equally well.
const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];

/// Names under which each of [`Line::COLUMNS`] is found: those of Online Retail and of Online
/// Retail II, in lower case and without spaces.
const NAMES: [&[&str]; 8] = [
    &["invoiceno", "invoice"],
    &["stockcode"],
    &["description"],
    &["quantity"],
    &["invoicedate"],
    &["unitprice", "price"],
    &["customerid"],
    &["country"],
];

/// Where the fields of a line are in a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Columns {
    /// For each of [`Line::COLUMNS`] the index in the record.
    indices: [usize; 8],
    /// Where the row of the sheet is, if anywhere.
    pub(super) row: Option<usize>,
    /// Fields of a record.
    pub(super) width: usize,
}

/// A header that lacks columns.
#[derive(Debug)]
pub(super) struct Missing {
    pub(super) missing: Vec<&'static str>,
    pub(super) found: String,
}

impl Columns {
    /// Finds the columns in a header.
    pub(super) fn find<'a>(header: impl Iterator<Item = &'a str>) -> Result<Self, Missing> {
        let header: Vec<&str> = header.collect();
        let keys: Vec<String> = header.iter().map(|name| key(name)).collect();
        let mut indices = [0; 8];
        let mut missing = Vec::new();
        for (field, names) in NAMES.iter().enumerate() {
            let index =
                names.iter().find_map(|name| keys.iter().position(|key| key.as_str() == *name));
            match index {
                Some(index) => indices[field] = index,
                None => missing.push(Line::COLUMNS[field]),
            }
        }
        if !missing.is_empty() {
            return Err(Missing { missing, found: header.join(", ") });
        }
        let row = header.iter().position(|name| *name == ROW_COLUMN);
        Ok(Self { indices, row, width: header.len() })
    }

    /// The index in the record of one of [`Line::COLUMNS`].
    pub(super) fn index(&self, field: usize) -> usize {
        self.indices[field]
    }
}

/// `" Customer ID"` → `customerid`
fn key(name: &str) -> String {
    name.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect()
}

/// The delimiter under which `head`, the first line of a file, names the most columns.
pub(super) fn detect_delimiter(head: &[u8]) -> u8 {
    let missing = |delimiter: &u8| {
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(*delimiter)
            .has_headers(false)
            .flexible(true)
            .from_reader(head);
        let mut record = csv::ByteRecord::new();
        if !reader.read_byte_record(&mut record).unwrap_or(false) {
            return NAMES.len();
        }
        let names: Vec<_> = record.iter().map(String::from_utf8_lossy).collect();
        Columns::find(names.iter().map(AsRef::as_ref))
            .map_or_else(|error| error.missing.len(), |_| 0)
    };
    DELIMITERS.into_iter().min_by_key(missing).unwrap_or(b',')
}

/// Everything that turns the records of one file into lines.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub(super) columns: Columns,
    pub(super) delimiter: u8,
    pub(super) order: DateOrder,
}

impl Layout {
    /// The line in `record`, which has as many fields as the header.
    pub(super) fn line<'a>(&self, record: &'a StringRecord) -> Result<Line<'a>, FieldError> {
        let [invoice_no, stock_code, description, quantity, date, price, customer, country] =
            self.columns.indices.map(|index| record.get(index).unwrap_or_default());
        let unit_price = if self.delimiter == b';' {
            parse_price_with_comma(price)?
        } else {
            parse_price(price)?
        };
        Ok(Line {
            invoice_no: Cow::Borrowed(invoice_no),
            stock_code: Cow::Borrowed(stock_code),
            description: Cow::Borrowed(description),
            quantity: parse_quantity(quantity)?,
            invoice_date: normalise_date(date, self.order)?,
            unit_price,
            customer_id: parse_customer_id(customer),
            country: Cow::Borrowed(country),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_editions_of_the_data_set_have_fitting_headers() {
        let first = Columns::find(Line::COLUMNS.into_iter()).unwrap();
        assert_eq!(first.indices, [0, 1, 2, 3, 4, 5, 6, 7]);
        let second = "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country";
        assert_eq!(Columns::find(second.split(',')).unwrap(), first);
        let shuffled = "extra,COUNTRY, customerid ,unitprice,invoicedate,quantity,description,stockcode,invoiceno";
        let shuffled = Columns::find(shuffled.split(',')).unwrap();
        assert_eq!(shuffled.indices, [8, 7, 6, 5, 4, 3, 2, 1]);
        assert_eq!(shuffled.width, 9);
    }

    #[test]
    fn missing_columns_are_named() {
        let error = Columns::find("InvoiceNo,Quantity,Foo".split(',')).unwrap_err();
        assert_eq!(
            error.missing,
            ["StockCode", "Description", "InvoiceDate", "UnitPrice", "CustomerID", "Country"]
        );
        assert_eq!(error.found, "InvoiceNo, Quantity, Foo");
    }

    #[test]
    fn the_delimiter_is_seen_in_the_header() {
        for delimiter in [",", ";", "\t"] {
            let head = Line::COLUMNS.join(delimiter);
            assert_eq!(detect_delimiter(head.as_bytes()), delimiter.as_bytes()[0]);
        }
        assert_eq!(detect_delimiter(b"\"Quantity\";\"Country\"\n"), b';');
        assert_eq!(detect_delimiter(b"nothing known"), b',');
        assert_eq!(detect_delimiter(b""), b',');
    }
}
