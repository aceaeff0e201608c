//! Looking for partitions that a topic is given while it is read, on a thread and a connection of its own.

use std::{
    collections::BTreeMap,
    sync::mpsc::{self, Receiver, Sender},
    thread,
    time::Duration,
};

use rdkafka::consumer::BaseConsumer;

use super::{Cluster, KafkaError, watermarks::Watermarks};
use crate::shutdown::Shutdown;

/// Partitions with their ends.
type Partitions = BTreeMap<i32, Watermarks>;

/// A thread that asks the cluster from time to time; it ends some time after this is dropped.
pub(super) struct PartitionWatch {
    found: Receiver<Partitions>,
    stop: Shutdown,
}

impl PartitionWatch {
    /// Begins to look every `interval` for partitions beyond the first `known`.
    pub(super) fn start(
        cluster: Cluster,
        client: BaseConsumer,
        known: i32,
        interval: Duration,
    ) -> Self {
        let (sender, found) = mpsc::channel();
        let stop = Shutdown::default();
        let watch = Watch { cluster, client, known, found: sender };
        let stopping = stop.clone();
        // Nobody waits for the thread: a question to a broker that is gone takes its time.
        thread::spawn(move || watch.run(interval, &stopping));
        Self { found, stop }
    }

    /// Partitions that were found since the last call.
    pub(super) fn new_partitions(&self) -> Option<Partitions> {
        self.found.try_recv().ok()
    }
}

impl Drop for PartitionWatch {
    fn drop(&mut self) {
        self.stop.request();
    }
}

struct Watch {
    cluster: Cluster,
    client: BaseConsumer,
    known: i32,
    found: Sender<Partitions>,
}

impl Watch {
    fn run(mut self, interval: Duration, stop: &Shutdown) {
        while !stop.wait(interval) {
            if let Err(error) = self.refresh_metadata() {
                tracing::warn!("looking for new partitions: {error}; trying again");
            }
            // Serves what librdkafka has to log.
            self.client.poll(Duration::ZERO);
        }
    }

    fn refresh_metadata(&mut self) -> Result<(), KafkaError> {
        let count = self.cluster.partition_count(&self.client, &self.cluster.topic)?.unwrap_or(0);
        if count > self.known {
            let partitions = self.cluster.watermarks(&self.client, self.known..count)?;
            self.known = count;
            // An error means that the consumer has ended.
            let _ = self.found.send(partitions);
        }
        Ok(())
    }
}
