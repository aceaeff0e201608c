//! The coordinator of transactions: one small file per transactional id, replaced as a whole before
//! anything that follows from it happens.
//!
//! The requests of one transactional id take turns. A transaction that is decided is brought to its
//! end by whoever comes next: the request itself, the next one, the timers, or the next start.

mod finish;
mod phase;
mod recovery;
mod state;
#[cfg(test)]
mod tests;
mod timers;

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

pub(crate) use phase::Phase;
pub(crate) use state::{ProducerEpoch, StateError, TransactionState};

use crate::{context::Node, disk::Disk, groups::OffsetsByTopic, log::Marker};

const FORMAT: u32 = 1;

/// How a producer speaks of its transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// It names partitions and groups before it uses them, and keeps its epoch.
    V1,
    /// KIP-890: using them suffices, and each transaction has an epoch of its own.
    V2,
}

/// Why a request is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TransactionError {
    /// The state of the transactional id does not allow it.
    #[error("the state of the transactional id does not allow it")]
    State(StateError),
    /// The disk fails, or the broker stops: to be tried again.
    #[error("the transaction cannot be stored: {0}")]
    Storage(#[from] io::Error),
}

impl From<StateError> for TransactionError {
    fn from(error: StateError) -> Self {
        Self::State(error)
    }
}

#[derive(Serialize, Deserialize)]
struct Stored {
    format: u32,
    transactional_id: String,
    state: TransactionState,
}

/// One transactional id.
#[derive(Debug)]
struct Transaction {
    id: String,
    path: PathBuf,
    /// Held while a request is answered; whoever waits for it does so asynchronously.
    turn: tokio::sync::Mutex<()>,
    /// As it is on disk; none as long as there is no file.
    state: Mutex<Option<TransactionState>>,
}

