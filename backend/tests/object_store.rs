//! Batches in an object store: an S3-compatible server that is killed, cut off and refuses.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::{
    collections::BTreeMap,
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    os::unix::process::ExitStatusExt,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use support::{
    Running, assert_offsets_are_covered_once,
    broker::{Broker, Kafka},
    generated, get, good, models, output, refused,
    s3::{S3Place, S3Server, use_endpoint},
    status, tillstream, wait_for,
};
use tillstream_shared::{
    Manifest,
    api::{BatchList, Points},
};

/// Trains all batches at `place`, or else those of the data folder, in a models folder of its own.
fn trained(data: &Path, place: Option<(&S3Server, &S3Place)>) -> BTreeMap<String, Value> {
    let mut train = tillstream(&["train", "--data-dir"]);
    train.arg(data);
    if let Some((server, place)) = place {
        server.serve(train.args(["--batch-store", &place.url()]));
    }
    good(&mut train);
    // What two trainings on the same lines do not share.
    models(data, &["trained_at", "manifest"])
}

#[test]
fn models_are_the_same_wherever_the_batches_lie_and_whatever_their_format() {
    let (server, broker) = (S3Server::start(), topic());
    let data = tempfile::tempdir().unwrap();
    good(&mut broker.tillstream(data.path(), &["consume", "--once", "--batch-size", "300"]));
    let expected = trained(data.path(), None);
    assert_eq!(expected.len(), 4 * 3 + 3 + 2 * 3, "{:?}", expected.keys());

    let data = tempfile::tempdir().unwrap();
    let parquet = ["consume", "--once", "--batch-size", "300", "--batch-format", "parquet"];
    good(&mut broker.tillstream(data.path(), &parquet));
    assert!(trained(data.path(), None) == expected, "Parquet in a folder");

    // One batch in each format.
    let (data, place) = (tempfile::tempdir().unwrap(), server.place());
    for format in ["parquet", "csv", "parquet", "csv"] {
        let mut command = broker.tillstream(data.path(), &["consume", "--batch-size", "300"]);
        command.args(["--batch-interval", "1", "--batch-format", format]);
        command
            .args(["--batch-store", &place.url()])
            .env("TILLSTREAM_FAULT_ABORT", "consumer.stored");
        let output = output(server.serve(&mut command));
        assert_eq!(output.status.signal(), Some(6), "{format}");
    }
    let names = place.names();
    let count = |end| names.iter().filter(|name| name.ends_with(end)).count();
    assert_eq!((count(".csv"), count(".parquet")), (2, 2), "{names:?}");
    assert!(trained(data.path(), Some((&server, &place))) == expected, "both in an object store");
}

#[test]
fn serve_shows_what_is_in_an_object_store() {
    let (server, broker) = (S3Server::start(), topic());
    let (data, place) = (tempfile::tempdir().unwrap(), server.place());
    good(consume(&server, &broker, &place, data.path()).args(["--batch-format", "parquet"]));
    let models = trained(data.path(), Some((&server, &place)));
    let mut serve = tillstream(&["serve", "--listen", "127.0.0.1:0", "--data-dir"]);
    serve.arg(data.path()).args(["--batch-store", &place.url()]);
    let running = Running::start(server.serve(&mut serve), "Page:");
    let batches: BatchList = get(&running.announced, "/api/v1/batches");
    let files =
        |manifests: &[Manifest]| manifests.iter().map(|m| m.file.clone()).collect::<Vec<_>>();
    assert_eq!(files(&batches.batches), files(&place.manifests()));
    let points: Points = get(&running.announced, "/api/v1/models/customer/2/points");
    let lines = &models["customer_model_2.json"]["funnel"]["kept"];
    assert_eq!(points.weight.iter().sum::<u64>(), lines.as_u64().unwrap());
    running.interrupt();
}

fn consume(server: &S3Server, broker: &Broker, place: &S3Place, data: &Path) -> Command {
    let mut command = broker.tillstream(data, &["consume", "--once", "--batch-size", "300"]);
    server.serve(command.args(["--batch-store", &place.url()]));
    command
}

