//! Identities from model to model, and what becomes of clusters.

#![allow(clippy::unwrap_used, missing_docs)]

use proptest::{collection::vec, prelude::*, test_runner::RngSeed};
use tillstream::{
    features::WeightedPoint,
    modelling::{
        Matching, ModelParams, Overlap, line_overlap, match_clusters, membership_overlap,
        train_line_model,
    },
};
use tillstream_clustering::KChoice;
use tillstream_shared::{
    Cluster, Entity, Model, ModelKind, PreprocessingKind as Kind,
    TransitionKind::{self, Born, Continued, Died, Merged, Split},
    testing::{LINE_FEATURES, raw_model},
};

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// A blob of 5 x 5 points around (quantity, price), each standing for `weight` lines.
fn blob(quantity: i64, price: i64, weight: u64) -> Vec<WeightedPoint> {
    let offsets = (-2..=2).flat_map(|a| (-2..=2).map(move |b| (a, b)));
    let point =
        |(a, b)| WeightedPoint { quantity: quantity + a, unit_price: (price + b) as f64, weight };
    offsets.map(point).collect()
}

fn blobs(centres: &[(i64, i64)]) -> Vec<WeightedPoint> {
    let mut points: Vec<_> = centres.iter().flat_map(|(q, p)| blob(*q, *p, 3)).collect();
    points.sort_by(|a, b| a.quantity.cmp(&b.quantity).then(a.unit_price.total_cmp(&b.unit_price)));
    points
}

fn params(preprocessing: Kind, k: u32, n_init: u32) -> ModelParams {
    ModelParams {
        preprocessing,
        clip: None,
        k: KChoice::Fixed(k),
        n_init,
        seed: 1,
        evaluate: false,
    }
}

fn train(points: &[WeightedPoint], kind: Kind, k: u32) -> Model {
    let trained = train_line_model(points, &params(kind, k, 20)).unwrap();
    Model {
        preprocessing: trained.preprocessing,
        k,
        centroids: trained.centroids,
        model_centroids: trained.model_centroids,
        sizes: trained.sizes,
        mean_values: trained.mean_values,
        sse: trained.sse,
        ..raw_model(ModelKind::Line, Entity::Customer, &LINE_FEATURES, &[])
    }
}

fn with_identities(model: Model, identities: &[u32], used: u32) -> Model {
    let cluster = |(number, identity): (usize, &u32)| Cluster {
        number: number as u32 + 1,
        identity: *identity,
        ..Cluster::default()
    };
    let clusters = identities.iter().enumerate().map(cluster).collect();
    Model { clusters, identities: used, ..model }
}

/// Trains both on their own blobs and matches them over the lines of the later one.
fn matched(before: &[(i64, i64)], after: &[(i64, i64)], kind: Kind) -> (Model, Model, Matching) {
    let points = blobs(after);
    let previous = train(&blobs(before), kind, before.len() as u32);
    let new = train(&points, kind, after.len() as u32);
    let matching = match_clusters(&previous, &new, &line_overlap(&previous, &new, &points));
    (previous, new, matching)
}

fn events(matching: &Matching) -> Vec<(TransitionKind, u32)> {
    matching.transitions.iter().map(|event| (event.event, event.identity)).collect()
}

/// The number of the cluster at (quantity, price).
fn at(model: &Model, (quantity, price): (i64, i64)) -> u32 {
    model.assign(&[quantity as f64, price as f64]).unwrap().cluster
}

const A: (i64, i64) = (20, 20);
const B: (i64, i64) = (200, 30);
const C: (i64, i64) = (60, 150);

#[test]
fn the_same_model_goes_on() {
    for kind in [Kind::Raw, Kind::Log] {
        let (_, _, matching) = matched(&[A, B, C], &[A, B, C], kind);
        assert_eq!(matching.identities, [1, 2, 3]);
        assert_eq!(matching.identities_used, 3);
        assert_eq!(events(&matching), [(Continued, 1), (Continued, 2), (Continued, 3)]);
    }
}

