//! After a crash: everything acknowledged is there, once, and damage is named.

#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    io::{BufRead, BufReader, Write},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    producer::Producer,
};
use support::{
    TIMEOUT, TestBroker, idempotent,
    raw::{Raw, batch, fetch, produce_request},
    segments, send, send_all,
    transactional::{self, abort, commit, committed, started, uncommitted},
    values,
};
use tillstream_broker::{Broker, BrokerConfig, BrokerError, FAULT_FSYNC_MS, FaultPoints};

const CHILD_DIR: &str = "TILLSTREAM_BROKER_TEST_DIR";
const CHILD_LISTEN: &str = "TILLSTREAM_BROKER_TEST_LISTEN";
/// The child's fsyncs of files whose path contains the text of this file hang while it is there.
const CHILD_GATE: &str = "gate";
const ADDRESS: &str = "broker at ";

/// Not a test of its own: the broker in a process that can be killed, started by the tests below.
#[test]
fn child() {
    let Ok(dir) = std::env::var(CHILD_DIR) else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let gate = Path::new(&dir).join(CHILD_GATE);
        let mut config = BrokerConfig::new(dir);
        if std::env::var_os(FAULT_FSYNC_MS).is_none() {
            config.fault_points = FaultPoints::before_fsync(move |path| {
                let path = path.to_string_lossy();
                while fs::read_to_string(&gate).is_ok_and(|part| path.contains(&part)) {
                    thread::sleep(Duration::from_millis(1));
                }
            });
        }
        config.listen = std::env::var(CHILD_LISTEN).unwrap().parse().unwrap();
        config.segment_bytes = 200_000;
        let broker = Broker::start(config).await.unwrap();
        println!("{ADDRESS}{}", broker.address());
        std::future::pending::<()>().await;
    });
}

fn start_child(dir: &Path, listen: SocketAddr) -> (Child, SocketAddr) {
    start_child_with(dir, listen, |command| command)
}

fn start_child_with(
    dir: &Path,
    listen: SocketAddr,
    configure: impl FnOnce(&mut Command) -> &mut Command,
) -> (Child, SocketAddr) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let mut child = configure(&mut command)
        .args(["--exact", "child", "--nocapture", "--test-threads=1"])
        .env(CHILD_DIR, dir)
        .env(CHILD_LISTEN, listen.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let address = loop {
        let line = lines.next().expect("the child ended").unwrap();
        if let Some((_, address)) = line.split_once(ADDRESS) {
            break address.parse().unwrap();
        }
    };
    (child, address)
}

#[test]
fn killed_while_producing_everything_acknowledged_is_there_once() {
    let dir = tempfile::tempdir().unwrap();
    let (mut child, address) = start_child(dir.path(), "127.0.0.1:0".parse().unwrap());
    let producer = idempotent(address);
    let mut sent = 0;
    for round in 0..4 {
        let until = acknowledged(&producer) + 3000 + round * 1500;
        while acknowledged(&producer) < until {
            send(&producer, "t", "key", &format!("message {sent} {}", "x".repeat(sent % 97)));
            sent += 1;
        }
        // In the middle of it: whatever is under way now may be torn.
        child.kill().unwrap();
        child.wait().unwrap();
        (child, _) = start_child(dir.path(), address);
    }
    producer.flush(Duration::from_secs(60)).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();

    let acknowledged = producer.context().0.lock().unwrap().clone();
    assert_eq!(acknowledged.len(), sent, "the producer repeated what was not acknowledged");
    let stored = tokio::runtime::Runtime::new().unwrap().block_on(async {
        let broker = TestBroker::reopen(dir, |_| {}).await;
        let stored = values(&broker.reader("t", 0, 0), sent);
        assert_eq!(broker.watermarks("t", 0), (0, sent as i64), "and nothing else");
        assert!(segments(broker.dir.path(), "t-0").len() > 1, "segments were closed meanwhile");
        broker.stop().await;
        stored
    });
    for (i, value) in stored.iter().enumerate() {
        assert!(value.starts_with(&format!("message {i} ")), "{i}: {value}");
    }
    let by_offset: BTreeMap<i64, Vec<u8>> = acknowledged.into_iter().collect();
    assert_eq!(by_offset.len(), sent, "no offset was acknowledged twice");
    for (offset, value) in by_offset {
        assert_eq!(stored[offset as usize].as_bytes(), value, "at offset {offset}");
    }
}

