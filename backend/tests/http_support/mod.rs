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
    training::StoredData,
};
use tillstream_shared::{
    Entity, Filter, Funnel, Model, ModelKind, ModelNumber, Preprocessing, PreprocessingKind,
    Scaling, Transform,
};
use tower::ServiceExt;

/// A raw model number 1 with three clusters, of which `nearest` is nearest to (10, 5).
pub fn raw_model(entity: Entity, number: ModelNumber, nearest: usize) -> Model {
    let mut centroids = vec![vec![100.0, 1.0], vec![200.0, 2.0], vec![300.0, 3.0]];
    centroids[nearest - 1] = vec![11.0, 5.0];
    Model {
        format_version: Model::FORMAT_VERSION,
        kind: ModelKind::Line,
        entity,
        number,
        batch: Some(1),
        manifest: None,
        gaps: Vec::new(),
        features: vec!["Quantity".to_owned(), "UnitPrice".to_owned()],
        preprocessing: Preprocessing {
            kind: PreprocessingKind::Raw,
            filter: Filter::All,
            transform: Transform::Identity,
            scaling: Scaling::None,
            means: vec![0.0; 2],
            scales: vec![1.0; 2],
            clip: None,
        },
        k: 3,
        seed: 1,
        restarts: 10,
        centroids: centroids.clone(),
        model_centroids: centroids,
        sizes: vec![5, 6, 7],
        mean_values: vec![1.0, 2.0, 3.0],
        sse: 12.5,
        iterations: 4,
        funnel: Funnel { lines: 18, kept: 18, ..Funnel::default() },
        offsets: Vec::new(),
        trained_at: "2026-11-24T00:00:00Z".to_owned(),
        clusters: Vec::new(),
        previous: None,
        identities: 0,
        transitions: Vec::new(),
        evaluation: None,
        report: None,
        decay: None,
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
    let mut model = raw_model(entity, ModelNumber::Number(number), 1);
    model.kind = ModelKind::Profile;
    model.features = (0..d).map(|j| format!("feature_{j}")).collect();
    model.centroids = (1..=3).map(|c| vec![f64::from(c); d]).collect();
    model.model_centroids.clone_from(&model.centroids);
    model.preprocessing.means = vec![0.0; d];
    model.preprocessing.scales = vec![1.0; d];
    model
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
        let state = Arc::new(AppState {
            registry: Arc::new(Registry::default()),
            champions: ChampionStore::new(&data.path().join("models")),
            progress: Arc::new(Progress::default()),
            data: StoredData {
                batches: data.path().join("batch"),
                models: data.path().join("models"),
            },
            page: data.path().join("page"),
            shutdown: Shutdown::default(),
        });
        Self { state, data }
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