#[test]
fn another_preprocessing_does_not_confuse_identities() {
    let points = blobs(&[A, B, C]);
    let (raw, log) = (train(&points, Kind::Raw, 3), train(&points, Kind::Log, 3));
    for (previous, new) in [(&raw, &log), (&log, &raw)] {
        let matching = match_clusters(previous, new, &line_overlap(previous, new, &points));
        for place in [A, B, C] {
            assert_eq!(matching.identities[at(new, place) as usize - 1], at(previous, place));
        }
    }
}

#[test]
fn a_cluster_that_moves_past_another_in_value_keeps_its_identity() {
    // The numbers of A and B are exchanged, their places hardly.
    let (previous, new, matching) =
        matched(&[(20, 30), (30, 19)], &[(20, 26), (30, 22)], Kind::Raw);
    assert_eq!((at(&previous, (20, 30)), at(&new, (20, 26))), (2, 1));
    assert_eq!(matching.identities, [2, 1]);
    assert_eq!(events(&matching), [(Continued, 2), (Continued, 1)]);
}

#[test]
fn a_blob_in_two_is_one_that_goes_on_and_one_split_off() {
    let (before, new, matching) = matched(&[A, B], &[A, (196, 30), (206, 30)], Kind::Raw);
    let b = at(&before, B);
    let halves = [at(&new, (196, 30)), at(&new, (206, 30))];
    let mut seen: Vec<_> = events(&matching);
    seen.sort_by_key(|event| event.1);
    assert_eq!(seen, [(Continued, 1), (Continued, 2), (Split, 3)]);
    let split = matching.transitions.iter().find(|t| t.event == Split).unwrap();
    assert_eq!(split.from, Some(b));
    assert!(halves.contains(&split.to.unwrap()));
    assert_eq!(matching.identities_used, 3);
}

#[test]
fn two_blobs_in_one_are_one_that_goes_on_and_one_merged() {
    let before = [A, (196, 30), (206, 30)];
    let points = blobs(&before);
    let (previous, new) = (train(&points, Kind::Raw, 3), train(&points, Kind::Raw, 2));
    let matching = match_clusters(&previous, &new, &line_overlap(&previous, &new, &points));
    assert_eq!(matching.transitions.len(), 3);
    let last = matching.transitions[2];
    assert_eq!((last.event, last.to), (Merged, Some(at(&new, B))));
    assert_eq!(matching.identities_used, 3, "the identity that ended is not given out again");
    let place = last.from.unwrap();
    assert!([at(&previous, (196, 30)), at(&previous, (206, 30))].contains(&place));
}

#[test]
fn a_blob_that_appears_is_born_and_one_that_vanishes_dies() {
    for kind in [Kind::Raw, Kind::Log] {
        let (_, new, matching) = matched(&[A, B], &[A, B, C], kind);
        let born = matching.transitions.iter().find(|event| event.event == Born).unwrap();
        assert_eq!((born.identity, born.from, born.to), (3, None, Some(at(&new, C))), "{kind}");
        let (previous, _, matching) = matched(&[A, B, C], &[A, B], kind);
        let died = matching.transitions.last().unwrap();
        let c = at(&previous, C);
        assert_eq!((died.event, died.identity, died.from, died.to), (Died, c, Some(c), None));
        assert_eq!(matching.identities_used, 3);
    }
}

#[test]
fn one_dies_while_another_is_born() {
    let (previous, new, matching) = matched(&[A, B], &[A, C], Kind::Raw);
    let mut expected = vec![(Continued, at(&previous, A)), (Born, 3), (Died, at(&previous, B))];
    let mut seen = events(&matching);
    seen.sort_by_key(|event| event.1);
    expected.sort_by_key(|event| event.1);
    assert_eq!(seen, expected);
    assert_eq!(matching.identities[at(&new, A) as usize - 1], at(&previous, A));
}

