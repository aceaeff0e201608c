//! The assignor `uniform`.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use uuid::Uuid;

use super::{Subscriber, subscribers};
use crate::groups::consumer::Partitions;

/// How often topics of different readers are gone through to even out the shares; the same as in Apache
/// Kafka. With one set of readers a single time is enough.
const MAX_ROUNDS: usize = 16;

/// Leaves everyone what it has as far as it still may, gives the rest to those who have least, and moves
/// partitions from those who have most to those who have least, as long as they differ by two.
pub(super) fn assign(members: &[Subscriber<'_>], topics: &BTreeMap<Uuid, i32>) -> Vec<Partitions> {
    let mut shares: Vec<Partitions> = members.iter().map(|member| kept(member, topics)).collect();
    let mut taken: HashSet<(Uuid, i32)> = HashSet::new();
    for share in &mut shares {
        share.retain(|partition| taken.insert(*partition));
    }
    // Topics that the same members read are shared out as one.
    let mut classes: BTreeMap<Vec<usize>, BTreeSet<Uuid>> = BTreeMap::new();
    for (topic, readers) in subscribers(members, topics) {
        classes.entry(readers).or_default().insert(topic);
    }
    let mut classes: Vec<(Vec<usize>, BTreeSet<Uuid>)> = classes.into_iter().collect();
    // Those that can go to few members first.
    classes.sort_by_key(|(readers, _)| readers.len());
    for (readers, of_class) in &classes {
        let mut by_load: BTreeSet<(usize, usize)> =
            readers.iter().map(|&i| (shares[i].len(), i)).collect();
        let all = of_class.iter().flat_map(|topic| (0..topics[topic]).map(|n| (*topic, n)));
        for partition in all.filter(|partition| !taken.contains(partition)) {
            let Some((load, i)) = by_load.pop_first() else { break };
            shares[i].insert(partition);
            by_load.insert((load + 1, i));
        }
    }
    for _ in 0..MAX_ROUNDS {
        let moved = classes.iter().map(|(readers, of_class)| level(readers, of_class, &mut shares));
        if moved.sum::<usize>() == 0 {
            break;
        }
    }
    shares
}

/// What a member had and may keep.
fn kept(member: &Subscriber<'_>, topics: &BTreeMap<Uuid, i32>) -> Partitions {
    let may_keep = |(topic, number): &&(Uuid, i32)| {
        member.topics.contains(topic) && topics.get(topic).is_some_and(|count| number < count)
    };
    member.previous.iter().filter(may_keep).copied().collect()
}

/// Moves partitions of these topics, which all `readers` read, until no reader that has some of them has
/// two partitions more than another; returns how many were moved.
fn level(readers: &[usize], topics: &BTreeSet<Uuid>, shares: &mut [Partitions]) -> usize {
    let mut by_load: BTreeSet<(usize, usize)> =
        readers.iter().map(|&i| (shares[i].len(), i)).collect();
    let mut donors = by_load.clone();
    let mut movable: HashMap<usize, Vec<(Uuid, i32)>> = HashMap::new();
    let mut moved = 0;
    while let (Some(&(least, to)), Some(&(most, from))) = (by_load.first(), donors.last()) {
        if most < least + 2 {
            break;
        }
        let of_class = || shares[from].iter().filter(|p| topics.contains(&p.0)).copied().collect();
        let Some(partition) = movable.entry(from).or_insert_with(of_class).pop() else {
            donors.remove(&(most, from));
            continue;
        };
        shares[from].remove(&partition);
        shares[to].insert(partition);
        for (i, before, after) in [(from, most, most - 1), (to, least, least + 1)] {
            by_load.remove(&(before, i));
            by_load.insert((after, i));
            if donors.remove(&(before, i)) {
                donors.insert((after, i));
            }
        }
        moved += 1;
    }
    moved
}
