//! What a cluster is called.

use tillstream_shared::{Model, ModelKind, Text};

use crate::state::language::Language;

/// The name of cluster `number` (from 1) in both languages; none for a model of an earlier version.
#[must_use]
pub fn text(model: &Model, number: u32) -> Option<&Text> {
    let cluster = model.clusters.get(number.checked_sub(1)? as usize)?;
    (!cluster.name.en.is_empty()).then_some(&cluster.name)
}

/// The name of cluster `number` (from 1); for a model of an earlier version what it stands for.
#[must_use]
pub fn of(model: &Model, number: u32, language: Language) -> String {
    let text = text(model, number).cloned().unwrap_or_else(|| model.description(number));
    language.of(&text).to_owned()
}

/// Whether the clusters have a description by value as in the original system: of lines, low, medium
/// and high. More clusters than that it does not tell apart.
#[must_use]
pub fn has_descriptions(model: &Model) -> bool {
    model.kind == ModelKind::Line && model.k <= 3
}

/// What cluster `number` (from 1) stands for, as the original system said it.
#[must_use]
pub fn description(model: &Model, number: u32, language: Language) -> Option<String> {
    has_descriptions(model).then(|| language.of(&model.description(number)).to_owned())
}

#[cfg(test)]
mod tests {
    use tillstream_shared::Cluster;

    use super::*;
    use crate::test_model::model;

    #[test]
    fn a_cluster_has_its_own_name_or_else_its_rank() {
        let mut model = model(ModelKind::Line, &["Quantity", "UnitPrice"]);
        assert_eq!(of(&model, 1, Language::Indonesian), "Transaksi pelanggan bernilai rendah");
        let name = Text { en: "few pieces".to_owned(), id: "sedikit barang".to_owned() };
        let cluster =
            |number| Cluster { number, identity: 7, name: name.clone(), ..Cluster::default() };
        model.clusters = vec![cluster(1), cluster(2)];
        assert_eq!(of(&model, 2, Language::Indonesian), "sedikit barang");
        assert_eq!(text(&model, 3), None);
        assert_eq!(text(&model, 0), None);
    }

    #[test]
    fn only_lines_are_ranked_by_value() {
        let mut line = model(ModelKind::Line, &["Quantity", "UnitPrice"]);
        let english = |model: &Model| description(model, 2, Language::English);
        assert_eq!(english(&line).as_deref(), Some("High-value customer line"));
        line.k = 4;
        assert_eq!(english(&line), None, "it would only be the number again");
        assert_eq!(english(&model(ModelKind::Profile, &["recency"])), None);
    }
}
