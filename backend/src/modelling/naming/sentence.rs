//! A cluster's own figures beside those of the whole.

use tillstream_shared::{Model, Text};

use super::{
    level::Profile,
    members::members,
    number::{percent, readable, whole},
    phrase::Feature,
};

/// The sentence about one cluster.
pub(super) fn of(model: &Model, features: &[Feature], profile: &Profile) -> Text {
    let size = model.sizes[profile.cluster];
    let total: u64 = model.sizes.iter().sum();
    let (of_en, of_id) = members(model);
    let centroid = &model.centroids[profile.cluster];
    let alone = model.k == 1;
    let figures: Vec<Text> = features
        .iter()
        .zip(centroid.iter().zip(&profile.whole))
        .map(|(feature, (own, all))| {
            let figure = feature.figure(&readable(*own));
            let all = readable(*all);
            if alone {
                return figure;
            }
            Text {
                en: format!("{} ({} overall)", figure.en, all.en),
                id: format!("{} (keseluruhan {})", figure.id, all.id),
            }
        })
        .collect();
    let (count, total_count) = (whole(size), whole(total));
    let share = percent(size, total);
    let list_en = list(figures.iter().map(|f| f.en.as_str()), "and");
    let list_id = list(figures.iter().map(|f| f.id.as_str()), "dan");
    if alone {
        return Text {
            en: format!("This cluster holds all {} {of_en}, typically with {list_en}.", count.en),
            id: format!("Klaster ini memuat semua {} {of_id}, umumnya dengan {list_id}.", count.id),
        };
    }
    Text {
        en: format!(
            "This cluster holds {} of {} {of_en} ({}), typically with {list_en}.",
            count.en, total_count.en, share.en
        ),
        id: format!(
            "Klaster ini memuat {} dari {} {of_id} ({}), umumnya dengan {list_id}.",
            count.id, total_count.id, share.id
        ),
    }
}

/// "a", "a and b", "a, b and c".
fn list<'a>(items: impl Iterator<Item = &'a str>, and: &str) -> String {
    let items: Vec<&str> = items.collect();
    match items.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, first)) => format!("{} {and} {last}", first.join(", ")),
        None => String::new(),
    }
}
