//! A scatter plot laid out in pixels. Knows nothing of the DOM.

use super::{
    data::{Column, ScatterData},
    layout::PointLayout,
};
use crate::charts::scale::{Kind, Scale};

/// Room for the labels on the left, in pixels.
pub(super) const MARGIN_LEFT: f64 = 54.0;
/// Room on the right, in pixels.
pub(super) const MARGIN_RIGHT: f64 = 16.0;
/// Room above, in pixels.
pub(super) const MARGIN_TOP: f64 = 14.0;
/// Room for the labels below, in pixels.
pub(super) const MARGIN_BOTTOM: f64 = 46.0;

/// A line to point out.
#[derive(Debug, Clone, PartialEq)]
pub struct MarkedPoint {
    /// On the first axis, in original units.
    pub x: f64,
    /// On the second axis, in original units.
    pub y: f64,
    /// What the line is about.
    pub id: String,
    /// The cluster that the model shown gives it; `None` when the model does not admit it.
    pub cluster: Option<u32>,
}

/// Everything that is drawn, in pixels.
#[derive(Debug, PartialEq)]
pub(super) struct Plot {
    /// Of the whole chart.
    pub(super) width: f64,
    /// Of the whole chart.
    pub(super) height: f64,
    /// From left to right.
    pub(super) x: Scale,
    /// From bottom to top.
    pub(super) y: Scale,
    /// The discs.
    pub(super) points: PointLayout,
}

impl Plot {
    /// Lays out `data` on a chart of this width; the marked line is in view too.
    #[must_use]
    pub(super) fn new(width: f64, data: &ScatterData, marked: Option<&MarkedPoint>) -> Self {
        let height = (width * 0.66).clamp(300.0, 580.0);
        let axis = |column: &Column, extra: Option<f64>, range| {
            let rows = column.values.iter().copied();
            let values: Vec<f64> =
                rows.chain(column.centroids.iter().copied()).chain(extra).collect();
            Scale::fit(Kind::logarithmic(values.iter().copied()), values, 0.04, range)
        };
        let (right, bottom) =
            ((width - MARGIN_RIGHT).max(MARGIN_LEFT + 1.0), height - MARGIN_BOTTOM);
        let x = axis(&data.x, marked.map(|m| m.x), (MARGIN_LEFT, right));
        let y = axis(&data.y, marked.map(|m| m.y), (bottom, MARGIN_TOP));
        Self { width, height, x, y, points: PointLayout::new(data, &x, &y, data.max_radius(width)) }
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use tillstream_shared::{ModelKind, api::ProfileRows};

    use super::*;
    use crate::{services::models::TrainingRows, test_model::model};

    fn data(recency: Vec<f64>, monetary: Vec<f64>) -> ScatterData {
        let rows = ProfileRows {
            features: vec!["recency".to_owned(), "monetary".to_owned()],
            ids: vec!["12347".to_owned(); recency.len()],
            cluster: vec![1; recency.len()],
            columns: vec![recency, monetary],
            ..ProfileRows::default()
        };
        let model = model(ModelKind::Profile, &["recency", "monetary"]);
        ScatterData::new(&model, &TrainingRows::Profiles(Rc::new(rows)), (0, 1))
    }

    #[test]
    fn a_feature_that_may_be_zero_or_less_gets_a_signed_axis() {
        let plot = Plot::new(800.0, &data(vec![0.0, 373.0], vec![10.0, 280_206.0]), None);
        assert_eq!((plot.x.kind(), plot.y.kind()), (Kind::Symlog, Kind::Log));
        let plot = Plot::new(800.0, &data(vec![1.0], vec![-4287.6]), None);
        assert_eq!((plot.x.kind(), plot.y.kind()), (Kind::Log, Kind::Symlog));
    }

    #[test]
    fn every_row_and_the_marked_line_are_in_view() {
        let marked = MarkedPoint { x: -50.0, y: 1e6, id: "17850".to_owned(), cluster: None };
        let data = data(vec![0.0, 12.0, 373.0], vec![-4287.6, 0.0, 280_206.0]);
        for width in [320.0, 900.0] {
            let plot = Plot::new(width, &data, Some(&marked));
            let mut xs = plot.points.x.clone();
            let mut ys = plot.points.y.clone();
            xs.push(plot.x.position(marked.x));
            ys.push(plot.y.position(marked.y));
            assert!(xs.iter().all(|x| (MARGIN_LEFT..=width - MARGIN_RIGHT).contains(x)), "{xs:?}");
            assert!(
                ys.iter().all(|y| (MARGIN_TOP..=plot.height - MARGIN_BOTTOM).contains(y)),
                "{ys:?}"
            );
        }
    }

    #[test]
    fn no_rows_and_no_room_still_make_a_plot() {
        let plot = Plot::new(0.0, &data(Vec::new(), Vec::new()), None);
        assert!(plot.points.order.is_empty() && plot.x.position(2.0).is_finite());
    }
}
