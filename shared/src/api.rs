//! Requests and responses of `/api/v1`. The routes of the original system are in the server alone.

use serde::{Deserialize, Serialize};

use crate::{
    Champion, ClosedBy, Entity, Manifest, ModelKind, ModelNumber, ModelRef, PreprocessingKind, Text,
};

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
    /// The line model to ask; a number or an alias.
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
    /// What the cluster stands for: low, medium or high value.
    pub description: String,
    /// The cluster's name, from its own figures; empty texts for a model of an earlier version.
    #[serde(default)]
    pub name: Text,
    /// The cluster's identity, which stays from model to model; 0 for a model of an earlier version.
    #[serde(default)]
    pub identity: u32,
    /// Euclidean distance to each centroid in model space; the k-th belongs to cluster k.
    pub distances: Vec<f64>,
}

/// One row of `GET /api/v1/models`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelSummary {
    /// Whether lines or profiles are clustered.
    #[serde(default)]
    pub kind: ModelKind,
    /// What they are about.
    pub entity: Entity,
    /// Number, `all` or `live`.
    pub number: ModelNumber,
    /// The batch it was trained on, or the newest of several.
    pub batch: Option<u64>,
    /// Raw or log.
    pub preprocessing: PreprocessingKind,
    /// Number of clusters.
    pub k: u32,
    /// Lines, or for profile models entities, in each cluster.
    pub sizes: Vec<u64>,
    /// Sum of squared errors in model space.
    pub sse: f64,
    /// Mean silhouette, where there is one.
    #[serde(default)]
    pub silhouette: Option<f64>,
    /// RFC 3339 in UTC.
    pub trained_at: String,
}

/// `GET /api/v1/models`: by kind and entity, the newest numbered models ascending, then `all` and
/// `live`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelList {
    /// The models of this page of the list.
    pub models: Vec<ModelSummary>,
    /// Models in all, listed or not.
    pub total: u64,
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

/// `GET /api/v1/models/{entity}/{number}/profiles`: the rows that a profile model was trained on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ProfileRows {
    /// Names of the features.
    pub features: Vec<String>,
    /// Customers, products or countries.
    pub ids: Vec<String>,
    /// One column for each feature, in original units, each as long as `ids`.
    pub columns: Vec<Vec<f64>>,
    /// Cluster of each, from 1.
    pub cluster: Vec<u32>,
    /// Whether all counts of each are exact, and none is an estimate.
    #[serde(default)]
    pub exact: Vec<bool>,
}

/// `GET /api/v1/models/{entity}/{from}/migration/{to}`: how many lines or entities moved from which
/// cluster to which.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Migration {
    /// Line models: the lines that `to` was trained on, as both models assign them. Profile models:
    /// the entities that both know, as each model assigned them in its time.
    pub kind: ModelKind,
    /// What the models are about.
    pub entity: Entity,
    /// The earlier model, an alias resolved.
    pub from: ModelNumber,
    /// The later model, an alias resolved.
    pub to: ModelNumber,
    /// k of `from` rows, k of `to` columns: lines or entities.
    pub counts: Vec<Vec<u64>>,
    /// Lines that `from` does not admit, or entities that it does not know.
    pub arrived: Vec<u64>,
    /// Entities of `from` that `to` does not know, by cluster of `from`; zeros for line models.
    pub left: Vec<u64>,
}

/// The cluster of an entity at one time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Membership {
    /// Number of the profile model.
    pub model: u64,
    /// Its cluster then, from 1.
    pub cluster: u32,
    /// The identity of that cluster.
    pub identity: u32,
    /// The name of that cluster.
    pub name: Text,
    /// When the model was trained, RFC 3339 in UTC.
    pub trained_at: String,
}

/// Recency, frequency and monetary scores of a customer, from 1 to 5 (best), and the usual segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RfmScore {
    /// 5: among the fifth of the customers who were seen last.
    pub recency: u8,
    /// 5: among the fifth with the most invoices.
    pub frequency: u8,
    /// 5: among the fifth that spent most.
    pub monetary: u8,
    /// The segment.
    pub segment: Text,
}

/// `GET /api/v1/profiles/{entity}/{id}`: one customer, product or country.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProfileView {
    /// What it is.
    pub entity: Entity,
    /// Its identifier.
    pub id: String,
    /// Names of the features.
    pub features: Vec<String>,
    /// One value for each feature, in original units.
    pub values: Vec<f64>,
    /// Whether all its counts are exact, and none is an estimate.
    pub exact: bool,
    /// Of a customer.
    pub rfm: Option<RfmScore>,
    /// Its clusters in all profile models that know it, the oldest first.
    pub history: Vec<Membership>,
}

/// `GET /api/v1/champions`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Champions {
    /// One for each kind and entity.
    pub champions: Vec<Champion>,
}

/// `GET /api/v1/batches`: the newest batches, by ascending number.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BatchList {
    /// The manifests of this page of the list.
    pub batches: Vec<Manifest>,
    /// Batches in all, listed or not.
    pub total: u64,
}

