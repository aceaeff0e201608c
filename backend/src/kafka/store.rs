//! From messages to closed batches: the consumer's part that knows nothing of fetching.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{
    Message,
    error::KafkaError as ClientError,
    message::{BorrowedMessage, Header, OwnedHeaders},
    producer::{BaseProducer, BaseRecord, Producer as _},
    types::RDKafkaErrorCode,
};
use tillstream_shared::{ClosedBy, Manifest};

use super::{Cluster, ConsumerOptions, KafkaError, NotALine, parse};
use crate::{
    batch::{Catalogue, OpenBatch, Provenance},
    progress::Progress,
};

/// How long dead letters may take to be acknowledged before a batch is closed.
const FLUSH: Duration = Duration::from_secs(60);

/// The open batch and what surrounds it.
pub(super) struct Store {
    cluster: Cluster,
    options: ConsumerOptions,
    catalogue: Catalogue,
    open: Option<OpenBatch>,
    dead_letters: BaseProducer,
    repaired: Vec<u8>,
    progress: Arc<Progress>,
}

impl Store {
    pub(super) fn new(
        cluster: &Cluster,
        options: ConsumerOptions,
        catalogue: Catalogue,
        progress: Arc<Progress>,
    ) -> Result<Self, KafkaError> {
        let dead_letters = cluster
            .config()
            .set("acks", "all")
            .set("enable.idempotence", "true")
            .create()
            .map_err(cluster.failed("connecting to the broker"))?;
        catalogue.summary().report(&progress);
        Ok(Self {
            cluster: cluster.clone(),
            options,
            catalogue,
            open: None,
            dead_letters,
            repaired: Vec::new(),
            progress,
        })
    }

    /// Adds a message to the open batch, or to the dead letters.
    pub(super) fn take(&mut self, message: &BorrowedMessage<'_>) -> Result<(), KafkaError> {
        let batch = match &mut self.open {
            Some(batch) => batch,
            none => none.insert(OpenBatch::create(self.catalogue.folder())?),
        };
        let (partition, offset) = (message.partition(), message.offset());
        match parse(message.payload(), &mut self.repaired) {
            Ok(line) => {
                batch.add(&line, partition, offset)?;
                self.progress.lines_open.set(batch.rows());
            }
            Err(reason) => {
                batch.add_dead_letter(partition, offset);
                self.progress.dead_letters.add(1);
                self.bury(message, &reason)?;
            }
        }
        Ok(())
    }

    /// Why the open batch is to be closed now, if it is.
    pub(super) fn due(&self, now: Instant) -> Option<ClosedBy> {
        let batch = self.open.as_ref()?;
        let first = batch.first_line_at()?;
        if batch.rows() >= self.options.batch_size {
            Some(ClosedBy::Size)
        } else if now.duration_since(first) >= self.options.batch_interval {
            Some(ClosedBy::Time)
        } else {
            None
        }
    }

    /// Closes the open batch. One without a line is given up: its messages are read again.
    pub(super) fn close(&mut self, why: ClosedBy) -> Result<Option<Manifest>, KafkaError> {
        let Some(batch) = self.open.take_if(|batch| batch.rows() > 0) else { return Ok(None) };
        if batch.dead_letters() > 0 {
            self.dead_letters
                .flush(FLUSH)
                .map_err(self.cluster.failed("sending messages to the dead-letter topic"))?;
        }
        let provenance = Provenance { topic: self.cluster.topic.clone(), ..Provenance::default() };
        let manifest = self.catalogue.close(batch, &provenance, why)?;
        self.progress.lines_open.set(0);
        self.catalogue.summary().report(&self.progress);
        Ok(Some(manifest))
    }

    /// Sends a message that is no line to the dead-letter topic, its payload unchanged.
    fn bury(&self, message: &BorrowedMessage<'_>, reason: &NotALine) -> Result<(), KafkaError> {
        let reason = reason.to_string();
        tracing::warn!(
            "the message at offset {} of partition {} is no line: {reason}",
            message.offset(),
            message.partition(),
        );
        let origin = format!("{}/{}/{}", self.cluster.topic, message.partition(), message.offset());
        let topic = self.cluster.dead_letter_topic();
        let mut record = BaseRecord::to(&topic)
            .key(message.key().unwrap_or_default())
            .payload(message.payload().unwrap_or_default())
            .headers(
                OwnedHeaders::new_with_capacity(2)
                    .insert(Header { key: "reason", value: Some(&reason) })
                    .insert(Header { key: "origin", value: Some(&origin) }),
            );
        loop {
            match self.dead_letters.send(record) {
                Ok(()) => {
                    self.dead_letters.poll(Duration::ZERO);
                    return Ok(());
                }
                Err((ClientError::MessageProduction(RDKafkaErrorCode::QueueFull), returned)) => {
                    record = returned;
                    self.dead_letters.poll(Duration::from_millis(10));
                }
                Err((error, _)) => {
                    let action = "sending a message to the dead-letter topic";
                    return Err(self.cluster.failed(action)(error));
                }
            }
        }
    }
}
