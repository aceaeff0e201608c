//! Serving until told to stop.

use std::{future::Future, io, sync::Arc, time::Duration};

use tokio::net::TcpListener;

use super::{AppState, router};

/// How long requests that are under way may take once the server was told to stop.
const GRACE: Duration = Duration::from_secs(5);

/// Serves all routes on `listener` until `shutdown` completes, then finishes the requests that are
/// under way; event streams end at once, and a client that does not finish is left after five seconds.
///
/// # Errors
/// What the listener reports.
pub async fn serve(
    listener: TcpListener,
    state: Arc<AppState>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let stopping = state.shutdown.clone();
    // Also when this future is dropped before the end.
    let _stop = stopping.clone().drop_guard();
    let told = stopping.clone();
    let signal = async move {
        shutdown.await;
        told.cancel();
    };
    let server = axum::serve(listener, router(state)).with_graceful_shutdown(signal);
    let patience = async {
        stopping.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        result = server => result,
        () = patience => {
            tracing::warn!("some clients did not finish in time and were left");
            Ok(())
        }
    }
}
