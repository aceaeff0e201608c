//! From lines to weighted points and to profiles, through the counted cleaning funnel.
//!
//! - [`LinePoints`]: the weighted distinct (Quantity, UnitPrice) pairs, for line models.
//! - [`Profiles`] → [`ProfileTable`]: one row of features per customer, product or country, for profile
//!   models.
//! - [`RfmScores`]: the usual reading of customers, from recency, frequency and monetary.
//!
//! **Architecture invariant:** what is held here depends on the set of lines that were added, not on
//! their order or on how they were cut into batches. No file and no clock: today is the newest line.

mod amount;
mod distinct;
mod hyperloglog;
mod points;
mod profile;
mod profile_bytes;
mod profiles;
mod rfm;
mod table;
mod timestamp;

pub use points::{LinePoints, StoredPoints, WeightedPoint};
pub use profile_bytes::ProfileBytesError;
pub use profiles::Profiles;
pub use rfm::{RfmScores, Segment};
pub use table::ProfileTable;
