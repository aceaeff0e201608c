//! The service in this process, with models made by hand.

use std::{
    io,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use serde::de::DeserializeOwned;
use tillstream::{
    features::WeightedPoint,
    http::{AppState, BatchSource, PointsSource, SourceError, router},
    progress::Progress,
    registry::Registry,
};
use tillstream_shared::{
    Entity, Filter, Funnel, Manifest, Model, ModelNumber, Preprocessing, PreprocessingKind,
    Scaling, Transform,
};
use tower::ServiceExt;

pub(crate) struct TestApp {
    pub(crate) registry: Arc<Registry>,
    pub(crate) progress: Arc<Progress>,
    pub(crate) sources: Arc<Sources>,
    pub(crate) state: Arc<AppState>,
    router: Router,
}

/// What the points and batches routes answer from.
#[derive(Default)]
pub(crate) struct Sources {
    pub(crate) points: Mutex<Vec<(Entity, ModelNumber, Vec<WeightedPoint>)>>,
    pub(crate) manifests: Mutex<Vec<Manifest>>,
    /// When set, both fail with this message.
    pub(crate) broken: Mutex<Option<&'static str>>,
}

impl PointsSource for Sources {
    fn points(
        &self,
        entity: Entity,
        number: ModelNumber,
    ) -> Result<Option<Vec<WeightedPoint>>, SourceError> {
        if let Some(message) = *self.broken.lock().unwrap() {
            return Err(message.into());
        }
        let points = self.points.lock().unwrap();
        Ok(points.iter().find(|(e, n, _)| (*e, *n) == (entity, number)).map(|(.., p)| p.clone()))
    }
}

impl BatchSource for Sources {
    fn manifests(&self) -> io::Result<Vec<Manifest>> {
        match *self.broken.lock().unwrap() {
            Some(message) => Err(io::Error::other(message)),
            None => Ok(self.manifests.lock().unwrap().clone()),
        }
    }
}

impl TestApp {
    /// No model answers.
    pub(crate) fn empty() -> Self {
        Self::build(Vec::new(), None)
    }

    /// The models answer.
    pub(crate) fn with(models: impl IntoIterator<Item = Model>) -> Self {
        Self::build(models.into_iter().collect(), None)
    }

    /// The page is in `folder`.
    pub(crate) fn with_page(folder: impl Into<PathBuf>) -> Self {
        Self::build(Vec::new(), Some(folder.into()))
    }

    /// For the manual's line of 10 pieces at 5.0, the customer, product and country models 1 answer
    /// 2, 1 and 3.
    pub(crate) fn of_the_manual() -> Self {
        Self::with([
            raw(Entity::Customer, 1, &[[1.0, 1.0], [10.0, 5.0], [1000.0, 9.0]]),
            raw(Entity::Product, 1, &[[9.0, 5.0], [100.0, 5.0], [1000.0, 5.0]]),
            raw(Entity::Country, 1, &[[1.0, 1.0], [2.0, 2.0], [11.0, 4.0]]),
        ])
    }

    fn build(models: Vec<Model>, page: Option<PathBuf>) -> Self {
        let registry = Arc::new(Registry::default());
        models.into_iter().for_each(|model| registry.insert(model));
        let progress = Arc::new(Progress::default());
        let sources = Arc::new(Sources::default());
        let state = Arc::new(AppState::new(
            registry.clone(),
            progress.clone(),
            sources.clone(),
            sources.clone(),
            page,
        ));
        let router = router(Arc::clone(&state));
        Self { registry, progress, sources, state, router }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, json: impl Into<Body>) -> Answer {
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
        self.send(request.body(json.into()).unwrap()).await
    }

    pub(crate) async fn method(&self, method: Method, path: &str) -> Answer {
        self.send(Request::builder().method(method).uri(path).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self.open(request).await.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// The answer before its body is read.
    pub(crate) async fn open(&self, request: Request<Body>) -> axum::response::Response {
        self.router.clone().oneshot(request).await.unwrap()
    }
}

#[must_use]
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// A success.
    #[track_caller]
    pub(crate) fn good(self) -> Self {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text());
        self
    }

    /// An error in the one envelope; its message.
    #[track_caller]
    pub(crate) fn error(self, status: u16) -> String {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), "application/json");
        let body: serde_json::Map<String, serde_json::Value> = self.json();
        assert_eq!(body.keys().collect::<Vec<_>>(), ["error"], "{}", self.text());
        body["error"].as_str().unwrap().to_owned()
    }

    #[track_caller]
    pub(crate) fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body).unwrap()
    }

    #[track_caller]
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// A model on the values as they are.
pub(crate) fn raw(entity: Entity, number: u64, centroids: &[[f64; 2]]) -> Model {
    let centroids: Vec<_> = centroids.iter().map(|centroid| centroid.to_vec()).collect();
    let k = centroids.len();
    Model {
        format_version: Model::FORMAT_VERSION,
        entity,
        number: ModelNumber::Number(number),
        batch: Some(number),
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
        k: k as u32,
        seed: 1,
        restarts: 10,
        mean_values: centroids.iter().map(|centroid| centroid[0] * centroid[1]).collect(),
        model_centroids: centroids.clone(),
        centroids,
        sizes: vec![7; k],
        sse: 0.1 + 0.2,
        iterations: 3,
        funnel: Funnel { lines: 21, kept: 21, ..Funnel::default() },
        offsets: Vec::new(),
        trained_at: "2026-11-23T17:35:09Z".to_owned(),
    }
}

/// A model of sales, log1p, not scaled.
pub(crate) fn log(entity: Entity, number: u64, centroids: &[[f64; 2]]) -> Model {
    let mut model = raw(entity, number, centroids);
    model.preprocessing.kind = PreprocessingKind::Log;
    model.preprocessing.filter = Filter::Positive;
    model.preprocessing.transform = Transform::Log1p;
    for centroid in &mut model.model_centroids {
        centroid.iter_mut().for_each(|value| *value = Transform::Log1p.forward(*value));
    }
    model
}

/// The same model, trained on everything.
pub(crate) fn all(mut model: Model) -> Model {
    model.number = ModelNumber::All;
    model
}