#[test]
fn a_dead_blob_does_not_pass_its_identity_on_to_half_of_another() {
    // C is gone and k stays 3, so that one of the others is cut: no line of C is there to follow.
    let points = blobs(&[A, B]);
    let previous = train(&blobs(&[A, B, C]), Kind::Raw, 3);
    let new = train(&points, Kind::Raw, 3);
    let matching = match_clusters(&previous, &new, &line_overlap(&previous, &new, &points));
    let c = at(&previous, C);
    assert!(!matching.identities.contains(&c));
    assert!(events(&matching).contains(&(Died, c)));
    assert!(events(&matching).contains(&(Split, 4)));
}

#[test]
fn identities_are_never_given_out_twice() {
    let places = [A, B, C];
    let mut model = with_identities(train(&blobs(&[A, B]), Kind::Raw, 2), &[1, 2], 2);
    let mut seen = vec![1, 2];
    for step in 0..12 {
        // One blob disappears and another comes back, in turn.
        let after: Vec<_> = (0..3).filter(|c| *c != step % 3).map(|c| places[c]).collect();
        let points = blobs(&after);
        let new = train(&points, Kind::Raw, 2);
        let matching = match_clusters(&model, &new, &line_overlap(&model, &new, &points));
        for event in matching.transitions.iter().filter(|event| event.event == Born) {
            assert!(!seen.contains(&event.identity));
            seen.push(event.identity);
        }
        model = with_identities(new, &matching.identities, matching.identities_used);
    }
    assert_eq!(seen.len() as u32, model.identities);
    assert!(seen.len() > 10, "{seen:?}");
}

#[test]
fn members_decide_for_profiles_wherever_the_centroids_are() {
    let as_profile = |model: Model| Model { kind: ModelKind::Profile, ..model };
    // The features are none of the matter here, only the memberships.
    let previous = as_profile(train(&blobs(&[A, B]), Kind::Raw, 2));
    let new = as_profile(train(&blobs(&[C, (900, 900)]), Kind::Raw, 2));
    let (was, is) = ((1..=8_u32), (1..=10_u32));
    let from: Vec<_> = was.map(|id| (id, if id <= 4 { 1 } else { 2 })).collect();
    let to: Vec<_> = is.clone().map(|id| (id, if id <= 5 { 2 } else { 1 })).collect();
    let matching = match_clusters(&previous, &new, &membership_overlap(2, &from, 2, &to).unwrap());
    assert_eq!(matching.identities, [2, 1]);
    // Most of the second cluster's members are unknown to the previous model.
    let to: Vec<_> = is.map(|id| (id, if id <= 8 { 1 } else { 2 })).collect();
    let matching = match_clusters(&previous, &new, &membership_overlap(2, &from, 2, &to).unwrap());
    let mut seen = events(&matching);
    seen.sort_by_key(|event| event.1);
    assert_eq!((seen[2], seen.len()), ((Born, 3), 3));
    assert!(matches!((seen[0].0, seen[1].0), (Continued, Merged) | (Merged, Continued)));
}

#[test]
fn clusters_that_no_line_came_to_go_on_where_they_are() {
    let previous = train(&blobs(&[A, B, C]), Kind::Raw, 3);
    let overlap = line_overlap(&previous, &previous, &blobs(&[A]));
    let matching = match_clusters(&previous, &previous.clone(), &overlap);
    assert_eq!(matching.identities, [1, 2, 3]);
}

#[test]
fn lines_that_the_earlier_model_does_not_admit_have_arrived() {
    let mut points = blobs(&[A, B]);
    points.insert(0, WeightedPoint { quantity: -9, unit_price: 5.0, weight: 4 });
    let (log, raw) = (train(&points[1..], Kind::Log, 2), train(&points, Kind::Raw, 2));
    let overlap = line_overlap(&log, &raw, &points);
    assert_eq!(overlap.arrived.iter().sum::<u64>(), 4);
    assert_eq!(overlap.left, [0, 0]);
    let all = |overlap: &Overlap| overlap.counts.iter().flatten().sum::<u64>();
    assert_eq!(all(&overlap), 150);
    let back = line_overlap(&raw, &log, &points);
    assert_eq!((all(&back), back.arrived), (150, vec![0, 0]));
}

