//! Weighted exact k-means for [`linfa`], and what judges it.
//!
//! # The problem
//!
//! k-means looks for k centroids m_c that minimise the sum of squared errors
//!
//! ```text
//! SSE = Σ_i w_i · min_c |x_i - m_c|²
//! ```
//!
//! over n points x_i of d features that stand for w_i observations each. Data that repeats itself, such as
//! quantity and price of transaction lines, has far fewer distinct points than observations; clustering
//! the distinct points with their multiplicities gives the answer of clustering every observation, at the
//! price of the distinct ones. The centroid of a cluster C is its weighted mean,
//! `m = Σ_C w_i · x_i / Σ_C w_i`, and every figure in this crate is the one of the repeated observations.
//!
//! Finding the minimum is NP-hard, so that the solver searches:
//!
//! 1. starts drawn by greedy k-means++ (Arthur & Vassilvitskii 2007), each followed by
//! 2. Lloyd's iterations (1982) until no point changes its cluster, exact but with centroids pruned for
//!    whole boxes of points (Kanungo et al. 2002) or by distance bounds (Hamerly 2010), and by
//! 3. moves of single points that lower the SSE although every point is nearest to its own centroid
//!    (Hartigan & Wong 1979);
//! 4. then offspring of the best solutions (HG-means, Gribel & Vidal 2019) until they stop improving.
//!
//! Many points are searched on a coreset first (Bachem, Lucic & Krause 2018), and the best solutions are
//! taken to all points and improved by swaps of whole clusters (Fränti & Kivijärvi 2000). The result is
//! always a fixed point of Lloyd's iterations over all points.
//!
//! # Points and weights
//!
//! [`WeightedPoints`] are checked once; nothing that is done with them can meet a NaN or an overflow.
//!
//! ```
//! use linfa::ParamGuard;
//! use tillstream_clustering::{KMeans, WeightedPoints};
//!
//! // Six distinct (quantity, price) pairs, row by row, and how often each occurs.
//! let pairs = vec![1.0, 2.5, 1.0, 3.0, 2.0, 2.5, 24.0, 0.4, 25.0, 0.5, 24.0, 0.6];
//! let weights = vec![30.0, 20.0, 10.0, 4.0, 5.0, 1.0];
//! let points = WeightedPoints::new(2, pairs, weights)?;
//! assert_eq!((points.n(), points.d(), points.total_weight()), (6, 2, 70.0));
//!
//! let fit = KMeans::params(2).seed(42).check()?.fit_points(&points)?;
//! assert_eq!(fit.centroids.dim(), (2, 2));
//! assert_eq!(fit.labels[..3], [fit.labels[0]; 3]);
//! assert_eq!(fit.cluster_weights[fit.labels[0] as usize], 60.0);
//! assert!(fit.converged);
//!
//! // What cannot be clustered is an error, never a panic.
//! let error = KMeans::params(7).check()?.fit_points(&points).unwrap_err();
//! assert!(error.to_string().starts_with("6 distinct points cannot form 7 clusters"));
//! # Ok::<(), tillstream_clustering::ClusteringError>(())
//! ```
//!
//! # A linfa estimator
//!
//! [`KMeansValidParams`] implements linfa's [`Fit`](linfa::traits::Fit) for datasets with or without
//! weights, and [`KMeans`] implements [`Predict`](linfa::traits::Predict). The same search, so a
//! dataset is as good as points; but linfa's weights are `f32`, exact up to 2²⁴ only.
//!
//! ```
//! use linfa::{DatasetBase, ParamGuard, traits::{Fit, Predict}};
//! use ndarray::{Array1, array};
//! use tillstream_clustering::KMeans;
//!
//! let records = array![[0.0, 0.0], [0.0, 1.0], [9.0, 9.0]];
//! let dataset = DatasetBase::from(records).with_weights(Array1::from(vec![1.0, 3.0, 2.0]));
//! let model = KMeans::params(2).n_init(5).check()?.fit(&dataset)?;
//! assert_eq!(model.sse, 0.75);
//!
//! let clusters = model.predict(&array![[0.2, 0.3], [8.0, 8.0]]);
//! assert_eq!(clusters[0], model.labels[0] as usize);
//! assert_eq!(clusters[1], model.labels[2] as usize);
//! # Ok::<(), tillstream_clustering::ClusteringError>(())
//! ```
//!
//! # How good, and how many
//!
//! [`evaluate`] measures the silhouette (Rousseeuw 1987), the Davies-Bouldin (1979) and the
//! Calinski-Harabasz index (1974); [`adjusted_rand_index`] (Hubert & Arabie 1985) says how alike two
//! clusterings are. [`choose_k`] fits every k from 2 to 10 and writes a [`ReportCard`]: what each criterion
//! prefers, and whether they agree.
//!
//! ```
//! use tillstream_clustering::{WeightedPoints, choose_k, evaluate};
//!
//! // Three groups of ten points on a line, with one to three observations each.
//! let x = (0..30).map(|i| f64::from(i / 10 * 100 + i % 10)).collect();
//! let weights = (0..30).map(|i| f64::from(1 + i % 3)).collect();
//! let points = WeightedPoints::new(1, x, weights)?;
//!
//! let chosen = choose_k(&points, 5, 1)?;
//! assert_eq!((chosen.report.chosen, chosen.report.clear), (3, true));
//! let quality = evaluate(&points, &chosen.fit.labels, 3);
//! assert!(quality.silhouette.is_some_and(|silhouette| silhouette.value > 0.9));
//! # Ok::<(), tillstream_clustering::ClusteringError>(())
//! ```
//!
//! # Streams
//!
//! [`StreamingKMeans`] follows a stream batch by batch and forgets: with α what a [`HalfLife`] leaves of old
//! weights, a centroid c of weight n whose points in the batch have the mean x and the weight m becomes
//! `(c·n·α + x·m) / (n·α + m)`. A cluster without points fades, and is reused in the end by splitting the
//! largest.
//!
//! ```
//! use linfa::ParamGuard;
//! use tillstream_clustering::{HalfLife, KMeans, StreamingKMeans, WeightedPoints};
//!
//! let first = WeightedPoints::unweighted(1, vec![0.0, 2.0, 10.0, 12.0])?;
//! let fit = KMeans::params(2).check()?.fit_points(&first)?;
//! let centroids = fit.centroids.rows().into_iter().map(|row| row.to_vec()).collect();
//! let mut stream = StreamingKMeans::from_clusters(centroids, fit.cluster_weights);
//!
//! // After a half-life of one batch the old weight of 2 counts as 1.
//! let batch = WeightedPoints::unweighted(1, vec![3.0])?;
//! let update = stream.update(&batch, HalfLife::Batches(1.0))?;
//! let cluster = update.labels[0] as usize;
//! assert_eq!(stream.centroids()[cluster], [2.0]);
//! assert_eq!(stream.weights()[cluster], 2.0);
//! # Ok::<(), tillstream_clustering::ClusteringError>(())
//! ```
//!
//! # From model to model
//!
//! The numbers of k-means' clusters mean nothing. [`number_clusters`] orders them by the mean of a value of
//! their observations, and [`optimal_assignment`] pairs the clusters of two models.
//!
//! **Architecture invariant:** pure arithmetic. No file or network; a clock only to report how long a fit
//! took. The same input and seed give the same bits on any number of threads (rayon's current pool) and on
//! every instruction set.

mod assignment;
mod choice;
mod error;
mod lanes;
mod metrics;
mod numbering;
mod points;
mod solver;
mod streaming;
pub mod sum;

pub use assignment::optimal_assignment;
pub use choice::{ChosenK, KChoice, UnknownKChoice, choose_k};
pub use error::ClusteringError;
pub use metrics::{MAX_EXACT_SILHOUETTE, adjusted_rand_index, evaluate};
pub use numbering::{Numbered, number_clusters};
pub use points::WeightedPoints;
pub use solver::{KMeans, KMeansInit, KMeansParams, KMeansValidParams};
pub use streaming::{
    DYING_SHARE, HalfLife, InvalidHalfLife, InvalidState, Split, StreamingKMeans, StreamingUpdate,
};
pub use tillstream_shared::{Choices, Evaluation, ReportCard, ReportRow, Silhouette};

/// The README's example is a test too.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
