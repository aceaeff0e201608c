//! `serve` alone, beside what other processes write.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::fs;

use support::{Running, good, manifests, status, tillstream, wait_for};
use tillstream_shared::api::{Gap, Status};

#[test]
fn batches_models_and_gaps_of_other_processes_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let serve = &mut tillstream(&["serve", "--listen", "127.0.0.1:0", "--data-dir", data]);
    let running = Running::start(serve, "Page:");
    let shown = status(&running.announced);
    assert_eq!((shown.batches, shown.models, shown.gaps), (0, 0, Vec::new()));

    let up = ["up", "--once", "--rate", "max", "--listen", "127.0.0.1:0", "--batch-size", "500"];
    good(tillstream(&up).args(["--input", "generate:2000", "--data-dir", data]));
    let of = |status: Status| (status.batches, status.lines_stored);
    wait_for("batches", || (of(status(&running.announced)) == (4, 2000)).then_some(()));
    wait_for("models", || (status(&running.announced).models > 12).then_some(()));

    // A batch that is damaged before it is trained on.
    fs::remove_dir_all(folder.path().join("models")).unwrap();
    let damaged = &manifests(folder.path())[1];
    fs::write(folder.path().join("batch").join(&damaged.file), "other bytes").unwrap();
    good(&mut tillstream(&["train", "--data-dir", data]));
    let gaps = wait_for("the gap", || {
        let gaps = status(&running.announced).gaps;
        (!gaps.is_empty()).then_some(gaps)
    });
    assert!(
        matches!(&gaps[..], [Gap { batch: 2, reason }] if reason.contains("checksum")),
        "{gaps:?}"
    );
    running.interrupt();
}
