//! What the group coordinator asks of a member.
//!
//! librdkafka hands a rebalance over within a poll, and waits until the partitions are taken or given back. The
//! consumer does that after the poll: it has a batch to store first.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use rdkafka::{
    TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _, ConsumerContext},
    types::RDKafkaRespErr,
};

/// What is to be done with partitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Rebalance {
    /// They are this consumer's now.
    Assign(Vec<i32>),
    /// They are to be given back. Those that are lost may be another consumer's already.
    Revoke { partitions: Vec<i32>, lost: bool },
}

/// The rebalances that the consumer has not answered yet.
#[derive(Default)]
pub(super) struct Rebalances {
    pending: Mutex<VecDeque<Rebalance>>,
    leaving: AtomicBool,
}

impl Rebalances {
    /// Takes what librdkafka hands over.
    pub(super) fn add<C: ConsumerContext>(
        &self,
        client: &BaseConsumer<C>,
        kind: RDKafkaRespErr,
        partitions: &TopicPartitionList,
    ) {
        let is_assigned = kind == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        if self.leaving.load(Relaxed) {
            let answered = if is_assigned {
                client.incremental_assign(partitions)
            } else {
                client.incremental_unassign(partitions)
            };
            if let Err(error) = answered {
                tracing::debug!("leaving the group: {error}");
            }
            return;
        }
        let numbers = partitions.elements().iter().map(|element| element.partition()).collect();
        self.lock().push_back(if is_assigned {
            Rebalance::Assign(numbers)
        } else {
            Rebalance::Revoke { partitions: numbers, lost: client.assignment_lost() }
        });
    }

    /// The next one to answer.
    pub(super) fn take(&self) -> Option<Rebalance> {
        self.lock().pop_front()
    }

    /// Answers what is left, and from now on at once: nothing more is read or stored. Otherwise the client would
    /// wait for the answer while it is closed.
    pub(super) fn leave<C: ConsumerContext>(&self, client: &BaseConsumer<C>) {
        self.leaving.store(true, Relaxed);
        // Whichever librdkafka waits for, and without a change of what is assigned.
        let none = TopicPartitionList::new();
        for answered in [client.incremental_assign(&none), client.incremental_unassign(&none)] {
            if let Err(error) = answered {
                tracing::debug!("leaving the group: {error}");
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Rebalance>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