#[test]
fn killed_before_the_fsync_what_was_appended_is_there_once() {
    let dir = tempfile::tempdir().unwrap();
    let (mut child, address) = start_child(dir.path(), "127.0.0.1:0".parse().unwrap());
    send_all(address, "t", ["first".to_owned()]);
    let producer = idempotent(address);
    send(&producer, "t", "key", "second");
    producer.flush(TIMEOUT).unwrap();
    let segment = segments(dir.path(), "t-0").remove(0);
    let before = fs::metadata(&segment).unwrap().len();

    fs::write(dir.path().join(CHILD_GATE), "").unwrap();
    send(&producer, "t", "key", "third");
    let deadline = Instant::now() + TIMEOUT;
    while fs::metadata(&segment).unwrap().len() == before {
        assert!(Instant::now() < deadline, "never appended");
        thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(acknowledged(&producer), 1, "the third is not on disk");
    fs::remove_file(dir.path().join(CHILD_GATE)).unwrap();

    // The producer sends it again, and is told where it is already.
    let (mut child, _) = start_child(dir.path(), address);
    producer.flush(TIMEOUT).unwrap();
    assert_eq!(acknowledged(&producer), 2);
    child.kill().unwrap();
    child.wait().unwrap();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let broker = TestBroker::reopen(dir, |_| {}).await;
        assert_eq!(values(&broker.reader("t", 0, 0), 3), ["first", "second", "third"]);
        assert_eq!(broker.watermarks("t", 0), (0, 3), "and nothing else");
        broker.stop().await;
    });
}

