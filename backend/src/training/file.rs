//! One model straight from an input, without batches.

use rustc_hash::FxHashSet;
use tillstream_shared::{Entity, Funnel, Line, Model, ModelKind, ModelNumber};

use super::{Recipe, TrainerOptions, TrainingError, UnsuitableRecipe, fit::train_points};
use crate::{
    clustering::WeightedPoints,
    features::{LinePoints, ProfileTable, Profiles},
    ingest::{Input, Row, csv_lines::write_line},
    progress::now,
};

/// What is made of the lines of an input.
#[derive(Debug, Clone, Copy)]
pub struct FileOptions {
    /// What the model is about.
    pub entity: Entity,
    /// What one row of the training data is.
    pub recipe: Recipe,
    /// Leave out a line that is equal to an earlier one in all its fields.
    pub drop_duplicates: bool,
    /// The largest absolute value in model space, to which larger ones are cut.
    pub clip: Option<f64>,
}

/// Trains one model straight from `input`, as number 1 without a batch. Rows that are no lines, and
/// duplicates that are dropped, are counted in a message of the log and not in the funnel.
///
/// # Errors
/// [`TrainingError`].
pub fn train_file(
    mut input: Input,
    file: &FileOptions,
    options: &TrainerOptions,
) -> Result<Model, TrainingError> {
    file.recipe.suits(file.entity)?;
    let mut rows = match file.recipe {
        Recipe::Line => Rows::Lines(LinePoints::new(file.entity)),
        Recipe::Profile | Recipe::Rfm => Rows::Profiles(Profiles::new(file.entity)),
    };
    let mut duplicates = file.drop_duplicates.then(Duplicates::default);
    let (mut rejected, mut dropped) = (0_u64, 0_u64);
    while let Some(row) = input.next() {
        let Row::Line { line, .. } = row? else {
            rejected += 1;
            continue;
        };
        if duplicates.as_mut().is_some_and(|duplicates| duplicates.holds(&line)) {
            dropped += 1;
            continue;
        }
        match &mut rows {
            Rows::Lines(points) => points.add(&line),
            Rows::Profiles(profiles) => profiles.add(&line),
        }
    }
    if rejected > 0 {
        tracing::warn!("{rejected} rows were no lines and are left out");
    }
    if dropped > 0 {
        tracing::info!("{dropped} lines repeated an earlier one and are left out");
    }
    fit(&rows.data(file.recipe, options)?, file, options)
}

/// What the lines are gathered in.
enum Rows {
    Lines(LinePoints),
    Profiles(Profiles),
}

/// What is clustered.
struct Data {
    kind: ModelKind,
    features: Vec<String>,
    points: WeightedPoints,
    /// For each point the mean value of what it stands for.
    values: Vec<f64>,
    funnel: Funnel,
}

impl Rows {
    fn data(self, recipe: Recipe, options: &TrainerOptions) -> Result<Data, TrainingError> {
        match self {
            Self::Lines(points) => line_data(&points, options),
            Self::Profiles(profiles) => {
                let table = match recipe {
                    Recipe::Rfm => profiles.rfm_table(),
                    Recipe::Line | Recipe::Profile => Some(profiles.table()),
                };
                profile_data(table.ok_or(UnsuitableRecipe(profiles.entity()))?)
            }
        }
    }
}

fn line_data(points: &LinePoints, options: &TrainerOptions) -> Result<Data, TrainingError> {
    let (points, funnel) = points.filtered(options.preprocessing.filter());
    let coordinates = points.iter().flat_map(|p| [p.quantity as f64, p.unit_price]).collect();
    let weights = points.iter().map(|p| p.weight as f64).collect();
    Ok(Data {
        kind: ModelKind::Line,
        features: vec!["Quantity".to_owned(), "UnitPrice".to_owned()],
        points: WeightedPoints::new(2, coordinates, weights)?,
        values: points.iter().map(|p| p.quantity as f64 * p.unit_price).collect(),
        funnel,
    })
}

fn profile_data(table: ProfileTable) -> Result<Data, TrainingError> {
    if table.without_sale > 0 {
        let (entity, count) = (table.entity, table.without_sale);
        tracing::info!("{entity} profiles: {count} have no sale and are left out");
    }
    Ok(Data {
        kind: ModelKind::Profile,
        points: WeightedPoints::unweighted(table.features.len(), table.rows)?,
        features: table.features,
        values: table.values,
        funnel: table.funnel,
    })
}

fn fit(data: &Data, file: &FileOptions, options: &TrainerOptions) -> Result<Model, TrainingError> {
    let TrainerOptions { k, restarts, seed, .. } = *options;
    let trained = train_points(&data.points, &data.values, file.clip, options)?;
    Ok(Model {
        format_version: Model::FORMAT_VERSION,
        kind: data.kind,
        entity: file.entity,
        number: ModelNumber::Number(1),
        batch: None,
        features: data.features.clone(),
        preprocessing: trained.preprocessing,
        k,
        seed,
        restarts,
        centroids: trained.centroids,
        model_centroids: trained.model_centroids,
        sizes: trained.sizes,
        mean_values: trained.mean_values,
        sse: trained.sse,
        iterations: trained.iterations,
        funnel: data.funnel,
        offsets: Vec::new(),
        trained_at: now(),
        clusters: Vec::new(),
        previous: None,
        identities: 0,
        transitions: Vec::new(),
        evaluation: None,
        report: None,
    })
}

/// The lines so far, each as 128 bits of its BLAKE3 hash: 20 to 40 bytes a line, and no two different
/// lines among any number that can be read are taken for one.
#[derive(Default)]
struct Duplicates {
    seen: FxHashSet<u128>,
    text: Vec<u8>,
}

impl Duplicates {
    /// Whether an equal line came before; remembers this one.
    fn holds(&mut self, line: &Line<'_>) -> bool {
        self.text.clear();
        write_line(&mut self.text, line);
        let hash = blake3::hash(&self.text);
        let (half, _) = hash.as_bytes().split_at(size_of::<u128>());
        let bits = half.iter().fold(0, |bits, byte| bits << 8 | u128::from(*byte));
        !self.seen.insert(bits)
    }
}
