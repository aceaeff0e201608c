//! `tillstream train`: models of the stored batches, or of one file.

use std::sync::Arc;

use tillstream_shared::{Entity, Model, ModelKind, api::Component};
use tokio::sync::watch;

use crate::{
    batch::Catalogue,
    cli::{Error, components, data, options::TrainOptions, output::print_line, setup},
    ingest::{Input, InputSpec},
    modelling::ModelParams,
    progress::Progress,
    shutdown::Shutdown,
    supervisor::{StopTimeouts, Supervisor},
    training::{FileOptions, Trainer, train_file, train_plain_file},
};

pub(in crate::cli) async fn run(options: TrainOptions, shutdown: Shutdown) -> Result<(), Error> {
    // Wrong usage that the flags alone do not show.
    let file = options.file().unwrap_or_else(|error| error.exit());
    if let Some((input, file)) = file {
        let input = input.clone();
        let json = options.json;
        let models = setup(&shutdown, move || train_input(&input, &file, &options)).await?;
        return print_models(&models, json);
    }
    let progress = Arc::<Progress>::default();
    let mut supervisor = Supervisor::new(progress.clone(), StopTimeouts::default());
    let (follow, models) = (options.follow, options.storage.data.models());
    let opening = progress.clone();
    let (registry, trainer, catalogue) = setup(&shutdown, move || {
        let (batches, models) = (options.storage.batches()?, options.storage.data.models());
        let registry = data::load_models(&models, &batches, &opening)?;
        let catalogue = Catalogue::read(batches)?;
        let params = options.model.trainer();
        let trainer = Trainer::open(params, &catalogue, &models, registry.clone(), opening)?;
        Ok((registry, trainer, catalogue))
    })
    .await?;
    let (stored, batches) = watch::channel(catalogue.last());
    // As long as there is a sender, the trainer looks for new batches.
    let _stored = follow.then_some(stored);
    components::trainer(&mut supervisor, trainer, catalogue, batches);
    supervisor.run(&shutdown, Some(Component::Trainer)).await?;
    print_line(format_args!("{} models in {}", registry.count(), models.display()));
    Ok(())
}

/// Trains models straight from an input. Blocks.
fn train_input(
    input: &InputSpec,
    file: &FileOptions,
    options: &TrainOptions,
) -> Result<Vec<Model>, Error> {
    let evaluate = !options.fit_only;
    let params = ModelParams { evaluate, ..options.model.of_recipe(file.recipe) };
    let reading = options.reading.options(&options.range);
    let plain = match input {
        InputSpec::File(path) => train_plain_file(path, &reading, file, &params),
        _ => None,
    };
    match plain {
        Some(models) => Ok(models?),
        None => Ok(train_file(Input::open(input, &reading)?, file, &params)?),
    }
}

fn print_models(models: &[Model], json: bool) -> Result<(), Error> {
    match models {
        [model] if json => print_line(serde_json::to_string_pretty(model)?),
        models if json => print_line(serde_json::to_string_pretty(models)?),
        models => models.iter().for_each(|model| print_line(summary(model).trim_end())),
    }
    Ok(())
}

/// A model for people: how many there are of what in each cluster, and where its centroid is.
fn summary(model: &Model) -> String {
    let rows = match (model.kind, model.entity) {
        (ModelKind::Line, _) => "lines",
        (ModelKind::Profile, Entity::Customer) => "customers",
        (ModelKind::Profile, Entity::Product) => "products",
        (ModelKind::Profile, Entity::Country) => "countries",
    };
    let total: u64 = model.sizes.iter().sum();
    let mut text = format!(
        "{}: {total} {rows} from {} of {} lines, {}, SSE {:.4}\n",
        model.entity, model.funnel.kept, model.funnel.lines, model.preprocessing.kind, model.sse
    );
    for (index, centroid) in model.centroids.iter().enumerate() {
        let features = model.features.iter().zip(centroid);
        let around: Vec<_> =
            features.map(|(feature, value)| format!("{feature} {value:.2}")).collect();
        text += &format!(
            "cluster {}: {} {rows} of mean value {:.2}, around {}\n",
            index + 1,
            model.sizes[index],
            model.mean_values[index],
            around.join(", ")
        );
    }
    text
}