#[test]
fn killed_in_a_transaction_it_goes_on_or_another_producer_aborts_it() {
    let dir = tempfile::tempdir().unwrap();
    let (mut child, address) = start_child(dir.path(), "127.0.0.1:0".parse().unwrap());
    let restart = |child: &mut Child| {
        child.kill().unwrap();
        child.wait().unwrap();
        *child = start_child(dir.path(), address).0;
    };
    let client = support::client(address);
    let producer = started(&client, "tx");
    commit(&producer, "t", &["before"]);
    abort(&producer, "t", &["aborted"]);
    producer.begin_transaction().unwrap();
    transactional::send(&producer, "t", &["open"]);
    restart(&mut child);
    assert_eq!(committed(&client, "t"), ["before"]);
    assert_eq!(uncommitted(&client, "t"), ["before", "aborted", "open"]);
    transactional::send(&producer, "t", &["later"]);
    producer.commit_transaction(TIMEOUT).unwrap();
    assert_eq!(committed(&client, "t"), ["before", "open", "later"]);

    producer.begin_transaction().unwrap();
    transactional::send(&producer, "t", &["lost"]);
    restart(&mut child);
    let other = started(&client, "tx");
    commit(&other, "t", &["after"]);
    assert!(producer.commit_transaction(TIMEOUT).is_err(), "it was shut out");
    for _ in 0..2 {
        assert_eq!(committed(&client, "t"), ["before", "open", "later", "after"]);
        restart(&mut child);
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn killed_between_decision_and_markers_a_transaction_is_committed_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let (mut child, address) = start_child(dir.path(), "127.0.0.1:0".parse().unwrap());
    let client = support::client(address);
    let consumer: BaseConsumer = client.clone().set("group.id", "g").create().unwrap();
    let mut offsets = TopicPartitionList::new();
    offsets.add_partition_offset("t", 0, Offset::Offset(1)).unwrap();
    let producer = started(&client, "tx");
    commit(&producer, "t", &["before"]);
    producer.begin_transaction().unwrap();
    transactional::send(&producer, "t", &["decided"]);
    let group = consumer.group_metadata().unwrap();
    producer.send_offsets_to_transaction(&offsets, &group, TIMEOUT).unwrap();
    let segment = segments(dir.path(), "t-0").remove(0);
    let before = fs::metadata(&segment).unwrap().len();

    fs::write(dir.path().join(CHILD_GATE), ".log").unwrap();
    thread::scope(|scope| {
        let committing = scope.spawn(|| producer.commit_transaction(TIMEOUT));
        let deadline = Instant::now() + TIMEOUT;
        while fs::metadata(&segment).unwrap().len() == before {
            assert!(Instant::now() < deadline, "no marker was ever written");
            thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // The marker was not flushed: after a power failure it would not be there.
        OpenOptions::new().write(true).open(&segment).unwrap().set_len(before).unwrap();
        fs::remove_file(dir.path().join(CHILD_GATE)).unwrap();
        (child, _) = start_child(dir.path(), address);
        committing.join().unwrap().unwrap();
    });
    assert_eq!(committed(&client, "t"), ["before", "decided"]);
    let stored = consumer.committed_offsets(offsets, TIMEOUT).unwrap();
    assert_eq!(stored.find_partition("t", 0).unwrap().offset(), Offset::Offset(1));
    commit(&producer, "t", &["after"]);
    assert_eq!(committed(&client, "t"), ["before", "decided", "after"]);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn an_environment_variable_slows_every_fsync_down() {
    const DELAY: Duration = Duration::from_millis(300);
    let dir = tempfile::tempdir().unwrap();
    let millis = DELAY.as_millis().to_string();
    let listen = "127.0.0.1:0".parse().unwrap();
    let (mut child, address) =
        start_child_with(dir.path(), listen, |c| c.env(FAULT_FSYNC_MS, &millis));
    let started = Instant::now();
    send_all(address, "t", ["x".to_owned()]);
    assert!(started.elapsed() >= DELAY, "acknowledged before the fsync");
    child.kill().unwrap();
    child.wait().unwrap();
}

fn acknowledged(producer: &rdkafka::producer::ThreadedProducer<support::Acknowledged>) -> usize {
    producer.context().0.lock().unwrap().len()
}

/// A stopped broker's folder with 100 messages in batches of one, and its only segment.
async fn stopped() -> (tempfile::TempDir, std::path::PathBuf) {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 1).await;
    let mut raw = Raw::connect(broker.broker.address()).await;
    for i in 0..100 {
        let answer = raw.produce("t", batch(-1, -1, -1, &[&format!("message {i}")])).await;
        assert_eq!(answer.error_code, 0);
    }
    let dir = broker.stop().await;
    let segment = segments(dir.path(), "t-0").pop().unwrap();
    (dir, segment)
}

async fn assert_intact_and_writable(dir: tempfile::TempDir, count: usize) {
    let broker = TestBroker::reopen(dir, |_| {}).await;
    send_all(broker.broker.address(), "t", ["new".to_owned()]);
    let stored = values(&broker.reader("t", 0, 0), count + 1);
    for (i, value) in stored[..count].iter().enumerate() {
        assert_eq!(*value, format!("message {i}"));
    }
    assert_eq!(stored[count], "new");
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_torn_tail_is_cut_off() {
    let next = batch(-1, -1, -1, &["torn"]);
    for (what, tail) in [
        ("half a header", next.slice(..30)),
        ("half a batch", next.slice(..next.len() - 3)),
        ("zeros", vec![0; 5000].into()),
        ("garbage", (0..9000_u32).map(|i| ((i * i) >> 3) as u8).collect()),
    ] {
        let (dir, segment) = stopped().await;
        let before = fs::metadata(&segment).unwrap().len();
        OpenOptions::new().append(true).open(&segment).unwrap().write_all(&tail).unwrap();
        let broker = TestBroker::reopen(dir, |_| {}).await;
        assert_eq!(fs::metadata(&segment).unwrap().len(), before, "{what}");
        assert_intact_and_writable(broker.stop().await, 100).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_batch_cut_short_is_cut_off() {
    let (dir, segment) = stopped().await;
    let file = OpenOptions::new().write(true).open(&segment).unwrap();
    file.set_len(file.metadata().unwrap().len() - 1).unwrap();
    assert_intact_and_writable(dir, 99).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_broken_in_the_middle_is_named() {
    let (dir, segment) = stopped().await;
    let whole = fs::read(&segment).unwrap();
    // Where the fifth batch begins: its header tells the length.
    let length =
        |at: usize| 12 + u32::from_be_bytes(whole[at + 8..at + 12].try_into().unwrap()) as usize;
    let fifth = (0..4).fold(0, |at, _| at + length(at));
    for (what, position) in [
        ("its offset", fifth + 7),
        ("its length", fifth + 10),
        ("its magic byte", fifth + 16),
        ("its checksum", fifth + 18),
        ("its record count", fifth + 60),
        ("its last byte", fifth + length(fifth) - 1),
    ] {
        let mut bytes = whole.clone();
        bytes[position] ^= 0x41;
        fs::write(&segment, &bytes).unwrap();
        let error = Broker::start(BrokerConfig::new(dir.path())).await.unwrap_err();
        match &error {
            BrokerError::CorruptLog { path, position, .. } => {
                assert_eq!((path, *position), (&segment, fifth as u64), "{what}");
            }
            other => panic!("{what}: {other}"),
        }
        let text = error.to_string();
        assert!(text.contains("t-0/00000000000000000000.log"), "{text}");
        assert_eq!(fs::read(&segment).unwrap(), bytes, "{what}: nothing is changed");
    }
    fs::write(&segment, &whole).unwrap();
    assert_intact_and_writable(dir, 100).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_named() {
    let (dir, segment) = stopped().await;
    let partition = segment.parent().unwrap();
    let aside = dir.path().join("aside");
    fs::rename(partition, &aside).unwrap();
    let error = Broker::start(BrokerConfig::new(dir.path())).await.unwrap_err();
    assert!(matches!(&error, BrokerError::MissingPartition(path) if path == partition), "{error}");
    fs::rename(&aside, partition).unwrap();

    let topics = dir.path().join("topics.json");
    fs::rename(&topics, &aside).unwrap();
    let error = Broker::start(BrokerConfig::new(dir.path())).await.unwrap_err();
    assert!(matches!(&error, BrokerError::MissingTopics(path) if *path == topics), "{error}");
    fs::write(&topics, "{").unwrap();
    let error = Broker::start(BrokerConfig::new(dir.path())).await.unwrap_err();
    assert!(matches!(&error, BrokerError::CorruptFile { path, .. } if *path == topics), "{error}");
    fs::rename(&aside, &topics).unwrap();
    assert_intact_and_writable(dir, 100).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_or_a_port_in_use_is_named() {
    let broker = TestBroker::start().await;
    let error = Broker::start(BrokerConfig::new(broker.dir.path())).await.unwrap_err();
    assert!(matches!(error, BrokerError::Lock(_)), "{error}");
    let other = tempfile::tempdir().unwrap();
    let mut config = BrokerConfig::new(other.path());
    config.listen = broker.broker.address();
    let error = Broker::start(config).await.unwrap_err();
    assert!(matches!(error, BrokerError::AddressInUse(a) if a == broker.broker.address()));
    assert!(error.to_string().contains("another port"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_broker_leaves_its_folder_free_at_once() {
    let mut broker = TestBroker::with(|config| config.retention_interval = Duration::ZERO).await;
    broker.create_topic("t", 1).await;
    for _ in 0..10 {
        let mut waiting = Raw::connect(broker.broker.address()).await;
        let never = fetch(0).with_max_wait_ms(200_000).with_min_bytes(1 << 19);
        waiting.send(&never, 12).await;
        let mut writing = Raw::connect(broker.broker.address()).await;
        writing.send(&produce_request("t", batch(-1, -1, -1, &["x"])), 9).await;
        drop(writing);
        let dir = broker.stop().await;
        let again = |config: &mut BrokerConfig| config.retention_interval = Duration::ZERO;
        broker = TestBroker::reopen(dir, again).await;
    }
}
