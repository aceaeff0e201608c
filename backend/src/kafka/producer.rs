//! Sends the lines of an input to the topic, each exactly once.

use std::{
    io::{self, Write},
    path::PathBuf,
    str::FromStr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use rand::Rng;
use rdkafka::{
    ClientContext,
    error::KafkaError as ClientError,
    message::{DeliveryResult, Header, OwnedHeaders},
    producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer},
    types::RDKafkaErrorCode,
};
use tillstream_shared::Line;

use super::{
    Cluster, KafkaError, LINE_HEADER, SOURCE_HEADER, encode, murmur2::partition_of, resume,
};
use crate::{
    fault,
    ingest::{Input, Reject, RejectsWriter, Row},
    progress::Progress,
    shutdown::Shutdown,
};

/// How long to wait for room when librdkafka's queue is full.
const FULL_QUEUE_WAIT: Duration = Duration::from_millis(2);
/// The most that a rate falls behind before the time lost is given up, so that a stopped clock or a
/// slow broker is not followed by a flood.
const RATE_DEBT: Duration = Duration::from_secs(1);
/// How long the last lines may take to be acknowledged.
const FLUSH: Duration = Duration::from_secs(60);

/// How fast lines are sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// As fast as they are acknowledged.
    Max,
    /// Lines per second.
    PerSecond(f64),
    /// A random pause after each line, uniform between the two, in seconds.
    Delay(f64, f64),
}

/// A pace that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PaceError(&'static str);

/// `max`, or lines per second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate(pub Pace);

impl FromStr for Rate {
    type Err = PaceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match (text, text.parse::<f64>()) {
            ("max", _) => Ok(Self(Pace::Max)),
            (_, Ok(rate)) if rate.is_finite() && rate > 0.0 => Ok(Self(Pace::PerSecond(rate))),
            _ => Err(PaceError("use `max` or lines per second, such as 2000")),
        }
    }
}

impl FromStr for Pace {
    type Err = PaceError;

    /// Reads `MIN..MAX`, in seconds.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = PaceError("use seconds as MIN..MAX, such as 0.5..2");
        let (min, max) = text.split_once("..").ok_or(wrong.clone())?;
        match (min.parse::<f64>(), max.parse::<f64>()) {
            (Ok(min), Ok(max)) if 0.0 <= min && min <= max && max <= 86_400.0 => {
                Ok(Self::Delay(min, max))
            }
            _ => Err(wrong),
        }
    }
}

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
    /// Whether the input was read to its end.
    pub complete: bool,
}

/// A producer of one topic.
pub struct Producer {
    cluster: Cluster,
    partitions: i32,
    client: ThreadedProducer<Acknowledgements>,
    acknowledged: Arc<AtomicU64>,
    failure: Arc<Mutex<Option<ClientError>>>,
}

/// Counts what the broker acknowledged and keeps the first failure.
struct Acknowledgements {
    acknowledged: Arc<AtomicU64>,
    progress: Arc<Progress>,
    failure: Arc<Mutex<Option<ClientError>>>,
}

impl ClientContext for Acknowledgements {
    fn error(&self, error: ClientError, reason: &str) {
        tracing::debug!("producer: {error}: {reason}");
        if matches!(error.rdkafka_error_code(), Some(RDKafkaErrorCode::Fatal)) {
            self.fail(error);
        }
    }
}

impl Acknowledgements {
    fn fail(&self, error: ClientError) {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.get_or_insert(error);
    }
}

