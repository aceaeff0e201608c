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
    let ServeOptions { data, page } = options;
    let models = data.models();
    let loading = progress.clone();
    let (data, registry, batches) = setup(&shutdown, move || {
        let loaded = data::load_models(&data, &loading)?;
        let mut batches = data::WatchedBatches::new(data.batch());
        batches.refresh(&loading);
        Ok((data, loaded, batches))
    })
    .await?;
    components::data_watcher(&mut supervisor, batches, &models, registry.clone(), progress.clone());
    components::serving(&mut supervisor, listener, address, |shutdown| {
        data::state(&data, &page, registry, progress, shutdown)
    });
    supervisor.run(&shutdown, None).await?;
    Ok(())
}
