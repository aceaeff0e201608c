//! Work that blocks, off the threads that serve others.

use std::any::Any;

use tokio::task::JoinError;

/// A panic where nobody else would hear of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it panicked: {0}")]
pub struct Panicked(String);

impl From<JoinError> for Panicked {
    fn from(error: JoinError) -> Self {
        // Tasks are never aborted, and the runtime outlives them: a panic is all that is left.
        Self(
            error.try_into_panic().map_or_else(|error| error.to_string(), |panic| message(&*panic)),
        )
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no message").to_owned()
}

/// Runs `work`, which may block, on a thread of its own.
///
/// # Errors
/// Those of `work`; a panic is one of them.
pub async fn blocking<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, E>
where
    T: Send + 'static,
    E: From<Panicked> + Send + 'static,
{
    tokio::task::spawn_blocking(work).await.map_err(|error| E::from(error.into())).flatten()
}
