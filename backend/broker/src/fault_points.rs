//! Faults that tests inject.

use std::{env, fmt, path::Path, sync::Arc, thread, time::Duration};

/// Environment variable for crash tests of a whole program: every fsync of the broker takes this many
/// milliseconds longer. Not for production.
pub const FAULT_FSYNC_MS: &str = "TILLSTREAM_FAULT_FSYNC_MS";

/// Called with the file or folder that is about to be flushed.
type FsyncHook = Arc<dyn Fn(&Path) + Send + Sync>;

/// Hooks at the points where a test wants to slow down or hold the broker; none by default.
#[derive(Clone, Default)]
pub struct FaultPoints {
    fsync: Option<FsyncHook>,
}

impl FaultPoints {
    /// Calls `hook` before every fsync with the file or folder that is about to be flushed. The hook
    /// runs where blocking is allowed and may block.
    #[must_use]
    pub fn before_fsync(hook: impl Fn(&Path) + Send + Sync + 'static) -> Self {
        Self { fsync: Some(Arc::new(hook)) }
    }

    /// What [`FAULT_FSYNC_MS`] asks for; none if it is not set to a number.
    #[must_use]
    pub fn from_env() -> Self {
        let millis = env::var(FAULT_FSYNC_MS).ok().and_then(|value| value.parse().ok());
        millis.map_or_else(Self::default, |millis| {
            tracing::warn!(
                "every fsync of the broker is delayed by {millis} ms ({FAULT_FSYNC_MS})"
            );
            Self::before_fsync(move |_| thread::sleep(Duration::from_millis(millis)))
        })
    }

    pub(crate) fn fsync(&self, path: &Path) {
        if let Some(hook) = &self.fsync {
            hook(path);
        }
    }
}

impl fmt::Debug for FaultPoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultPoints").field("fsync", &self.fsync.is_some()).finish()
    }
}
