//! What a scatter shows: rows of a model by two of its features. Knows nothing of the DOM.

use std::rc::Rc;

use tillstream_shared::{
    Model,
    api::{Points, ProfileRows},
};

use crate::{format, services::models::Rows, words};

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

/// Rows by two features.
#[derive(Debug, Clone, PartialEq)]
pub struct Sheet {
    /// From left to right.
    pub x: Column,
    /// From bottom to top.
    pub y: Column,
    /// How much each row counts: lines at a point, 1 for a profile.
    pub weight: Vec<u64>,
    /// Cluster of each row, from 1.
    pub cluster: Vec<u32>,
    rows: Rows,
}

impl Sheet {
    /// The rows of `model` by two of its features. Points have two: for them `axes` is not looked at.
    #[must_use]
    pub fn new(model: &Model, rows: &Rows, axes: (usize, usize)) -> Self {
        match rows {
            Rows::Points(points) => Self::points(model, points),
            Rows::Profiles(profiles) => Self::profiles(model, profiles, axes),
        }
    }

    fn points(model: &Model, points: &Rc<Points>) -> Self {
        Self {
            x: column(model, 0, &points.quantity),
            y: column(model, 1, &points.unit_price),
            weight: points.weight.clone(),
            cluster: points.cluster.clone(),
            rows: Rows::Points(Rc::clone(points)),
        }
    }

    fn profiles(model: &Model, rows: &Rc<ProfileRows>, (x, y): (usize, usize)) -> Self {
        let values = |axis: usize| rows.columns.get(axis).map_or(&[][..], Vec::as_slice);
        Self {
            x: column(model, x, values(x)),
            y: column(model, y, values(y)),
            weight: vec![1; rows.ids.len()],
            cluster: rows.cluster.clone(),
            rows: Rows::Profiles(Rc::clone(rows)),
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
    pub fn largest(&self, width: f64) -> f64 {
        match self.rows {
            Rows::Points(_) => (width / 42.0).clamp(9.0, 19.0),
            Rows::Profiles(_) => {
                (width / (6.0 * (self.len().max(1) as f64).sqrt())).clamp(2.4, 7.0)
            }
        }
    }

    /// What a row is: its figures, or whom it stands for.
    #[must_use]
    pub fn title(&self, row: usize) -> String {
        match &self.rows {
            Rows::Points(points) => format!(
                "{} \u{d7} {}",
                format::exact(points.quantity[row]),
                format::exact(points.unit_price[row])
            ),
            Rows::Profiles(rows) => rows.ids[row].clone(),
        }
    }

    /// What else there is to say about a row, a line each.
    #[must_use]
    pub fn details(&self, row: usize) -> Vec<String> {
        match &self.rows {
            Rows::Points(points) => {
                let value = points.quantity[row] * points.unit_price[row];
                let lines = format::plural(points.weight[row], "line", "lines");
                vec![format!("{lines}, {} each", format::decimal(value, 2))]
            }
            Rows::Profiles(rows) => rows
                .features
                .iter()
                .zip(&rows.columns)
                .map(|(name, values)| {
                    format!("{}: {}", words::feature(name), format::figure(values[row]))
                })
                .collect(),
        }
    }
}

fn column(model: &Model, feature: usize, values: &[f64]) -> Column {
    Column {
        name: model.features.get(feature).map(|name| words::feature(name)).unwrap_or_default(),
        values: values.to_vec(),
        centroids: model.centroids.iter().filter_map(|c| c.get(feature).copied()).collect(),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use tillstream_shared::{
        Entity, Filter, Funnel, ModelKind, ModelNumber, Preprocessing, PreprocessingKind, Scaling,
        Transform,
    };

    use super::*;

    /// A raw model of two clusters with these features.
    pub(crate) fn model(kind: ModelKind, features: &[&str]) -> Model {
        let d = features.len();
        let centroids = vec![vec![2.0; d], vec![20.0; d]];
        Model {
            format_version: Model::FORMAT_VERSION,
            kind,
            entity: Entity::Customer,
            number: ModelNumber::Number(1),
            batch: Some(1),
            features: features.iter().map(|name| (*name).to_owned()).collect(),
            preprocessing: Preprocessing {
                kind: PreprocessingKind::Raw,
                filter: Filter::All,
                transform: Transform::Identity,
                scaling: Scaling::None,
                means: vec![0.0; d],
                scales: vec![1.0; d],
                clip: None,
            },
            k: 2,
            seed: 1,
            n_init: 1,
            centroids: centroids.clone(),
            model_centroids: centroids,
            sizes: vec![1, 2],
            mean_values: vec![1.0, 2.0],
            sse: 1.0,
            iterations: 1,
            funnel: Funnel::default(),
            offsets: Vec::new(),
            clusters: Vec::new(),
            previous: None,
            identities: 0,
            transitions: Vec::new(),
            evaluation: None,
            report: None,
            decay: None,
            trained_at: "2026-11-24T00:00:00Z".to_owned(),
        }
    }

    fn profiles() -> Sheet {
        let rows = ProfileRows {
            features: vec!["recency".to_owned(), "frequency".to_owned(), "monetary".to_owned()],
            ids: vec!["12347".to_owned(), "17850".to_owned(), "18287".to_owned()],
            columns: vec![vec![2.0, 372.0, 0.0], vec![7.0, 34.0, 3.0], vec![4310.0, 5391.2, -4.5]],
            cluster: vec![1, 2, 2],
            ..ProfileRows::default()
        };
        let model = model(ModelKind::Profile, &["recency", "frequency", "monetary"]);
        Sheet::new(&model, &Rows::Profiles(Rc::new(rows)), (2, 0))
    }

    #[test]
    fn the_axes_are_the_chosen_features() {
        let sheet = profiles();
        assert_eq!((sheet.x.name.as_str(), sheet.y.name.as_str()), ("Monetary", "Recency"));
        assert_eq!(sheet.x.values, [4310.0, 5391.2, -4.5]);
        assert_eq!(sheet.y.centroids, [2.0, 20.0]);
        assert_eq!(sheet.weight, [1, 1, 1]);
    }

    #[test]
    fn a_row_says_who_it_is() {
        let sheet = profiles();
        assert_eq!(sheet.title(1), "17850");
        assert_eq!(sheet.details(1), ["Recency: 372", "Frequency: 34", "Monetary: 5,391"]);

        let points = Points {
            quantity: vec![12.0],
            unit_price: vec![2.55],
            weight: vec![2000],
            cluster: vec![1],
        };
        let model = model(ModelKind::Line, &["Quantity", "UnitPrice"]);
        let sheet = Sheet::new(&model, &Rows::Points(Rc::new(points)), (0, 0));
        assert_eq!(sheet.y.name, "UnitPrice", "a point has two features only");
        assert_eq!(sheet.title(0), "12 \u{d7} 2.55");
        assert_eq!(sheet.details(0), ["2,000 lines, 30.60 each"]);
    }

    #[test]
    fn a_feature_that_is_not_there_makes_an_empty_axis() {
        let model = model(ModelKind::Profile, &["recency"]);
        let sheet = Sheet::new(&model, &Rows::Profiles(Rc::default()), (0, 4));
        assert!(sheet.y.values.is_empty() && sheet.y.centroids.is_empty() && sheet.is_empty());
    }

    #[test]
    fn many_profiles_make_small_discs() {
        let mut sheet = profiles();
        assert_eq!(sheet.largest(900.0), 7.0);
        sheet.weight = vec![1; 4000];
        assert_eq!(sheet.largest(900.0), 2.4);
    }
}
