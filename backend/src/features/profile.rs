//! What all lines of one customer, product or country amount to.

use serde::{Deserialize, Serialize};
use tillstream_shared::{Entity, Line};

use super::{
    amount::Amount,
    distinct::{Distinct, key},
    timestamp::Span,
};
use crate::ingest::date_format;

/// What a line is to a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LineKind {
    /// Price and quantity above zero, and no cancellation.
    Sale,
    /// Price above zero, and a cancellation or a quantity that is not above zero.
    Return,
    /// A price that is not above zero, otherwise as a sale: gifts, corrections.
    UnpricedSale,
    /// A price that is not above zero, otherwise as a return: goods lost or damaged.
    UnpricedReturn,
}

impl LineKind {
    pub(super) fn of(line: &Line<'_>) -> Self {
        match (line.unit_price > 0.0, line.quantity > 0 && !line.is_cancellation()) {
            (true, true) => Self::Sale,
            (true, false) => Self::Return,
            (false, true) => Self::UnpricedSale,
            (false, false) => Self::UnpricedReturn,
        }
    }
}

/// Sums, counts and extremes of the sales and returns of one customer, product or country. Every
/// part is merged by an operation that is associative and commutative to the last bit.
///
/// What an entity's features do not need stays empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Profile {
    /// Lines of sales.
    pub(super) sales: u64,
    /// Lines of returns.
    pub(super) returns: u64,
    /// Pieces sold; stays at the largest number.
    pub(super) units_sold: u64,
    /// Pieces returned; stays at the largest number.
    pub(super) units_returned: u64,
    /// Value of the sales.
    pub(super) sold: Amount,
    /// Value of the returns, from zero up.
    pub(super) returned: Amount,
    /// Customers and countries: invoices of sales.
    pub(super) invoices: Distinct,
    /// Products and countries: customers of sales.
    pub(super) customers: Distinct,
    /// Customers: from the first sale or return with a date to the last.
    pub(super) seen: Option<Span>,
    /// Customers: the last sale with a date, in seconds from 1970.
    pub(super) last_sale: Option<i64>,
}

impl Profile {
    /// Adds a line; those without a price change nothing. `time` is the line's time, read by whoever
    /// has use for it.
    pub(super) fn add(
        &mut self,
        entity: Entity,
        line: &Line<'_>,
        kind: LineKind,
        time: Option<i64>,
    ) {
        // |q| · p, since a cancellation takes back whatever the sign of its quantity.
        let pieces = line.quantity.unsigned_abs();
        let value = pieces as f64 * line.unit_price;
        match kind {
            LineKind::UnpricedSale | LineKind::UnpricedReturn => return,
            LineKind::Return => {
                self.returns += 1;
                self.units_returned = self.units_returned.saturating_add(pieces);
                self.returned.add(value);
            }
            LineKind::Sale => {
                self.sales += 1;
                self.units_sold = self.units_sold.saturating_add(pieces);
                self.sold.add(value);
                self.last_sale = self.last_sale.max(time);
                if entity != Entity::Product {
                    self.invoices.insert(key(&line.invoice_no));
                }
                if entity != Entity::Customer
                    && let Some(customer) = Entity::Customer.id_of(line)
                {
                    self.customers.insert(key(customer));
                }
            }
        }
        self.seen = Span::join(self.seen, time.map(Span::at));
    }

    /// Adds the lines of another profile.
    pub(super) fn merge(&mut self, other: &Self) {
        self.sales += other.sales;
        self.returns += other.returns;
        self.units_sold = self.units_sold.saturating_add(other.units_sold);
        self.units_returned = self.units_returned.saturating_add(other.units_returned);
        self.sold.merge(other.sold);
        self.returned.merge(other.returned);
        self.invoices.merge(&other.invoices);
        self.customers.merge(&other.customers);
        self.seen = Span::join(self.seen, other.seen);
        self.last_sale = self.last_sale.max(other.last_sale);
    }

    /// Whether all its counts are exact.
    pub(super) fn is_exact(&self) -> bool {
        self.invoices.is_exact() && self.customers.is_exact()
    }

    /// Whether it is as this program would have written it.
    pub(super) fn is_valid(&self) -> bool {
        self.invoices.is_valid()
            && self.customers.is_valid()
            && self.seen.is_none_or(|seen| seen.first <= seen.last)
    }
}

/// The time of `line` where the features of `entity` need it.
pub(super) fn time_of(entity: Entity, line: &Line<'_>) -> Option<i64> {
    if entity == Entity::Customer { date_format::seconds(&line.invoice_date) } else { None }
}
