//! Which column of a file holds which field.

use std::ops::Range;

use tillstream_shared::Line;

use super::{
    layout::{DATE, PRICE, QUANTITY},
    records::{Kind, Records, Shape},
};

/// Name of the column that tells, in a workbook's CSV, the row of the sheet. It holds a control
/// character, so that no file has it by chance.
pub(super) const ROW_COLUMN: &str = "\u{1}row";
/// Rows among which the header is looked for; above it there may be titles.
pub(super) const HEADER_ROWS: usize = 20;
/// The delimiters that are tried; the first wins where several fit equally well.
const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];

/// Names under which each of [`Line::COLUMNS`] is found, letters and digits alone, in lower case: those of Online
/// Retail and of Online Retail II, and usual ones. The first that a header has wins, and a column is taken once: an
/// `Item` is the StockCode, or else the Description.
const NAMES: [&[&str]; 8] = [
    &[
        "invoiceno",
        "invoice",
        "invoicenumber",
        "invoicenr",
        "invoiceid",
        "receiptno",
        "receipt",
        "receiptnumber",
        "receiptid",
        "orderno",
        "ordernumber",
        "orderid",
        "transactionid",
        "transactionno",
        "transaction",
    ],
    &[
        "stockcode",
        "sku",
        "itemcode",
        "itemno",
        "itemnumber",
        "itemid",
        "productcode",
        "productno",
        "productid",
        "articlecode",
        "articleno",
        "articlenumber",
        "articleid",
        "item",
        "product",
        "article",
    ],
    &[
        "description",
        "itemdescription",
        "productdescription",
        "itemname",
        "productname",
        "articlename",
        "item",
        "product",
        "article",
    ],
    &["quantity", "qty", "pieces", "units"],
    &[
        "invoicedate",
        "invoicedatetime",
        "date",
        "datetime",
        "timestamp",
        "receiptdate",
        "orderdate",
        "transactiondate",
        "purchasedate",
    ],
    &["unitprice", "price", "itemprice", "priceperunit"],
    &[
        "customerid",
        "customerno",
        "customernumber",
        "customernr",
        "customercode",
        "customer",
        "custid",
        "clientid",
        "client",
    ],
    &["country", "countryname", "customercountry"],
];

/// Where the fields of a line are in a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Columns {
    /// For each of [`Line::COLUMNS`] the index in the record.
    pub(super) indices: [usize; 8],
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
        let mut indices = [usize::MAX; 8];
        let mut missing = Vec::new();
        for (field, names) in NAMES.iter().enumerate() {
            let index_of = |name: &&str| {
                let mut indexed = keys.iter().enumerate();
                let is_free = |index: &usize| !indices.contains(index);
                indexed.find(|(index, key)| key == name && is_free(index)).map(|(index, _)| index)
            };
            match names.iter().find_map(index_of) {
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

    /// What a row looks like.
    pub(super) fn shape(&self) -> Shape {
        let numbers = [QUANTITY, PRICE].map(|field| self.index(field));
        Shape { width: self.width, numbers, date: self.index(DATE) }
    }
}

/// `" Customer_ID"` → `customerid`
fn key(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The header of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) columns: Columns,
    pub(super) delimiter: u8,
    /// Records up to the header and with it.
    pub(super) records: usize,
}

impl Header {
    /// Finds the header in `head`, the beginning of a text: the first row that names all columns, whatever the
    /// delimiter.
    ///
    /// # Errors
    /// What is missing in the row that names the most columns.
    pub(super) fn find(head: &[u8]) -> Result<Self, Missing> {
        let mut found: Option<Self> = None;
        let mut closest: Option<Missing> = None;
        for delimiter in DELIMITERS {
            let mut records = Records::new(head, delimiter);
            let mut count = 0;
            // Reading from memory cannot fail.
            while count < found.as_ref().map_or(HEADER_ROWS, |found| found.records - 1)
                && let Ok(Some(kind)) = records.read()
            {
                count += 1;
                if kind != Kind::Fields {
                    continue;
                }
                let (text, fields) = records.fields();
                let name = |range: &Range<usize>| String::from_utf8_lossy(&text[range.clone()]);
                let names: Vec<_> = fields.iter().map(name).collect();
                match Columns::find(names.iter().map(AsRef::as_ref)) {
                    Ok(columns) => {
                        found = Some(Self { columns, delimiter, records: count });
                    }
                    Err(missing) => {
                        let lacks = missing.missing.len();
                        if closest.as_ref().is_none_or(|closest| lacks < closest.missing.len()) {
                            closest = Some(missing);
                        }
                    }
                }
            }
        }
        let nothing = || Missing { missing: Line::COLUMNS.to_vec(), found: String::new() };
        found.ok_or_else(|| closest.unwrap_or_else(nothing))
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
    fn usual_names_are_understood() {
        for (header, indices) in [
            (
                "invoice_no,Item,Description,Qty,Date,Price,Customer,Country",
                [0, 1, 2, 3, 4, 5, 6, 7],
            ),
            (
                "Invoice No.,SKU,Item,Qty,Date/Time,Unit Price,Customer-No,Country",
                [0, 1, 2, 3, 4, 5, 6, 7],
            ),
            (
                "Item,Stock Code,Receipt,Units,Invoice Date,Price,Client,Country",
                [2, 1, 0, 3, 4, 5, 6, 7],
            ),
            // The better name wins, wherever it stands.
            (
                "Invoice,Price,UnitPrice,InvoiceNo,StockCode,Description,Qty,Date,CustomerID,Country",
                [3, 4, 5, 6, 7, 2, 8, 9],
            ),
        ] {
            assert_eq!(Columns::find(header.split(',')).unwrap().indices, indices, "{header}");
        }
        let error =
            Columns::find("Invoice,Item,Qty,Date,Price,Customer,Country".split(',')).unwrap_err();
        assert_eq!(error.missing, ["Description"], "one column is not two fields");
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
    fn header_and_delimiter_are_found_among_the_first_rows() {
        for delimiter in [",", ";", "\t"] {
            let names = Line::COLUMNS.join(delimiter);
            for titles in [0, 1, HEADER_ROWS - 1] {
                let head = format!("{}{names}\n1,2\n", "Sales, 2011; all\n".repeat(titles));
                let header = Header::find(head.as_bytes()).unwrap();
                assert_eq!(header.delimiter, delimiter.as_bytes()[0]);
                assert_eq!(header.records, titles + 1);
            }
            let head = format!("{}{names}\n", "Sales\n".repeat(HEADER_ROWS));
            assert!(Header::find(head.as_bytes()).is_err());
        }
        let missing = Header::find(b"Sales\n\"Quantity\";\"Country\"\nmore").unwrap_err();
        assert_eq!(missing.found, "Quantity, Country");
        assert_eq!(Header::find(b"").unwrap_err().missing, Line::COLUMNS);
    }
}
