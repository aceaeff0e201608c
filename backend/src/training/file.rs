//! One model straight from an input, without batches.

use rustc_hash::FxHashSet;
use tillstream_shared::{Entity, Line, Model};

use super::{
    Recipe, TrainingError, UnsuitableRecipe,
    build::{line_model, profile_model},
};
use crate::{
    clustering::ModelParams,
    features::{LinePoints, Profiles},
    ingest::{Input, Row, csv_lines::write_line},
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
}

/// Trains one model straight from `input`, as number 1 without a batch. Rows that are no lines, and
/// duplicates that are dropped, are counted in a message of the log and not in the funnel.
///
/// # Errors
/// [`TrainingError`].
pub fn train_file(
    mut input: Input,
    file: &FileOptions,
    params: &ModelParams,
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
    match rows {
        Rows::Lines(points) => Ok(line_model(&points, params)?.model),
        Rows::Profiles(profiles) => {
            let table = match file.recipe {
                Recipe::Rfm => profiles.rfm_table().ok_or(UnsuitableRecipe(file.entity))?,
                Recipe::Line | Recipe::Profile => profiles.table(),
            };
            if table.without_sale > 0 {
                tracing::info!("{} of {} have no sale", table.without_sale, profiles.len());
            }
            Ok(profile_model(&table, params)?.0)
        }
    }
}

/// What the lines are gathered in.
enum Rows {
    Lines(LinePoints),
    Profiles(Profiles),
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
