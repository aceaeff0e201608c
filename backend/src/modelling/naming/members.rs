//! What a cluster consists of, in English and Indonesian.

use tillstream_shared::{Entity, Model, ModelKind};

/// The members of the model's clusters.
pub(super) fn members(model: &Model) -> (&'static str, &'static str) {
    match (model.kind, model.entity) {
        (ModelKind::Line, _) => ("lines", "baris transaksi"),
        (ModelKind::Profile, Entity::Customer) => ("customers", "pelanggan"),
        (ModelKind::Profile, Entity::Product) => ("products", "produk"),
        (ModelKind::Profile, Entity::Country) => ("countries", "negara"),
    }
}
