//! k-means that follows a stream and forgets.
//!
//! Per batch every point is assigned to the nearest of k centroids, as they were before the batch.
//! For a centroid c of weight n whose points in the batch have the mean x and the weight m, then
//!
//! ```text
//! c ← (c·n·α + x·m) / (n·α + m)
//! n ← n·α + m
//! ```
//!
//! where α is what is left of old weights, see [`HalfLife`]. This is the mini-batch update with
//! decay of Spark MLlib's `StreamingKMeans` ("Streaming k-means" in its guide, where the second
//! line lacks the α that the code has). For α = 1 it is the update of mini-batch k-means with a
//! learning rate for each centre (Sculley, "Web-scale k-means clustering", WWW 2010) and, with
//! batches of one point, MacQueen's sequential k-means (1967): each centroid is the mean of all
//! points that it was ever given.
//!
//! A cluster whose points have ceased keeps its centroid, and its weight decays. Below
//! [`DYING_SHARE`] of the largest cluster's weight it is *dying*: its centroid is taken for one
//! half of the largest cluster. MLlib does so too, and puts two copies of the largest centroid next
//! to each other; here the largest cluster's points of the batch are cut across the direction in
//! which they vary most, so that the halves are real.

mod half_life;
mod split;
mod state;
mod update;

pub use half_life::{HalfLife, InvalidHalfLife};
pub use state::{InvalidState, StreamingKMeans};
pub use update::{DYING_SHARE, Split, StreamingUpdate};
