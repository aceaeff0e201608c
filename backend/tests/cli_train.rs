//! `train --input`: one model of one file, as JSON or for people.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::path::PathBuf;

use support::{good, output, tillstream};
use tempfile::TempDir;
use tillstream_shared::{Entity, Model, ModelKind, PreprocessingKind};

/// 3,000 made-up lines in a file.
fn lines() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lines.csv");
    let csv = good(&mut tillstream(&["generate", "--lines", "3000"]));
    std::fs::write(&path, csv).unwrap();
    (folder, path)
}

fn model(path: &std::path::Path, arguments: &[&str]) -> Model {
    let mut command = tillstream(&["train", "--json", "--input"]);
    let model: Model = serde_json::from_str(&good(command.arg(path).args(arguments))).unwrap();
    model.check().unwrap();
    model
}

#[test]
fn every_recipe_makes_a_model() {
    let (_folder, path) = lines();
    let recipes: [(&[&str], ModelKind, PreprocessingKind, &[&str]); 5] = [
        (
            &["--entity", "customer"],
            ModelKind::Line,
            PreprocessingKind::Log,
            &["Quantity", "UnitPrice"],
        ),
        (
            &["--entity", "customer", "--recipe", "profile"],
            ModelKind::Profile,
            PreprocessingKind::Signed,
            &["recency", "frequency", "monetary", "mean_basket", "tenure"],
        ),
        (
            &["--entity", "product", "--recipe", "profile", "--preprocessing", "robust"],
            ModelKind::Profile,
            PreprocessingKind::Robust,
            &["units", "revenue", "customers", "mean_price", "return_rate"],
        ),
        (
            &["--entity", "country", "--recipe", "profile", "--k", "2"],
            ModelKind::Profile,
            PreprocessingKind::Signed,
            &["revenue", "orders", "customers", "mean_order_value"],
        ),
        (
            &["--entity", "customer", "--recipe", "rfm"],
            ModelKind::Profile,
            PreprocessingKind::Log,
            &["recency", "frequency", "monetary"],
        ),
    ];
    for (arguments, kind, preprocessing, features) in recipes {
        let model = model(&path, arguments);
        assert_eq!((model.kind, model.preprocessing.kind), (kind, preprocessing));
        assert_eq!(model.features, features);
        assert_eq!(model.funnel.lines, 3000);
    }
}

#[test]
fn repeated_lines_are_dropped_on_request() {
    let (_folder, path) = lines();
    let once = model(&path, &["--entity", "product", "--drop-duplicates"]);
    let csv = std::fs::read_to_string(&path).unwrap();
    let (header, rows) = csv.split_once('\n').unwrap();
    std::fs::write(&path, format!("{header}\n{rows}{rows}")).unwrap();
    let twice = model(&path, &["--entity", "product", "--drop-duplicates"]);
    assert_eq!(twice.funnel, once.funnel);
    assert_eq!(twice.centroids, once.centroids);
    assert_eq!(model(&path, &["--entity", "product"]).funnel.lines, 6000);
}

#[test]
fn values_are_cut_on_request() {
    let (_folder, path) = lines();
    for recipe in ["line", "profile"] {
        let arguments = ["--entity", "product", "--recipe", recipe, "--clip", "1.5"];
        let model = model(&path, &arguments);
        assert_eq!(model.preprocessing.clip, Some(1.5));
        assert!(model.model_centroids.iter().flatten().all(|z| z.abs() <= 1.5));
    }
}

#[test]
fn a_summary_names_features_and_rows() {
    let (_folder, path) = lines();
    let mut command = tillstream(&["train", "--entity", "customer", "--recipe", "rfm", "--input"]);
    let summary = good(command.arg(&path));
    assert_eq!(summary.lines().count(), 4, "{summary}");
    assert!(summary.contains(" of 3000 lines, log, SSE "), "{summary}");
    for words in ["cluster 3: ", " customers of mean value ", "around recency ", ", monetary "] {
        assert!(summary.contains(words), "{summary}");
    }
}

#[test]
fn wrong_usage_says_what_to_do() {
    for (arguments, words) in [
        (&["--entity", "product", "--recipe", "rfm"][..], "profile"),
        (&["--entity", "customer", "--recipe", "soup"], "line, profile or rfm"),
        (&["--entity", "customer", "--clip", "0"], "above zero"),
        (&["--entity", "customer", "--preprocessing", "cooked"], "signed"),
    ] {
        let mut command = tillstream(&["train", "--input", "generate:100"]);
        let output = output(command.args(arguments));
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(words), "{error}");
    }
    for entity in Entity::ALL {
        let output =
            output(&mut tillstream(&["train", "--recipe", "profile", "--entity", entity.name()]));
        assert_eq!(output.status.code(), Some(2), "a recipe is for an input");
    }
}

#[test]
fn several_entities_are_trained_at_one_reading_and_alike_in_any_order_of_lines() {
    let (_folder, path) = lines();
    // Compressed, the file is read from its beginning to its end; plain, in blocks on all threads.
    let packed = path.with_extension("csv.zst");
    let csv = std::fs::read(&path).unwrap();
    std::fs::write(&packed, zstd::encode_all(csv.as_slice(), 1).unwrap()).unwrap();
    for recipe in ["line", "profile"] {
        let entities = ["--entity", "customer,product,country", "--recipe", recipe];
        let [plain, packed] = [&path, &packed].map(|path| {
            let mut command = tillstream(&["train", "--json", "--input"]);
            let json = good(command.arg(path).args(entities));
            let models: Vec<Model> = serde_json::from_str(&json).unwrap();
            models.into_iter().map(|m| Model { trained_at: String::new(), ..m }).collect::<Vec<_>>()
        });
        assert_eq!(plain, packed);
        assert_eq!(plain.iter().map(|model| model.entity).collect::<Vec<_>>(), Entity::ALL);
        let alone = model(&path, &["--entity", "product", "--recipe", recipe, "--fit-only"]);
        assert_eq!((alone.sse, alone.evaluation), (plain[1].sse, None));
        assert!(plain[1].evaluation.is_some());
    }
}
