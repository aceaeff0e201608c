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

/// The weighted distinct points of one entity's line model, and the funnel that they came through.
///
/// Points of several batches are merged without reading the lines again, and the result does not
/// depend on the order in which lines and batches came.
#[derive(Debug, Clone, PartialEq)]
pub struct LinePoints {
    entity: Entity,
    filter: Filter,
    /// (quantity, bits of the price) → lines.
    weights: FxHashMap<(i64, u64), u64>,
    funnel: Funnel,
}

impl LinePoints {
    /// No points yet.
    #[must_use]
    pub fn new(entity: Entity, filter: Filter) -> Self {
        Self { entity, filter, weights: FxHashMap::default(), funnel: Funnel::default() }
    }

    /// Takes one line through the funnel.
    pub fn add(&mut self, line: &Line<'_>) {
        self.funnel.lines += 1;
        if self.entity.id_of(line).is_none() {
            self.funnel.without_id += 1;
        } else if self.filter == Filter::Positive && line.quantity <= 0 {
            self.funnel.returns += 1;
        } else if self.filter == Filter::Positive && line.unit_price <= 0.0 {
            self.funnel.unpriced += 1;
        } else {
            self.funnel.kept += 1;
            *self.weights.entry(key(line.quantity, line.unit_price)).or_default() += 1;
        }
    }

    /// Adds the points of later lines.
    pub fn merge(&mut self, other: &Self) {
        self.funnel += other.funnel;
        for (key, weight) in &other.weights {
            *self.weights.entry(*key).or_default() += weight;
        }
    }

    /// Restores points that were stored with [`Self::sorted`] and [`Self::funnel`].
    #[must_use]
    pub fn restore(
        entity: Entity,
        filter: Filter,
        points: &[WeightedPoint],
        funnel: Funnel,
    ) -> Self {
        let weights = points.iter().map(|p| (key(p.quantity, p.unit_price), p.weight)).collect();
        Self { entity, filter, weights, funnel }
    }

    /// What the points are about.
    #[must_use]
    pub fn entity(&self) -> Entity {
        self.entity
    }

    /// How many lines were looked at, and why some were left out.
    #[must_use]
    pub fn funnel(&self) -> Funnel {
        self.funnel
    }

    /// The points by ascending quantity, then price, so that what is computed from them is the same
    /// whatever order the lines came in.
    #[must_use]
    pub fn sorted(&self) -> Vec<WeightedPoint> {
        let mut points: Vec<_> = self
            .weights
            .iter()
            .map(|(&(quantity, price), &weight)| WeightedPoint {
                quantity,
                unit_price: f64::from_bits(price),
                weight,
            })
            .collect();
        points.sort_unstable_by(|a, b| {
            a.quantity.cmp(&b.quantity).then(a.unit_price.total_cmp(&b.unit_price))
        });
        points
    }
}

/// Adding zero turns -0.0 into 0.0, so that equal prices have equal bits.
fn key(quantity: i64, unit_price: f64) -> (i64, u64) {
    (quantity, (unit_price + 0.0).to_bits())
}
