//! What a scatter plot shows: rows of a model by two of its features. Knows nothing of the DOM.

use std::rc::Rc;

use tillstream_shared::{
    Model,
    api::{Points, ProfileRows},
};

use crate::{format, labels, services::models::TrainingRows};

/// One feature of all rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// The feature.
    pub name: String,
    /// Of each row, in original units.
    pub values: Vec<f64>,
    /// Of each centroid, in original units.
    pub centroids: Vec<f64>,
}

/// TrainingRows by two features.
#[derive(Debug, Clone, PartialEq)]
pub struct ScatterData {
    /// From left to right.
    pub x: Column,
    /// From bottom to top.
    pub y: Column,
    /// How much each row counts: lines at a point, 1 for a profile.
    pub weight: Vec<u64>,
    /// Cluster of each row, from 1.
    pub cluster: Vec<u32>,
    rows: TrainingRows,
}

impl ScatterData {
    /// The rows of `model` by two of its features. Points have two: for them `axes` is not looked at.
    #[must_use]
    pub fn new(model: &Model, rows: &TrainingRows, axes: (usize, usize)) -> Self {
        match rows {
            TrainingRows::Points(points) => Self::points(model, points),
            TrainingRows::Profiles(profiles) => Self::profiles(model, profiles, axes),
        }
    }

    fn points(model: &Model, points: &Rc<Points>) -> Self {
        Self {
            x: column(model, 0, &points.quantity),
            y: column(model, 1, &points.unit_price),
            weight: points.weight.clone(),
            cluster: points.cluster.clone(),
            rows: TrainingRows::Points(Rc::clone(points)),
        }
    }

    fn profiles(model: &Model, rows: &Rc<ProfileRows>, (x, y): (usize, usize)) -> Self {
        let values = |axis: usize| rows.columns.get(axis).map_or(&[][..], Vec::as_slice);
        Self {
            x: column(model, x, values(x)),
            y: column(model, y, values(y)),
            weight: vec![1; rows.ids.len()],
            cluster: rows.cluster.clone(),
            rows: TrainingRows::Profiles(Rc::clone(rows)),
        }
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.weight.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.weight.is_empty()
    }

    /// The radius of the heaviest disc on a chart of this width, in pixels. Discs of equal weight
    /// are the smaller the more of them share the chart.
    #[must_use]
    pub fn max_radius(&self, width: f64) -> f64 {
        match self.rows {
            TrainingRows::Points(_) => (width / 42.0).clamp(9.0, 19.0),
            TrainingRows::Profiles(_) => {
                (width / (6.0 * (self.len().max(1) as f64).sqrt())).clamp(2.4, 7.0)
            }
        }
    }

    /// What a row is: its figures, or whom it stands for.
    #[must_use]
    pub fn title(&self, row: usize) -> String {
        match &self.rows {
            TrainingRows::Points(points) => format!(
                "{} \u{d7} {}",
                format::exact(points.quantity[row]),
                format::exact(points.unit_price[row])
            ),
            TrainingRows::Profiles(rows) => rows.ids[row].clone(),
        }
    }

    /// What else there is to say about a row, a line each.
    #[must_use]
    pub fn details(&self, row: usize) -> Vec<String> {
        match &self.rows {
            TrainingRows::Points(points) => {
                let value = points.quantity[row] * points.unit_price[row];
                let lines = format::plural(points.weight[row], "line", "lines");
                vec![format!("{lines}, {} each", format::decimal(value, 2))]
            }
            TrainingRows::Profiles(rows) => rows
                .features
                .iter()
                .zip(&rows.columns)
                .map(|(name, values)| {
                    format!("{}: {}", labels::feature(name), format::figure(values[row]))
                })
                .collect(),
        }
    }
}

fn column(model: &Model, feature: usize, values: &[f64]) -> Column {
    Column {
        name: model.features.get(feature).map(|name| labels::feature(name)).unwrap_or_default(),
        values: values.to_vec(),
        centroids: model.centroids.iter().filter_map(|c| c.get(feature).copied()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use tillstream_shared::ModelKind;

    use super::*;
    use crate::test_model::model;

    fn profiles() -> ScatterData {
        let rows = ProfileRows {
            features: vec!["recency".to_owned(), "frequency".to_owned(), "monetary".to_owned()],
            ids: vec!["12347".to_owned(), "17850".to_owned(), "18287".to_owned()],
            columns: vec![vec![2.0, 372.0, 0.0], vec![7.0, 34.0, 3.0], vec![4310.0, 5391.2, -4.5]],
            cluster: vec![1, 2, 2],
            ..ProfileRows::default()
        };
        let model = model(ModelKind::Profile, &["recency", "frequency", "monetary"]);
        ScatterData::new(&model, &TrainingRows::Profiles(Rc::new(rows)), (2, 0))
    }

    #[test]
    fn the_axes_are_the_chosen_features() {
        let data = profiles();
        assert_eq!((data.x.name.as_str(), data.y.name.as_str()), ("Monetary", "Recency"));
        assert_eq!(data.x.values, [4310.0, 5391.2, -4.5]);
        assert_eq!(data.y.centroids, [2.0, 20.0]);
        assert_eq!(data.weight, [1, 1, 1]);
    }

    #[test]
    fn a_row_says_who_it_is() {
        let data = profiles();
        assert_eq!(data.title(1), "17850");
        assert_eq!(data.details(1), ["Recency: 372", "Frequency: 34", "Monetary: 5,391"]);

        let points = Points {
            quantity: vec![12.0],
            unit_price: vec![2.55],
            weight: vec![2000],
            cluster: vec![1],
        };
        let model = model(ModelKind::Line, &["Quantity", "UnitPrice"]);
        let data = ScatterData::new(&model, &TrainingRows::Points(Rc::new(points)), (0, 0));
        assert_eq!(data.y.name, "UnitPrice", "a point has two features only");
        assert_eq!(data.title(0), "12 \u{d7} 2.55");
        assert_eq!(data.details(0), ["2,000 lines, 30.60 each"]);
    }

    #[test]
    fn a_feature_that_is_not_there_makes_an_empty_axis() {
        let model = model(ModelKind::Profile, &["recency"]);
        let data = ScatterData::new(&model, &TrainingRows::Profiles(Rc::default()), (0, 4));
        assert!(data.y.values.is_empty() && data.y.centroids.is_empty() && data.is_empty());
    }

    #[test]
    fn many_profiles_make_small_discs() {
        let mut data = profiles();
        assert_eq!(data.max_radius(900.0), 7.0);
        data.weight = vec![1; 4000];
        assert_eq!(data.max_radius(900.0), 2.4);
    }
}
