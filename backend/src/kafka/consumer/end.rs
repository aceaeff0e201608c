//! When a consumer that is to end has stored all.

use std::time::{Duration, Instant};

use rdkafka::{Offset, TopicPartitionList, consumer::Consumer as _};
use tillstream_shared::{ClosedBy, Manifest};

use super::Consumer;
use crate::{
    kafka::{KafkaError, Offsets},
    shutdown::Shutdown,
};

/// How often the group is asked what its other members have stored.
const ASK_INTERVAL: Duration = Duration::from_millis(500);
/// How long the answer may take.
const ASK_TIMEOUT: Duration = Duration::from_secs(5);

impl Consumer {
    /// Whether everything below the offsets in [`Self::end`] is stored, but for what is in the open batch. A member
    /// of a group stores its part, and then stays until the others have stored theirs: it may be given that of one
    /// that is killed.
    pub(super) fn has_ended(
        &mut self,
        shutdown: &Shutdown,
        stored: &mut impl FnMut(&Manifest),
    ) -> Result<bool, KafkaError> {
        let Some(ends) = self.end.get().cloned() else { return Ok(false) };
        let behind = self.positions.behind(&ends);
        if behind.is_empty() {
            return Ok(true);
        }
        let is_own = |partition: &i32| self.positions.contains(*partition);
        if !self.cluster.joins_group || behind.iter().any(is_own) {
            return Ok(false);
        }
        if self.asked_at.elapsed() < ASK_INTERVAL {
            return Ok(false);
        }
        self.asked_at = Instant::now();
        if !self.close(ClosedBy::Shutdown, false, shutdown, stored)? {
            return Ok(false);
        }
        Ok(self.are_committed(&behind, &ends))
    }

    /// Whether the group has committed what is below `ends` of `partitions`.
    fn are_committed(&self, partitions: &[i32], ends: &Offsets) -> bool {
        let mut list = TopicPartitionList::with_capacity(partitions.len());
        for partition in partitions {
            list.add_partition(&self.cluster.topic, *partition);
        }
        match self.client.committed_offsets(list, ASK_TIMEOUT) {
            Ok(committed) => committed.elements().iter().all(|element| {
                let end = ends.get(&element.partition()).copied().unwrap_or_default();
                matches!(element.offset(), Offset::Offset(offset) if offset >= end)
            }),
            Err(error) => {
                tracing::debug!("asking the group what is stored: {error}; trying again");
                false
            }
        }
    }
}
