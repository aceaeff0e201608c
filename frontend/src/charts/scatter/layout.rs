//! Weighted rows laid out in pixels: sizes, drawing order and the point under the pointer.
//! Knows nothing of the DOM.

use super::data::ScatterData;
use crate::charts::scale::Scale;

/// The smallest radius drawn, in pixels: a single line must still be seen.
const MIN_RADIUS: f64 = 1.4;

/// How far beside a point the pointer may be, in pixels.
const HIT_TOLERANCE: f64 = 6.0;

/// Points in pixels, as columns of equal length.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct PointLayout {
    /// From the left.
    pub(super) x: Vec<f64>,
    /// From the top.
    pub(super) y: Vec<f64>,
    /// Of the disc; its area grows with the weight.
    pub(super) radius: Vec<f64>,
    /// From 1.
    pub(super) cluster: Vec<u32>,
    /// Indices from the heaviest to the lightest point: drawn in this order, none is hidden by a
    /// heavier one.
    pub(super) order: Vec<usize>,
}

impl PointLayout {
    /// Lays out the rows of `data`; the heaviest gets a disc of radius `max_radius`.
    #[must_use]
    pub(super) fn new(data: &ScatterData, x: &Scale, y: &Scale, max_radius: f64) -> Self {
        let heaviest = data.weight.iter().copied().max().unwrap_or(1).max(1) as f64;
        let mut order: Vec<usize> = (0..data.len()).collect();
        order.sort_by_key(|&index| std::cmp::Reverse(data.weight[index]));
        let radius =
            |weight: &u64| (max_radius * (*weight as f64 / heaviest).sqrt()).max(MIN_RADIUS);
        Self {
            x: data.x.values.iter().map(|v| x.position(*v)).collect(),
            y: data.y.values.iter().map(|v| y.position(*v)).collect(),
            radius: data.weight.iter().map(radius).collect(),
            cluster: data.cluster.clone(),
            order,
        }
    }

    /// The point at a pixel among those that `shown` admits by cluster: of the discs that cover it
    /// the one drawn last, otherwise the nearest within the tolerance.
    #[must_use]
    pub(super) fn at(&self, x: f64, y: f64, shown: impl Fn(u32) -> bool) -> Option<usize> {
        let mut covering = None;
        let mut nearest = (None, HIT_TOLERANCE);
        for &index in &self.order {
            if !shown(self.cluster[index]) {
                continue;
            }
            let gap = (self.x[index] - x).hypot(self.y[index] - y) - self.radius[index];
            if gap <= 0.0 {
                covering = Some(index);
            } else if gap < nearest.1 {
                nearest = (Some(index), gap);
            }
        }
        covering.or(nearest.0)
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use tillstream_shared::{ModelKind, api::Points};

    use super::*;
    use crate::{charts::scale::Kind, services::models::TrainingRows, test_model::model};

    fn laid_out(points: Points) -> PointLayout {
        let model = model(ModelKind::Line, &["Quantity", "UnitPrice"]);
        let data = ScatterData::new(&model, &TrainingRows::Points(Rc::new(points)), (0, 1));
        let axis = Scale::new(Kind::Linear, (0.0, 10.0), (0.0, 100.0));
        PointLayout::new(&data, &axis, &axis, 20.0)
    }

    fn points() -> PointLayout {
        laid_out(Points {
            quantity: vec![5.0, 5.0, 9.0],
            unit_price: vec![5.0, 5.5, 1.0],
            weight: vec![400, 1, 100],
            cluster: vec![1, 2, 3],
        })
    }

    #[test]
    fn area_grows_with_weight() {
        let points = points();
        assert_eq!(points.radius, [20.0, MIN_RADIUS, 10.0]);
        assert_eq!(points.order, [0, 2, 1]);
    }

    #[test]
    fn a_light_point_on_a_heavy_one_is_found() {
        let points = points();
        assert_eq!(points.at(50.0, 55.0, |_| true), Some(1));
        assert_eq!(points.at(50.0, 50.0, |_| true), Some(0));
        assert_eq!(points.at(50.0, 55.0, |cluster| cluster != 2), Some(0));
        assert_eq!(points.at(90.0, 24.0, |_| true), Some(2), "within the tolerance");
        assert_eq!(points.at(90.0, 90.0, |_| true), None);
    }

    #[test]
    fn no_points_no_hit() {
        assert_eq!(laid_out(Points::default()).at(1.0, 1.0, |_| true), None);
    }
}
