//! `GET /api/v1/models/{entity}/{number}/points`.

use tillstream::features::WeightedPoint;
use tillstream_shared::{Entity, ModelNumber, api::Points};

use crate::support::{TestApp, all, log, raw};

fn point(quantity: i64, unit_price: f64, weight: u64) -> WeightedPoint {
    WeightedPoint { quantity, unit_price, weight }
}

fn app() -> TestApp {
    let centroids = [[1.0, 1.0], [10.0, 5.0]];
    let app = TestApp::with([
        raw(Entity::Country, 1, &centroids),
        log(Entity::Country, 2, &centroids),
        all(raw(Entity::Country, 2, &centroids)),
    ]);
    app.sources.points.lock().unwrap().extend([
        (
            Entity::Country,
            ModelNumber::Number(1),
            vec![point(-1, 0.5, 3), point(2, 1.25, 1), point(9, 5.0, 40)],
        ),
        (Entity::Country, ModelNumber::All, vec![point(10, 5.0, 2)]),
    ]);
    app
}

#[tokio::test]
async fn every_point_has_its_weight_and_cluster() {
    let answer = app().get("/api/v1/models/country/1/points").await.good();
    assert_eq!(
        answer.text(),
        r#"{"quantity":[-1.0,2.0,9.0],"unit_price":[0.5,1.25,5.0],"weight":[3,1,40],"cluster":[1,1,2]}"#
    );
    let points: Points = app().get("/api/v1/models/country/all/points").await.good().json();
    assert_eq!((points.weight, points.cluster), (vec![2], vec![2]));
}

#[tokio::test]
async fn points_that_are_not_known_and_models_that_are_not_are_told_apart() {
    let message = app().get("/api/v1/models/country/latest/points").await.error(404);
    assert_eq!(message, "the points of the country model 2 are not known: its batch file is gone");
    let message = app().get("/api/v1/models/country/3/points").await.error(404);
    assert_eq!(message, "Model not found");
    let _ = app().get("/api/v1/models/shop/3/points").await.error(404);
}

#[tokio::test]
async fn a_source_that_fails_is_a_bare_internal_error() {
    let app = app();
    *app.sources.broken.lock().unwrap() = Some("/secret/path: I/O error");
    let message = app.get("/api/v1/models/country/1/points").await.error(500);
    assert_eq!(message, "internal error");
}
