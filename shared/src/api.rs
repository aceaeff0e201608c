//! Requests and responses of `/api/v1`. The routes of the original system are in the server alone.

use serde::{Deserialize, Serialize};

use crate::{Entity, ModelNumber, ModelRef, PreprocessingKind};

/// The body of every answer that is not a success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// One sentence: what was wrong and, where it helps, what to do.
    pub error: String,
}

/// `POST /api/v1/predict`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PredictRequest {
    /// What the line is about.
    pub entity: Entity,
    /// The customer, product or country; echoed, not used by a line model.
    pub id: String,
    /// Pieces.
    pub quantity: f64,
    /// Price of one piece.
    pub unit_price: f64,
    /// The model to ask; a number, `latest` or `all`.
    pub model: ModelRef,
}

/// The answer to [`PredictRequest`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PredictResponse {
    /// From the request.
    pub entity: Entity,
    /// From the request.
    pub id: String,
    /// From the request.
    pub quantity: f64,
    /// From the request.
    pub unit_price: f64,
    /// The model that answered, an alias resolved.
    pub model: ModelNumber,
    /// The cluster, from 1.
    pub cluster: u32,
    /// What the cluster stands for.
    pub description: String,
    /// Euclidean distance to each centroid in model space; the k-th belongs to cluster k.
    pub distances: Vec<f64>,
}

/// One row of `GET /api/v1/models`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelSummary {
    /// What is clustered.
    pub entity: Entity,
    /// Number or `all`.
    pub number: ModelNumber,
    /// The batch it was trained on, for `all` the newest.
    pub batch: Option<u64>,
    /// Raw or log.
    pub preprocessing: PreprocessingKind,
    /// Number of clusters.
    pub k: u32,
    /// Lines in each cluster.
    pub sizes: Vec<u64>,
    /// Sum of squared errors in model space.
    pub sse: f64,
    /// RFC 3339 in UTC.
    pub trained_at: String,
}

/// `GET /api/v1/models`: by entity, numbered models ascending, `all` last.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelList {
    /// The models.
    pub models: Vec<ModelSummary>,
    /// Files in the models folder that could not be used, and why.
    pub unusable: Vec<String>,
}

/// `GET /api/v1/models/{entity}/{number}/points`: the weighted distinct points that the model was
/// trained on, as columns of equal length.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Points {
    /// Pieces.
    pub quantity: Vec<f64>,
    /// Price of one piece.
    pub unit_price: Vec<f64>,
    /// Lines at this point.
    pub weight: Vec<u64>,
    /// Cluster of the point, from 1.
    pub cluster: Vec<u32>,
}

/// What a running part of the pipeline is doing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Not part of this process.
    #[default]
    Absent,
    /// At work or waiting for work.
    Running,
    /// Ended as it should.
    Done,
    /// Ended with an error.
    Failed,
}

/// `GET /api/v1/status`: the counts of this process since it started, and of its data folder.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Version of the program.
    pub version: String,
    /// When the process started, RFC 3339 in UTC.
    pub started_at: String,
    /// Sends lines to the topic.
    pub producer: Stage,
    /// Stores lines in batches.
    pub consumer: Stage,
    /// Trains models.
    pub trainer: Stage,
    /// Lines of the input in all, once known.
    pub input_lines: Option<u64>,
    /// Lines read from the input.
    pub lines_read: u64,
    /// Lines acknowledged by the broker, those of earlier runs included.
    pub lines_sent: u64,
    /// Lines in stored batches.
    pub lines_stored: u64,
    /// Lines in the open batch.
    pub lines_open: u64,
    /// Messages that were no lines.
    pub dead_letters: u64,
    /// Rows of the input that were no lines.
    pub rejects: u64,
    /// Stored batches.
    pub batches: u64,
    /// Usable models.
    pub models: u64,
    /// Messages in the topic that the consumer has not read yet, once known.
    pub lag: Option<u64>,
    /// Messages that a person should see, newest last: models not trained, files left out, errors.
    pub notices: Vec<String>,
}

/// An event of `GET /api/v1/events`; the name of the server-sent event is the tag.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The counts; sent at once to a new listener, and whenever they changed, a few times a second.
    Status(Box<Status>),
    /// A batch was stored.
    BatchStored {
        /// Its number.
        number: u64,
        /// Its lines.
        rows: u64,
    },
    /// A model was trained and answers from now on.
    ModelTrained {
        /// What is clustered.
        entity: Entity,
        /// Its number or `all`.
        number: ModelNumber,
    },
    /// Something a person should see.
    Notice {
        /// One sentence.
        message: String,
    },
}

impl Event {
    /// The tag, as in the JSON.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Status(_) => "status",
            Self::BatchStored { .. } => "batch_stored",
            Self::ModelTrained { .. } => "model_trained",
            Self::Notice { .. } => "notice",
        }
    }
}
