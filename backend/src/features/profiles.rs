//! The profiles of all customers, products or countries, kept up to date line by line.

use rustc_hash::FxHashMap;
use tillstream_shared::{Entity, Line};

use super::{
    profile::{LineKind, Profile, time_of},
    timestamp::Span,
};

/// One aggregate for every customer, product or country.
///
/// Profiles of several batches are merged without reading the lines again. What they hold depends on
/// the set of lines alone, to the last bit, and not on the order in which lines and batches came:
/// sums are kept in fixed point (2⁻⁶⁰ of a unit of currency), counts and extremes are exact, and the
/// distinct invoices and customers of one entity are counted exactly up to 4,096 and estimated by
/// HyperLogLog beyond (standard error 0.81 %); [`ProfileTable::exact`](super::ProfileTable) tells
/// which.
///
/// Of a line it matters what it is:
///
/// - a **sale** has a price and a quantity above zero and is not a cancellation;
/// - a **return** has a price above zero, and is a cancellation or has a quantity that is not above
///   zero; it takes |Quantity| · UnitPrice back;
/// - any other has a **price that is not above zero** and is counted, nothing else.
///
/// A line without the entity's identifier is counted too. A line whose date cannot be understood
/// counts like any other, except that it moves no date.
#[derive(Debug, Clone, PartialEq)]
pub struct Profiles {
    pub(super) entity: Entity,
    pub(super) totals: Totals,
    pub(super) by_id: FxHashMap<Box<str>, Profile>,
}

/// What is known of the lines of all entities together.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Totals {
    /// Lines looked at.
    pub(super) lines: u64,
    /// Lines without an identifier of the entity.
    pub(super) without_id: u64,
    /// Lines with an identifier that would be sales, had they a price.
    pub(super) unpriced_sales: u64,
    /// Lines with an identifier that would be returns, had they a price.
    pub(super) unpriced_returns: u64,
    /// Customers: from the first line with a date to the last, whatever the line is.
    pub(super) seen: Option<Span>,
}

impl Profiles {
    /// No profiles yet.
    #[must_use]
    pub fn new(entity: Entity) -> Self {
        Self { entity, totals: Totals::default(), by_id: FxHashMap::default() }
    }

    /// What the profiles are about.
    #[must_use]
    pub fn entity(&self) -> Entity {
        self.entity
    }

    /// Number of customers, products or countries, those without a sale included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Adds one line.
    pub fn add(&mut self, line: &Line<'_>) {
        let time = time_of(self.entity, line);
        self.totals.lines += 1;
        self.totals.seen = Span::join(self.totals.seen, time.map(Span::at));
        let Some(id) = self.entity.id_of(line) else {
            self.totals.without_id += 1;
            return;
        };
        let kind = LineKind::of(line);
        match kind {
            LineKind::UnpricedSale => self.totals.unpriced_sales += 1,
            LineKind::UnpricedReturn => self.totals.unpriced_returns += 1,
            LineKind::Sale | LineKind::Return => {}
        }
        // Only an identifier that is new is copied.
        let profile = match self.by_id.get_mut(id) {
            Some(profile) => profile,
            None => self.by_id.entry(id.into()).or_default(),
        };
        profile.add(self.entity, line, kind, time);
    }

    /// Adds the profiles of other lines of the same entity; what `other` does not have is not touched.
    ///
    /// # Panics
    /// When `other` is about another entity.
    pub fn merge(&mut self, other: &Self) {
        assert_eq!(self.entity, other.entity, "profiles of one entity are merged");
        let (totals, others) = (&mut self.totals, &other.totals);
        totals.lines += others.lines;
        totals.without_id += others.without_id;
        totals.unpriced_sales += others.unpriced_sales;
        totals.unpriced_returns += others.unpriced_returns;
        totals.seen = Span::join(totals.seen, others.seen);
        for (id, profile) in &other.by_id {
            match self.by_id.get_mut(id) {
                Some(known) => known.merge(profile),
                None => {
                    self.by_id.insert(id.clone(), profile.clone());
                }
            }
        }
    }
}