impl ProducerContext for Acknowledgements {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        match result {
            Ok(_) => {
                self.acknowledged.fetch_add(1, Relaxed);
                self.progress.lines_sent.add(1);
            }
            Err((error, _)) => self.fail(error.clone()),
        }
    }
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
        let acknowledged = Arc::<AtomicU64>::default();
        let failure = Arc::<Mutex<Option<ClientError>>>::default();
        let context = Acknowledgements {
            acknowledged: acknowledged.clone(),
            progress: progress.clone(),
            failure: failure.clone(),
        };
        let client = cluster
            .config()
            .set("compression.type", "lz4")
            .set("linger.ms", "20")
            .set("batch.size", "1000000")
            .set("batch.num.messages", "10000")
            .set("queue.buffering.max.messages", "200000")
            .set("queue.buffering.max.kbytes", "131072")
            .set("acks", "all")
            .set("enable.idempotence", "true")
            // A line that cannot be delivered stops all lines behind it: the order is what a restart relies on.
            .set("enable.gapless.guarantee", "true")
            .create_with_context(context)
            .map_err(cluster.failed("connecting to the broker"))?;
        Ok(Self { cluster, partitions, client, acknowledged, failure })
    }

    /// Sends the lines of `input` that the topic does not hold yet, until its end or until `stop`.
    ///
    /// # Errors
    /// [`KafkaError`]; what was acknowledged stays sent, and another run goes on after it.
    pub fn run(
        &self,
        mut input: Input,
        options: &ProducerOptions,
        progress: &Progress,
        stop: &Shutdown,
    ) -> Result<Produced, KafkaError> {
        self.send_all(&mut input, options, progress, stop)
    }

    fn send_all(
        &self,
        input: &mut Input,
        options: &ProducerOptions,
        progress: &Progress,
        stop: &Shutdown,
    ) -> Result<Produced, KafkaError> {
        if let Some(lines) = input.line_count() {
            progress.input_lines.set(lines);
        }
        let source = input.source().to_owned();
        let last_lines = if options.restart {
            vec![0; self.partitions as usize]
        } else {
            resume::last_lines(&self.cluster, &source, self.partitions)?
        };
        if let Some(last) = last_lines.iter().max().filter(|last| **last > 0) {
            tracing::info!("going on after line {last} of the input, which the topic holds");
        }
        let source_header = format!("{source}/{}", self.partitions);
        let mut rejects = Rejects::new(&options.rejects, &source);
        let mut pacer = Pacer::new(options.pace);
        let mut produced = Produced::default();
        let mut payload = Vec::with_capacity(512);
        let mut print = options.print;

        while !stop.requested() {
            let Some(row) = input.next() else {
                produced.complete = true;
                break;
            };
            let (number, line) = match row? {
                Row::Line { number, line } => (number, line),
                Row::Reject(reject) => {
                    rejects.write(&reject)?;
                    progress.rejects.add(1);
                    continue;
                }
            };
            progress.lines_read.add(1);
            fault::point("producer");
            let partition = partition_of(line.invoice_no.as_bytes(), self.partitions);
            if number <= last_lines[partition as usize] {
                produced.resumed += 1;
                progress.lines_sent.add(1);
                continue;
            }
            if pacer.wait(stop) {
                break;
            }
            payload.clear();
            encode(&line, &mut payload);
            if !self.send(&line, partition, &payload, &source_header, number, stop)? {
                break;
            }
            // Whoever read the lines may have enough, which ends the printing alone.
            print = print && print_line(&payload).is_ok();
        }
        rejects.report();
        // Lines that were handed over are delivered even when stopping: it is quick, and a restart
        // finds out what arrived in any case.
        self.client
            .flush(FLUSH)
            .map_err(|error| self.failure().unwrap_or(KafkaError::NotAcknowledged(error)))?;
        self.failure().map_or(Ok(()), Err)?;
        produced.sent = self.acknowledged.load(Relaxed);
        if produced.complete {
            progress.input_lines.set(progress.lines_read.get());
        }
        Ok(produced)
    }

    /// Hands one line to librdkafka, waiting while its queue is full; false when asked to stop meanwhile.
    fn send(
        &self,
        line: &Line<'_>,
        partition: i32,
        payload: &[u8],
        source: &str,
        number: u64,
        stop: &Shutdown,
    ) -> Result<bool, KafkaError> {
        let number = number.to_string();
        let headers = OwnedHeaders::new_with_capacity(2)
            .insert(Header { key: SOURCE_HEADER, value: Some(source) })
            .insert(Header { key: LINE_HEADER, value: Some(&number) });
        let mut record = BaseRecord::to(&self.cluster.topic)
            .partition(partition)
            .key(line.invoice_no.as_bytes())
            .payload(payload)
            .headers(headers);
        loop {
            match self.client.send(record) {
                Ok(()) => return Ok(true),
                Err((ClientError::MessageProduction(RDKafkaErrorCode::QueueFull), returned)) => {
                    record = returned;
                    self.failure().map_or(Ok(()), Err)?;
                    if stop.wait(FULL_QUEUE_WAIT) {
                        return Ok(false);
                    }
                }
                Err((error, _)) => {
                    return Err(self.failure().unwrap_or(KafkaError::NotAcknowledged(error)));
                }
            }
        }
    }

    fn failure(&self) -> Option<KafkaError> {
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.clone().map(KafkaError::NotAcknowledged)
    }
}

