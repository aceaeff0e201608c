//! Answers that are not a success.

use serde::{Deserialize, Serialize};

/// The body of every answer that is not a success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// One sentence: what was wrong and, where it helps, what to do.
    pub error: String,
}
