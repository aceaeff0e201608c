//! Where partitions begin and end.

use std::collections::BTreeMap;

use rdkafka::{Offset, TopicPartitionList, consumer::Consumer as _};

use super::{Connection, KafkaError};

/// An offset of every partition.
pub type Offsets = BTreeMap<i32, i64>;

/// The ends of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Watermarks {
    /// Offset of the first message that is there.
    pub(super) low: i64,
    /// Offset after the last message that readers of committed messages are given.
    pub(super) end: i64,
}

impl Connection {
    /// The next offset of every partition of the topic, now.
    ///
    /// # Errors
    /// [`KafkaError::Broker`].
    pub fn current_ends(&self) -> Result<Offsets, KafkaError> {
        let partitions = self.partition_count(&self.cluster.topic)?.unwrap_or(0);
        self.offsets(&Vec::from_iter(0..partitions), Offset::End)
    }

    /// The ends of `partitions`, by two requests to each leader, however many partitions it leads.
    pub(super) fn watermarks(
        &self,
        partitions: &[i32],
    ) -> Result<BTreeMap<i32, Watermarks>, KafkaError> {
        // The beginning last: what retention deletes meanwhile is known.
        let ends = self.offsets(partitions, Offset::End)?;
        let lows = self.offsets(partitions, Offset::Beginning)?;
        let both = ends.into_iter().zip(lows.into_values());
        Ok(both
            .map(|((partition, end), low)| (partition, Watermarks { low, end: end.max(low) }))
            .collect())
    }

    /// The offsets that `which` means now. librdkafka hands [`Offset::End`] and [`Offset::Beginning`] on as
    /// the timestamps -1 and -2 of ListOffsets, one request to each leader; as it reads committed messages,
    /// the end is the last stable offset.
    fn offsets(&self, partitions: &[i32], which: Offset) -> Result<Offsets, KafkaError> {
        if partitions.is_empty() {
            return Ok(Offsets::new());
        }
        let found =
            self.retry("asking the broker for the ends of the topic", |client, timeout| {
                let mut asked = TopicPartitionList::with_capacity(partitions.len());
                for partition in partitions {
                    asked.add_partition_offset(&self.cluster.topic, *partition, which)?;
                }
                let found = client.offsets_for_times(asked, timeout)?;
                found.elements().iter().try_for_each(|element| element.error())?;
                Ok(found)
            })?;
        let offsets = found.elements().into_iter().filter_map(|element| match element.offset() {
            Offset::Offset(offset) => Some((element.partition(), offset)),
            _ => None,
        });
        Ok(offsets.collect())
    }
}
