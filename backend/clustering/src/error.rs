//! Why points cannot be clustered.

/// Why points cannot be clustered as asked.
#[derive(Debug, thiserror::Error)]
pub enum ClusteringError {
    /// No points at all.
    #[error("there are no points to cluster: check the filter, or wait for more lines")]
    NoPoints,
    /// Points without features.
    #[error("points need at least one feature")]
    NoFeatures,
    /// The numbers of coordinates, weights and features do not match.
    #[error(
        "{coordinates} coordinates and {weights} weights do not make points of {d} features: give \
         {d} coordinates and one weight for each point"
    )]
    Shape {
        /// Coordinates given.
        coordinates: usize,
        /// Weights given.
        weights: usize,
        /// Features a point.
        d: usize,
    },
    /// A NaN or an infinity.
    #[error("feature {feature} of point {point} is not a finite number: leave that point out")]
    NotFinite {
        /// Index of the point.
        point: usize,
        /// Index of the feature.
        feature: usize,
    },
    /// A weight that is negative, NaN or infinite.
    #[error("the weight of point {0} is not a finite number from 0 up: leave that point out")]
    Weight(usize),
    /// Not one value for each point.
    #[error("{values} values do not match {points} points: give one for each point")]
    Values {
        /// Values given.
        values: usize,
        /// Points given.
        points: usize,
    },
    /// A value that is NaN or infinite.
    #[error("the value of point {0} is not a finite number: leave that point out")]
    Value(usize),
    /// Every weight is zero.
    #[error("all weights are zero: give at least one point a weight above zero")]
    NoWeight,
    /// Squared distances would overflow.
    #[error(
        "the values are too large for squared distances: scale them down or use the preprocessing \
         `log`"
    )]
    TooLarge,
    /// Fewer distinct points than clusters.
    #[error(
        "{distinct} distinct points cannot form {k} clusters: use a k of at most {distinct}, or \
         wait for more lines"
    )]
    TooFewPoints {
        /// Distinct points with a weight above zero.
        distinct: usize,
        /// Clusters asked for.
        k: usize,
    },
    /// k = 0.
    #[error("k is 0: use a k from 1")]
    NoClusters,
    /// More clusters than a label can name.
    #[error("k is above {max}: use a smaller k", max = u32::MAX)]
    TooManyClusters,
    /// No start.
    #[error("the number of restarts is 0: use at least 1")]
    NoStarts,
    /// No iteration.
    #[error("the number of iterations is limited to 0: allow at least 1")]
    NoIterations,
    /// A tolerance that is negative or NaN.
    #[error("the tolerance is not a number from 0 up: use 0 for exact convergence")]
    Tolerance,
    /// The given initial centroids have not k rows, or not as many columns as the points.
    #[error("the initial centroids are {rows} x {columns} but must be {k} x {d}")]
    InitialCentroids {
        /// Rows given.
        rows: usize,
        /// Columns given.
        columns: usize,
        /// Rows wanted.
        k: usize,
        /// Columns wanted.
        d: usize,
    },
    /// Points with another number of features than the batches before.
    #[error("the points have {given} features, those before had {expected}")]
    Features {
        /// Features of the points given.
        given: usize,
        /// Features of the points before.
        expected: usize,
    },
    /// What `linfa` itself reports.
    #[error(transparent)]
    Linfa(#[from] linfa::Error),
}
