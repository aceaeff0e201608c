//! Weighted rows laid out in pixels: sizes, drawing order and the point under the pointer.
//! Knows nothing of the DOM.

use crate::charts::{scale::Scale, sheet::Sheet};

/// The smallest radius drawn, in pixels: a single line must still be seen.
const SMALLEST: f64 = 1.4;

/// How far beside a point the pointer may be, in pixels.
const REACH: f64 = 6.0;

/// Points in pixels, as columns of equal length.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Cloud {
    /// From the left.
    pub x: Vec<f64>,
    /// From the top.
    pub y: Vec<f64>,
    /// Of the disc; its area grows with the weight.
    pub radius: Vec<f64>,
    /// From 1.
    pub cluster: Vec<u32>,
    /// Indices from the heaviest to the lightest point: drawn in this order, none is hidden by a
    /// heavier one.
    pub order: Vec<usize>,
}

impl Cloud {
    /// Lays out the rows of `sheet`; the heaviest gets a disc of radius `largest`.
    #[must_use]
    pub fn new(sheet: &Sheet, x: &Scale, y: &Scale, largest: f64) -> Self {
        let heaviest = sheet.weight.iter().copied().max().unwrap_or(1).max(1) as f64;
        let mut order: Vec<usize> = (0..sheet.len()).collect();
        order.sort_by_key(|&index| std::cmp::Reverse(sheet.weight[index]));
        let radius = |weight: &u64| (largest * (*weight as f64 / heaviest).sqrt()).max(SMALLEST);
        Self {
            x: sheet.x.values.iter().map(|v| x.position(*v)).collect(),
            y: sheet.y.values.iter().map(|v| y.position(*v)).collect(),
            radius: sheet.weight.iter().map(radius).collect(),
            cluster: sheet.cluster.clone(),
            order,
        }
    }

    /// The point at a pixel among those that `shown` admits by cluster: of the discs that cover it
    /// the one drawn last, otherwise the nearest within reach.
    #[must_use]
    pub fn at(&self, x: f64, y: f64, shown: impl Fn(u32) -> bool) -> Option<usize> {
        let mut covering = None;
        let mut nearest = (None, REACH);
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
    use crate::{
        charts::{scale::Kind, sheet::tests::model},
        services::models::Rows,
    };

    fn laid_out(points: Points) -> Cloud {
        let model = model(ModelKind::Line, &["Quantity", "UnitPrice"]);
        let sheet = Sheet::new(&model, &Rows::Points(Rc::new(points)), (0, 1));
        let axis = Scale::new(Kind::Linear, (0.0, 10.0), (0.0, 100.0));
        Cloud::new(&sheet, &axis, &axis, 20.0)
    }

    fn cloud() -> Cloud {
        laid_out(Points {
            quantity: vec![5.0, 5.0, 9.0],
            unit_price: vec![5.0, 5.5, 1.0],
            weight: vec![400, 1, 100],
            cluster: vec![1, 2, 3],
        })
    }

    #[test]
    fn area_grows_with_weight() {
        let cloud = cloud();
        assert_eq!(cloud.radius, [20.0, SMALLEST, 10.0]);
        assert_eq!(cloud.order, [0, 2, 1]);
    }

    #[test]
    fn a_light_point_on_a_heavy_one_is_found() {
        let cloud = cloud();
        assert_eq!(cloud.at(50.0, 55.0, |_| true), Some(1));
        assert_eq!(cloud.at(50.0, 50.0, |_| true), Some(0));
        assert_eq!(cloud.at(50.0, 55.0, |cluster| cluster != 2), Some(0));
        assert_eq!(cloud.at(90.0, 24.0, |_| true), Some(2), "within reach");
        assert_eq!(cloud.at(90.0, 90.0, |_| true), None);
    }

    #[test]
    fn no_points_no_hit() {
        assert_eq!(laid_out(Points::default()).at(1.0, 1.0, |_| true), None);
    }
}
