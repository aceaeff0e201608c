//! What entities, components, models, features and changes are called on the page.

use tillstream_shared::{
    ClosedBy, Entity, Filter, ModelKind, ModelNumber, Preprocessing, Scaling, Transform,
    Transition, TransitionKind, api::Component,
};

use crate::format;

/// How many ranges of batch numbers are written out.
const MAX_RANGES: usize = 8;

/// The name of an entity in the plural, as a heading.
#[must_use]
pub const fn plural(entity: Entity) -> &'static str {
    match entity {
        Entity::Customer => "Customers",
        Entity::Product => "Products",
        Entity::Country => "Countries",
    }
}

/// The name of an entity, as a heading.
#[must_use]
pub const fn singular(entity: Entity) -> &'static str {
    match entity {
        Entity::Customer => "Customer",
        Entity::Product => "Product",
        Entity::Country => "Country",
    }
}

/// The name of a component, as a heading.
#[must_use]
pub const fn component(component: Component) -> &'static str {
    match component {
        Component::Broker => "Embedded broker",
        Component::Producer => "Producer",
        Component::Consumer => "Consumer",
        Component::Trainer => "Trainer",
        Component::Serving => "REST service",
        Component::Watcher => "Folder watcher",
        Component::Terminal => "Terminal output",
    }
}

/// By what a batch was closed.
#[must_use]
pub const fn closed_by(closed_by: ClosedBy) -> &'static str {
    match closed_by {
        ClosedBy::Size => "size",
        ClosedBy::Time => "time",
        ClosedBy::Shutdown => "shutdown",
        ClosedBy::Rebalance => "rebalance",
    }
}

/// Batch numbers (ascending) within a text, neighbours as ranges, only the first few of many:
/// `3, 7 to 9 and 120 more`.
#[must_use]
pub fn batch_numbers(numbers: &[u64]) -> String {
    let runs: Vec<&[u64]> = numbers.chunk_by(|a, b| a + 1 == *b).collect();
    let shown = &runs[..runs.len().min(MAX_RANGES)];
    let range = |run: &&[u64]| match **run {
        [first, .., last] => format!("{first} to {last}"),
        [only] => only.to_string(),
        [] => String::new(),
    };
    let text = shown.iter().map(range).collect::<Vec<_>>().join(", ");
    let more = numbers.len() - shown.iter().map(|run| run.len()).sum::<usize>();
    if more == 0 { text } else { format!("{text} and {} more", format::count(more as u64)) }
}

/// What the sizes of a model count: one, and several.
#[must_use]
pub const fn members(kind: ModelKind, entity: Entity) -> (&'static str, &'static str) {
    match (kind, entity) {
        (ModelKind::Line, _) => ("line", "lines"),
        (ModelKind::Profile, Entity::Customer) => ("customer", "customers"),
        (ModelKind::Profile, Entity::Product) => ("product", "products"),
        (ModelKind::Profile, Entity::Country) => ("country", "countries"),
    }
}

/// A model in a sentence: `customer model 3`, `product profile model 3`.
#[must_use]
pub fn model_name(kind: ModelKind, entity: Entity, number: ModelNumber) -> String {
    model_names(kind, &[entity], number)
}

/// Models of several entities in a sentence: `customer, product and country model 3`.
#[must_use]
pub fn model_names(kind: ModelKind, entities: &[Entity], number: ModelNumber) -> String {
    let entities = match entities {
        [first @ .., last] if !first.is_empty() => {
            let first = first.iter().map(Entity::to_string).collect::<Vec<_>>();
            format!("{} and {last}", first.join(", "))
        }
        entities => entities.iter().map(Entity::to_string).collect(),
    };
    match kind {
        ModelKind::Line => format!("{entities} {}", model_number(number)),
        ModelKind::Profile => format!("{entities} profile {}", model_number(number)),
    }
}

/// A model among others of its kind and entity: `model 3`, `model of every batch`.
#[must_use]
pub fn model_number(number: ModelNumber) -> String {
    match number {
        ModelNumber::Number(number) => format!("model {number}"),
        ModelNumber::All => "model of every batch".to_owned(),
        ModelNumber::Live => "live model".to_owned(),
    }
}

/// A feature within a text: `mean_basket` becomes `mean basket`.
#[must_use]
pub fn spaced(feature: &str) -> String {
    feature.replace('_', " ")
}

/// A feature as the name of an axis or column: `mean_basket` becomes `Mean basket`.
#[must_use]
pub fn feature(name: &str) -> String {
    capitalized(&spaced(name))
}

