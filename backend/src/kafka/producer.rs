//! Sends the lines of an input to the topic, each exactly once.

use std::{
    io::{self, Write},
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{
    error::KafkaError as ClientError,
    producer::{BaseRecord, Producer as _, ThreadedProducer},
    types::RDKafkaErrorCode,
};
use tillstream_durable::fault;
use tillstream_shared::{Line, api::Component};

use super::{
    Cluster, KafkaError, Offsets, Pace,
    acknowledgements::{Acknowledgements, Failure},
    clients::ClientRole,
    encode,
    murmur2::partition_of,
    origin::{Origin, Source, new_run},
    pace::Pacer,
    resume::{self, Resume},
    waiting::Waiting,
};
use crate::{
    ingest::{Input, Reject, RejectsWriter, Row},
    progress::Progress,
    shutdown::Shutdown,
};

/// How long to wait for room when librdkafka's queue is full.
const FULL_QUEUE_WAIT: Duration = Duration::from_millis(2);
/// How long one wait for acknowledgements lasts: the time in which a shutdown is heard.
const FLUSH_INTERVAL: Duration = Duration::from_millis(200);
/// How long acknowledgements are waited for after a shutdown was requested.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

/// What the producer is to do.
#[derive(Debug, Clone)]
pub struct ProducerOptions {
    /// How fast.
    pub pace: Pace,
    /// Send all of the input, whatever the topic holds of it.
    pub restart: bool,
    /// Print every line sent to standard output.
    pub print: bool,
    /// Folder of the files with rejected rows.
    pub rejects: PathBuf,
}

/// What the producer did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Produced {
    /// Lines that were in the topic from earlier runs.
    pub resumed: u64,
    /// Lines acknowledged in this run.
    pub sent: u64,
    /// Whether the input was sent to its end.
    pub complete: bool,
}

/// A producer of one topic.
pub struct Producer {
    cluster: Cluster,
    partitions: i32,
    client: ThreadedProducer<Acknowledgements>,
}

impl Producer {
    /// Connects to the topic, which must exist with `partitions` partitions.
    ///
    /// # Errors
    /// [`KafkaError::Broker`].
    pub fn connect(
        cluster: Cluster,
        partitions: i32,
        progress: &Arc<Progress>,
    ) -> Result<Self, KafkaError> {
        let waiting = Waiting::new(&cluster, Component::Producer, progress.clone());
        let client = cluster
            .config(ClientRole::Producer)
            .create_with_context(Acknowledgements::new(waiting, progress.clone()))
            .map_err(cluster.failed("connecting to the broker"))?;
        Ok(Self { cluster, partitions, client })
    }

    /// Sends the lines of `input` that the topic does not hold yet, until its end or until `shutdown`.
    ///
    /// # Errors
    /// [`KafkaError`]; what was acknowledged stays sent, and another run goes on after it.
    pub fn run(
        &self,
        mut input: Input,
        options: &ProducerOptions,
        progress: &Arc<Progress>,
        shutdown: &Shutdown,
    ) -> Result<Produced, KafkaError> {
        if let Some(lines) = input.line_count() {
            progress.input_lines.set(lines);
        }
        let name = input.source().to_owned();
        let source = Source { input: &name, run: None, partitions: self.partitions };
        let resume = if options.restart {
            Resume { run: Some(new_run()), last_lines: vec![0; self.partitions as usize] }
        } else {
            let waiting = self.client.context().waiting();
            let found = waiting
                .until_answered(shutdown, || resume::find(&self.cluster, source, shutdown))?;
            let Some(resume) = found.flatten() else {
                return Ok(Produced::default());
            };
            resume
        };
        let Resume { run, last_lines } = resume;
        if let Some(last) = last_lines.iter().max().filter(|last| **last > 0) {
            tracing::info!("going on after line {last} of the input, which the topic holds");
        }
        let source = Source { run, ..source }.to_string();
        let mut rejects = Rejects::new(&options.rejects, &name, progress.clone());
        let mut pacer = Pacer::new(options.pace);
        let mut produced = Produced::default();
        let mut payload = Vec::with_capacity(512);
        let mut print = options.print;
        let mut at_end = false;

        while !shutdown.requested() {
            let Some(row) = input.next() else {
                at_end = true;
                break;
            };
            let (number, line) = match row? {
                Row::Line { number, line } => (number, line),
                Row::Reject(reject) => {
                    if !rejects.write(&reject, shutdown)? {
                        break;
                    }
                    progress.rejects.add(1);
                    continue;
                }
            };
            progress.lines_read.add(1);
            fault::point("producer");
            let partition = partition_of(line.invoice_no.as_bytes(), self.partitions);
            if number <= last_lines[partition as usize] {
                produced.resumed += 1;
                progress.lines_resumed.add(1);
                progress.lines_sent.add(1);
                continue;
            }
            if pacer.wait(shutdown) {
                break;
            }
            payload.clear();
            encode(&line, &mut payload);
            let origin = Origin { source: &source, line: number };
            if !self.send(&line, partition, &payload, origin, shutdown)? {
                break;
            }
            // Whoever read the lines may have enough, which ends the printing alone.
            print = print && print_line(&payload).is_ok();
        }
        rejects.report();
        produced.complete = self.flush(shutdown)? && at_end;
        produced.sent = self.client.context().count();
        if produced.complete {
            progress.input_lines.set(progress.lines_read.get());
        }
        Ok(produced)
    }

