//! What the assignors make of members and topics.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{Partitions, id, partitions};
use crate::groups::consumer::assignor::{Assignor, Subscriber};

/// Members by name, what they read and what they had.
fn assign(
    assignor: Assignor,
    members: &[(&str, &[&str], Partitions)],
    sizes: &[(&str, i32)],
) -> Vec<Partitions> {
    let subscribers: Vec<Subscriber<'_>> = members
        .iter()
        .map(|(name, topics, previous)| Subscriber {
            id: name,
            instance_id: name.strip_prefix("static-"),
            topics: topics.iter().map(|topic| id(topic)).collect(),
            previous,
        })
        .collect();
    let counts: BTreeMap<Uuid, i32> = sizes.iter().map(|(name, n)| (id(name), *n)).collect();
    assignor.assign(&subscribers, &counts)
}

fn sizes(shares: &[Partitions]) -> Vec<usize> {
    shares.iter().map(BTreeSet::len).collect()
}

#[test]
fn range_gives_runs_of_each_topic() {
    let members: [(&str, &[&str], _); 3] = [
        ("a", &["t", "u"], Partitions::new()),
        ("b", &["t", "u", "gone"], Partitions::new()),
        ("static-x", &["t"], Partitions::new()),
    ];
    let shares = assign(Assignor::Range, &members, &[("t", 7), ("u", 1)]);
    assert_eq!(shares[2], partitions("t", 0..3), "static members come first");
    assert_eq!(shares[0], &partitions("t", 3..5) | &partitions("u", 0..1));
    assert_eq!(shares[1], partitions("t", 5..7));
}

#[test]
fn uniform_keeps_what_it_can() {
    let had = [partitions("t", 0..5), partitions("t", 5..7), Partitions::new()];
    let members: [(&str, &[&str], _); 3] = [
        ("a", &["t"], had[0].clone()),
        ("b", &["t"], had[1].clone()),
        ("c", &["t"], had[2].clone()),
    ];
    let shares = assign(Assignor::Uniform, &members, &[("t", 7)]);
    assert_eq!(sizes(&shares), [3, 2, 2]);
    assert!(shares[0].is_subset(&had[0]) && shares[1] == had[1], "two move, as few as can be");
    // Fewer partitions, a topic that is not read any more, and nobody that reads another.
    let members: [(&str, &[&str], _); 2] =
        [("a", &["t"], partitions("t", 0..3)), ("b", &["t"], partitions("u", 0..9))];
    let shares = assign(Assignor::Uniform, &members, &[("t", 2), ("u", 9), ("v", 1)]);
    assert_eq!(shares, [partitions("t", 0..1), partitions("t", 1..2)]);
}

#[test]
fn uniform_evens_out_different_subscriptions() {
    let none = Partitions::new;
    let members: [(&str, &[&str], _); 3] =
        [("a", &["t", "u"], none()), ("b", &["t"], none()), ("c", &["u"], none())];
    let shares = assign(Assignor::Uniform, &members, &[("t", 6), ("u", 3)]);
    assert_eq!(sizes(&shares), [3, 3, 3]);
    // One that reads everything gets least of what others can have.
    let members: [(&str, &[&str], _); 3] =
        [("a", &["t", "u", "v"], none()), ("b", &["t"], none()), ("c", &["u"], none())];
    let shares = assign(Assignor::Uniform, &members, &[("t", 2), ("u", 2), ("v", 4)]);
    assert_eq!(sizes(&shares), [4, 2, 2]);
    // What one member has all of moves on over several topics.
    let all = &partitions("t", 0..4) | &partitions("u", 0..4);
    let members: [(&str, &[&str], _); 3] =
        [("a", &["t", "u"], all), ("b", &["t", "u"], none()), ("c", &["u"], none())];
    let shares = assign(Assignor::Uniform, &members, &[("t", 4), ("u", 4)]);
    let mut loads = sizes(&shares);
    loads.sort_unstable();
    assert_eq!(loads, [2, 3, 3]);
}

#[test]
fn nobody_and_nothing_can_be_assigned() {
    for assignor in Assignor::ALL {
        assert!(assign(assignor, &[], &[("t", 3)]).is_empty());
        let alone: [(&str, &[&str], _); 1] = [("a", &["t"], Partitions::new())];
        assert_eq!(assign(assignor, &alone, &[]), [Partitions::new()]);
    }
}
