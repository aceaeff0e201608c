//! Sends the lines of an input to the topic, each exactly once.

use std::{
    io::{self, Write},
    path::PathBuf,
    sync::Arc,
};

use rdkafka::producer::BaseRecord;
use tillstream_durable::fault;
use tillstream_shared::api::Component;

use super::{
    Connection, KafkaError, Offsets, Pace,
    delivery::Delivery,
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
    connection: Arc<Connection>,
    partitions: i32,
    delivery: Delivery,
}

impl Producer {
    /// Connects to the topic, which must exist with `partitions` partitions.
    ///
    /// # Errors
    /// [`KafkaError::Broker`].
    pub fn connect(
        connection: Arc<Connection>,
        partitions: i32,
        progress: &Arc<Progress>,
    ) -> Result<Self, KafkaError> {
        let delivery = Delivery::connect(connection.cluster.clone(), progress.clone())?;
        Ok(Self { connection, partitions, delivery })
    }

    /// Sends the lines of `input` that the topic does not hold yet, until its end or until `shutdown`.
    ///
    /// # Errors
    /// [`KafkaError`]; what was acknowledged stays sent, and another run goes on after it. A right to write that is
    /// taken away after a line was acknowledged is waited for.
    pub fn run(
        &mut self,
        mut input: Input,
        options: &ProducerOptions,
        progress: &Arc<Progress>,
        shutdown: &Shutdown,
    ) -> Result<Produced, KafkaError> {
        if let Some(lines) = input.line_count() {
            progress.input_lines.set(lines);
        }
        let name = input.source().to_owned();
        let resume = if options.restart {
            Resume::nothing(Some(new_run()), self.partitions)
        } else if !input.is_repeatable() {
            Resume::nothing(None, self.partitions)
        } else {
            let waiting = self.delivery.waiting();
            let found = waiting.until_answered(shutdown, || {
                resume::find(&self.connection, &input, self.partitions, shutdown)
            })?;
            let Some(resume) = found.flatten() else {
                return Ok(Produced::default());
            };
            resume
        };
        let Resume { run, last_lines, differs } = resume;
        if differs && last_lines.iter().all(|last| *last == 0) {
            progress.notice(
                "the topic holds lines of an input that begins like this one and then differs: this one is another \
                 input, and all of it is sent",
            );
        }
        if let Some(last) = last_lines.iter().max().filter(|last| **last > 0) {
            tracing::info!("going on after line {last} of the input, which the topic holds");
        }
        let source = Source { input: &name, run, partitions: self.partitions }.to_string();
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
                Row::Pending => continue,
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
            let record = BaseRecord::to(&self.connection.cluster.topic)
                .partition(partition)
                .key(line.invoice_no.as_bytes())
                .payload(payload.as_slice())
                .headers(origin.headers());
            if !self.delivery.send(record, shutdown)? {
                break;
            }
            // Whoever read the lines may have enough, which ends the printing alone.
            print = print && print_line(&payload).is_ok();
        }
        rejects.report();
        input.take_notices().into_iter().for_each(|notice| progress.notice(notice));
        if at_end && progress.lines_read.get() == 0 && input.has_lines() {
            return Err(KafkaError::NoLines {
                rejects: progress.rejects.get(),
                path: rejects.path,
            });
        }
        produced.complete = self.delivery.flush(shutdown)? && at_end;
        produced.sent = self.delivery.count();
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
        self.delivery.waiting().until_answered(shutdown, || self.connection.current_ends())
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
