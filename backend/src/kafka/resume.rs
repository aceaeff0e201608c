//! Finding out how much of an input a topic holds already, by asking the topic.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use rdkafka::{
    Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
    error::KafkaError as ClientError,
    types::RDKafkaErrorCode,
};
use uuid::Uuid;

use super::{
    Cluster, Connection, KafkaError,
    clients::ClientRole,
    connection::REQUEST_TIMEOUT,
    is_retriable,
    origin::{Origin, Source},
    watermarks::Watermarks,
};
use crate::{
    ingest::{Input, Recognised},
    shutdown::Shutdown,
};

/// How long one wait for a message lasts: the time in which a shutdown is heard.
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// Messages that are looked at first, from the end of a partition; then twice as many, and so on.
const FIRST_WINDOW: i64 = 256;

/// How much of an input a topic holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Resume {
    /// The newest run of the input, which goes on.
    pub(super) run: Option<Uuid>,
    /// For every partition the number of its last line of that run, 0 for none.
    pub(super) last_lines: Vec<u64>,
    /// Whether lines of an input were seen that begins like this one and then differs.
    pub(super) differs: bool,
}

impl Resume {
    /// None of it, of which `run` begins.
    pub(super) fn nothing(run: Option<Uuid>, partitions: i32) -> Self {
        Self { run, last_lines: vec![0; partitions as usize], differs: false }
    }
}

/// The last line of an input in a partition, of whichever run. The newest run is the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct LastLine {
    run: Option<Uuid>,
    partitions: i32,
    line: u64,
}

/// How much of `input`, or of what it was before it grew, the topic of so many partitions holds; `None` when a shutdown
/// is requested before that is known.
///
/// # Errors
/// [`KafkaError::Broker`], [`KafkaError::Ingest`], and [`KafkaError::PartitionsChanged`] when the newest run was spread
/// over another number of partitions.
pub(super) fn find(
    connection: &Connection,
    input: &Input,
    partitions: i32,
    shutdown: &Shutdown,
) -> Result<Option<Resume>, KafkaError> {
    let cluster = &connection.cluster;
    let windows: BTreeMap<_, _> = connection
        .watermarks(&Vec::from_iter(0..partitions))?
        .into_iter()
        .filter_map(|(partition, ends)| Some((partition, Window::last(ends)?)))
        .collect();
    if windows.is_empty() {
        return Ok(Some(Resume::nothing(None, partitions)));
    }
    let mut search = Search::new(cluster, input, windows)?;
    if !search.run(shutdown)? {
        return Ok(None);
    }
    let differs = search.recognised.values().any(|found| *found == Recognised::Differs);
    newest_run(&search.found, partitions).map(|resume| Some(Resume { differs, ..resume })).map_err(
        |begun| KafkaError::PartitionsChanged {
            topic: cluster.topic.clone(),
            begun,
            now: partitions,
        },
    )
}

/// The newest run among the last lines, or else the number of partitions that it was spread over.
fn newest_run(last: &BTreeMap<i32, LastLine>, partitions: i32) -> Result<Resume, i32> {
    let run = last.values().map(|last| last.run).max().flatten();
    let mut last_lines = vec![0; partitions as usize];
    for (&partition, last) in last.iter().filter(|(_, last)| last.run == run) {
        if last.partitions != partitions {
            return Err(last.partitions);
        }
        last_lines[partition as usize] = last.line;
    }
    Ok(Resume { run, last_lines, differs: false })
}

/// Reads all partitions backwards in windows, until each has shown a line of the input.
struct Search<'a> {
    cluster: &'a Cluster,
    input: &'a Input,
    /// What the input has to do with those whose lines were seen.
    recognised: BTreeMap<String, Recognised>,
    client: BaseConsumer,
    windows: BTreeMap<i32, Window>,
    found: BTreeMap<i32, LastLine>,
}

/// A window of a partition: offsets from `start` to before `end`.
#[derive(Debug, Clone, Copy)]
struct Window {
    low: i64,
    start: i64,
    end: i64,
}

impl Window {
    /// The last messages of a partition; `None` when it has none.
    fn last(Watermarks { low, end }: Watermarks) -> Option<Self> {
        (low < end).then(|| Self { low, start: (end - FIRST_WINDOW).max(low), end })
    }

    /// The window before, twice as large.
    fn before(self) -> Option<Self> {
        let Self { low, start, end } = self;
        (low < start).then(|| Self { low, start: (start - 2 * (end - start)).max(low), end: start })
    }
}

impl<'a> Search<'a> {
    fn new(
        cluster: &'a Cluster,
        input: &'a Input,
        windows: BTreeMap<i32, Window>,
    ) -> Result<Self, KafkaError> {
        let client = cluster
            .config(ClientRole::Reader)
            .create()
            .map_err(cluster.failed("connecting to the broker"))?;
        let (recognised, found) = (BTreeMap::new(), BTreeMap::new());
        Ok(Self { cluster, input, recognised, client, windows, found })
    }

