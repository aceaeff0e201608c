//! `/api/v1/models`.

use std::rc::Rc;

use tillstream_shared::{
    Entity, Model, ModelKind, ModelNumber, ModelRef,
    api::{Migration, ModelList, Points, ProfileRows},
};

use super::http::{ApiError, get};

/// How many numbered models a list holds at most. Older ones are asked for by their numbers.
pub const PAGE_SIZE: usize = 100;

/// How often model and rows are requested until they belong together.
const MAX_ATTEMPTS: usize = 3;

/// What a model was trained on.
#[derive(Debug, Clone, PartialEq)]
pub enum TrainingRows {
    /// Of a line model: weighted distinct points.
    Points(Rc<Points>),
    /// Of a profile model: customers, products or countries.
    Profiles(Rc<ProfileRows>),
}

impl TrainingRows {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Points(points) => points.weight.len(),
            Self::Profiles(rows) => rows.ids.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A model and the rows that it was trained on.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelData {
    /// The model.
    pub model: Rc<Model>,
    /// Its rows.
    pub rows: TrainingRows,
}

/// Two models and who moved between their clusters.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelComparison {
    /// The earlier model.
    pub from: Model,
    /// The later model.
    pub to: Model,
    /// How many moved from which cluster to which.
    pub migration: Migration,
}

/// The newest numbered model of every kind and entity, then `all` and `live`.
///
/// # Errors
/// See [`ApiError`].
pub async fn newest() -> Result<ModelList, ApiError> {
    get("/api/v1/models?limit=1").await
}

/// The newest [`PAGE_SIZE`] numbered models of one kind and entity, ascending, then `all` and `live`.
///
/// # Errors
/// See [`ApiError`].
pub async fn list(kind: ModelKind, entity: Entity) -> Result<ModelList, ApiError> {
    get(&format!("/api/v1/models?kind={kind}&entity={entity}&limit={PAGE_SIZE}")).await
}

/// One model.
///
/// # Errors
/// See [`ApiError`]; a model that fails its own check is unreadable.
pub async fn one(kind: ModelKind, entity: Entity, number: ModelRef) -> Result<Model, ApiError> {
    let model: Model = get(&format!("/api/v1/models/{entity}/{number}?kind={kind}")).await?;
    model.check().map_err(|why| ApiError::Unreadable(why.to_string()))?;
    Ok(model)
}

/// A model with its rows. `all` and `live` may be trained anew between the two requests: they are
/// then made again, and shown as they are when that happens every time.
///
/// # Errors
/// See [`ApiError`].
pub async fn with_rows(
    kind: ModelKind,
    entity: Entity,
    number: ModelRef,
) -> Result<ModelData, ApiError> {
    let mut attempts = 1;
    loop {
        let model = one(kind, entity, number).await?;
        // The number in place of the alias: `latest` may have moved on.
        let (rows, sizes) = rows(&model).await?;
        if attempts >= MAX_ATTEMPTS || sizes == model.sizes {
            return Ok(ModelData { model: Rc::new(model), rows });
        }
        attempts += 1;
    }
}

/// The rows of `model`, and how many are in each cluster.
async fn rows(model: &Model) -> Result<(TrainingRows, Vec<u64>), ApiError> {
    let url = format!("/api/v1/models/{}/{}", model.entity, model.number);
    match model.kind {
        ModelKind::Line => {
            let points: Points = get(&format!("{url}/points")).await?;
            let n = points.weight.len();
            check_lengths(
                n,
                [points.quantity.len(), points.unit_price.len(), points.cluster.len()],
            )?;
            let weights = points.weight.iter().copied();
            let sizes = cluster_sizes(model.k, points.cluster.iter().copied().zip(weights))?;
            Ok((TrainingRows::Points(Rc::new(points)), sizes))
        }
        ModelKind::Profile => {
            let rows: ProfileRows = get(&format!("{url}/profiles?kind=profile")).await?;
            check_lengths(rows.features.len(), [rows.columns.len(), model.features.len()])?;
            let columns = rows.columns.iter().map(Vec::len).chain([rows.cluster.len()]);
            check_lengths(rows.ids.len(), columns)?;
            let sizes = cluster_sizes(model.k, rows.cluster.iter().map(|cluster| (*cluster, 1)))?;
            Ok((TrainingRows::Profiles(Rc::new(rows)), sizes))
        }
    }
}

/// How many moved from which cluster of `from` to which of `to`, with both models.
///
/// # Errors
/// See [`ApiError`]; counts that do not fit the models are unreadable.
pub async fn compare(
    kind: ModelKind,
    entity: Entity,
    from: ModelNumber,
    to: ModelNumber,
) -> Result<ModelComparison, ApiError> {
    let url = format!("/api/v1/models/{entity}/{from}/migration/{to}?kind={kind}");
    let migration: Migration = get(&url).await?;
    let from = one(kind, entity, from.into()).await?;
    let to = one(kind, entity, to.into()).await?;
    let (rows, columns) = (from.k as usize, to.k as usize);
    check_lengths(rows, [migration.counts.len(), migration.left.len()])?;
    let lengths = migration.counts.iter().map(Vec::len).chain([migration.arrived.len()]);
    check_lengths(columns, lengths)?;
    Ok(ModelComparison { from, to, migration })
}

fn check_lengths(n: usize, lengths: impl IntoIterator<Item = usize>) -> Result<(), ApiError> {
    if lengths.into_iter().all(|length| length == n) {
        return Ok(());
    }
    Err(ApiError::Unreadable("rows and columns differ in length".to_owned()))
}

/// Adds up the weights of (cluster, weight) over each of `k` clusters.
fn cluster_sizes(k: u32, rows: impl Iterator<Item = (u32, u64)>) -> Result<Vec<u64>, ApiError> {
    let mut sizes = vec![0; k as usize];
    for (cluster, weight) in rows {
        let size = (cluster as usize).checked_sub(1).and_then(|index| sizes.get_mut(index));
        let size = size
            .ok_or_else(|| ApiError::Unreadable(format!("a row is in cluster {cluster} of {k}")))?;
        *size += weight;
    }
    Ok(sizes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clusters_are_checked_and_added_up() {
        let rows = [(1, 10), (2, 20), (1, 30)];
        assert_eq!(cluster_sizes(3, rows.into_iter()), Ok(vec![40, 20, 0]));
        assert!(cluster_sizes(1, rows.into_iter()).is_err(), "cluster 2 of 1");
        assert!(cluster_sizes(3, [(0, 1)].into_iter()).is_err(), "clusters count from 1");
    }

    #[test]
    fn columns_have_one_length() {
        assert_eq!(check_lengths(3, [3, 3]), Ok(()));
        assert!(check_lengths(3, [3, 2]).is_err());
    }
}
