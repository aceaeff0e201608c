//! `POST /cluster-customer`, `/cluster-product` and `/cluster-country`: the original's contract.
#![allow(clippy::unwrap_used, missing_docs)]

mod http_support;

use axum::{body::Body, http::Request};
use http_support::{TestApp, raw_model, sales_model};
use tillstream_shared::{Entity, ModelNumber};

const CUSTOMER: &str = r#"{"model_number":"1","CustomerID":17850,"Quantity":10,"UnitPrice":5.0}"#;

/// The three examples of the original's manual, to the letter, and what it documents as answers.
#[tokio::test]
async fn the_manuals_curl_examples_answer_as_documented() {
    let app = TestApp::new();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let serving = tokio::spawn(tillstream::http::serve(listener, app.state.clone()));
    for (command, documented) in [
        (
            r#"    curl -X POST http://localhost:5000/cluster-customer \
-H "Content-Type: application/json" \
-d '{
    "model_number": "1", 
    "CustomerID": 17850, 
    "Quantity": 10, 
    "UnitPrice": 5.0
}'"#,
            r#"{
    "model_number": "1",
    "CustomerID": 17850,
    "Quantity": 10,
    "UnitPrice": 5.0,
    "cluster": 2
}"#,
        ),
        (
            r#"    curl -X POST http://localhost:5000/cluster-product \
-H "Content-Type: application/json" \
-d '{
    "model_number": "1", 
    "StockCode": "85123A", 
    "Quantity": 10, 
    "UnitPrice": 5.0
}'"#,
            r#"{
    "model_number": "1",
    "StockCode": "85123A",
    "Quantity": 10,
    "UnitPrice": 5.0,
    "cluster": 1
}"#,
        ),
        (
            r#"    curl -X POST http://localhost:5000/cluster-country \
-H "Content-Type: application/json" \
-d '{
    "model_number": "1", 
    "Country": "United Kingdom", 
    "Quantity": 10, 
    "UnitPrice": 5.0
}'"#,
            r#"{
    "model_number": "1",
    "Country": "United Kingdom",
    "Quantity": 10,
    "UnitPrice": 5.0,
    "cluster": 3
}"#,
        ),
    ] {
        let command = command.replace("localhost:5000", &address);
        let output =
            tokio::process::Command::new("bash").args(["-c", &command]).output().await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let answer = String::from_utf8(output.stdout).unwrap();
        let compact: String = documented.lines().map(str::trim_start).collect();
        assert_eq!(answer.replace(": ", ":"), compact.replace(": ", ":"));
    }
    app.state.shutdown.request();
    serving.await.unwrap().unwrap();
}

#[tokio::test]
async fn fields_come_back_as_they_were_sent() {
    let app = TestApp::new();
    for body in [
        r#"{"model_number":1,"CustomerID":"017850","Quantity":1e1,"UnitPrice":5.00}"#,
        r#"{"model_number":"latest","CustomerID":17850,"Quantity":10,"UnitPrice":5}"#,
        r#"{"model_number":" 1 ","CustomerID":17850.0,"Quantity":-10.5,"UnitPrice":-5}"#,
    ] {
        let answer = app.post("/cluster-customer", body).await.good();
        let expected = format!("{},\"cluster\":2}}", body.strip_suffix('}').unwrap());
        assert_eq!(answer, expected);
    }
    let shuffled = r#"{"UnitPrice":5,"more":[1],"Quantity":10,"Country":"EIRE","model_number":1}"#;
    assert_eq!(
        app.post("/cluster-country", shuffled).await.good(),
        r#"{"model_number":1,"Country":"EIRE","Quantity":10,"UnitPrice":5,"cluster":3}"#
    );
}

#[tokio::test]
async fn an_unknown_model_is_not_found() {
    let app = TestApp::new();
    for number in ["\"2\"", "2", "\"all\"", "\"newest\"", "0", "-1", "99999999999999999999"] {
        let body = CUSTOMER.replace("\"1\"", number);
        let error = app.post("/cluster-customer", body).await.refused(404);
        assert_eq!(error, "Model not found", "{number}");
    }
    app.state.registry.insert(raw_model(Entity::Customer, ModelNumber::All, 1));
    let answer = app.post("/cluster-customer", CUSTOMER.replace("\"1\"", "\"all\"")).await.json();
    assert_eq!(answer["cluster"], 1);
}

