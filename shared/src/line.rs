//! One transaction line.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// One transaction line of a till receipt, with the field names of the data set.
///
/// Borrowed from the text it was read from where that is possible, so that millions of lines can
/// be moved without an allocation for each field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Line<'a> {
    /// Receipt number; starts with `C` when the receipt cancels another.
    #[serde(borrow)]
    pub invoice_no: Cow<'a, str>,
    /// Product code.
    #[serde(borrow)]
    pub stock_code: Cow<'a, str>,
    /// Product name; may be empty.
    #[serde(borrow)]
    pub description: Cow<'a, str>,
    /// Pieces sold; negative for returns.
    pub quantity: i64,
    /// Local time of the receipt as `YYYY-MM-DD HH:MM:SS`.
    #[serde(borrow)]
    pub invoice_date: Cow<'a, str>,
    /// Price of one piece, in the currency of the data; finite.
    pub unit_price: f64,
    /// Customer number, or none for an anonymous sale.
    #[serde(borrow, rename = "CustomerID")]
    pub customer_id: Option<Cow<'a, str>>,
    /// Country of the customer.
    #[serde(borrow)]
    pub country: Cow<'a, str>,
}

impl Line<'_> {
    /// The columns of an input or batch file, in order.
    pub const COLUMNS: [&'static str; 8] = [
        "InvoiceNo",
        "StockCode",
        "Description",
        "Quantity",
        "InvoiceDate",
        "UnitPrice",
        "CustomerID",
        "Country",
    ];

    /// Quantity x UnitPrice, in the currency of the data.
    #[must_use]
    pub fn value(&self) -> f64 {
        self.quantity as f64 * self.unit_price
    }

    /// Whether the receipt cancels another one.
    #[must_use]
    pub fn is_cancellation(&self) -> bool {
        self.invoice_no.starts_with(['C', 'c'])
    }

    /// Frees the line from the text it was read from.
    #[must_use]
    pub fn into_owned(self) -> Line<'static> {
        Line {
            invoice_no: owned(self.invoice_no),
            stock_code: owned(self.stock_code),
            description: owned(self.description),
            quantity: self.quantity,
            invoice_date: owned(self.invoice_date),
            unit_price: self.unit_price,
            customer_id: self.customer_id.map(owned),
            country: owned(self.country),
        }
    }
}

fn owned(text: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(text.into_owned())
}
