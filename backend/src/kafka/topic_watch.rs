//! Watching over a topic while it is read, on a thread and a connection of its own: it may be given more
//! partitions, and it may be deleted and created again.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        mpsc::{self, Receiver, Sender},
    },
    thread,
    time::Duration,
};

use super::{Connection, KafkaError, history, watermarks::Watermarks};
use crate::{batch::Provenance, shutdown::Shutdown};

/// Partitions with their ends.
type Partitions = BTreeMap<i32, Watermarks>;

/// A thread that asks the cluster from time to time; it ends some time after this is dropped.
pub(super) struct TopicWatch {
    found: Receiver<Result<Partitions, KafkaError>>,
    stop: Shutdown,
}

impl TopicWatch {
    /// Begins to look every `interval` for partitions beyond the first `known`, and whether the topic is still
    /// that of `provenance`.
    pub(super) fn start(
        connection: Arc<Connection>,
        provenance: Provenance,
        known: i32,
        interval: Duration,
    ) -> Self {
        let (sender, found) = mpsc::channel();
        let stop = Shutdown::default();
        let watch = Watch { connection, provenance, known, found: sender };
        let stopping = stop.clone();
        // Nobody waits for the thread: a question to a broker that is gone takes its time.
        thread::spawn(move || watch.run(interval, &stopping));
        Self { found, stop }
    }

    /// Partitions that were found since the last call.
    ///
    /// # Errors
    /// [`KafkaError::OtherHistory`] when the topic is another one now.
    pub(super) fn new_partitions(&self) -> Result<Option<Partitions>, KafkaError> {
        self.found.try_recv().ok().transpose()
    }
}

impl Drop for TopicWatch {
    fn drop(&mut self) {
        self.stop.request();
    }
}

struct Watch {
    connection: Arc<Connection>,
    provenance: Provenance,
    known: i32,
    found: Sender<Result<Partitions, KafkaError>>,
}

impl Watch {
    fn run(mut self, interval: Duration, stop: &Shutdown) {
        while !stop.wait(interval) {
            let found = match self.refresh_metadata() {
                Ok(partitions) if partitions.is_empty() => continue,
                Err(error) if !matches!(error, KafkaError::OtherHistory { .. }) => {
                    tracing::warn!("looking for new partitions: {error}; trying again");
                    continue;
                }
                found => found,
            };
            if self.found.send(found).is_err() {
                return;
            }
        }
    }

    /// Partitions that are new.
    fn refresh_metadata(&mut self) -> Result<Partitions, KafkaError> {
        let Self { connection, provenance, .. } = self;
        let count = connection.partition_count(&connection.cluster.topic)?.unwrap_or(0);
        history::check_ids(provenance, &connection.provenance())?;
        let partitions = connection.watermarks(&Vec::from_iter(self.known..count))?;
        self.known = self.known.max(count);
        Ok(partitions)
    }
}
