//! `/api/v1/models`.

use std::rc::Rc;

use tillstream_shared::{
    Entity, Model, ModelRef,
    api::{ModelList, Points},
};

use super::http::{ApiError, get};

/// How often model and points are asked for until they belong together.
const TRIES: usize = 3;

/// A model and the points that it was trained on.
#[derive(Debug, Clone, PartialEq)]
pub struct Clusters {
    /// The model.
    pub model: Rc<Model>,
    /// Its points.
    pub points: Rc<Points>,
}

/// All models.
///
/// # Errors
/// See [`ApiError`].
pub async fn list() -> Result<ModelList, ApiError> {
    get("/api/v1/models").await
}

/// A model with its points. `all` may be trained anew between the two requests: they are then made
/// again, and shown as they are when that happens every time.
///
/// # Errors
/// See [`ApiError`]; a model that fails its own check is unreadable.
pub async fn clusters(entity: Entity, number: ModelRef) -> Result<Clusters, ApiError> {
    let mut tries = 1;
    loop {
        let model: Model = get(&format!("/api/v1/models/{entity}/{number}")).await?;
        model.check().map_err(|why| ApiError::Unreadable(why.to_string()))?;
        // The number in place of the alias: `latest` may have moved on.
        let points: Points =
            get(&format!("/api/v1/models/{entity}/{}/points", model.number)).await?;
        let rows = check(&points, model.k)?;
        if tries >= TRIES || rows == model.sizes {
            return Ok(Clusters { model: Rc::new(model), points: Rc::new(points) });
        }
        tries += 1;
    }
}

/// Checks the shape of `points` and adds up the lines of each of `k` clusters.
fn check(points: &Points, k: u32) -> Result<Vec<u64>, ApiError> {
    let n = points.weight.len();
    if [points.quantity.len(), points.unit_price.len(), points.cluster.len()] != [n; 3] {
        return Err(ApiError::Unreadable("the points' columns differ in length".to_owned()));
    }
    let mut sizes = vec![0; k as usize];
    for (cluster, weight) in points.cluster.iter().zip(&points.weight) {
        let size = (*cluster as usize).checked_sub(1).and_then(|index| sizes.get_mut(index));
        let size = size.ok_or_else(|| {
            ApiError::Unreadable(format!("a point is in cluster {cluster} of {k}"))
        })?;
        *size += weight;
    }
    Ok(sizes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_checked_and_added_up() {
        let mut points = Points {
            quantity: vec![1.0, 2.0, 3.0],
            unit_price: vec![1.0, 2.0, 3.0],
            weight: vec![10, 20, 30],
            cluster: vec![1, 2, 1],
        };
        assert_eq!(check(&points, 3), Ok(vec![40, 20, 0]));
        assert!(check(&points, 1).is_err(), "cluster 2 of 1");
        points.cluster[0] = 0;
        assert!(check(&points, 3).is_err(), "clusters count from 1");
        points.cluster.pop();
        assert!(check(&points, 3).is_err(), "columns differ");
    }
}
