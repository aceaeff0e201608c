//! What the requests of all connections share.

use std::{net::SocketAddr, sync::Arc, time::SystemTime};

use tillstream_durable::{self as durable, FolderLock};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::{
    config::BrokerConfig, disk::Disk, error::BrokerError, groups::Groups, log::MAX_KEYS,
    producer_ids::ProducerIds, topics::Topics, transactions::Transactions,
};

/// The state of one broker.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) config: BrokerConfig,
    pub(crate) topics: Topics,
    pub(crate) groups: Groups,
    pub(crate) producer_ids: ProducerIds,
    pub(crate) transactions: Transactions,
    /// Set when the broker is to stop: no new request is read, no request waits for more data.
    pub(crate) stop: CancellationToken,
    _lock: FolderLock,
    /// Dropped last: its receiver knows then that nobody touches the folder any more.
    _closed: oneshot::Sender<()>,
}

impl Node {
    /// Opens the folder; blocks, and must be called within a Tokio runtime.
    pub(crate) fn open(
        config: BrokerConfig,
        stop: CancellationToken,
        closed: oneshot::Sender<()>,
    ) -> Result<Self, BrokerError> {
        let lock = FolderLock::take(&config.dir)?;
        durable::remove_temporaries(&config.dir).map_err(BrokerError::io(&config.dir))?;
        let disk = Disk::new(config.fault_points.clone());
        let topics = Topics::open(&config, disk.clone())?;
        Ok(Self {
            transactions: Transactions::open(&config.dir, disk.clone(), &topics)?,
            topics,
            groups: Groups::open(&config, disk.clone(), stop.clone())?,
            producer_ids: ProducerIds::open(&config.dir, disk)?,
            stop,
            _lock: lock,
            _closed: closed,
            config,
        })
    }

    /// Applies retention to logs, group offsets and transactional ids every `retention_interval`.
    pub(crate) async fn run_retention(self: Arc<Self>) {
        loop {
            tokio::time::sleep(self.config.retention_interval).await;
            let node = Arc::clone(&self);
            let work = tokio::task::spawn_blocking(move || node.apply_retention(SystemTime::now()));
            if work.await.is_err() {
                return;
            }
        }
    }

    /// Compacts logs every `compaction_interval`, one at a time.
    pub(crate) async fn run_compaction(self: Arc<Self>) {
        loop {
            tokio::time::sleep(self.config.compaction_interval).await;
            let node = Arc::clone(&self);
            let work = tokio::task::spawn_blocking(move || node.compact_logs());
            if work.await.is_err() {
                return;
            }
        }
    }

    fn compact_logs(&self) {
        for partition in self.topics.all().values().flat_map(|topic| &topic.partitions) {
            let compacted = loop {
                match partition.compact(SystemTime::now(), MAX_KEYS) {
                    Ok(true) if !self.stop.is_cancelled() => {}
                    result => break result,
                }
            };
            if let Err(error) = compacted {
                tracing::warn!(
                    partition = partition.name(),
                    "cannot compact the log ({error}); trying again later"
                );
            }
        }
    }

    fn apply_retention(&self, now: SystemTime) {
        for partition in self.topics.all().values().flat_map(|topic| &topic.partitions) {
            if let Err(error) = partition.delete_old_segments(now) {
                tracing::warn!(
                    partition = partition.name(),
                    "cannot delete old segments ({error}); trying again later"
                );
            }
        }
        for (group, error) in self.groups.expire_offsets(now) {
            tracing::warn!(group, "cannot expire offsets ({error}); trying again later");
        }
        let retention = self.config.transactional_id_retention;
        for (transactional_id, error) in self.transactions.expire_ids(now, retention) {
            tracing::warn!(
                transactional_id,
                "cannot expire a transactional id ({error}); trying again later"
            );
        }
    }
}

/// What a request needs to know besides itself.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub(crate) node: Arc<Node>,
    /// The broker's address as this client reached it, which is the one advertised to it.
    pub(crate) local_addr: SocketAddr,
    /// The client's address.
    pub(crate) client_addr: SocketAddr,
}
