//! Native code and wasm give the same bits for the same input. Both runs of this file (see
//! `script/test`) compare themselves with the digest that stands here.
#![allow(clippy::unwrap_used, missing_docs)]

use tillstream_shared::{
    Entity, Filter, Model, ModelKind, Preprocessing, PreprocessingKind, Scaling, Transform,
    testing::{LINE_FEATURES, raw_model},
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// FNV-1a of all answers below.
const DIGEST: u64 = 0x27ad_8a88_7af8_5857;

fn model(transform: Transform, clip: Option<f64>) -> Model {
    let clusters: [(u64, &[f64]); 3] = [
        (1, &[-0.839_112_7, -0.533_098_1]),
        (1, &[-0.421_773_9, 1.270_114_6]),
        (1, &[1.112_909_3, -0.508_776_4]),
    ];
    let preprocessing = Preprocessing {
        kind: PreprocessingKind::Log,
        filter: Filter::All,
        transform,
        scaling: Scaling::Standard,
        means: vec![1.734_501_112_3, 1.189_423_998_7],
        scales: vec![0.933_178_440_1, 0.641_890_334_9],
        clip,
    };
    let model = raw_model(ModelKind::Line, Entity::Customer, &LINE_FEATURES, &clusters);
    Model { preprocessing, ..model }
}

/// Numbers that are the same everywhere: a 64-bit linear congruential generator (Knuth, MMIX).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

#[test]
fn predictions_have_the_same_bits_everywhere() {
    let mut digest = 0xcbf2_9ce4_8422_2325_u64;
    let mut add = |bits: u64| {
        for byte in bits.to_le_bytes() {
            digest = (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    for (transform, clip) in
        [(Transform::Identity, None), (Transform::Log1p, None), (Transform::SignedLog1p, Some(2.5))]
    {
        let model = model(transform, clip);
        let mut numbers = Numbers(42);
        for _ in 0..50_000 {
            let quantity = numbers.below(80_000) as f64 / (1 + numbers.below(1_000)) as f64;
            let price = numbers.below(4_000_000) as f64 / 100.0;
            let sign = if transform == Transform::Log1p { 1.0 } else { -1.0 };
            let point = [sign * quantity, price];
            let assignment = model.assign(&point).unwrap();
            add(u64::from(assignment.cluster));
            add(assignment.distance.to_bits());
            model.distances(&point).unwrap().for_each(|distance| add(distance.to_bits()));
            add(model.preprocessing.invert(1, assignment.distance).to_bits());
        }
    }
    assert_eq!(digest, DIGEST, "{digest:#x}");
}
