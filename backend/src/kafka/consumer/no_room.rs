//! What the consumer does while there is no room on the disk.
//!
//! Half a row may be written, and what a file system dropped that could not write it is not known: so the open
//! batch is given up, which makes room, and its messages are read again from the topic.

use std::{sync::Arc, time::Instant};

use rdkafka::{consumer::Consumer as _, error::KafkaError as ClientError};
use tillstream_shared::{Manifest, api::Component};

use super::{Consumer, POLL_INTERVAL};
use crate::{
    kafka::{
        KafkaError, is_retriable,
        waiting::{Backoff, Waiting},
    },
    progress::Progress,
    shutdown::Shutdown,
};

/// What is waited for, and how often it was tried since the last batch was stored.
pub(super) struct Room {
    waiting: Waiting,
    backoff: Backoff,
}

impl Room {
    pub(super) fn new(progress: Arc<Progress>) -> Self {
        let waiting = Waiting::with_backoff(Component::Consumer, progress);
        Self { waiting, backoff: Backoff::default() }
    }

    /// Notes that there was room.
    pub(super) fn succeeded(&mut self) {
        self.backoff = Backoff::default();
    }
}

impl Consumer {
    /// Pauses all partitions until there is room again, and then goes on with the first messages that are not
    /// stored; false when asked to stop meanwhile. The client is polled, so that its group keeps it.
    pub(super) fn wait_for_room(
        &mut self,
        error: &KafkaError,
        shutdown: &Shutdown,
        stored: &mut impl FnMut(&Manifest),
    ) -> Result<bool, KafkaError> {
        self.sink.discard_open();
        self.pause()?;
        self.room.waiting.begin(&format!("reading is paused, as the disk is full ({error}),"));
        loop {
            let next = Instant::now() + self.room.backoff.next_pause();
            while Instant::now() < next {
                if shutdown.requested() {
                    return Ok(false);
                }
                self.poll_paused(shutdown, stored)?;
            }
            let probed = self.sink.probe_room().map_err(KafkaError::from);
            match probed.and_then(|()| self.read_again(shutdown)) {
                Ok(()) if shutdown.requested() => return Ok(false),
                Ok(()) => {
                    self.room.waiting.end();
                    self.resume_fetching()?;
                    return Ok(true);
                }
                Err(error) if error.is_disk_full() => tracing::debug!("{error}; trying again"),
                Err(error) => return Err(error),
            }
        }
    }

    pub(super) fn pause(&self) -> Result<(), KafkaError> {
        let paused = self.client.assignment().and_then(|assigned| self.client.pause(&assigned));
        paused.map_err(self.cluster.failed("pausing the partitions of the topic"))
    }

    /// Serves the client, and does what the group asks for. A message of a partition that was just given is read
    /// again later.
    fn poll_paused(
        &mut self,
        shutdown: &Shutdown,
        stored: &mut impl FnMut(&Manifest),
    ) -> Result<(), KafkaError> {
        match self.client.poll(POLL_INTERVAL) {
            Some(Err(error))
                if !is_retriable(&error) && !matches!(error, ClientError::PartitionEOF(_)) =>
            {
                return Err(self.fatal(error));
            }
            _ => {}
        }
        while let Some(rebalance) = self.client.context().rebalances().take() {
            self.answer(rebalance, shutdown, stored)?;
            self.pause()?;
        }
        Ok(())
    }

    fn resume_fetching(&self) -> Result<(), KafkaError> {
        let resumed = self.client.assignment().and_then(|assigned| self.client.resume(&assigned));
        resumed.map_err(self.cluster.failed("going on with the partitions of the topic"))
    }
}
