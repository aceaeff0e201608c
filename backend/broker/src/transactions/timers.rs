//! What is done when time has passed: transactions that are open for too long, and transactional ids that
//! nobody uses.

use std::{
    fs, io,
    sync::Arc,
    time::{Duration, SystemTime},
};

use super::{
    Transaction, TransactionError, TransactionState, Transactions, millis, now_ms, since_1970,
};
use crate::context::Node;

/// How long to wait after the disk failed before trying again.
const RETRY: Duration = Duration::from_secs(1);

impl Transactions {
    /// Aborts transactions that are open for too long, and ends those that a crash or a failing disk
    /// left decided.
    pub(crate) async fn run_timers(&self, node: &Arc<Node>) {
        for transaction in self.all() {
            let decided = transaction.lock().as_ref().and_then(TransactionState::decision);
            if decided.is_some() {
                self.expire(node, &transaction).await;
            }
        }
        loop {
            let deadline = |transaction: &Arc<Transaction>| {
                transaction.lock().as_ref().and_then(TransactionState::deadline_ms)
            };
            let next = self.all().into_iter().filter_map(|t| Some((deadline(&t)?, t)));
            let Some((deadline_ms, transaction)) = next.min_by_key(|(deadline, _)| *deadline)
            else {
                self.changed.notified().await;
                continue;
            };
            let wait = Duration::from_millis(deadline_ms.saturating_sub(now_ms()));
            if !wait.is_zero() {
                tokio::select! {
                    () = tokio::time::sleep(wait) => {}
                    () = self.changed.notified() => {}
                }
            } else if !self.expire(node, &transaction).await {
                tokio::time::sleep(RETRY).await;
            }
        }
    }

    /// Does what is due now; false if it failed.
    async fn expire(&self, node: &Arc<Node>, transaction: &Transaction) -> bool {
        let _turn = transaction.turn.lock().await;
        let expired = async {
            self.finish(node, transaction).await?;
            let Some(state) = transaction.lock().clone() else { return Ok(()) };
            let now = now_ms();
            if state.deadline_ms().is_some_and(|deadline| deadline <= now) {
                let id = &transaction.id;
                tracing::info!(transactional_id = id, "aborted a transaction open for too long");
                self.store(transaction, state.fence(now)).await?;
                self.finish(node, transaction).await?;
            }
            Ok::<_, TransactionError>(())
        };
        let result = expired.await;
        if let Err(error) = &result {
            let id = &transaction.id;
            tracing::warn!(transactional_id = id, "cannot end a transaction ({error})");
        }
        result.is_ok()
    }

    /// Removes the transactional ids that were not used for `retention`; blocks. Returns those where
    /// it failed.
    pub(crate) fn expire_ids(
        &self,
        now: SystemTime,
        retention: Duration,
    ) -> Vec<(String, io::Error)> {
        let mut failed = Vec::new();
        for transaction in self.all() {
            let Ok(_turn) = transaction.turn.try_lock() else { continue };
            let unused = transaction
                .lock()
                .as_ref()
                .is_some_and(|state| state.is_unused(millis(retention), since_1970(now)));
            if !unused {
                continue;
            }
            let removed = fs::remove_file(&transaction.path);
            if let Err(error) = removed.and_then(|()| self.disk.sync_folder(&self.dir)) {
                failed.push((transaction.id.clone(), error));
                continue;
            }
            *transaction.lock() = None;
            let mut transactions = self.lock();
            // Nobody else has it: the map's and this one. Otherwise it stays, without a producer.
            if Arc::strong_count(&transaction) == 2 {
                transactions.remove(&transaction.id);
            }
        }
        failed
    }
}
