//! The original manual's curl examples, literally.

use std::process::Command;

use crate::{server::Running, support::TestApp};

/// From the manual, section "Endpoint API untuk Prediksi Clustering".
const CURL: [&str; 3] = [
    r#"    curl -X POST http://localhost:5000/cluster-customer \
-H "Content-Type: application/json" \
-d '{
    "model_number": "1", 
    "CustomerID": 17850, 
    "Quantity": 10, 
    "UnitPrice": 5.0
}'
"#,
    r#"    curl -X POST http://localhost:5000/cluster-product \
-H "Content-Type: application/json" \
-d '{
    "model_number": "1", 
    "StockCode": "85123A", 
    "Quantity": 10, 
    "UnitPrice": 5.0
}'
"#,
    r#"    curl -X POST http://localhost:5000/cluster-country \
-H "Content-Type: application/json" \
-d '{
    "model_number": "1", 
    "Country": "United Kingdom", 
    "Quantity": 10, 
    "UnitPrice": 5.0
}'
"#,
];

/// From the manual, section "Klasifkasi Data Input ke dalam cluster".
const RESPONSE: [&str; 3] = [
    r#"{
    "model_number": "1",
    "CustomerID": 17850,
    "Quantity": 10,
    "UnitPrice": 5.0,
    "cluster": 2
}"#,
    r#"{
    "model_number": "1",
    "StockCode": "85123A",
    "Quantity": 10,
    "UnitPrice": 5.0,
    "cluster": 1
}"#,
    r#"{
    "model_number": "1",
    "Country": "United Kingdom",
    "Quantity": 10,
    "UnitPrice": 5.0,
    "cluster": 3
}"#,
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_manual_s_examples_answer_as_documented() {
    let server = Running::start(&TestApp::of_the_manual()).await;
    for (curl, expected) in CURL.into_iter().zip(RESPONSE) {
        let command = curl.replace(":5000/", &format!(":{}/", server.address.port()));
        let run = move || Command::new("bash").args(["-c", &command]).output().unwrap();
        let output = tokio::task::spawn_blocking(run).await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let answer = String::from_utf8(output.stdout).unwrap();

        let parsed: serde_json::Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(parsed, serde_json::from_str::<serde_json::Value>(expected).unwrap());
        // The same characters too, blanks between the tokens aside.
        let compact = expected.replace("\n    ", "").replace("\n", "").replace("\": ", "\":");
        assert_eq!(answer, compact);
    }
    server.stop().await;
}
