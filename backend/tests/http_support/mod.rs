//! The routes in process, with models made by hand.
#![allow(dead_code, unreachable_pub, reason = "every test file uses its own part of this")]

use std::{path::PathBuf, sync::Arc};

use axum::{
    Router,
    body::{Body, Bytes},
    http::{HeaderMap, Request, Response, StatusCode},
};
use serde_json::Value;
use tempfile::TempDir;
use tillstream::{
    http::{AppState, router},
    progress::Progress,
    registry::{ChampionStore, Registry},
    shutdown::Shutdown,
    stored_data::StoredData,
};
use tillstream_shared::{
    Entity, Filter, Model, ModelKind, ModelNumber, PreprocessingKind, testing,
};
use tower::ServiceExt;

/// A raw line model with three clusters, of which `nearest` is nearest to (10, 5).
pub fn raw_model(entity: Entity, number: ModelNumber, nearest: usize) -> Model {
    let mut centroids = [[100.0, 1.0], [200.0, 2.0], [300.0, 3.0]];
    centroids[nearest - 1] = [11.0, 5.0];
    let [a, b, c] = &centroids;
    let clusters: [(u64, &[f64]); 3] = [(5, a), (6, b), (7, c)];
    Model {
        number,
        sse: 12.5,
        ..testing::raw_model(ModelKind::Line, entity, &testing::LINE_FEATURES, &clusters)
    }
}

/// The same, trained on sales only.
pub fn sales_model(entity: Entity, number: ModelNumber) -> Model {
    let mut model = raw_model(entity, number, 2);
    model.preprocessing.kind = PreprocessingKind::Log;
    model.preprocessing.filter = Filter::Positive;
    model
}

/// A profile model with three clusters.
pub fn profile_model(entity: Entity, number: u64) -> Model {
    let d = if entity == Entity::Country { 4 } else { 5 };
    let features = &["recency", "frequency", "monetary", "mean_basket", "tenure"][..d];
    let centroids = [vec![1.0; d], vec![2.0; d], vec![3.0; d]];
    let [a, b, c] = &centroids;
    let clusters: [(u64, &[f64]); 3] = [(5, a), (6, b), (7, c)];
    let model = testing::raw_model(ModelKind::Profile, entity, features, &clusters);
    Model { number: ModelNumber::Number(number), ..model }
}

/// The service over an empty data folder.
pub struct TestApp {
    pub state: Arc<AppState>,
    pub data: TempDir,
}

impl TestApp {
    /// With the models whose answers the original's manual documents: 2, 1 and 3.
    pub fn new() -> Self {
        let app = Self::empty();
        for (entity, nearest) in [(Entity::Customer, 2), (Entity::Product, 1), (Entity::Country, 3)]
        {
            app.state.registry.insert(raw_model(entity, ModelNumber::Number(1), nearest));
        }
        app
    }

    pub fn empty() -> Self {
        let data = tempfile::tempdir().unwrap();
        let (batches, models) = (data.path().join("batch"), data.path().join("models"));
        let state = Arc::new(AppState {
            registry: Arc::new(Registry::open(&models, &batches).unwrap()),
            champions: ChampionStore::new(&models),
            progress: Arc::new(Progress::default()),
            data: StoredData::new(&batches, &models),
            page: data.path().join("page"),
            shutdown: Shutdown::default(),
        });
        Self { state, data }
    }

    pub fn models(&self) -> PathBuf {
        self.data.path().join("models")
    }

    pub fn page(&self) -> PathBuf {
        self.data.path().join("page")
    }

    pub fn router(&self) -> Router {
        router(self.state.clone())
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    /// Posts JSON.
    pub async fn post(&self, path: &str, body: impl Into<Body>) -> Answer {
        let request = Request::post(path).header("content-type", "application/json");
        self.send(request.body(body.into()).unwrap()).await
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router().oneshot(request).await.unwrap();
        let (parts, body) = Response::into_parts(response);
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Answer { status: parts.status, headers: parts.headers, body }
    }
}

/// What the service answered.
#[must_use]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).unwrap()
    }

    /// The text of a success.
    #[track_caller]
    pub fn good(&self) -> String {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text());
        self.text()
    }

    /// The JSON of a success.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.good()).unwrap()
    }

    /// The message of a refusal with this status; the envelope holds nothing else.
    #[track_caller]
    pub fn refused(&self, status: u16) -> String {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        let json: Value = serde_json::from_str(&self.text()).unwrap();
        let fields = json.as_object().unwrap();
        assert_eq!(fields.len(), 1, "{json}");
        fields["error"].as_str().unwrap().to_owned()
    }
}
