//! Asking a component to end, from threads and from tasks alike.

use std::{
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::Duration,
};

use tokio_util::sync::CancellationToken;

/// A request to end, shared by the one that makes it and all that must hear it. Once made it is never
/// taken back.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    token: CancellationToken,
    gate: Arc<(Mutex<()>, Condvar)>,
}

impl Shutdown {
    /// Makes the request.
    pub fn request(&self) {
        self.token.cancel();
        // Taking the lock means that no thread is between its look at the token and its wait.
        drop(self.gate.0.lock().unwrap_or_else(PoisonError::into_inner));
        self.gate.1.notify_all();
    }

    /// Whether the request was made.
    #[must_use]
    pub fn requested(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Blocks the thread for `time`, or until the request is made; tells whether it was.
    #[must_use]
    pub fn wait(&self, time: Duration) -> bool {
        let guard = self.gate.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.gate.1.wait_timeout_while(guard, time, |()| !self.requested());
        drop(waited);
        self.requested()
    }

    /// Completes when the request is made.
    pub async fn cancelled(&self) {
        self.token.cancelled().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waiting_thread_hears_the_request_at_once() {
        let shutdown = Shutdown::default();
        let waiting = shutdown.clone();
        let thread = std::thread::spawn(move || waiting.wait(Duration::from_secs(3600)));
        shutdown.request();
        assert!(thread.join().unwrap());
        assert!(shutdown.wait(Duration::from_secs(3600)), "and whoever comes later too");
    }

    #[test]
    fn a_wait_that_nobody_interrupts_ends_by_itself() {
        assert!(!Shutdown::default().wait(Duration::from_millis(1)));
    }
}
