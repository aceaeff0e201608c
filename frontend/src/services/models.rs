//! `/api/v1/models`.

use std::rc::Rc;

use tillstream_shared::{
    Entity, Model, ModelKind, ModelNumber, ModelRef,
    api::{Migration, ModelList, Points, ProfileRows},
};

use super::http::{ApiError, get};

/// How often model and rows are asked for until they belong together.
const TRIES: usize = 3;

/// What a model was trained on.
#[derive(Debug, Clone, PartialEq)]
pub enum Rows {
    /// Of a line model: weighted distinct points.
    Points(Rc<Points>),
    /// Of a profile model: customers, products or countries.
    Profiles(Rc<ProfileRows>),
}

impl Rows {
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
pub struct Clusters {
    /// The model.
    pub model: Rc<Model>,
    /// Its rows.
    pub rows: Rows,
}

/// Two models and who moved between their clusters.
#[derive(Debug, Clone, PartialEq)]
pub struct Moves {
    /// The earlier model.
    pub from: Model,
    /// The later model.
    pub to: Model,
    /// How many moved from which cluster to which.
    pub migration: Migration,
}

/// All models.
///
/// # Errors
/// See [`ApiError`].
pub async fn list() -> Result<ModelList, ApiError> {
    get("/api/v1/models").await
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
pub async fn clusters(
    kind: ModelKind,
    entity: Entity,
    number: ModelRef,
) -> Result<Clusters, ApiError> {
    let mut tries = 1;
    loop {
        let model = one(kind, entity, number).await?;
        // The number in place of the alias: `latest` may have moved on.
        let (rows, sizes) = rows(&model).await?;
        if tries >= TRIES || sizes == model.sizes {
            return Ok(Clusters { model: Rc::new(model), rows });
        }
        tries += 1;
    }
}

/// The rows of `model`, and how many are in each cluster.
async fn rows(model: &Model) -> Result<(Rows, Vec<u64>), ApiError> {
    let url = format!("/api/v1/models/{}/{}", model.entity, model.number);
    match model.kind {
        ModelKind::Line => {
            let points: Points = get(&format!("{url}/points")).await?;
            let n = points.weight.len();
            same_length(n, [points.quantity.len(), points.unit_price.len(), points.cluster.len()])?;
            let weights = points.weight.iter().copied();
            let sizes = add_up(model.k, points.cluster.iter().copied().zip(weights))?;
            Ok((Rows::Points(Rc::new(points)), sizes))
        }
        ModelKind::Profile => {
            let rows: ProfileRows = get(&format!("{url}/profiles?kind=profile")).await?;
            same_length(rows.features.len(), [rows.columns.len(), model.features.len()])?;
            let columns = rows.columns.iter().map(Vec::len).chain([rows.cluster.len()]);
            same_length(rows.ids.len(), columns)?;
            let sizes = add_up(model.k, rows.cluster.iter().map(|cluster| (*cluster, 1)))?;
            Ok((Rows::Profiles(Rc::new(rows)), sizes))
        }
    }
}

/// The migration from `from` to `to`, with both models.
///
/// # Errors
/// See [`ApiError`]; counts that do not fit the models are unreadable.
pub async fn moves(
    kind: ModelKind,
    entity: Entity,
    from: ModelNumber,
    to: ModelNumber,
) -> Result<Moves, ApiError> {
    let url = format!("/api/v1/models/{entity}/{from}/migration/{to}?kind={kind}");
    let migration: Migration = get(&url).await?;
    let from = one(kind, entity, from.into()).await?;
    let to = one(kind, entity, to.into()).await?;
    let (rows, columns) = (from.k as usize, to.k as usize);
    same_length(rows, [migration.counts.len(), migration.left.len()])?;
    let lengths = migration.counts.iter().map(Vec::len).chain([migration.arrived.len()]);
    same_length(columns, lengths)?;
    Ok(Moves { from, to, migration })
}

fn same_length(n: usize, lengths: impl IntoIterator<Item = usize>) -> Result<(), ApiError> {
    if lengths.into_iter().all(|length| length == n) {
        return Ok(());
    }
    Err(ApiError::Unreadable("rows and columns differ in length".to_owned()))
}

/// Adds up the weights of (cluster, weight) over each of `k` clusters.
fn add_up(k: u32, rows: impl Iterator<Item = (u32, u64)>) -> Result<Vec<u64>, ApiError> {
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
        assert_eq!(add_up(3, rows.into_iter()), Ok(vec![40, 20, 0]));
        assert!(add_up(1, rows.into_iter()).is_err(), "cluster 2 of 1");
        assert!(add_up(3, [(0, 1)].into_iter()).is_err(), "clusters count from 1");
    }

    #[test]
    fn columns_have_one_length() {
        assert_eq!(same_length(3, [3, 3]), Ok(()));
        assert!(same_length(3, [3, 2]).is_err());
    }
}
