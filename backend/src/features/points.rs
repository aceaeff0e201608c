//! The distinct (Quantity, UnitPrice) pairs of many lines, with their multiplicities.

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use tillstream_shared::{Entity, Filter, Funnel, Line};

/// Lines that have the same quantity and price.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct WeightedPoint {
    /// Pieces.
    pub quantity: i64,
    /// Price of one piece.
    pub unit_price: f64,
    /// How many lines; at least one.
    pub weight: u64,
}

impl WeightedPoint {
    /// Quantity x unit price: the value of one of its lines.
    #[must_use]
    pub fn value(&self) -> f64 {
        self.quantity as f64 * self.unit_price
    }
}

/// The weighted distinct points of one entity's lines, before any filter.
///
/// Points of several batches are merged without reading the lines again, and the result does not
/// depend on the order in which lines and batches came.
#[derive(Debug, Clone, PartialEq)]
pub struct LinePoints {
    entity: Entity,
    lines: u64,
    without_id: u64,
    /// (quantity, bits of the price) → lines.
    weights: FxHashMap<(i64, u64), u64>,
}

/// [`LinePoints`] as stored on disk.
#[derive(Debug, Serialize, Deserialize)]
pub struct StoredPoints {
    /// What the points are about.
    pub entity: Entity,
    /// Lines looked at.
    pub lines: u64,
    /// Lines without an identifier of the entity.
    pub without_id: u64,
    /// Distinct points, sorted, as columns.
    quantity: Vec<i64>,
    unit_price: Vec<f64>,
    weight: Vec<u64>,
}

impl LinePoints {
    /// No points yet.
    #[must_use]
    pub fn new(entity: Entity) -> Self {
        Self { entity, lines: 0, without_id: 0, weights: FxHashMap::default() }
    }

    /// What the points are about.
    #[must_use]
    pub fn entity(&self) -> Entity {
        self.entity
    }

    /// Adds one line.
    pub fn add(&mut self, line: &Line<'_>) {
        self.lines += 1;
        if self.entity.id_of(line).is_none() {
            self.without_id += 1;
        } else {
            *self.weights.entry(key(line.quantity, line.unit_price)).or_default() += 1;
        }
    }

    /// Adds the points of later lines.
    pub fn merge(&mut self, other: &Self) {
        self.lines += other.lines;
        self.without_id += other.without_id;
        for (key, weight) in &other.weights {
            *self.weights.entry(*key).or_default() += weight;
        }
    }

    /// The points that pass `filter`, and the funnel that says how many did not. Sorted by quantity,
    /// then price, so that what is computed from them is the same whatever order the lines came in.
    #[must_use]
    pub fn filtered(&self, filter: Filter) -> (Vec<WeightedPoint>, Funnel) {
        let mut funnel =
            Funnel { lines: self.lines, without_id: self.without_id, ..Funnel::default() };
        let mut points = Vec::with_capacity(self.weights.len());
        for (&(quantity, price), &weight) in &self.weights {
            let unit_price = f64::from_bits(price);
            if filter == Filter::Positive && quantity <= 0 {
                funnel.returns += weight;
            } else if filter == Filter::Positive && unit_price <= 0.0 {
                funnel.unpriced += weight;
            } else {
                funnel.kept += weight;
                points.push(WeightedPoint { quantity, unit_price, weight });
            }
        }
        points.sort_unstable_by(|a, b| {
            a.quantity.cmp(&b.quantity).then(a.unit_price.total_cmp(&b.unit_price))
        });
        (points, funnel)
    }

    /// The form for the disk.
    #[must_use]
    pub fn to_stored(&self) -> StoredPoints {
        let (points, _) = self.filtered(Filter::All);
        StoredPoints {
            entity: self.entity,
            lines: self.lines,
            without_id: self.without_id,
            quantity: points.iter().map(|point| point.quantity).collect(),
            unit_price: points.iter().map(|point| point.unit_price).collect(),
            weight: points.iter().map(|point| point.weight).collect(),
        }
    }

    /// Back from the disk; `None` when the columns do not fit together.
    #[must_use]
    pub fn from_stored(stored: &StoredPoints) -> Option<Self> {
        let n = stored.quantity.len();
        if stored.unit_price.len() != n || stored.weight.len() != n {
            return None;
        }
        let points = stored.quantity.iter().zip(&stored.unit_price).zip(&stored.weight);
        let weights = points.map(|((&q, &p), &weight)| (key(q, p), weight)).collect();
        Some(Self {
            entity: stored.entity,
            lines: stored.lines,
            without_id: stored.without_id,
            weights,
        })
    }
}

/// Adding zero turns -0.0 into 0.0, so that equal prices have equal bits.
fn key(quantity: i64, unit_price: f64) -> (i64, u64) {
    (quantity, (unit_price + 0.0).to_bits())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(quantity: i64, unit_price: f64, customer: Option<&'static str>) -> Line<'static> {
        Line {
            invoice_no: "1".into(),
            stock_code: "A".into(),
            description: "".into(),
            quantity,
            invoice_date: "2010-12-01 08:26:00".into(),
            unit_price,
            customer_id: customer.map(Into::into),
            country: "France".into(),
        }
    }

    fn points(lines: &[Line<'_>]) -> LinePoints {
        let mut points = LinePoints::new(Entity::Customer);
        lines.iter().for_each(|line| points.add(line));
        points
    }

    #[test]
    fn every_line_is_counted_once_in_the_funnel() {
        let points = points(&[
            line(2, 1.5, Some("1")),
            line(2, 1.5, Some("2")),
            line(-2, 1.5, Some("2")),
            line(1, 0.0, Some("2")),
            line(-1, 0.0, Some("2")),
            line(3, 1.0, None),
        ]);
        let (kept, funnel) = points.filtered(Filter::Positive);
        assert_eq!(kept, [WeightedPoint { quantity: 2, unit_price: 1.5, weight: 2 }]);
        assert_eq!(funnel, Funnel { lines: 6, without_id: 1, returns: 2, unpriced: 1, kept: 2 });
        let (_, raw) = points.filtered(Filter::All);
        assert_eq!(raw, Funnel { lines: 6, without_id: 1, kept: 5, ..Funnel::default() });
    }

    #[test]
    fn merging_equals_reading_all_lines_at_once() {
        let lines = [line(1, 2.0, Some("1")), line(1, -0.0, Some("1")), line(1, 0.0, Some("1"))];
        let mut merged = points(&lines[..2]);
        merged.merge(&points(&lines[2..]));
        assert_eq!(merged, points(&lines));
        assert_eq!(merged.filtered(Filter::All).0.len(), 2, "-0.0 and 0.0 are one price");
    }

    #[test]
    fn what_was_stored_comes_back() {
        let before = points(&[line(1, 0.1, Some("1")), line(-7, 1e-7, Some("1"))]);
        let json = serde_json::to_string(&before.to_stored()).unwrap();
        let after = LinePoints::from_stored(&serde_json::from_str(&json).unwrap());
        assert_eq!(after, Some(before));
    }
}
