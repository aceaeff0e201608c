//! `/api/v1/profiles`.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tillstream_shared::{Entity, api::ProfileView};

use super::http::{ApiError, get};

/// One customer, product or country.
///
/// # Errors
/// See [`ApiError`].
pub async fn profile(entity: Entity, id: &str) -> Result<ProfileView, ApiError> {
    let view: ProfileView = get(&url(entity, id)).await?;
    if view.features.len() != view.values.len() {
        return Err(ApiError::Unreadable("features and values differ in length".to_owned()));
    }
    Ok(view)
}

/// An identifier may hold anything, a slash included.
fn url(entity: Entity, id: &str) -> String {
    format!("/api/v1/profiles/{entity}/{}", utf8_percent_encode(id, NON_ALPHANUMERIC))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_stays_one_part_of_the_address() {
        assert_eq!(url(Entity::Customer, "17850"), "/api/v1/profiles/customer/17850");
        let country = url(Entity::Country, "United Kingdom");
        assert_eq!(country, "/api/v1/profiles/country/United%20Kingdom");
        assert_eq!(url(Entity::Product, "a/b?c"), "/api/v1/profiles/product/a%2Fb%3Fc");
    }
}
