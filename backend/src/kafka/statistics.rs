//! What librdkafka knows of the partitions it reads, without asking the broker: it hears of their ends in the
//! answers to its fetches.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Instant,
};

use rdkafka::{
    ClientContext, TopicPartitionList,
    consumer::{BaseConsumer, ConsumerContext},
    error::KafkaError as ClientError,
    types::RDKafkaRespErr,
};
use serde::Deserialize;

use super::{
    rebalance::Rebalances,
    waiting::{OUTAGE_THRESHOLD, Waiting},
};

/// The part of librdkafka's statistics that is used (its `STATISTICS.md`). Offsets that are not known are negative.
#[derive(Debug, Default, Deserialize)]
struct Statistics {
    brokers: BTreeMap<String, BrokerStatistics>,
    topics: BTreeMap<String, TopicStatistics>,
}

#[derive(Debug, Deserialize)]
struct BrokerStatistics {
    /// State of the connection: `INIT`, `DOWN`, `CONNECT`, `UP`, …
    state: String,
}

#[derive(Debug, Default, Deserialize)]
struct TopicStatistics {
    partitions: BTreeMap<i32, PartitionStatistics>,
}

/// What is known of a partition.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct PartitionStatistics {
    /// Messages of all partitions that are fetched and not polled yet.
    pub(super) fetchq_cnt: i64,
    /// Offset after the last message or control record that was polled.
    pub(super) app_offset: i64,
    /// End of the partition when it was last reached by fetching.
    pub(super) eof_offset: i64,
    /// Last stable offset: the end for readers of committed messages.
    pub(super) ls_offset: i64,
}

impl PartitionStatistics {
    /// The offset below which nothing is left to poll. What aborted transactions and compaction leave out at
    /// an end shows in `eof_offset` alone, which may be ahead of what was polled.
    pub(super) fn passed(&self) -> i64 {
        if self.fetchq_cnt == 0 { self.app_offset.max(self.eof_offset) } else { self.app_offset }
    }
}

/// Keeps the newest statistics of a consumer, which librdkafka hands over within a poll, and shows when it has no
/// connection.
pub(super) struct ConsumerStatistics {
    newest: Mutex<Option<BTreeMap<i32, PartitionStatistics>>>,
    disconnected_since: Mutex<Option<Instant>>,
    rebalances: Rebalances,
    waiting: Waiting,
}

impl ConsumerStatistics {
    pub(super) fn new(waiting: Waiting) -> Self {
        let (newest, disconnected_since) = (Mutex::default(), Mutex::default());
        Self { newest, disconnected_since, rebalances: Rebalances::default(), waiting }
    }

    /// What the group asks for.
    pub(super) fn rebalances(&self) -> &Rebalances {
        &self.rebalances
    }

    /// What the consumer waits for.
    pub(super) fn waiting(&self) -> &Waiting {
        &self.waiting
    }

    fn take_up_brokers(&self, brokers: &BTreeMap<String, BrokerStatistics>, now: Instant) {
        let mut since = self.disconnected_since.lock().unwrap_or_else(PoisonError::into_inner);
        if brokers.values().any(|broker| broker.state == "UP") {
            *since = None;
            self.waiting.end();
        } else if now.duration_since(*since.get_or_insert(now)) >= OUTAGE_THRESHOLD {
            self.waiting.begin("no connection to the brokers");
        }
    }

    /// The newest, once.
    pub(super) fn take(&self) -> Option<BTreeMap<i32, PartitionStatistics>> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl ClientContext for ConsumerStatistics {
    fn stats_raw(&self, json: &[u8]) {
        match serde_json::from_slice::<Statistics>(json) {
            // A consumer reads one topic.
            Ok(statistics) => {
                self.take_up_brokers(&statistics.brokers, Instant::now());
                let topic = statistics.topics.into_values().next().unwrap_or_default();
                *self.newest.lock().unwrap_or_else(PoisonError::into_inner) =
                    Some(topic.partitions);
            }
            Err(error) => tracing::warn!("librdkafka's statistics cannot be read: {error}"),
        }
    }

    fn error(&self, error: ClientError, reason: &str) {
        // The poll returns it too.
        tracing::debug!("consumer: {error}: {reason}");
        self.waiting.note(&error, reason);
    }
}

impl ConsumerContext for ConsumerStatistics {
    fn rebalance(
        &self,
        client: &BaseConsumer<Self>,
        kind: RDKafkaRespErr,
        partitions: &mut TopicPartitionList,
    ) {
        self.rebalances.add(client, kind, partitions);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tillstream_shared::api::Component;

    use super::*;
    use crate::{kafka::Cluster, progress::Progress};

    fn context(progress: &Arc<Progress>) -> ConsumerStatistics {
        let cluster = Cluster::new("kafka-1:9092", "retail_stream");
        ConsumerStatistics::new(Waiting::new(&cluster, Component::Consumer, progress.clone()))
    }

    #[test]
    fn a_lost_connection_shows_until_there_is_one() {
        let progress = Arc::<Progress>::default();
        let context = context(&progress);
        let is_waiting = || {
            let status = progress.status();
            status.component(Component::Consumer).is_some_and(|status| status.waiting.is_some())
        };
        let broker = |state: &str| (state.to_owned(), BrokerStatistics { state: state.to_owned() });
        let down = BTreeMap::from([broker("DOWN"), broker("CONNECT")]);
        let begun = Instant::now();
        context.take_up_brokers(&down, begun);
        assert!(!is_waiting(), "it may come again at once");
        context.take_up_brokers(&down, begun + OUTAGE_THRESHOLD);
        assert!(is_waiting());
        context.take_up_brokers(&BTreeMap::from([broker("DOWN"), broker("UP")]), begun);
        assert!(!is_waiting());
    }

    #[test]
    fn statistics_are_read_and_handed_over_once() {
        let context = context(&Arc::default());
        let partition = |app: i64, ls: i64| {
            serde_json::json!({
                "partition": 0, "fetchq_cnt": 0, "app_offset": app, "eof_offset": -1001, "ls_offset": ls, "more": [],
            })
        };
        let statistics = serde_json::json!({
            "name": "tillstream#consumer-1",
            "brokers": {"kafka-1:9092/bootstrap": {"state": "UP", "nodeid": -1}},
            "topics": {"retail_stream": {"partitions": {
                "0": partition(7, 9), "11": partition(-1001, -1001), "-1": partition(-1001, -1001),
            }}},
        });
        context.stats_raw(statistics.to_string().as_bytes());
        let taken = context.take().unwrap();
        assert_eq!(taken.keys().copied().collect::<Vec<_>>(), [-1, 0, 11]);
        assert_eq!((taken[&0].passed(), taken[&0].ls_offset), (7, 9));
        assert!(context.take().is_none());
    }
}
