//! The solver on points that do not repeat: `cargo bench -p tillstream-clustering`, or with
//! `-- --test` once each, to see that everything runs.

#![allow(missing_docs)]

mod mixture;

use std::{hint::black_box, time::Duration};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use linfa::ParamGuard;
use tillstream_clustering::{KMeans, WeightedPoints};

/// As many points as the real data set of the program has lines.
const POINTS: usize = 541_909;

fn fit(points: &WeightedPoints, k: usize) -> f64 {
    let params = KMeans::params(k).n_init(1).check().expect("parameters are right");
    params.fit_points(black_box(points)).expect("there are enough points").sse
}

fn one_start(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("a mixture of normal distributions, 1 start");
    group.sample_size(10).measurement_time(Duration::from_secs(3));
    for d in [2, 3, 8] {
        let values = mixture::mixture(POINTS, d, 1);
        let points = WeightedPoints::unweighted(d, values).expect("the values are finite");
        for k in [3, 8, 16, 64] {
            group.bench_function(BenchmarkId::new(format!("d = {d}"), format!("k = {k}")), |b| {
                b.iter(|| fit(&points, k));
            });
        }
    }
}

criterion_group!(benches, one_start);
criterion_main!(benches);