/// `POST /api/v1/champions/{entity}`, with `?kind=profile` for profile models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChampionRequest {
    /// Promotes the model of this number and holds it.
    Promote(u64),
    /// Goes back to the champion before, and holds it.
    RollBack,
    /// Lets the gate promote again.
    Release,
}

/// A long-running component of the process.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, strum::Display,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Component {
    /// The embedded broker.
    Broker,
    /// Sends lines to the topic.
    Producer,
    /// Stores lines in batches.
    Consumer,
    /// Trains models.
    Trainer,
    /// Answers REST requests and serves the page.
    Serving,
    /// Takes up what other processes change in the data folder: models, batches, champions.
    Watcher,
    /// Shows progress on standard error.
    Terminal,
}

/// What a component is doing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Not in this process.
    #[default]
    Absent,
    /// At work or waiting for work.
    Running,
    /// Ended as it should.
    Done,
    /// Ended with an error or a panic.
    Failed,
}

/// The stage of one component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComponentStatus {
    /// Which one.
    pub component: Component,
    /// What it is doing.
    pub stage: Stage,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What a running one waits for, since when and why: brokers that do not answer, room on the disk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<String>,
}

/// A batch that no model is trained on, because its file is damaged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// Number of the batch.
    pub batch: u64,
    /// What is wrong with it.
    pub reason: String,
}

/// How far the consumer is behind in one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionLag {
    /// Number of the partition.
    pub partition: i32,
    /// The first offset that the consumer has not read.
    pub next: i64,
    /// The offset after the last message, as last heard.
    pub end: i64,
    /// `end` less `next`.
    pub messages: u64,
    /// The age of the message that was read last: the time since its timestamp. 0 when no message is left; `None`
    /// before the first message of the partition, and when that has no timestamp.
    pub seconds: Option<u64>,
}

/// Lines per second, over the last 10 seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Rates {
    /// Acknowledged by the broker.
    pub sent: f64,
    /// Read by the consumer, stored or in the open batch.
    pub received: f64,
    /// In batches that were stored.
    pub stored: f64,
}

/// The newest batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastBatch {
    /// Its number.
    pub number: u64,
    /// Its lines.
    pub rows: u64,
    /// Why it was closed.
    pub closed_by: ClosedBy,
    /// When it was closed, RFC 3339 in UTC.
    pub created_at: String,
}

/// `GET /api/v1/status`: the counts of this process since it started, and of its data folder.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Version of the program.
    pub version: String,
    /// When the process started, RFC 3339 in UTC.
    pub started_at: String,
    /// The components of this process, in the order of [`Component`].
    pub components: Vec<ComponentStatus>,
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
    /// Messages that were invalid and went to the dead-letter topic.
    pub dead_letters: u64,
    /// Messages that repeated a stored line of the same source, and were skipped.
    pub repeated: u64,
    /// Messages without a payload (tombstones) or with one of no bytes, which were skipped.
    pub empty: u64,
    /// Rows of the input that were invalid.
    pub rejects: u64,
    /// Stored batches.
    pub batches: u64,
    /// Usable models.
    pub models: u64,
    /// Messages in the topic that the consumer has not read yet, once known.
    pub lag: Option<u64>,
    /// The largest [`PartitionLag::seconds`] of all partitions, as far as they are known.
    #[serde(default)]
    pub lag_seconds: Option<u64>,
    /// Partitions that the consumer reads, listed or not.
    #[serde(default)]
    pub partition_count: u64,
    /// The partitions, by ascending number; of more than 32 those with the largest lag in messages.
    #[serde(default)]
    pub partitions: Vec<PartitionLag>,
    /// How fast lines are sent, received and stored, once measured.
    #[serde(default)]
    pub rates: Option<Rates>,
    /// The newest batch, if there is one.
    #[serde(default)]
    pub last_batch: Option<LastBatch>,
    /// Damaged batches that training leaves out, by ascending number.
    pub gaps: Vec<Gap>,
    /// Messages that a person should see, newest last: models not trained, files left out, errors.
    pub notices: Vec<String>,
}

impl Status {
    /// What `component` is doing.
    #[must_use]
    pub fn stage(&self, component: Component) -> Stage {
        self.component(component).map_or(Stage::Absent, |status| status.stage)
    }

    /// The status of `component`, if it is part of the process.
    #[must_use]
    pub fn component(&self, component: Component) -> Option<&ComponentStatus> {
        self.components.iter().find(|status| status.component == component)
    }
}

/// An event of `GET /api/v1/events`; the name of the server-sent event is the tag.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(tag = "event", rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
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
        /// Whether lines or profiles are clustered.
        #[serde(default)]
        kind: ModelKind,
        /// What they are about.
        entity: Entity,
        /// Its number, `all` or `live`.
        number: ModelNumber,
    },
    /// Another model answers under the alias `champion`.
    ChampionChanged {
        /// Line or profile models.
        kind: ModelKind,
        /// What they are about.
        entity: Entity,
        /// Number of the new champion.
        model: u64,
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
    pub fn name(&self) -> &'static str {
        self.into()
    }
}