    /// The next offset of every partition of the topic, now; `None` when a shutdown is requested before that is
    /// known.
    ///
    /// # Errors
    /// [`KafkaError`], when it is nothing that passes.
    pub fn current_ends(&self, shutdown: &Shutdown) -> Result<Option<Offsets>, KafkaError> {
        self.client.context().waiting().until_answered(shutdown, || self.cluster.current_ends())
    }

    /// Whether all lines so far are on their way or acknowledged.
    fn check(&self) -> Result<(), KafkaError> {
        self.client
            .context()
            .failure()
            .map_or(Ok(()), |failure| Err(self.not_acknowledged(&failure)))
    }

    fn not_acknowledged(&self, failure: &Failure) -> KafkaError {
        match self.missing_right(failure) {
            Some(code) => {
                let topic = self.cluster.topic.clone();
                KafkaError::Forbidden { action: "write to", topic, code }
            }
            None => KafkaError::NotAcknowledged(failure.error.clone()),
        }
    }

    /// The right whose absence led to `failure`. What librdkafka reports first may be what follows from it, a gap,
    /// and the right is then in the text alone.
    fn missing_right(&self, Failure { error, reason }: &Failure) -> Option<RDKafkaErrorCode> {
        let fatal = self.client.client().fatal_error();
        let (fatal_code, fatal_reason) = fatal.unzip();
        let codes = [error.rdkafka_error_code(), fatal_code];
        let texts = [reason.as_str(), fatal_reason.as_deref().unwrap_or_default()];
        let rights = [
            (RDKafkaErrorCode::TopicAuthorizationFailed, "Topic authorization failed"),
            (RDKafkaErrorCode::ClusterAuthorizationFailed, "Cluster authorization failed"),
        ];
        let missing = rights.into_iter().find(|(code, text)| {
            codes.contains(&Some(*code)) || texts.iter().any(|reason| reason.contains(text))
        });
        missing.map(|(code, _)| code)
    }

    /// Hands one line to librdkafka, waiting while its queue is full; false when asked to stop meanwhile.
    fn send(
        &self,
        line: &Line<'_>,
        partition: i32,
        payload: &[u8],
        origin: Origin<'_>,
        shutdown: &Shutdown,
    ) -> Result<bool, KafkaError> {
        let mut record = BaseRecord::to(&self.cluster.topic)
            .partition(partition)
            .key(line.invoice_no.as_bytes())
            .payload(payload)
            .headers(origin.headers());
        loop {
            match self.client.send(record) {
                Ok(()) => {
                    self.client.context().hand_over();
                    return Ok(true);
                }
                Err((ClientError::MessageProduction(RDKafkaErrorCode::QueueFull), returned)) => {
                    record = returned;
                    self.check()?;
                    if shutdown.wait(FULL_QUEUE_WAIT) {
                        return Ok(false);
                    }
                }
                Err((error, _)) => {
                    self.check()?;
                    return Err(KafkaError::NotAcknowledged(error));
                }
            }
        }
    }

    /// Waits until all lines that were handed over are acknowledged, however long the broker is gone; after
    /// a shutdown was requested, for a short time, as a restart finds out what arrived. Tells whether they are.
    fn flush(&self, shutdown: &Shutdown) -> Result<bool, KafkaError> {
        let mut deadline = None;
        loop {
            let flushed = self.client.flush(FLUSH_INTERVAL);
            self.check()?;
            match flushed {
                Ok(()) => return Ok(true),
                Err(error)
                    if error.rdkafka_error_code() == Some(RDKafkaErrorCode::OperationTimedOut) => {}
                Err(error) => return Err(KafkaError::NotAcknowledged(error)),
            }
            if shutdown.requested()
                && Instant::now()
                    > *deadline.get_or_insert_with(|| Instant::now() + SHUTDOWN_TIMEOUT)
            {
                return Ok(false);
            }
        }
    }
}

fn print_line(payload: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(payload)?;
    out.write_all(b"\n")
}

/// The rejects file of an input, made when the first row is rejected.
struct Rejects {
    path: PathBuf,
    writer: Option<RejectsWriter>,
    waiting: Waiting,
}

impl Rejects {
    fn new(folder: &std::path::Path, source: &str, progress: Arc<Progress>) -> Self {
        let name = source.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
        let path = folder.join(format!("rejects_{name}.csv"));
        Self { path, writer: None, waiting: Waiting::with_backoff(Component::Producer, progress) }
    }

    /// Waits for room on the disk; false when asked to stop meanwhile.
    fn write(&mut self, reject: &Reject, shutdown: &Shutdown) -> Result<bool, KafkaError> {
        let Self { path, writer, waiting } = self;
        let written = waiting.until_room(shutdown, || {
            if writer.is_none() {
                *writer = Some(RejectsWriter::create(path)?);
            }
            writer.as_mut().map_or(Ok(()), |writer| writer.write(reject))
        });
        let failed = |source| KafkaError::Rejects { path: path.clone(), source };
        Ok(written.map_err(failed)?.is_some())
    }

    fn report(&self) {
        if let Some(writer) = &self.writer {
            tracing::warn!(
                "{} invalid rows were skipped: see {}",
                writer.count(),
                self.path.display()
            );
        }
    }
}