/// The same text with a capital at its start.
#[must_use]
pub fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The way from original units to model space: `log: positive values, log1p, standardised`.
#[must_use]
pub fn preprocessing(preprocessing: &Preprocessing) -> String {
    let filter = match preprocessing.filter {
        Filter::All => "all values",
        Filter::Positive => "positive values",
    };
    let transform = match preprocessing.transform {
        Transform::Identity => None,
        Transform::Log1p => Some("log1p"),
        Transform::SignedLog1p => Some("signed log1p"),
    };
    let scaling = match preprocessing.scaling {
        Scaling::None => None,
        Scaling::Standard => Some("standardised"),
        Scaling::Robust => Some("median and interquartile range"),
    };
    let clip = preprocessing.clip.map(|limit| format!("clipped at {}", format::number(limit)));
    let steps = [transform, scaling].into_iter().flatten().map(str::to_owned).chain(clip);
    let steps: Vec<String> = [filter.to_owned()].into_iter().chain(steps).collect();
    format!("{}: {}", preprocessing.kind.name(), steps.join(", "))
}

/// What happened to a cluster, with its numbers in the previous model and in this one.
#[must_use]
pub fn transition(transition: &Transition) -> String {
    let was = transition
        .from
        .map_or("a previous cluster".to_owned(), |from| format!("previous cluster {from}"));
    let now = transition.to.map_or("A cluster".to_owned(), |to| format!("Cluster {to}"));
    match transition.event {
        TransitionKind::Continued if transition.from == transition.to => format!("{now} continues"),
        TransitionKind::Continued => format!("{now} continues {was}"),
        TransitionKind::Split => format!("{now} split off from {was}"),
        TransitionKind::Merged => {
            format!("{} merged into {}", capitalized(&was), now.to_lowercase())
        }
        TransitionKind::Born => format!("{now} is new"),
        TransitionKind::Died => format!("{} disappeared", capitalized(&was)),
    }
}

#[cfg(test)]
mod tests {
    use tillstream_shared::PreprocessingKind;

    use super::*;

    #[test]
    fn models_are_told_apart_by_kind() {
        let name = |kind, number| model_name(kind, Entity::Country, number);
        assert_eq!(name(ModelKind::Line, ModelNumber::Number(3)), "country model 3");
        assert_eq!(name(ModelKind::Line, ModelNumber::All), "country model of every batch");
        assert_eq!(name(ModelKind::Line, ModelNumber::Live), "country live model");
        assert_eq!(name(ModelKind::Profile, ModelNumber::Number(3)), "country profile model 3");
    }

    #[test]
    fn preprocessing_is_told_step_by_step() {
        let mut way = Preprocessing {
            kind: PreprocessingKind::Log,
            filter: Filter::Positive,
            transform: Transform::Log1p,
            scaling: Scaling::Standard,
            means: vec![0.0],
            scales: vec![1.0],
            clip: None,
        };
        assert_eq!(preprocessing(&way), "log: positive values, log1p, standardised");
        (way.kind, way.filter) = (PreprocessingKind::Raw, Filter::All);
        (way.transform, way.scaling) = (Transform::Identity, Scaling::None);
        assert_eq!(preprocessing(&way), "raw: all values");
        way.clip = Some(4.0);
        assert_eq!(preprocessing(&way), "raw: all values, clipped at 4.00");
    }

    #[test]
    fn batch_numbers_stay_short_however_many_there_are() {
        assert_eq!(batch_numbers(&[]), "");
        assert_eq!(batch_numbers(&[3, 7]), "3, 7");
        assert_eq!(batch_numbers(&[3, 7, 8, 9, 11]), "3, 7 to 9, 11");
        let every_second: Vec<u64> = (1..=2000).step_by(2).collect();
        assert_eq!(batch_numbers(&every_second), "1, 3, 5, 7, 9, 11, 13, 15 and 992 more");
        let all: Vec<u64> = (1..=2000).collect();
        assert_eq!(batch_numbers(&all), "1 to 2000");
    }

    #[test]
    fn features_read_as_words() {
        assert_eq!(feature("mean_order_value"), "Mean order value");
        assert_eq!(feature("UnitPrice"), "UnitPrice");
        assert_eq!(spaced("return_rate"), "return rate");
        assert_eq!(feature(""), "");
    }

    #[test]
    fn every_change_is_a_sentence() {
        let text = |event, from, to| transition(&Transition { event, identity: 9, from, to });
        let (continued, one, two) = (TransitionKind::Continued, Some(1), Some(2));
        assert_eq!(text(continued, two, two), "Cluster 2 continues");
        assert_eq!(text(continued, one, two), "Cluster 2 continues previous cluster 1");
        let split = text(TransitionKind::Split, one, two);
        assert_eq!(split, "Cluster 2 split off from previous cluster 1");
        let merged = text(TransitionKind::Merged, two, one);
        assert_eq!(merged, "Previous cluster 2 merged into cluster 1");
        assert_eq!(text(TransitionKind::Born, None, two), "Cluster 2 is new");
        assert_eq!(text(TransitionKind::Died, two, None), "Previous cluster 2 disappeared");
    }
}
