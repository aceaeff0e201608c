//! Components that live and die together, in the whole process.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use support::{
    Running,
    broker::{Kafka, on_both_brokers},
    manifests, signal, stored_lines, tillstream, wait_for,
};

on_both_brokers! {
    a_panic_of_any_component_ends_the_process,
    a_request_to_stop_ends_an_input_that_goes_on,
}

/// How long a process may take to end once one of its components failed.
const FAILURE_DEADLINE: Duration = Duration::from_secs(10);

fn up(data: &Path, arguments: &[&str]) -> Command {
    let mut command = tillstream(&["up", "--listen", "127.0.0.1:0", "--batch-size", "500"]);
    command.args(["--data-dir", data.to_str().unwrap()]).args(arguments);
    command
}

#[test]
fn a_closed_standard_output_ends_the_printing_alone() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--print", "--once", "--rate", "max", "--input", "generate:20000"];
    let mut child = up(folder.path(), &arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().starts_with("Page:"));
    assert!(lines.next().unwrap().unwrap().starts_with('{'));
    drop(lines);
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
    assert_eq!(stored_lines(folder.path()), 20_000);
}

#[test]
fn nobody_needs_to_read_what_is_printed_or_logged() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--print", "--once", "--rate", "max", "--input", "generate:2000"];
    let mut child = up(folder.path(), &arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop((child.stdout.take(), child.stderr.take()));
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(stored_lines(folder.path()), 2_000);
}

fn a_panic_of_any_component_ends_the_process(kafka: Kafka) {
    for component in ["producer", "consumer", "trainer"] {
        let folder = tempfile::tempdir().unwrap();
        let kafka = kafka.arguments_of_up();
        let mut command = up(folder.path(), &["--rate", "5000", "--input", "generate:20000"]);
        command.args(&kafka);
        command.env("TILLSTREAM_FAULT_PANIC", component).stdout(Stdio::null());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let reason = format!("the {component} failed: it panicked");
        let found = lines.by_ref().find(|line| line.contains(&reason));
        let failed_at = Instant::now();
        let last = lines.last().unwrap_or_default();
        assert!(found.is_some(), "{component}: {last}");
        assert_eq!(child.wait().unwrap().code(), Some(1), "{component}");
        assert!(failed_at.elapsed() < FAILURE_DEADLINE, "{component}: {:?}", failed_at.elapsed());
        assert!(last.starts_with("error: ") && last.contains(&reason), "{component}: {last}");

        // Nothing is lost: the next start goes on.
        let input = ["--once", "--rate", "max", "--input", "generate:20000"];
        let done = up(folder.path(), &input).args(&kafka).output().unwrap();
        assert!(done.status.success(), "{component}: {}", String::from_utf8_lossy(&done.stderr));
        assert_eq!(stored_lines(folder.path()), 20_000, "{component}");
    }
}

fn a_request_to_stop_ends_an_input_that_goes_on(kafka: Kafka) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = up(folder.path(), &["--rate", "2000", "--input", "generate:1000000"]);
    let running = Running::start(command.args(kafka.arguments_of_up()), "Page:");
    wait_for("a batch", || (stored_lines(folder.path()) > 0).then_some(()));
    running.interrupt();
    let manifests = manifests(folder.path());
    assert_eq!(manifests.last().unwrap().closed_by, tillstream_shared::ClosedBy::Shutdown);
}

#[test]
fn a_stop_is_heard_while_the_broker_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    // A port that is bound and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let brokers = silent.local_addr().unwrap().to_string();
    let mut command = up(folder.path(), &["--brokers", &brokers]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.contains("Kafka broker")));
    signal(child.id(), "-TERM");
    let asked_at = Instant::now();
    let last = lines.last().unwrap_or_default();
    assert_eq!(child.wait().unwrap().code(), Some(1), "{last}");
    assert!(asked_at.elapsed() < FAILURE_DEADLINE, "{:?}", asked_at.elapsed());
}
