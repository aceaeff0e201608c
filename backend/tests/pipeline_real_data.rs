//! The whole real data set, from the program's own copy to models.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::io::Read;

use support::{assert_offsets_are_covered_once, good, manifests, stored_rows, summary, tillstream};
use tillstream_shared::{ClosedBy, Model};

#[test]
fn every_line_goes_through_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let arguments = ["up", "--rate", "max", "--once", "--listen", "127.0.0.1:0", "--data-dir"];
    let mut command = tillstream(&arguments);
    command.arg(data);
    let first = summary(&good(&mut command));
    for (field, value) in [
        ("lines_read", 541_909),
        ("lines_sent", 541_909),
        ("lines_stored", 541_909),
        ("dead_letters", 0),
        ("rejects", 0),
        ("batches", 55),
        ("models", 168),
    ] {
        assert_eq!(first[field], value, "{field}: {first}");
    }

    let manifests = manifests(data);
    assert_offsets_are_covered_once(&manifests);
    let (last, full) = manifests.split_last().unwrap();
    assert!(full.iter().all(|m| m.rows == 10_000 && m.closed_by == ClosedBy::Size));
    assert_eq!((last.rows, last.closed_by), (1_909, ClosedBy::Shutdown));
    let funnel = |field: fn(&tillstream_shared::BatchFunnel) -> u64| {
        manifests.iter().map(|manifest| field(&manifest.funnel)).sum::<u64>()
    };
    assert_eq!(funnel(|funnel| funnel.without_customer), 135_080);
    assert_eq!(funnel(|funnel| funnel.cancellations), 9_288);

    let packed = include_bytes!("../data/online_retail.csv.zst");
    let mut original = String::new();
    zstd::Decoder::new(packed.as_slice()).unwrap().read_to_string(&mut original).unwrap();
    let original = original.split_once('\n').unwrap().1;
    assert!(stored_rows(data) == original, "a value was changed on the way");

    let all: Model = serde_json::from_slice(
        &std::fs::read(data.join("models/customer_model_all.json")).unwrap(),
    )
    .unwrap();
    assert_eq!((all.batch, all.funnel.lines, all.funnel.without_id), (Some(55), 541_909, 135_080));
    assert_eq!(all.sizes.iter().sum::<u64>(), all.funnel.kept);
    assert_eq!((all.offsets[0].first, all.offsets[0].last), (0, 541_908));

    let second = summary(&good(&mut command));
    for field in ["lines_sent", "lines_stored", "batches", "models"] {
        assert_eq!(second[field], first[field], "started again, it has nothing to do: {second}");
    }
}
