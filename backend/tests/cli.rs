//! What the command line refuses, and how; and what single commands print.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::net::TcpListener;

use support::{Running, good, output, refused, tillstream};
use tillstream_shared::Model;

#[test]
fn a_taken_port_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let mut command = tillstream(&["up", "--listen", &address, "--data-dir"]);
    let error = refused(command.arg(folder.path()));
    assert!(error.contains(&address) && error.contains("--listen"), "{error}");
    let mut command = tillstream(&["broker", "--broker-listen", &address, "--data-dir"]);
    let error = refused(command.arg(folder.path()));
    assert!(error.contains(&address), "{error}");
}

#[test]
fn a_data_folder_in_use_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = tillstream(&[
        "up",
        "--listen",
        "127.0.0.1:0",
        "--input",
        "generate:10",
        "--data-dir",
        folder.path().to_str().unwrap(),
    ]);
    let running = Running::start(&mut command, "Page:");
    let error = refused(&mut command);
    assert!(error.contains("in use") && error.contains("--data-dir"), "{error}");
    running.interrupt();
}

#[test]
fn an_unreadable_input_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lines.csv");
    let arguments = ["up", "--once", "--listen", "127.0.0.1:0", "--data-dir"];
    let mut command = tillstream(&arguments);
    command.arg(folder.path().join("data")).arg("--input").arg(&path);
    let error = refused(&mut command);
    assert!(error.contains("lines.csv"), "{error}");
    std::fs::write(&path, "InvoiceNo,StockCode\n1,2\n").unwrap();
    let error = refused(&mut command);
    assert!(error.contains("Quantity"), "{error}");
}

#[test]
fn wrong_usage_is_exit_code_2() {
    for arguments in [
        &["up", "--rate", "fast"][..],
        &["up", "--batch-size", "0"],
        &["up", "--k", "0"],
        &["up", "--preprocessing", "cooked"],
        &["train", "--entity", "customer"],
        &["fly"],
        &[],
    ] {
        assert_eq!(output(&mut tillstream(arguments)).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn flags_come_from_the_environment_too() {
    let mut command = tillstream(&["up"]);
    command.env("TILLSTREAM_BATCH_SIZE", "none");
    let output = output(&mut command);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--batch-size"));
}

#[test]
fn the_generator_repeats_itself() {
    let generate = |seed| good(&mut tillstream(&["generate", "--lines", "200", "--seed", seed]));
    assert_eq!(generate("5"), generate("5"));
    assert_ne!(generate("5"), generate("6"));
    assert_eq!(generate("5").lines().count(), 201);
}

#[test]
fn one_model_straight_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lines.csv");
    let csv = good(&mut tillstream(&["generate", "--lines", "3000"]));
    std::fs::write(&path, csv).unwrap();
    for preprocessing in ["raw", "log"] {
        let mut command = tillstream(&["train", "--entity", "product", "--json", "--k", "4"]);
        command.args(["--preprocessing", preprocessing, "--restarts", "10", "--seed", "1"]);
        let json = good(command.arg("--input").arg(&path));
        let model: Model = serde_json::from_str(&json).unwrap();
        model.check().unwrap();
        assert_eq!((model.k, model.funnel.lines), (4, 3000));
        assert_eq!(model.sizes.iter().sum::<u64>(), model.funnel.kept);
        assert!(model.mean_values.is_sorted(), "{:?}", model.mean_values);
    }
    let mut command = tillstream(&["train", "--entity", "product", "--k", "1000"]);
    let error = refused(command.args(["--preprocessing", "raw", "--input", "generate:20"]));
    assert!(error.contains("1000"), "{error}");
}
