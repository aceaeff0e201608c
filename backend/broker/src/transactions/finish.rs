//! The end of a transaction that is decided: markers in its partitions, and its offsets.

use std::{io, sync::Arc};

use super::{
    ProducerEpoch, Transaction, TransactionError, TransactionState, Transactions, blocking, now_ms,
};
use crate::{
    context::Node,
    groups::{Groups, OffsetsByTopic},
    log::{AppendError, Health, Marker, Partition},
    topics::Topics,
};

impl Transactions {
    /// Brings a transaction that is decided to its end; the caller has the turn.
    pub(super) async fn finish(
        &self,
        node: &Arc<Node>,
        transaction: &Transaction,
    ) -> Result<(), TransactionError> {
        let Some(state) = transaction.lock().clone() else { return Ok(()) };
        let Some(marker) = state.decision() else { return Ok(()) };
        let all = partitions(&node.topics, &state);
        let appended = blocking(move || append_markers(all, state.producer, marker)).await?;
        for (partition, end) in appended {
            match partition.wait_for(end).await {
                Health::Good => {}
                Health::Deleted if !node.stop.is_cancelled() => {}
                health => return Err(unusable(&partition, health)),
            }
        }
        let state = transaction.state()?;
        if marker == Marker::Commit && !state.offsets.is_empty() {
            let (node, offsets) = (Arc::clone(node), state.offsets.clone());
            blocking(move || commit_offsets(&node.groups, &node.topics, offsets)).await?;
        }
        self.store(transaction, state.complete(now_ms())).await
    }
}

/// The partitions of a transaction that still exist.
pub(super) fn partitions(topics: &Topics, state: &TransactionState) -> Vec<Arc<Partition>> {
    let topics = topics.all();
    let of_topic = |(name, numbers): (&String, &std::collections::BTreeSet<i32>)| {
        let topic = topics.get(name);
        let found = numbers.iter().filter_map(|number| topic?.partition(*number).cloned());
        found.collect::<Vec<_>>()
    };
    state.partitions.iter().flat_map(of_topic).collect()
}

/// Appends the markers; returns what must be on disk before the transaction has ended.
fn append_markers(
    partitions: Vec<Arc<Partition>>,
    producer: ProducerEpoch,
    marker: Marker,
) -> io::Result<Vec<(Arc<Partition>, i64)>> {
    let mut appended = Vec::with_capacity(partitions.len());
    for partition in partitions {
        match partition.end_transaction(producer.id, producer.epoch, marker) {
            Ok(at) => appended.push((partition, at.end)),
            // Waiting for it tells whether its topic was deleted or the broker stops.
            Err(AppendError::Closed(_)) => appended.push((partition, i64::MAX)),
            Err(AppendError::Io(error)) => return Err(error),
            Err(error) => return Err(io::Error::other(error)),
        }
    }
    Ok(appended)
}

fn unusable(partition: &Partition, health: Health) -> TransactionError {
    let name = partition.name();
    io::Error::other(format!("{name} cannot be written any more ({health:?})")).into()
}

/// Makes the offsets of a committed transaction those of their groups.
fn commit_offsets(
    groups: &Groups,
    topics: &Topics,
    offsets: std::collections::BTreeMap<String, OffsetsByTopic>,
) -> io::Result<()> {
    for (group, offsets) in offsets {
        let all = offsets.into_iter().flat_map(|(topic, partitions)| {
            let with_topic = move |(number, offset)| (topic.clone(), number, offset);
            partitions.into_iter().map(with_topic)
        });
        let existing: Vec<_> =
            all.filter(|(topic, number, _)| topics.partition(topic, *number).is_some()).collect();
        if !existing.is_empty() {
            groups.begin_transactional_commit(&group).commit(existing)?;
        }
    }
    Ok(())
}
