//! The solver on the real data set: `cargo bench -p tillstream --bench clustering`, or with `-- --test` once each,
//! to see that everything runs.

#![allow(missing_docs)]

mod data;

use std::{hint::black_box, time::Duration};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use linfa::ParamGuard;
use tillstream_clustering::{KMeans, WeightedPoints};
use tillstream_shared::PreprocessingKind;

/// Lines of the whole real data set.
const LINES: usize = 541_909;

fn fit(points: &WeightedPoints, k: usize, n_init: u32) -> f64 {
    let params = KMeans::params(k).n_init(n_init).check().expect("parameters are right");
    params.fit_points(black_box(points)).expect("there are enough points").sse
}

/// 10 starts on the distinct points of the real data set.
fn distinct(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("distinct points, 10 restarts");
    for kind in [PreprocessingKind::Raw, PreprocessingKind::Log] {
        let points = data::distinct(kind, LINES).expect("the data set is part of the program");
        for k in [3, 8, 16, 64] {
            group.bench_function(BenchmarkId::new(kind.name(), format!("k = {k}")), |bencher| {
                bencher.iter(|| fit(&points, k, 10));
            });
        }
    }
}

/// One start on points that do not repeat: the lines of the real data set, shaken.
fn unrepeated(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("shaken lines, 1 start");
    group.sample_size(10).measurement_time(Duration::from_secs(3));
    let lines = data::real_lines(LINES).expect("the data set is part of the program");
    let points = WeightedPoints::unweighted(2, data::shaken(&lines, 1)).expect("they are finite");
    for k in [3, 8, 16, 64] {
        group.bench_function(format!("k = {k}"), |bencher| bencher.iter(|| fit(&points, k, 1)));
    }
}

criterion_group!(benches, distinct, unrepeated);
criterion_main!(benches);