#[tokio::test]
async fn what_cannot_be_is_refused_by_name() {
    let app = TestApp::new();
    for (from, to, named) in [
        ("10", "\"10\"", "`Quantity` must be a number"),
        ("10", "null", "`Quantity` must be a number"),
        ("10", "NaN", "`Quantity` must be a finite number"),
        ("10", "-Infinity", "`Quantity` must be a finite number"),
        ("5.0", "NaN", "`UnitPrice` must be a finite number"),
        ("5.0", "1e999", "`UnitPrice` must be a finite number"),
        ("5.0", "[5.0]", "`UnitPrice` must be a number"),
        (",\"UnitPrice\":5.0", "", "`UnitPrice` is missing"),
        ("\"UnitPrice\"", "\"Quantity\"", "`Quantity` is there twice"),
        ("17850", "\"anyone\"", "`CustomerID` must be a number or a text of digits"),
        ("17850", "\"\"", "`CustomerID` must not be empty"),
        ("17850", "true", "`CustomerID` must be a number or a text of digits"),
        ("\"1\"", "1.5", "`model_number` must be a model number"),
        ("\"1\"", "null", "`model_number` must be a model number"),
        ("10", "1e200", "`Quantity` is too large for this model"),
        ("5.0", "-1e200", "`UnitPrice` is too large for this model"),
        ("5.0", "05", "`UnitPrice` is not JSON"),
        (CUSTOMER, "", "not JSON"),
        (CUSTOMER, "{", "not JSON"),
        (CUSTOMER, "hello", "not JSON"),
        (CUSTOMER, "[]", "a JSON object"),
        ("}", "} and more", "not JSON"),
    ] {
        let body = CUSTOMER.replace(from, to);
        let error = app.post("/cluster-customer", body).await.refused(400);
        assert!(error.contains(named), "{to}: {error}");
    }
    // Columns of the body are bytes, and the first field is not to blame for the second.
    for (value, field) in [
        (r#""Quantity":NaN,"UnitPrice":5"#, "`Quantity`"),
        (
            r#""Quantity":
        1,"UnitPrice": -Infinity"#,
            "`UnitPrice`",
        ),
    ] {
        let body = format!(r#"{{"model_number":1,"Country":"Österreich: ÄÖÜ",{value}}}"#);
        let error = app.post("/cluster-country", body).await.refused(400);
        assert_eq!(error, format!("{field} must be a finite number"));
    }
    let body = &b"{\"model_number\":1,\"Country\":\"\xff\",\"Quantity\":1,\"UnitPrice\":1}"[..];
    let error = app.post("/cluster-country", body).await.refused(400);
    assert!(error.starts_with("`Country` is not JSON"), "{error}");
    let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
    let error = app.post("/cluster-customer", CUSTOMER.replace("10", &deep)).await.refused(400);
    assert_eq!(error, "`Quantity` must be a number");
    for (path, id) in [("/cluster-product", "StockCode"), ("/cluster-country", "Country")] {
        let body = CUSTOMER.replace("CustomerID", id);
        let error = app.post(path, body).await.refused(400);
        assert!(error.contains(&format!("`{id}` must be a text")), "{error}");
    }
}

#[tokio::test]
async fn a_return_is_refused_by_a_model_of_sales() {
    let app = TestApp::empty();
    app.state.registry.insert(sales_model(Entity::Customer, ModelNumber::Number(1)));
    assert_eq!(app.post("/cluster-customer", CUSTOMER).await.json()["cluster"], 2);
    for (from, to, field) in [("10", "-10", "`Quantity`"), ("5.0", "0", "`UnitPrice`")] {
        let error = app.post("/cluster-customer", CUSTOMER.replace(from, to)).await.refused(400);
        assert!(error.starts_with(field) && error.contains("sales only"), "{error}");
    }
}

#[tokio::test]
async fn the_envelope_is_the_same_for_every_refusal() {
    let app = TestApp::new();
    let answer = app.get("/cluster-customer").await;
    answer.refused(405);
    assert_eq!(answer.headers["allow"], "POST");
    let request = Request::post("/cluster-customer").header("content-type", "text/plain");
    app.send(request.body(Body::from(CUSTOMER)).unwrap()).await.refused(415);
    let request = Request::post("/cluster-customer").body(Body::from(CUSTOMER)).unwrap();
    assert_eq!(app.send(request).await.json()["cluster"], 2, "no content type is taken for JSON");
    app.post("/cluster-customer", " ".repeat(100_000)).await.refused(413);
    app.post("/cluster-supplier", CUSTOMER).await.refused(404);
}
