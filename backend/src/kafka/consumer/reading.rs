//! Taking messages, one after the other, and what is due meanwhile.

use std::time::{Duration, Instant};

use rdkafka::{
    Message, Offset, consumer::Consumer as _, error::KafkaError as ClientError,
    types::RDKafkaErrorCode,
};
use tillstream_shared::{ClosedBy, Manifest};

use super::{COMMIT_INTERVAL, Consumer, FOLLOW_INTERVAL, POLL_INTERVAL};
use crate::{
    kafka::{KafkaError, error::is_authorization, is_retriable},
    shutdown::Shutdown,
};

/// How long messages are taken before what else is due is looked at.
const SERVE_INTERVAL: Duration = Duration::from_millis(1);

impl Consumer {
    /// Stores lines until `shutdown`, or until all of what is to be stored is.
    ///
    /// # Errors
    /// [`KafkaError`], that of a full disk included.
    pub(super) fn store_lines(
        &mut self,
        shutdown: &Shutdown,
        stored: &mut impl FnMut(&Manifest),
    ) -> Result<(), KafkaError> {
        let mut served_at = Instant::now();
        loop {
            let polled = self.client.poll(POLL_INTERVAL);
            let now = Instant::now();
            let is_message = matches!(polled, Some(Ok(_)));
            if matches!(polled, Some(Ok(_) | Err(ClientError::PartitionEOF(_)))) {
                self.has_read = true;
                if std::mem::take(&mut self.is_forbidden) {
                    self.forbidden.end();
                }
            }
            let may_have_ended = match polled {
                Some(Ok(message)) => {
                    let (partition, offset) = (message.partition(), message.offset());
                    let time = message.timestamp().to_millis();
                    if self.positions.take(partition, offset, time) {
                        self.sink.take(&message, shutdown)?;
                    }
                    self.end.get().is_some_and(|ends| ends.get(&partition) <= Some(&(offset + 1)))
                }
                Some(Err(ClientError::PartitionEOF(partition))) => {
                    self.positions.reach_end(partition);
                    self.pass_unread();
                    true
                }
                Some(Err(error)) => {
                    self.take_error(error)?;
                    false
                }
                None => true,
            };
            if may_have_ended
                && self.has_ended(shutdown, stored)?
                && self.finish(shutdown, stored)?
            {
                return Ok(());
            }
            if self.sink.is_full() {
                self.close(ClosedBy::Size, false, shutdown, stored)?;
            }
            if !is_message || now.duration_since(served_at) >= SERVE_INTERVAL {
                served_at = now;
                if shutdown.requested() && self.finish(shutdown, stored)? {
                    return Ok(());
                }
                self.serve(now, shutdown, stored)?;
            }
        }
    }

    /// Stores the open batch as the last one; tells whether the work ends with it.
    fn finish(
        &mut self,
        shutdown: &Shutdown,
        stored: &mut impl FnMut(&Manifest),
    ) -> Result<bool, KafkaError> {
        let is_stored = self.close(ClosedBy::Shutdown, false, shutdown, stored)?;
        let is_last = is_stored || shutdown.requested();
        if is_last {
            self.commit();
            self.sink.discard_open();
        }
        Ok(is_last)
    }

    /// Does what is due beside taking messages.
    fn serve(
        &mut self,
        now: Instant,
        shutdown: &Shutdown,
        stored: &mut impl FnMut(&Manifest),
    ) -> Result<(), KafkaError> {
        while let Some(rebalance) = self.client.context().rebalances().take() {
            self.answer(rebalance, shutdown, stored)?;
        }
        if self.sink.is_due(now) {
            self.close(ClosedBy::Time, false, shutdown, stored)?;
        }
        if self.is_commit_due && self.committed_at.is_none_or(|at| at.elapsed() >= COMMIT_INTERVAL)
        {
            self.commit();
        }
        if let Some(statistics) = self.client.context().take() {
            self.positions.update(&statistics);
            self.progress.lag.set(self.positions.report());
        }
        if self.cluster.joins_group && self.followed_at.elapsed() >= FOLLOW_INTERVAL {
            self.follow()?;
        }
        // A group gives its members new partitions itself.
        if let Some(partitions) = self.watch.new_partitions()?
            && !self.cluster.joins_group
        {
            tracing::info!("the topic has {} new partitions", partitions.len());
            self.assign(&partitions)?;
        }
        Ok(())
    }

    /// Waits for what passes, and fails of all else.
    fn take_error(&mut self, error: ClientError) -> Result<(), KafkaError> {
        if is_retriable(&error) {
            tracing::debug!("reading the topic: {error}; trying again");
            return Ok(());
        }
        // A right that there was at first may be given back: librdkafka goes on trying.
        if self.has_read && error.rdkafka_error_code().is_some_and(is_authorization) {
            self.is_forbidden = true;
            self.forbidden.begin(&format!("the topic cannot be read ({error})"));
            return Ok(());
        }
        Err(self.fatal(error))
    }

    /// The error with which reading ends.
    pub(super) fn fatal(&self, source: ClientError) -> KafkaError {
        use RDKafkaErrorCode::{UnknownPartition, UnknownTopic, UnknownTopicOrPartition};
        match source.rdkafka_error_code() {
            Some(UnknownPartition | UnknownTopic | UnknownTopicOrPartition) => {
                KafkaError::TopicDeleted { topic: self.cluster.topic.clone(), source }
            }
            _ => self.cluster.failed("reading the topic")(source),
        }
    }

    /// At the end of a partition: moves the positions past what is never handed over. All of this is known
    /// here, without the broker.
    fn pass_unread(&mut self) {
        let Ok(positions) = self.client.position() else { return };
        for element in positions.elements() {
            if let Offset::Offset(offset) = element.offset() {
                self.positions.pass(element.partition(), offset);
            }
        }
        self.progress.lag.set(self.positions.report());
    }
}
