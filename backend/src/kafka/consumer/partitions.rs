//! Which partitions a consumer reads, and from where on.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use rdkafka::{Offset, TopicPartitionList, consumer::Consumer as _};
use tillstream_shared::{ClosedBy, Manifest};

use super::Consumer;
use crate::{
    kafka::{KafkaError, Offsets, history, rebalance::Rebalance, watermarks::Watermarks},
    shutdown::Shutdown,
};

/// How long the client may take to go back in its partitions.
const SEEK_TIMEOUT: Duration = Duration::from_secs(30);

impl Consumer {
    /// Does what the group asks for.
    pub(super) fn answer(
        &mut self,
        rebalance: Rebalance,
        shutdown: &Shutdown,
        stored: &mut impl FnMut(&Manifest),
    ) -> Result<(), KafkaError> {
        match rebalance {
            Rebalance::Assign(partitions) => {
                tracing::info!("the group gives partitions {partitions:?}");
                // The others may have stored some of them.
                self.follow()?;
                if let Some(watermarks) = self.watermarks(&partitions, shutdown)? {
                    self.assign(&watermarks)?;
                }
                Ok(())
            }
            Rebalance::Revoke { partitions, lost } => {
                let how = if lost { "has taken" } else { "takes" };
                tracing::info!("the group {how} partitions {partitions:?}");
                self.give_up(&partitions, lost, shutdown, stored)
            }
        }
    }

    /// Stores what was read of `partitions`, unless they are lost, and reads them no more.
    fn give_up(
        &mut self,
        partitions: &[i32],
        lost: bool,
        shutdown: &Shutdown,
        stored: &mut impl FnMut(&Manifest),
    ) -> Result<(), KafkaError> {
        let is_stored = !self.sink.covers(partitions)
            || (!lost
                && match self.close(ClosedBy::Rebalance, true, shutdown, stored) {
                    // The others do not wait for room here: whoever gets the partitions reads them again.
                    Err(error) if error.is_disk_full() => false,
                    closed => closed?,
                });
        if !lost {
            // librdkafka gives the partitions back after the answer.
            self.commit();
        }
        for partition in partitions {
            self.positions.remove(*partition);
            self.stored.remove(partition);
        }
        self.progress.lag.set(self.positions.report());
        let mut list = TopicPartitionList::with_capacity(partitions.len());
        for partition in partitions {
            list.add_partition(&self.cluster.topic, *partition);
        }
        let failed = self.cluster.failed("giving partitions back to the group");
        self.client.incremental_unassign(&list).map_err(failed)?;
        if is_stored {
            self.sink.forget(partitions);
            return Ok(());
        }
        self.read_again(shutdown)
    }

    /// Adds `partitions` to those that are read, each from the first offset that is not stored.
    ///
    /// # Errors
    /// [`KafkaError::OtherHistory`] when it is beyond the end, [`KafkaError::Batch`], [`KafkaError::Broker`].
    pub(super) fn assign(
        &mut self,
        partitions: &BTreeMap<i32, Watermarks>,
    ) -> Result<(), KafkaError> {
        let starts = self.resume(partitions)?;
        let failed = || self.cluster.failed("assigning the partitions of the topic");
        let list = self.offsets(&starts).map_err(failed())?;
        self.client.incremental_assign(&list).map_err(failed())?;
        // Another consumer, that was killed, may have stored more than it has committed.
        self.is_commit_due |= self.cluster.joins_group;
        self.stored.extend(starts);
        Ok(())
    }

    /// Gives the open batch up, and goes back in all partitions to where they are stored.
    ///
    /// # Errors
    /// [`KafkaError`].
    pub(super) fn read_again(&mut self, shutdown: &Shutdown) -> Result<(), KafkaError> {
        self.sink.discard_open();
        // Until it is known where they are stored, nothing of them is taken.
        self.positions.clear();
        self.follow()?;
        let assigned = self.client.assignment();
        let assigned = assigned.map_err(self.cluster.failed("asking which partitions are read"))?;
        let partitions: Vec<_> =
            assigned.elements().iter().map(|element| element.partition()).collect();
        let Some(watermarks) = self.watermarks(&partitions, shutdown)? else { return Ok(()) };
        let starts = self.resume(&watermarks)?;
        let deadline = Instant::now() + SEEK_TIMEOUT;
        for (partition, offset) in &starts {
            // A partition that was just given begins to be read a little later.
            while let Err(error) = self.client.seek(
                &self.cluster.topic,
                *partition,
                Offset::Offset(*offset),
                SEEK_TIMEOUT,
            ) {
                if Instant::now() > deadline {
                    return Err(self.cluster.failed("going back in the topic")(error));
                }
                std::thread::sleep(super::POLL_INTERVAL);
            }
        }
        self.is_commit_due = true;
        self.stored.extend(starts);
        Ok(())
    }

    /// The ends of `partitions`, however long the brokers are gone; `None` when a shutdown is requested before.
    fn watermarks(
        &self,
        partitions: &[i32],
        shutdown: &Shutdown,
    ) -> Result<Option<BTreeMap<i32, Watermarks>>, KafkaError> {
        let ask = || self.connection.watermarks(partitions);
        self.client.context().waiting().until_answered(shutdown, ask)
    }

    /// Takes the positions at which `partitions` are read on: after what is stored of them.
    fn resume(&mut self, partitions: &BTreeMap<i32, Watermarks>) -> Result<Offsets, KafkaError> {
        let mut starts = Offsets::new();
        for (&partition, watermarks) in partitions {
            let low = watermarks.low;
            let next = self.sink.resume(partition, watermarks.end)?.unwrap_or(low);
            history::check_end(self.sink.provenance(), partition, next, *watermarks)?;
            if next < low {
                self.progress.notice(format!(
                    "offsets {next} to {} of partition {partition} were deleted from {} before they were stored",
                    low - 1,
                    self.cluster.topic
                ));
            }
            let next = next.max(low);
            self.positions.add(partition, next, *watermarks);
            starts.insert(partition, next);
        }
        self.progress.lag.set(self.positions.report());
        Ok(starts)
    }
}
