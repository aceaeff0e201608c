//! `tillstream serve`: REST and page, with the models of a data folder.

use std::sync::Arc;

use crate::{
    cli::{Error, components, data, options::ServeOptions, setup},
    progress::Progress,
    shutdown::Shutdown,
    supervisor::{StopTimeouts, Supervisor},
};

pub(in crate::cli) async fn run(options: ServeOptions, shutdown: Shutdown) -> Result<(), Error> {
    let progress = Arc::<Progress>::default();
    let mut supervisor = Supervisor::new(progress.clone(), StopTimeouts::default());
    let listener = data::bind(options.page.listen).await?;
    let address = listener.local_addr()?;
    let ServeOptions { storage, page } = options;
    let (models, loading) = (storage.data.models(), progress.clone());
    let (batches, watched, registry) = setup(&shutdown, move || {
        let batches = storage.batches()?;
        let registry = data::load_models(&storage.data.models(), &batches, &loading)?;
        let mut watched = data::WatchedBatches::new(batches.clone());
        watched.refresh(&loading);
        Ok((batches, watched, registry))
    })
    .await?;
    components::data_watcher(&mut supervisor, watched, &models, registry.clone(), progress.clone());
    components::serving(&mut supervisor, listener, address, |shutdown| {
        data::state(&models, &batches, &page, registry, progress, shutdown)
    });
    supervisor.run(&shutdown, None).await?;
    Ok(())
}
