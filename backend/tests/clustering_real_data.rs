//! The line models of the real data set: the optimum that is known for raw values, and clusters that
//! are of use for sales.

#![allow(clippy::unwrap_used, missing_docs)]

use std::{borrow::Cow, fs::File};

use tillstream::{
    clustering::{TrainedLine, train_line_model},
    features::LinePoints,
};
use tillstream_shared::{Entity, Funnel, Line, Model, ModelNumber, PreprocessingKind as Kind};

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/online_retail.csv.zst");

fn points<const N: usize>(wanted: [(Entity, Kind); N]) -> [LinePoints; N] {
    let mut points = wanted.map(|(entity, kind)| LinePoints::new(entity, kind.filter()));
    let file = zstd::Decoder::new(File::open(DATA).unwrap()).unwrap();
    let mut reader = csv::Reader::from_reader(file);
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record).unwrap() {
        let line = Line {
            invoice_no: Cow::Borrowed(&record[0]),
            stock_code: Cow::Borrowed(&record[1]),
            description: Cow::Borrowed(&record[2]),
            quantity: record[3].parse().unwrap(),
            invoice_date: Cow::Borrowed(&record[4]),
            unit_price: record[5].parse().unwrap(),
            customer_id: Some(&record[6]).filter(|id| !id.is_empty()).map(Cow::Borrowed),
            country: Cow::Borrowed(&record[7]),
        };
        points.iter_mut().for_each(|points| points.add(&line));
    }
    assert!(points.iter().all(|points| points.funnel().lines == 541_909));
    points
}

fn model(trained: &TrainedLine, entity: Entity, k: u32, funnel: Funnel) -> Model {
    Model {
        format_version: Model::FORMAT_VERSION,
        entity,
        number: ModelNumber::All,
        batch: None,
        features: vec!["Quantity".into(), "UnitPrice".into()],
        preprocessing: trained.preprocessing.clone(),
        k,
        seed: 1,
        restarts: 10,
        centroids: trained.centroids.clone(),
        model_centroids: trained.model_centroids.clone(),
        sizes: trained.sizes.clone(),
        mean_values: trained.mean_values.clone(),
        sse: trained.sse,
        iterations: trained.iterations,
        funnel,
        offsets: Vec::new(),
        trained_at: String::new(),
    }
}

/// What must hold of every model.
fn check(points: &LinePoints, trained: &TrainedLine, k: u32) {
    let model = model(trained, points.entity(), k, points.funnel());
    model.check().unwrap();
    assert_eq!(trained.sizes.iter().sum::<u64>(), points.funnel().kept);
    assert!(trained.mean_values.is_sorted(), "{:?}", trained.mean_values);
    let mut sizes = vec![0; k as usize];
    for (point, label) in points.sorted().iter().zip(&trained.labels) {
        let assigned = model.assign(&[point.quantity as f64, point.unit_price]).unwrap();
        assert_eq!(assigned.cluster, *label, "{point:?}");
        sizes[*label as usize - 1] += point.weight;
    }
    assert_eq!(sizes, trained.sizes);
}

#[test]
fn raw_values_reach_the_known_optimum_from_every_seed() {
    let wanted = [
        (Entity::Customer, 3_026_155_452.376, 8),
        (Entity::Product, 6_756_267_117.561, 8),
        (Entity::Country, 6_756_267_117.561, 2),
    ];
    let all = points(wanted.map(|(entity, ..)| (entity, Kind::Raw)));
    for (points, (entity, sse, seeds)) in all.iter().zip(wanted) {
        let sorted = points.sorted();
        for seed in 1..=seeds {
            let trained = train_line_model(&sorted, Kind::Raw, 3, 10, seed).unwrap();
            let error = (trained.sse - sse).abs() / sse;
            assert!(error < 1e-9, "{entity}, seed {seed}: {} is {error:e} off", trained.sse);
            check(points, &trained, 3);
        }
    }
}

#[test]
fn the_product_model_of_raw_values_has_541905_2_and_2_lines() {
    let [points] = points([(Entity::Product, Kind::Raw)]);
    assert_eq!(points.funnel().kept, 541_909);
    assert_eq!(points.sorted().len(), 8_394);
    let mut sizes = train_line_model(&points.sorted(), Kind::Raw, 3, 10, 1).unwrap().sizes;
    sizes.sort_unstable();
    assert_eq!(sizes, [2, 2, 541_905]);
}

#[test]
fn sales_on_a_log_scale_have_balanced_clusters() {
    let [customer, product] = points([(Entity::Customer, Kind::Log), (Entity::Product, Kind::Log)]);
    for points in [customer, product] {
        let trained = train_line_model(&points.sorted(), Kind::Log, 3, 10, 1).unwrap();
        check(&points, &trained, 3);
        let smallest = trained.sizes.iter().min().unwrap();
        assert!(smallest * 20 > points.funnel().kept, "{:?}", trained.sizes);
        let other_seed = train_line_model(&points.sorted(), Kind::Log, 3, 10, 2).unwrap();
        assert_eq!(trained.sizes, other_seed.sizes);
    }
}

#[test]
fn predictions_repeat_the_labels_of_training_for_any_k() {
    let [raw, log] = points([(Entity::Country, Kind::Raw), (Entity::Country, Kind::Log)]);
    for (points, kind) in [(raw, Kind::Raw), (log, Kind::Log)] {
        for k in [1, 2, 8] {
            check(&points, &train_line_model(&points.sorted(), kind, k, 3, 5).unwrap(), k);
        }
    }
}
