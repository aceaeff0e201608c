//! A thread for requests, on whose answers any thread may wait.

use std::{future::Future, io, sync::mpsc};

use tokio::runtime::{Builder, Runtime};

/// Runs requests until it is dropped.
#[derive(Debug)]
pub(super) struct Requests(Option<Runtime>);

impl Requests {
    pub(super) fn start() -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("batch-store")
            .enable_all()
            .build()?;
        Ok(Self(Some(runtime)))
    }

    /// Runs `request` and waits for its end.
    ///
    /// # Panics
    /// When the request does.
    pub(super) fn run<T: Send + 'static>(
        &self,
        request: impl Future<Output = T> + Send + 'static,
    ) -> T {
        let (sender, receiver) = mpsc::sync_channel(1);
        let runtime = self.0.as_ref().expect("it is there until the drop");
        runtime.spawn(async move {
            // The receiver waits below.
            let _ = sender.send(request.await);
        });
        receiver.recv().expect("the request panicked")
    }
}

impl Drop for Requests {
    fn drop(&mut self) {
        // The usual drop waits, which asynchronous threads must not.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