proptest! {
    #![proptest_config(config(64))]

    #[test]
    fn renumbering_the_previous_model_changes_no_identity(
        lines in vec((1_i64..60, 1_u32..60, 1_u64..5), 20..80),
        later in vec((1_i64..60, 1_u32..60, 1_u64..5), 20..80),
        (k, k_new) in (1_u32..6, 1_u32..6),
        shuffle in Just((0..5_usize).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let points = |rows: &[(i64, u32, u64)]| -> Vec<WeightedPoint> {
            let point = |(quantity, price, weight): &(i64, u32, u64)| WeightedPoint {
                quantity: *quantity,
                unit_price: f64::from(*price),
                weight: *weight,
            };
            rows.iter().map(point).collect()
        };
        let later = points(&later);
        let Ok(_) = train_line_model(&later, &params(Kind::Log, k_new, 1)) else { return Ok(()) };
        let previous = train(&points(&lines), Kind::Log, k);
        let identities: Vec<u32> = (0..k).map(|c| 2 * c + 3).collect();
        let previous = with_identities(previous, &identities, 40);
        let order: Vec<usize> = shuffle.into_iter().filter(|c| *c < k as usize).collect();
        let renumbered = Model {
            centroids: order.iter().map(|c| previous.centroids[*c].clone()).collect(),
            model_centroids: order.iter().map(|c| previous.model_centroids[*c].clone()).collect(),
            sizes: order.iter().map(|c| previous.sizes[*c]).collect(),
            clusters: order.iter().map(|c| previous.clusters[*c].clone()).collect(),
            ..previous.clone()
        };
        let new = train(&later, Kind::Log, k_new);
        let run = |previous: &Model| {
            let overlap = line_overlap(previous, &new, &later);
            let matching = match_clusters(previous, &new, &overlap);
            let mut events = events(&matching);
            events.sort_by_key(|event| (event.1, event.0 as u8));
            (matching.identities, matching.identities_used, events)
        };
        let (given, used, events) = run(&previous);
        prop_assert_eq!(&(given.clone(), used, events.clone()), &run(&renumbered));

        // Every identity once, new ones beyond those given out, every cluster in one event.
        let mut distinct = given.clone();
        distinct.sort_unstable();
        distinct.dedup();
        prop_assert_eq!(distinct.len(), k_new as usize);
        prop_assert!(given.iter().all(|id| identities.contains(id) || (*id > 40 && *id <= used)));
        let count = |wanted: &[TransitionKind]| {
            events.iter().filter(|event| wanted.contains(&event.0)).count()
        };
        prop_assert_eq!(count(&[Continued, Split, Born]), k_new as usize);
        prop_assert_eq!(count(&[Continued, Merged, Died]), k as usize);
    }

    #[test]
    fn a_model_and_itself_have_all_clusters_in_common(
        lines in vec((1_i64..60, 1_u32..60, 1_u64..5), 20..80),
        k in 1_u32..6,
    ) {
        let points: Vec<_> = lines
            .iter()
            .map(|(quantity, price, weight)| WeightedPoint {
                quantity: *quantity,
                unit_price: f64::from(*price),
                weight: *weight,
            })
            .collect();
        let model = train(&points, Kind::Log, k);
        let overlap = line_overlap(&model, &model, &points);
        let matching = match_clusters(&model, &model, &overlap);
        prop_assert!(matching.transitions.iter().all(|event| event.event == Continued));
        prop_assert_eq!(matching.identities, (1..=k).collect::<Vec<_>>());
    }
}
