//! A thread for requests, on whose answers any thread may wait.

use std::{
    future::Future,
    io,
    sync::{Mutex, PoisonError, mpsc},
    time::{Duration, Instant},
};

use tokio::runtime::{Builder, Runtime};

/// A store is tried for so long at start, by all that asks it then together.
pub(super) const START_TIMEOUT: Duration = Duration::from_secs(8);

/// Runs requests until it is dropped.
#[derive(Debug)]
pub(super) struct Requests {
    runtime: Option<Runtime>,
    /// What is left of [`START_TIMEOUT`].
    left_at_start: Mutex<Duration>,
}

impl Requests {
    pub(super) fn start() -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("batch-store")
            .enable_all()
            .build()?;
        Ok(Self { runtime: Some(runtime), left_at_start: Mutex::new(START_TIMEOUT) })
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
        let runtime = self.runtime.as_ref().expect("it is there until the drop");
        runtime.spawn(async move {
            // The receiver waits below.
            let _ = sender.send(request.await);
        });
        receiver.recv().expect("the request panicked")
    }

    /// Runs `request` within what is left of the time for all requests at start; `None` when that is over.
    ///
    /// # Panics
    /// When the request does.
    pub(super) fn run_at_start<T: Send + 'static>(
        &self,
        request: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let mut left = self.left_at_start.lock().unwrap_or_else(PoisonError::into_inner);
        let (begun, timeout) = (Instant::now(), *left);
        let answer = self.run(async move { tokio::time::timeout(timeout, request).await.ok() });
        *left = timeout.saturating_sub(begun.elapsed());
        answer
    }
}

impl Drop for Requests {
    fn drop(&mut self) {
        // The usual drop waits, which asynchronous threads must not.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_requests_at_start_share_the_time_that_there_is_for_them() {
        let requests = Requests::start().unwrap();
        let answer = Duration::from_millis(20);
        for asked in 1..=3 {
            let request = async move { tokio::time::sleep(answer).await };
            assert_eq!(requests.run_at_start(request), Some(()));
            let left = *requests.left_at_start.lock().unwrap();
            assert!(left <= START_TIMEOUT - asked * answer, "{left:?}");
        }
        *requests.left_at_start.lock().unwrap() = answer / 2;
        assert_eq!(requests.run_at_start(std::future::pending::<()>()), None);
        assert_eq!(*requests.left_at_start.lock().unwrap(), Duration::ZERO);
    }
}
