//! What the consumer does while there is no room on the disk.
//!
//! Half a row may be written, and what a file system dropped that could not write it is not known: so the open
//! batch is given up, which makes room, and its messages are read again from the topic.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{
    Message, Offset, TopicPartitionList, consumer::Consumer as _, error::KafkaError as ClientError,
};
use tillstream_shared::api::Component;

use super::{Consumer, POLL_INTERVAL};
use crate::{
    kafka::{
        KafkaError, Offsets, is_retriable,
        waiting::{Backoff, Waiting},
    },
    progress::Progress,
    shutdown::Shutdown,
};

/// How long setting the client back may take.
const SEEK_TIMEOUT: Duration = Duration::from_secs(30);

/// What is waited for, and how often it was tried since the last batch was stored.
pub(super) struct Room {
    waiting: Waiting,
    pub(super) backoff: Backoff,
}

impl Room {
    pub(super) fn new(progress: Arc<Progress>) -> Self {
        let waiting = Waiting::with_backoff(Component::Consumer, progress);
        Self { waiting, backoff: Backoff::default() }
    }
}

impl Consumer {
    /// Pauses all partitions until there is room again, and then goes on with the first messages that are not
    /// stored; false when asked to stop meanwhile. The client is polled, so that its group keeps it.
    pub(super) fn wait_for_room(
        &mut self,
        error: &KafkaError,
        shutdown: &Shutdown,
    ) -> Result<bool, KafkaError> {
        self.sink.give_up_open();
        self.pause()?;
        self.room.waiting.begin(&format!("reading is paused, as the disk is full ({error}),"));
        loop {
            let next = Instant::now() + self.room.backoff.next_pause();
            while Instant::now() < next {
                if shutdown.requested() {
                    return Ok(false);
                }
                self.poll_paused()?;
            }
            match self.sink.begin_again() {
                Ok(stored) => {
                    let again = self.positions.rewind(&stored);
                    self.progress.lag.set(self.positions.report());
                    self.seek_and_resume(again)
                        .map_err(self.cluster.failed("reading the topic again"))?;
                    self.room.waiting.end();
                    return Ok(true);
                }
                Err(error) if error.is_disk_full() => tracing::debug!("{error}; trying again"),
                Err(error) => return Err(error),
            }
        }
    }

    fn pause(&self) -> Result<(), KafkaError> {
        let paused = self.client.assignment().and_then(|assigned| self.client.pause(&assigned));
        paused.map_err(self.cluster.failed("pausing the partitions of the topic"))
    }

    /// Serves the client. A message of a partition that was assigned since the pause is one to read again.
    fn poll_paused(&mut self) -> Result<(), KafkaError> {
        match self.client.poll(POLL_INTERVAL) {
            Some(Ok(message)) => {
                let (partition, offset) = (message.partition(), message.offset());
                self.positions.take(partition, offset, message.timestamp().to_millis());
                drop(message);
                self.pause()
            }
            Some(Err(error))
                if !is_retriable(&error) && !matches!(error, ClientError::PartitionEOF(_)) =>
            {
                Err(self.fatal(error))
            }
            Some(Err(_)) | None => Ok(()),
        }
    }

    fn seek_and_resume(&self, offsets: Offsets) -> Result<(), ClientError> {
        let mut again = TopicPartitionList::new();
        for (partition, offset) in offsets {
            again.add_partition_offset(&self.cluster.topic, partition, Offset::Offset(offset))?;
        }
        if again.count() > 0 {
            let sought = self.client.seek_partitions(again, SEEK_TIMEOUT)?;
            sought.elements().iter().try_for_each(|element| element.error())?;
        }
        self.client.resume(&self.client.assignment()?)
    }
}