impl Transaction {
    /// An id of which nothing is on disk. Its file is named by a hash, as an id may hold any
    /// character.
    fn new(dir: &Path, id: &str) -> Self {
        let name = blake3::hash(id.as_bytes()).to_hex();
        Self {
            id: id.to_owned(),
            path: dir.join(format!("{}.json", &name[..32])),
            turn: tokio::sync::Mutex::default(),
            state: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<TransactionState>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> Result<TransactionState, TransactionError> {
        self.lock().clone().ok_or(StateError::InvalidProducerIdMapping.into())
    }
}

/// All transactional ids of the broker.
#[derive(Debug)]
pub(crate) struct Transactions {
    dir: PathBuf,
    disk: Disk,
    transactions: Mutex<HashMap<String, Arc<Transaction>>>,
    /// Wakes the timers when a deadline may have come nearer.
    changed: Notify,
}

impl Transactions {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Transaction>>> {
        self.transactions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn all(&self) -> Vec<Arc<Transaction>> {
        self.lock().values().cloned().collect()
    }

    fn get(&self, id: &str) -> Result<Arc<Transaction>, TransactionError> {
        let transactions = self.lock();
        transactions.get(id).cloned().ok_or(StateError::InvalidProducerIdMapping.into())
    }

    /// Gives a transactional id to a producer, which shuts out the one before and aborts what it left
    /// open; `claimed` is who the producer was before, if it says so.
    pub(crate) async fn init(
        &self,
        node: &Arc<Node>,
        id: &str,
        claimed: Option<ProducerEpoch>,
        timeout_ms: u64,
    ) -> Result<ProducerEpoch, TransactionError> {
        let transaction = {
            let mut transactions = self.lock();
            let new = || Arc::new(Transaction::new(&self.dir, id));
            Arc::clone(transactions.entry(id.to_owned()).or_insert_with(new))
        };
        let _turn = transaction.turn.lock().await;
        self.finish(node, &transaction).await?;
        let known = transaction.lock().clone();
        let next = match known {
            None => {
                let producer_id = new_producer_id(node).await?;
                TransactionState::new(producer_id, timeout_ms, now_ms())
            }
            Some(mut state) => {
                if let Some(claimed) = claimed {
                    state.check_claim(claimed)?;
                }
                if state.phase == Phase::Ongoing {
                    self.store(&transaction, state.fence(now_ms())).await?;
                    self.finish(node, &transaction).await?;
                    state = transaction.state()?;
                }
                let new_id = id_if_exhausted(node, &state).await?;
                state.renew(claimed, timeout_ms, new_id, now_ms())
            }
        };
        let producer = next.producer;
        self.store(&transaction, next).await?;
        Ok(producer)
    }

    /// Adds partitions to the transaction of a producer, which may append to them when this returns.
    pub(crate) async fn add_partitions(
        &self,
        node: &Arc<Node>,
        id: &str,
        producer: ProducerEpoch,
        added: Vec<(String, i32)>,
    ) -> Result<(), TransactionError> {
        let transaction = self.get(id)?;
        let _turn = transaction.turn.lock().await;
        self.finish(node, &transaction).await?;
        let next = transaction.state()?.add_partitions(producer, added.clone(), now_ms())?;
        self.store(&transaction, next).await?;
        let node = Arc::clone(node);
        blocking(move || {
            for (topic, number) in added {
                if let Some(partition) = node.topics.partition(&topic, number) {
                    partition.enlist(producer.id, producer.epoch);
                }
            }
            Ok(())
        })
        .await
    }

    /// Adds the offsets of a group to the transaction of a producer.
    pub(crate) async fn add_group(
        &self,
        node: &Arc<Node>,
        id: &str,
        producer: ProducerEpoch,
        group: &str,
    ) -> Result<(), TransactionError> {
        let transaction = self.get(id)?;
        let _turn = transaction.turn.lock().await;
        self.finish(node, &transaction).await?;
        let next = transaction.state()?.add_group(producer, group, now_ms())?;
        self.store(&transaction, next).await
    }

    /// Keeps offsets, durably, that become the group's when the transaction is committed. In the second
    /// protocol the group needs not have been added before.
    pub(crate) async fn add_offsets(
        &self,
        node: &Arc<Node>,
        id: &str,
        producer: ProducerEpoch,
        (group, offsets): (&str, OffsetsByTopic),
        protocol: Protocol,
    ) -> Result<(), TransactionError> {
        let transaction = self.get(id)?;
        let _turn = transaction.turn.lock().await;
        self.finish(node, &transaction).await?;
        let mut state = transaction.state()?;
        if protocol == Protocol::V2 {
            state = state.add_group(producer, group, now_ms())?;
        }
        self.store(&transaction, state.add_offsets(producer, group, offsets)?).await
    }

    /// Ends the transaction of a producer, and returns who it is from now on. Markers and offsets are on
    /// disk then.
    pub(crate) async fn end(
        &self,
        node: &Arc<Node>,
        id: &str,
        producer: ProducerEpoch,
        marker: Marker,
        protocol: Protocol,
    ) -> Result<ProducerEpoch, TransactionError> {
        let transaction = self.get(id)?;
        let _turn = transaction.turn.lock().await;
        self.finish(node, &transaction).await?;
        let state = transaction.state()?;
        let next = match protocol {
            Protocol::V1 => state.end(producer, marker, now_ms())?,
            Protocol::V2 => {
                let new_id = id_if_exhausted(node, &state).await?;
                state.end_epoch(producer, marker, new_id, now_ms())?
            }
        };
        if let Some(next) = next {
            self.store(&transaction, next).await?;
            self.finish(node, &transaction).await?;
        }
        Ok(transaction.state()?.producer)
    }

    /// Which of the partitions are part of the open transaction of a producer, in their order.
    pub(crate) async fn verify_partitions(
        &self,
        node: &Arc<Node>,
        id: &str,
        producer: ProducerEpoch,
        asked: Vec<(String, i32)>,
    ) -> Result<Vec<bool>, TransactionError> {
        let transaction = self.get(id)?;
        let _turn = transaction.turn.lock().await;
        self.finish(node, &transaction).await?;
        let state = transaction.state()?;
        let has = |(topic, number): (String, i32)| state.has_partition(producer, &topic, number);
        Ok(asked.into_iter().map(has).collect::<Result<_, _>>()?)
    }

    /// What is known of a transactional id, if anything is.
    pub(crate) fn describe(&self, id: &str) -> Option<TransactionState> {
        self.get(id).ok()?.lock().clone()
    }

    /// All transactional ids and what is known of them.
    pub(crate) fn describe_all(&self) -> Vec<(String, TransactionState)> {
        let described = |transaction: Arc<Transaction>| {
            let state = transaction.lock().clone()?;
            Some((transaction.id.clone(), state))
        };
        self.all().into_iter().filter_map(described).collect()
    }

    /// Whether an open transaction may still change what a group has committed for a partition.
    pub(crate) fn has_pending_offset(&self, group: &str, topic: &str, partition: i32) -> bool {
        let pending = |transaction: Arc<Transaction>| {
            let state = transaction.lock();
            state.as_ref().is_some_and(|s| s.has_pending_offset(group, topic, partition))
        };
        self.all().into_iter().any(pending)
    }

    /// Replaces the file, then what is in memory.
    async fn store(
        &self,
        transaction: &Transaction,
        state: TransactionState,
    ) -> Result<(), TransactionError> {
        if transaction.lock().as_ref() == Some(&state) {
            return Ok(());
        }
        let (disk, path) = (self.disk.clone(), transaction.path.clone());
        let transactional_id = transaction.id.clone();
        let state = blocking(move || {
            let stored = Stored { format: FORMAT, transactional_id, state };
            disk.write(&path, &serde_json::to_vec(&stored)?)?;
            Ok(stored.state)
        })
        .await?;
        *transaction.lock() = Some(state);
        self.changed.notify_one();
        Ok(())
    }
}

/// A new producer id for a producer whose epochs are used up.
async fn id_if_exhausted(
    node: &Arc<Node>,
    state: &TransactionState,
) -> Result<Option<i64>, TransactionError> {
    if state.is_epoch_exhausted() { new_producer_id(node).await.map(Some) } else { Ok(None) }
}

async fn new_producer_id(node: &Arc<Node>) -> Result<i64, TransactionError> {
    let node = Arc::clone(node);
    blocking(move || node.producer_ids.next()).await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, TransactionError> {
    let result = tokio::task::spawn_blocking(work).await;
    Ok(result.map_err(io::Error::from).flatten()?)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn since_1970(time: SystemTime) -> u64 {
    millis(time.duration_since(UNIX_EPOCH).unwrap_or_default())
}

fn now_ms() -> u64 {
    since_1970(SystemTime::now())
}
