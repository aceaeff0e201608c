//! `tillstream champion`: which models answer as champion.

use clap::{Args, Subcommand};
use tillstream_shared::{
    Entity, ModelKind,
    api::{ChampionRequest, Champions},
};

use crate::{
    cli::{
        Error, data,
        flags::{DataOptions, StorageOptions},
        output::print_line,
    },
    progress::Progress,
    registry::ChampionStore,
};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ChampionAction {
    /// Print all champions and the newest decisions as JSON
    List(DataOptions),
    /// Make a numbered model champion, and hold it there
    Promote {
        #[command(flatten)]
        which: ChampionOptions,
        /// Number of the model
        #[arg(value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
        model: u64,
    },
    /// Go back to the champion before, and hold it there
    RollBack(ChampionOptions),
    /// Let new models become champion again when they pass the gate
    Release(ChampionOptions),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ChampionOptions {
    #[command(flatten)]
    pub(in crate::cli) storage: StorageOptions,
    /// What the models are about
    #[arg(long, value_parser = clap::value_parser!(Entity))]
    pub(in crate::cli) entity: Entity,
    /// Line or profile models
    #[arg(long, default_value_t, value_parser = clap::value_parser!(ModelKind))]
    pub(in crate::cli) kind: ModelKind,
}

pub(in crate::cli) fn run(action: ChampionAction) -> Result<(), Error> {
    match action {
        ChampionAction::List(options) => {
            let champions = ChampionStore::new(&options.models()).list()?;
            print_line(serde_json::to_string_pretty(&Champions { champions })?);
            Ok(())
        }
        ChampionAction::Promote { which, model } => change(&which, ChampionRequest::Promote(model)),
        ChampionAction::RollBack(which) => change(&which, ChampionRequest::RollBack),
        ChampionAction::Release(which) => change(&which, ChampionRequest::Release),
    }
}

fn change(which: &ChampionOptions, request: ChampionRequest) -> Result<(), Error> {
    let (models, batches) = (which.storage.data.models(), which.storage.batches()?);
    let registry = data::load_models(&models, &batches, &Progress::default())?;
    let champions = ChampionStore::new(&models);
    let champion = champions.apply(&registry, which.kind, which.entity, request)?;
    print_line(serde_json::to_string_pretty(&champion)?);
    Ok(())
}
