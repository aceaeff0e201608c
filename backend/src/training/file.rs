//! Models straight from an input, without batches.

use std::path::Path;

use rayon::prelude::*;
use rustc_hash::FxHashSet;
use tillstream_shared::{Entity, Line, Model};

use super::{
    Recipe, TrainingError, UnsuitableRecipe,
    build::{line_model, profile_model},
};
use crate::{
    features::{LinePoints, Profiles},
    ingest::{Input, ReadOptions, Row, csv_lines::write_line, fold_blocks},
    modelling::ModelParams,
};

/// What is made of the lines of an input.
#[derive(Debug, Clone)]
pub struct FileOptions {
    /// What the models are about, one each.
    pub entities: Vec<Entity>,
    /// What one row of the training data is.
    pub recipe: Recipe,
    /// Leave out a line that is equal to an earlier one in all its fields.
    pub drop_duplicates: bool,
}

/// Trains models straight from `input`, as number 1 without a batch, in the order of the entities.
/// Invalid rows, and duplicates that are dropped, are counted in a message of the log and not in the
/// funnel.
///
/// # Errors
/// [`TrainingError`].
pub fn train_file(
    mut input: Input,
    file: &FileOptions,
    params: &ModelParams,
) -> Result<Vec<Model>, TrainingError> {
    let mut gathered = Gathered::new(file);
    let mut duplicates = file.drop_duplicates.then(Duplicates::default);
    let (mut rejects, mut dropped) = (0_u64, 0_u64);
    while let Some(row) = input.next() {
        let line = match row? {
            Row::Line { line, .. } => line,
            Row::Reject(_) => {
                rejects += 1;
                continue;
            }
            Row::Pending => continue,
        };
        if duplicates.as_mut().is_some_and(|duplicates| duplicates.holds(&line)) {
            dropped += 1;
            continue;
        }
        gathered.add(&line);
    }
    input.take_notices().iter().for_each(|notice| tracing::warn!("{notice}"));
    if dropped > 0 {
        tracing::info!("{dropped} lines repeated an earlier one and are left out");
    }
    gathered.train(rejects, file, params)
}

/// [`train_file`] on all threads, for a plain file of which lines may be taken in any order. `None`
/// when it is not one: then nothing is known of it.
///
/// # Errors
/// [`TrainingError`].
pub fn train_plain_file(
    path: &Path,
    reading: &ReadOptions,
    file: &FileOptions,
    params: &ModelParams,
) -> Option<Result<Vec<Model>, TrainingError>> {
    if file.drop_duplicates {
        return None;
    }
    let (blocks, rejects) = fold_blocks(path, reading, || Gathered::new(file), Gathered::add)?;
    let mut gathered = Gathered::new(file);
    blocks.iter().for_each(|block| gathered.merge(block));
    Some(gathered.train(rejects, file, params))
}

/// What the lines are gathered in, one for each entity.
struct Gathered(Vec<Rows>);

enum Rows {
    Lines(LinePoints),
    Profiles(Profiles),
}

impl Gathered {
    fn new(file: &FileOptions) -> Self {
        let rows = |entity: &Entity| match file.recipe {
            Recipe::Line => Rows::Lines(LinePoints::new(*entity)),
            Recipe::Profile | Recipe::Rfm => Rows::Profiles(Profiles::new(*entity)),
        };
        Self(file.entities.iter().map(rows).collect())
    }

    fn add(&mut self, line: &Line<'_>) {
        for rows in &mut self.0 {
            match rows {
                Rows::Lines(points) => points.add(line),
                Rows::Profiles(profiles) => profiles.add(line),
            }
        }
    }

    /// Adds what was gathered from other lines of the same file.
    fn merge(&mut self, other: &Self) {
        for both in self.0.iter_mut().zip(&other.0) {
            match both {
                (Rows::Lines(points), Rows::Lines(others)) => points.merge(others),
                (Rows::Profiles(profiles), Rows::Profiles(others)) => profiles.merge(others),
                _ => unreachable!("both are made for the same recipe"),
            }
        }
    }

    fn train(
        &self,
        rejects: u64,
        file: &FileOptions,
        params: &ModelParams,
    ) -> Result<Vec<Model>, TrainingError> {
        if rejects > 0 {
            tracing::warn!("{rejects} invalid rows are left out");
        }
        self.0.par_iter().map(|rows| rows.train(file.recipe, params)).collect()
    }
}

impl Rows {
    fn train(&self, recipe: Recipe, params: &ModelParams) -> Result<Model, TrainingError> {
        match self {
            Self::Lines(points) => Ok(line_model(points, params)?.model),
            Self::Profiles(profiles) => {
                recipe.suits(profiles.entity())?;
                let table = match recipe {
                    Recipe::Rfm => profiles.rfm_table(),
                    Recipe::Line | Recipe::Profile => Some(profiles.table()),
                };
                let table = table.ok_or(UnsuitableRecipe(profiles.entity()))?;
                if table.without_sale > 0 {
                    tracing::info!("{} of {} have no sale", table.without_sale, profiles.len());
                }
                Ok(profile_model(&table, params)?.0)
            }
        }
    }
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