    /// Finds the last lines; false when a shutdown is requested before that.
    fn run(&mut self, shutdown: &Shutdown) -> Result<bool, KafkaError> {
        while !self.windows.is_empty() {
            self.seek().map_err(self.failed())?;
            if !self.scan(shutdown)? {
                return Ok(false);
            }
            let windows = std::mem::take(&mut self.windows).into_iter();
            self.windows = windows
                .filter(|(partition, _)| !self.found.contains_key(partition))
                .filter_map(|(partition, window)| Some((partition, window.before()?)))
                .collect();
        }
        Ok(true)
    }

    /// Goes to the starts of the windows.
    fn seek(&self) -> Result<(), ClientError> {
        let mut assignment = TopicPartitionList::with_capacity(self.windows.len());
        for (&partition, window) in &self.windows {
            let start = Offset::Offset(window.start);
            assignment.add_partition_offset(&self.cluster.topic, partition, start)?;
        }
        self.client.assign(&assignment)
    }

    /// Reads the windows; false when a shutdown is requested before their ends.
    fn scan(&mut self, shutdown: &Shutdown) -> Result<bool, KafkaError> {
        let mut unread: BTreeSet<i32> = self.windows.keys().copied().collect();
        let mut heard = Instant::now();
        while !unread.is_empty() {
            if shutdown.requested() {
                return Ok(false);
            }
            let message = match self.client.poll(POLL_INTERVAL) {
                Some(Ok(message)) => message,
                Some(Err(ClientError::PartitionEOF(partition))) => {
                    unread.remove(&partition);
                    continue;
                }
                Some(Err(error)) if !is_retriable(&error) => return Err(self.failed()(error)),
                _ if heard.elapsed() < REQUEST_TIMEOUT => continue,
                _ => {
                    let code = RDKafkaErrorCode::OperationTimedOut;
                    return Err(self.failed()(ClientError::MessageConsumption(code)));
                }
            };
            heard = Instant::now();
            let (partition, offset) = (message.partition(), message.offset());
            let Some(window) = self.windows.get(&partition).filter(|_| unread.contains(&partition))
            else {
                continue;
            };
            if offset < window.end
                && let Some(Origin { source, line }) = Origin::of(&message)
                && let Some(Source { input, run, partitions }) = Source::parse(source)
                && recognise(&mut self.recognised, self.input, input)? == Recognised::Known
            {
                self.found.insert(partition, LastLine { run, partitions, line });
            }
            if offset + 1 >= window.end {
                unread.remove(&partition);
                self.unassign(partition).map_err(self.failed())?;
            }
        }
        Ok(true)
    }

    /// Keeps a partition that is read to the end of its window from being fetched further.
    fn unassign(&self, partition: i32) -> Result<(), ClientError> {
        let mut list = TopicPartitionList::new();
        list.add_partition(&self.cluster.topic, partition);
        self.client.incremental_unassign(&list)
    }

    fn failed(&self) -> impl FnOnce(ClientError) -> KafkaError {
        self.cluster.failed("looking for the lines that were sent before")
    }
}

/// What `input` has to do with that of `source`; each is looked at once.
fn recognise(
    recognised: &mut BTreeMap<String, Recognised>,
    input: &Input,
    source: &str,
) -> Result<Recognised, KafkaError> {
    if let Some(found) = recognised.get(source) {
        return Ok(*found);
    }
    let found = input.recognise(source)?;
    recognised.insert(source.to_owned(), found);
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last(run: Option<u128>, partitions: i32, line: u64) -> LastLine {
        LastLine { run: run.map(Uuid::from_u128), partitions, line }
    }

    #[test]
    fn the_newest_run_goes_on() {
        let run = |id| Some(Uuid::from_u128(id));
        let last = BTreeMap::from([
            (0, last(None, 1, 90)),
            (1, last(Some(7), 4, 12)),
            (3, last(Some(7), 4, 15)),
        ]);
        let last_lines = vec![0, 12, 0, 15];
        let resume = Resume { run: run(7), last_lines, differs: false };
        assert_eq!(newest_run(&last, 4), Ok(resume), "older runs count no more");
        assert_eq!(newest_run(&last, 8), Err(4));
        assert_eq!(newest_run(&BTreeMap::new(), 2), Ok(Resume::nothing(None, 2)));
    }

    #[test]
    fn windows_grow_towards_the_beginning() {
        let window = Window::last(Watermarks { low: 10, end: 2000 }).unwrap();
        assert_eq!((window.start, window.end), (1744, 2000));
        let window = window.before().unwrap();
        assert_eq!((window.start, window.end), (1232, 1744));
        let window = window.before().unwrap();
        assert_eq!((window.start, window.end), (208, 1232));
        let window = window.before().unwrap();
        assert_eq!((window.start, window.end), (10, 208));
        assert!(window.before().is_none());
        assert!(Window::last(Watermarks { low: 5, end: 5 }).is_none());
    }
}
