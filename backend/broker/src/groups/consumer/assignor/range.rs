//! The assignor `range`.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{Subscriber, subscribers};
use crate::groups::consumer::Partitions;

/// Gives each subscriber of a topic a run of its partitions; the first ones get one more where they do
/// not come out even. Static members come first, by their instance id, so that they keep their runs when
/// they come back under another name.
pub(super) fn assign(members: &[Subscriber<'_>], topics: &BTreeMap<Uuid, i32>) -> Vec<Partitions> {
    let mut shares = vec![Partitions::new(); members.len()];
    for (topic, mut readers) in subscribers(members, topics) {
        readers.sort_by_key(|&i| {
            let member = &members[i];
            (member.instance_id.is_none(), member.instance_id, member.id)
        });
        let (count, among) = (topics[&topic], readers.len() as i32);
        let (each, more) = (count / among, count % among);
        let mut next = 0;
        for (rank, i) in (0..).zip(readers) {
            let end = next + each + i32::from(rank < more);
            shares[i].extend((next..end).map(|partition| (topic, partition)));
            next = end;
        }
    }
    shares
}