fn print_line(payload: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(payload)?;
    out.write_all(b"\n")
}

/// Holds the sending back to the pace asked for.
struct Pacer {
    pace: Pace,
    begun: Instant,
    sent: f64,
    first: bool,
}

impl Pacer {
    fn new(pace: Pace) -> Self {
        Self { pace, begun: Instant::now(), sent: 0.0, first: true }
    }

    /// Waits until the next line is due; true when asked to stop meanwhile.
    fn wait(&mut self, stop: &Shutdown) -> bool {
        let first = std::mem::take(&mut self.first);
        match self.pace {
            Pace::Max => false,
            Pace::Delay(min, max) => {
                !first && stop.wait(Duration::from_secs_f64(rand::rng().random_range(min..=max)))
            }
            Pace::PerSecond(rate) => {
                if first {
                    self.begun = Instant::now();
                }
                let due = Duration::from_secs_f64(self.sent / rate);
                let elapsed = self.begun.elapsed();
                if elapsed > due + RATE_DEBT {
                    self.begun += elapsed - due;
                }
                self.sent += 1.0;
                // Short waits are saved up: a thread cannot sleep for half a millisecond exactly.
                let ahead = due.saturating_sub(elapsed);
                ahead > Duration::from_millis(5) && stop.wait(ahead)
            }
        }
    }
}

/// The rejects file of an input, made when the first row is rejected.
struct Rejects {
    path: PathBuf,
    writer: Option<RejectsWriter>,
}

impl Rejects {
    fn new(folder: &std::path::Path, source: &str) -> Self {
        let name = source.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
        Self { path: folder.join(format!("rejects_{name}.csv")), writer: None }
    }

    fn write(&mut self, reject: &Reject) -> Result<(), KafkaError> {
        let path = &self.path;
        let failed = |source| KafkaError::Rejects { path: path.clone(), source };
        let writer = match &mut self.writer {
            Some(writer) => writer,
            none => none.insert(RejectsWriter::create(path).map_err(failed)?),
        };
        writer.write(reject).map_err(failed)
    }

    fn report(&self) {
        if let Some(writer) = &self.writer {
            tracing::warn!("{} rows were no lines: see {}", writer.count(), self.path.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paces_are_read() {
        assert_eq!("max".parse(), Ok(Rate(Pace::Max)));
        assert_eq!("2000".parse(), Ok(Rate(Pace::PerSecond(2000.0))));
        assert_eq!("0.5..2".parse(), Ok(Pace::Delay(0.5, 2.0)));
        for wrong in ["0", "-1", "fast", "NaN", "inf", ""] {
            assert!(wrong.parse::<Rate>().is_err(), "{wrong}");
        }
        for wrong in ["1", "2..1", "-1..1", "a..b", "NaN..1", "..", "0..inf"] {
            assert!(wrong.parse::<Pace>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_rate_is_kept_from_the_first_line_on() {
        let mut pacer = Pacer::new(Pace::PerSecond(10_000.0));
        let stop = Shutdown::default();
        let begun = Instant::now();
        for _ in 0..500 {
            assert!(!pacer.wait(&stop));
        }
        assert!(begun.elapsed() >= Duration::from_millis(44), "499 lines take 49.9 ms, less 5");
    }

    #[test]
    fn waiting_ends_when_asked_to_stop() {
        let stop = Shutdown::default();
        stop.request();
        let mut pacer = Pacer::new(Pace::Delay(3600.0, 3600.0));
        assert!(!pacer.wait(&stop), "no pause before the first line");
        assert!(pacer.wait(&stop));
    }
}
