//! `POST /cluster-customer`, `/cluster-product`, `/cluster-country`.

use axum::{
    body::Body,
    http::{Method, Request, header},
};
use tillstream_shared::Entity;

use crate::support::{TestApp, all, log, raw};

const NEAR: [f64; 2] = [1.0, 1.0];
const FAR: [f64; 2] = [1000.0, 10.0];

/// Cluster 2 is near the manual's line in model 1, cluster 1 in model 2, and cluster 3 in `all`.
fn app() -> TestApp {
    TestApp::with(Entity::ALL.into_iter().flat_map(|entity| {
        [
            raw(entity, 1, &[NEAR, [10.0, 5.0], FAR]),
            raw(entity, 2, &[[10.0, 5.0], [500.0, 5.0], FAR]),
            all(raw(entity, 2, &[NEAR, [2.0, 2.0], [10.0, 5.0]])),
        ]
    }))
}

fn customer(field: &str, value: &str) -> String {
    let mut fields = vec![
        ("model_number", r#""1""#),
        ("CustomerID", "17850"),
        ("Quantity", "10"),
        ("UnitPrice", "5.0"),
    ];
    fields.iter_mut().find(|(name, _)| *name == field).unwrap().1 = value;
    let fields: Vec<_> =
        fields.into_iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", fields.join(","))
}

#[tokio::test]
async fn the_fields_come_back_exactly_as_given_and_in_the_manual_s_order() {
    let app = app();
    for (path, request, expected) in [
        (
            "/cluster-customer",
            r#"{"model_number": "1", "CustomerID": 17850, "Quantity": 10, "UnitPrice": 5.0}"#,
            r#"{"model_number":"1","CustomerID":17850,"Quantity":10,"UnitPrice":5.0,"cluster":2}"#,
        ),
        (
            "/cluster-customer",
            r#"{"UnitPrice":5,"Quantity":1e1,"CustomerID":"017850","model_number":1}"#,
            r#"{"model_number":1,"CustomerID":"017850","Quantity":1e1,"UnitPrice":5,"cluster":2}"#,
        ),
        (
            "/cluster-product",
            r#"{"model_number":"latest","StockCode":"85123\u0041 \"x\"","Quantity":10.50,"UnitPrice":5.00}"#,
            r#"{"model_number":"latest","StockCode":"85123\u0041 \"x\"","Quantity":10.50,"UnitPrice":5.00,"cluster":1}"#,
        ),
        (
            "/cluster-country",
            r#"{"model_number":"all","Country":"Österreich","Quantity":-0,"UnitPrice":0.1e-400,"more":{"a":[1]}}"#,
            r#"{"model_number":"all","Country":"Österreich","Quantity":-0,"UnitPrice":0.1e-400,"cluster":1}"#,
        ),
    ] {
        let answer = app.post(path, request).await.good();
        assert_eq!(answer.text(), expected);
        assert_eq!(answer.header("content-type"), "application/json");
    }
}

#[tokio::test]
async fn a_model_is_named_by_number_or_alias_in_quotes_or_not() {
    let app = app();
    for (model, cluster) in [("1", 2), (r#""1""#, 2), ("2", 1), (r#""latest""#, 1), (r#""all""#, 3)]
    {
        let answer = app.post("/cluster-customer", customer("model_number", model)).await.good();
        assert_eq!(answer.json::<serde_json::Value>()["cluster"], cluster, "{model}");
    }
}

#[tokio::test]
async fn an_unknown_model_is_not_found() {
    for model in ["3", r#""3""#, "0", r#""99999999999999999999""#] {
        let answer = app().post("/cluster-customer", customer("model_number", model)).await;
        assert_eq!(answer.error(404), "Model not found", "{model}");
    }
    for (path, id) in [("product", "StockCode"), ("country", "Country")] {
        for model in ["1", r#""latest""#, r#""all""#] {
            let request =
                format!(r#"{{"model_number":{model},"{id}":"x","Quantity":1,"UnitPrice":1}}"#);
            let answer = TestApp::empty().post(&format!("/cluster-{path}"), request).await;
            assert_eq!(answer.text(), r#"{"error":"Model not found"}"#);
            assert_eq!(answer.error(404), "Model not found");
        }
    }
}

#[tokio::test]
async fn a_wrong_value_is_refused_by_the_name_of_its_field() {
    let app = app();
    const NAN: &str = "NaN and infinity are not numbers in JSON";
    for (field, value, why) in [
        ("model_number", "null", "must be a model number, `latest` or `all`, not null"),
        ("model_number", "true", "must be a model number"),
        ("model_number", "[1]", "must be a model number"),
        ("model_number", "1.5", "must be a model number"),
        ("model_number", "-1", "must be a model number"),
        ("model_number", r#""newest""#, r#"not "newest""#),
        ("model_number", r#""""#, "must be a model number"),
        ("CustomerID", "null", "must be a number or a string of digits, not null"),
        ("CustomerID", r#""A17850""#, "must be a number or a string of digits"),
        ("CustomerID", r#""""#, "must be a number or a string of digits"),
        ("CustomerID", "1e999", "must be a finite number"),
        ("CustomerID", "{}", "must be a number or a string of digits"),
        ("Quantity", r#""10""#, r#"must be a number, not "10""#),
        ("Quantity", "true", "must be a number, not true"),
        ("Quantity", "null", "must be a number, not null"),
        ("Quantity", "1e999", "must be a finite number"),
        ("Quantity", "NaN", NAN),
        ("Quantity", "1e200", "is too large for this model"),
        ("UnitPrice", "-1e999", "must be a finite number"),
        ("UnitPrice", "Infinity", NAN),
        ("UnitPrice", "-Infinity", NAN),
        ("UnitPrice", "05", "number"),
        ("UnitPrice", "[5.0]", "must be a number, not [5.0]"),
    ] {
        let message = app.post("/cluster-customer", customer(field, value)).await.error(400);
        assert!(message.starts_with(&format!("`{field}` ")), "{field} {value}: {message}");
        assert!(message.contains(why), "{field} {value}: {message}");
    }
    for (path, id) in [("/cluster-product", "StockCode"), ("/cluster-country", "Country")] {
        for (value, why) in [
            ("17850", "must be a string, not 17850"),
            ("null", "must be a string, not null"),
            (r#"" ""#, "must not be empty"),
            (r#""\ud800""#, "is not valid text"),
        ] {
            let request =
                format!(r#"{{"model_number":1,"{id}":{value},"Quantity":1,"UnitPrice":1}}"#);
            assert_eq!(app.post(path, request).await.error(400), format!("`{id}` {why}"));
        }
    }
}

#[tokio::test]
async fn a_long_wrong_value_is_not_sent_back_whole() {
    let value = format!("\"{}\"", "é".repeat(5000));
    let message = app().post("/cluster-customer", customer("Quantity", &value)).await.error(400);
    assert!(message.ends_with('…') && message.len() < 200, "{message}");
}

#[tokio::test]
async fn a_field_must_be_there_once() {
    let app = app();
    for field in ["model_number", "CustomerID", "Quantity", "UnitPrice"] {
        let whole = customer("Quantity", "10");
        let without = whole.replace(&format!("\"{field}\""), "\"other\"");
        let message = app.post("/cluster-customer", without).await.error(400);
        assert_eq!(message, format!("`{field}` is missing"));

        let twice = whole.replace('}', &format!(",\"{field}\":1}}"));
        let message = app.post("/cluster-customer", twice).await.error(400);
        assert_eq!(message, format!("`{field}` is given twice"));
    }
}

#[tokio::test]
async fn a_body_that_is_no_json_object_is_refused() {
    let app = app();
    for body in ["", "  ", "nonsense", "[]", "17", "null", "{", r#"{"Quantity":1"#, "{} {}"] {
        let message = app.post("/cluster-customer", body).await.error(400);
        assert!(message.contains("JSON"), "{body}: {message}");
    }
    let whole = customer("Quantity", "10");
    let message = app.post("/cluster-customer", whole.clone() + "x").await.error(400);
    assert!(message.starts_with("the request body must be a JSON object"), "{message}");
    let message = app.post("/cluster-customer", &b"{\"\xff\":1}"[..]).await.error(400);
    assert!(message.contains("UTF-8"), "{message}");
    let deep = customer("Quantity", &format!("{}{}", "[".repeat(20_000), "]".repeat(20_000)));
    let message = app.post("/cluster-customer", deep).await.error(400);
    assert!(message.starts_with("`Quantity` must be a number"), "{message}");
}

#[tokio::test]
async fn a_line_that_the_model_s_preprocessing_excludes_is_refused() {
    let app = TestApp::with([log(Entity::Customer, 1, &[NEAR, FAR])]);
    for (field, value) in [("Quantity", "-1"), ("Quantity", "0"), ("UnitPrice", "0.0")] {
        let message = app.post("/cluster-customer", customer(field, value)).await.error(400);
        assert_eq!(
            message,
            format!("`{field}` must be above zero: the model was trained on sales only")
        );
    }
    let _ = app.post("/cluster-customer", customer("Quantity", "0.5")).await.good();
}

#[tokio::test]
async fn the_body_may_be_announced_as_json_or_not_at_all() {
    let app = app();
    let send = async |kind: Option<&'static str>| {
        let mut request = Request::post("/cluster-customer");
        if let Some(kind) = kind {
            request = request.header(header::CONTENT_TYPE, kind);
        }
        app.send(request.body(Body::from(customer("Quantity", "10"))).unwrap()).await
    };
    for kind in [
        None,
        Some("application/json"),
        Some("Application/JSON; charset=utf-8"),
        Some("application/vnd.till+json"),
    ] {
        let _ = send(kind).await.good();
    }
    for kind in ["application/x-www-form-urlencoded", "text/plain", "json", "text/json", ""] {
        let message = send(Some(kind)).await.error(415);
        assert!(message.contains("application/json"), "{message}");
    }
}

#[tokio::test]
async fn another_method_is_refused_and_the_right_one_named() {
    for path in ["/cluster-customer", "/cluster-product", "/cluster-country"] {
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let answer = app().method(method, path).await;
            assert_eq!(answer.header("allow"), "POST");
            let _ = answer.error(405);
        }
    }
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused() {
    let large =
        customer("Quantity", "10").replace('{', &format!("{{\"x\":\"{}\",", "x".repeat(65_536)));
    assert!(app().post("/cluster-customer", large).await.error(413).contains("64 KiB"));
}

#[tokio::test]
async fn a_path_that_does_not_exist_is_not_found() {
    for path in ["/cluster", "/cluster-customer/", "/predict", "/"] {
        let _ = app().post(path, "{}").await.error(404);
    }
}
