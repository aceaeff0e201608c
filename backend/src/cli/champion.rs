//! `tillstream champion`: which models answer as champion.

use tillstream_shared::api::{ChampionRequest, Champions};

use super::{
    Error, data,
    options::{ChampionAction, ChampionOptions},
};
use crate::{progress::Progress, registry::ChampionStore};

pub(super) fn run(action: ChampionAction) -> Result<(), Error> {
    match action {
        ChampionAction::List(options) => {
            let champions = ChampionStore::new(&options.models()).list()?;
            println!("{}", serde_json::to_string_pretty(&Champions { champions })?);
            Ok(())
        }
        ChampionAction::Promote { which, model } => change(&which, ChampionRequest::Promote(model)),
        ChampionAction::RollBack(which) => change(&which, ChampionRequest::RollBack),
        ChampionAction::Release(which) => change(&which, ChampionRequest::Release),
    }
}

fn change(which: &ChampionOptions, request: ChampionRequest) -> Result<(), Error> {
    let (_, registry) = data::load_models(&which.data, &Progress::default())?;
    let champions = ChampionStore::new(&which.data.models());
    let champion = champions.apply(&registry, which.kind, which.entity, request)?;
    println!("{}", serde_json::to_string_pretty(&champion)?);
    Ok(())
}