/// A topic with the lines `generate:1000:9`.
fn topic() -> Broker {
    let broker = Kafka::Embedded.broker();
    let folder = tempfile::tempdir().unwrap();
    let produce = ["produce", "--rate", "max", "--input", "generate:1000:9"];
    good(&mut broker.tillstream(folder.path(), &produce));
    broker
}

#[track_caller]
fn assert_stored_once(place: &S3Place) {
    assert_offsets_are_covered_once(&place.manifests());
    assert!(place.rows() == generated(1000, 9), "the batches are not the input");
}

#[test]
fn a_batch_is_stored_once_wherever_the_consumer_dies() {
    let (server, broker) = (S3Server::start(), topic());
    for format in ["csv", "parquet"] {
        for point in ["store.uploaded", "store.created", "consumer.stored", "consumer.committed"] {
            let (data, place) = (tempfile::tempdir().unwrap(), server.place());
            // And once more, at the same step of what is then the next batch.
            for _ in 0..2 {
                let mut command = consume(&server, &broker, &place, data.path());
                command.args(["--batch-format", format]).env("TILLSTREAM_FAULT_ABORT", point);
                let output = output(&mut command);
                let stderr = String::from_utf8_lossy(&output.stderr);
                assert_eq!(output.status.signal(), Some(6), "{point}: {stderr}");
            }
            good(&mut consume(&server, &broker, &place, data.path()));
            assert_stored_once(&place);
            let files = place.names();
            let manifests = place.manifests().len();
            // Each batch and its manifest, and the mark of the place.
            assert_eq!(files.len(), 2 * manifests + 1, "{point}: something is left: {files:?}");
            let left = fs::read_dir(data.path().join("open_batch")).unwrap();
            let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
            assert_eq!(left, [".lock"], "{point}");
        }
    }
}

#[test]
fn consumers_on_several_machines_share_a_prefix() {
    const LINES: u64 = 20_000;
    let (server, broker) = (S3Server::start(), Kafka::Embedded.broker());
    let place = server.place();
    let folders = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let mut produce = broker.tillstream(folders[0].path(), &["produce", "--partitions", "6"]);
    produce.args(["--input", &format!("generate:{LINES}:9"), "--rate", "2000", "--print"]);
    let _producer = Running::start(&mut produce, "{");
    let consumers = [1, 2].map(|machine: usize| {
        let data = folders[machine].path();
        let mut command = broker.tillstream(data, &["consume", "--group", "shared"]);
        command.args(["--batch-size", "200", "--batch-interval", "1"]);
        // Rebalances are heard of soon.
        command.args(["--kafka-property", "heartbeat.interval.ms=300"]);
        server.serve(command.args(["--batch-store", &place.url()]));
        // It has stored a batch beside the other one.
        Running::start(&mut command, "batch_")
    });
    wait_for("all lines", || {
        let stored: u64 = place.manifests().iter().map(|manifest| manifest.rows).sum();
        (stored >= LINES).then_some(())
    });
    consumers.into_iter().for_each(Running::interrupt);
    assert_offsets_are_covered_once(&place.manifests());
    let (stored, input) = (place.rows(), generated(LINES, 9));
    let [mut stored, mut input] = [&stored, &input].map(|rows| rows.lines().collect::<Vec<_>>());
    stored.sort_unstable();
    input.sort_unstable();
    assert!(stored == input, "the batches are not the input");
}

