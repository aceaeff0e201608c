//! What transactions are at a start, from their files and from the log.

use std::{
    collections::HashMap,
    fs,
    path::Path,
    sync::{Arc, Mutex},
};

use tillstream_durable as durable;
use tokio::sync::Notify;

use super::{FORMAT, Stored, Transaction, Transactions, finish::partitions};
use crate::{disk::Disk, error::BrokerError, log::Marker, topics::Topics};

impl Transactions {
    /// Opens the transactional ids in `dir`, and lets their open transactions go on in the partitions
    /// of `topics`. Blocks, and must be called within a Tokio runtime.
    pub(crate) fn open(dir: &Path, disk: Disk, topics: &Topics) -> Result<Self, BrokerError> {
        let dir = dir.join("transactions");
        durable::create_folder(&dir).map_err(BrokerError::io(&dir))?;
        durable::remove_temporaries(&dir).map_err(BrokerError::io(&dir))?;
        let mut transactions = HashMap::new();
        for entry in fs::read_dir(&dir).map_err(BrokerError::io(&dir))? {
            let path = entry.map_err(BrokerError::io(&dir))?.path();
            let Stored { transactional_id, state, .. } = load(&path)?;
            let transaction = Transaction::new(&dir, &transactional_id);
            *transaction.lock() = Some(state);
            transactions.insert(transactional_id, Arc::new(transaction));
        }
        let transactions =
            Self { dir, disk, transactions: Mutex::new(transactions), changed: Notify::new() };
        transactions.enlist_again(topics);
        Ok(transactions)
    }

    /// Lets open transactions go on in their partitions. A transaction of which only the log knows
    /// could never end, and readers of committed records would wait for it for ever: it is aborted.
    fn enlist_again(&self, topics: &Topics) {
        let mut known = HashMap::new();
        for transaction in self.all() {
            let Some(state) = transaction.lock().clone() else { continue };
            if state.decision().is_none() {
                for partition in partitions(topics, &state) {
                    partition.enlist(state.producer.id, state.producer.epoch);
                }
            }
            known.insert(state.producer.id, state);
        }
        for (name, topic) in topics.all().iter() {
            for (number, partition) in (0..).zip(&topic.partitions) {
                for (producer_id, epoch) in partition.open_transactions() {
                    let part = known.get(&producer_id).and_then(|state| state.partitions.get(name));
                    if part.is_some_and(|numbers| numbers.contains(&number)) {
                        continue;
                    }
                    let partition_name = partition.name();
                    tracing::warn!(
                        partition = partition_name,
                        producer_id,
                        "aborted a transaction that only the log knows"
                    );
                    if let Err(error) = partition.end_transaction(producer_id, epoch, Marker::Abort)
                    {
                        tracing::error!(partition = partition_name, "cannot abort it ({error})");
                    }
                }
            }
        }
    }
}

fn load(path: &Path) -> Result<Stored, BrokerError> {
    let bytes = fs::read(path).map_err(BrokerError::io(path))?;
    let corrupt = |reason| BrokerError::CorruptFile { path: path.to_owned(), reason };
    let stored: Stored =
        serde_json::from_slice(&bytes).map_err(|error| corrupt(error.to_string()))?;
    if stored.format != FORMAT {
        return Err(corrupt(format!("format {}, this version knows {FORMAT}", stored.format)));
    }
    Ok(stored)
}