#[test]
fn an_outage_is_waited_for() {
    let (server, broker) = (S3Server::start(), topic());
    let (data, place) = (tempfile::tempdir().unwrap(), server.place());
    let mut command = tillstream(&["up", "--rate", "max", "--listen", "127.0.0.1:0"]);
    command.args(["--input", "generate:1000:9", "--batch-size", "300", "--batch-interval", "1"]);
    command.args(broker.arguments()).args(["--batch-store", &place.url()]);
    command.arg("--data-dir").arg(data.path());
    let mut running = Running::start(server.serve(&mut command), "Page:");
    let url = running.announced.clone();
    wait_for("the batches", || (status(&url).lines_stored == 1000).then_some(()));

    server.go_down();
    let produce = ["produce", "--rate", "max", "--input", "generate:500:10"];
    good(&mut broker.tillstream(&data.path().join("producer"), &produce));
    let waiting = wait_for("the consumer to wait", || {
        status(&url).components.into_iter().find_map(|component| component.waiting)
    });
    assert!(waiting.contains(&format!(" {}/", place.url())), "{waiting}");
    assert!(status(&url).notices.iter().any(|notice| notice.contains(&waiting)));
    assert!(running.is_running());

    server.come_up();
    wait_for("the rest", || (status(&url).lines_stored == 1500).then_some(()));
    let is_waiting = || status(&url).components.into_iter().any(|c| c.waiting.is_some());
    wait_for("the end of the wait", || (!is_waiting()).then_some(()));
    wait_for("the models", || {
        let newest = place.manifests().last().map(|manifest| manifest.number);
        let model = format!("customer_model_{}.json", newest.unwrap());
        data.path().join("models").join(model).is_file().then_some(())
    });
    running.interrupt();
    assert_eq!(place.rows(), generated(1000, 9) + &generated(500, 10));
}

#[test]
fn a_shutdown_ends_the_wait() {
    let (server, broker) = (S3Server::start(), topic());
    let (data, place) = (tempfile::tempdir().unwrap(), server.place());
    let mut command = broker.tillstream(data.path(), &["consume", "--batch-size", "300"]);
    command.args(["--batch-interval", "3600", "--batch-store", &place.url()]);
    let running = Running::start(server.serve(&mut command), "batch_000003");
    server.go_down();
    running.interrupt();
    server.come_up();
    good(&mut consume(&server, &broker, &place, data.path()));
    assert_stored_once(&place);
}

#[test]
fn what_cannot_be_used_is_refused_in_one_sentence() {
    let (server, broker) = (S3Server::start(), topic());
    let data = tempfile::tempdir().unwrap();
    let consume = |url: &str, address: SocketAddr| {
        let mut command =
            broker.tillstream(data.path(), &["consume", "--once", "--batch-store", url]);
        use_endpoint(&mut command, address);
        let begun = Instant::now();
        let error = refused(&mut command);
        (error, begun.elapsed())
    };
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let forbidden = answering(
        "403 Forbidden",
        "<Error><Code>InvalidAccessKeyId</Code><Message>The AWS Access Key Id you provided does not exist.</Message></Error>",
    );
    let careless = answering("200 OK", "<ListBucketResult></ListBucketResult>");
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    for (url, address, expected) in [
        (
            "s3://missing/a",
            server.address(),
            "cannot use s3://missing/a: NoSuchBucket (The specified bucket does not exist)",
        ),
        ("s3://tillstream/a", nobody, "Connection refused"),
        (
            "s3://tillstream/a",
            forbidden,
            "InvalidAccessKeyId (The AWS Access Key Id you provided does not exist.)",
        ),
        ("s3://tillstream/a", careless, "If-None-Match is not heeded"),
        ("s3://tillstream/a", silent.local_addr().unwrap(), "no answer within 8 seconds"),
    ] {
        let (error, took) = consume(url, address);
        assert!(error.contains(expected), "{error}");
        // Far beyond the ten seconds that are promised, as the machine may be busy.
        assert!(took < Duration::from_secs(60), "{took:?}: {error}");
    }

    let output =
        output(&mut broker.tillstream(data.path(), &["consume", "--batch-store", "s3:/x"]));
    assert_eq!(output.status.code(), Some(2));

    let place = server.place();
    good(&mut self::consume(&server, &broker, &place, data.path()));
    let again = refused(self::consume(&server, &broker, &place, data.path()).arg("--new-history"));
    assert!(again.contains("name another prefix with --batch-store"), "{again}");
}

/// A server that gives everybody the same answer.
fn answering(status: &'static str, body: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut client in listener.incoming().map_while(Result::ok) {
            let mut request = [0; 1 << 16];
            let _ = client.read(&mut request);
            let length = body.len();
            let _ = write!(
                client,
                "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nETag: \"1\"\r\nConnection: close\r\n\r\n{body}"
            );
        }
    });
    address
}
