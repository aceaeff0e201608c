//! From levels to words.

use tillstream_shared::{Entity, ModelKind, Text};

use super::{
    level::{Level, Profile},
    vocabulary::{QUANTITY, UNIT_PRICE, Words, country, customer, product},
};

/// A feature and the words for it, if there are any.
#[derive(Debug)]
pub(super) struct Feature {
    /// As it is read.
    name: String,
    words: Option<&'static Words>,
}

impl Feature {
    /// Looks up the words for the feature `name` of a model.
    pub(super) fn of(kind: ModelKind, entity: Entity, name: &str) -> Self {
        let known = name.to_lowercase().replace(' ', "_");
        let words = match (kind, entity) {
            (ModelKind::Line, _) => match known.as_str() {
                "quantity" => Some(&QUANTITY),
                "unitprice" => Some(&UNIT_PRICE),
                _ => None,
            },
            (ModelKind::Profile, Entity::Customer) => customer(&known),
            (ModelKind::Profile, Entity::Product) => product(&known),
            (ModelKind::Profile, Entity::Country) => country(&known),
        };
        Self { name: name.to_lowercase().replace('_', " "), words }
    }

    /// Where it stands in a name; features without words come last.
    fn place(&self) -> u8 {
        self.words.map_or(u8::MAX, |words| words.place)
    }

    fn phrase(&self, level: Level) -> Text {
        if let Some(words) = self.words {
            let (en, id) = words.levels[level as usize];
            return Text { en: en.to_owned(), id: id.to_owned() };
        }
        let (en, id) = match level {
            Level::VeryLow => ("very low", "sangat rendah"),
            Level::Low => ("low", "rendah"),
            Level::Typical => ("average", "sedang"),
            Level::High => ("high", "tinggi"),
            Level::VeryHigh => ("very high", "sangat tinggi"),
        };
        Text { en: format!("{en} {}", self.name), id: format!("{} {id}", self.name) }
    }

    /// A figure in a sentence, already written out in both languages.
    pub(super) fn figure(&self, number: &Text) -> Text {
        if let Some(words) = self.words {
            let (en, id) = words.figure;
            return Text { en: en.replace("{}", &number.en), id: id.replace("{}", &number.id) };
        }
        let of = |number: &str| format!("{} {number}", self.name);
        Text { en: of(&number.en), id: of(&number.id) }
    }

    fn is(&self, words: &'static Words) -> bool {
        self.words.is_some_and(|own| std::ptr::eq(own, words))
    }
}

/// The name made of the cluster's `count` most telling features.
pub(super) fn name(features: &[Feature], profile: &Profile, count: usize) -> Text {
    if let [quantity, price] = features
        && quantity.is(&QUANTITY)
        && price.is(&UNIT_PRICE)
    {
        let quantity = quantity.phrase(profile.levels[0]);
        let goods = price.phrase(profile.levels[1]);
        return Text {
            en: format!("{} of {}", quantity.en, goods.en),
            id: format!("{} {}", goods.id, quantity.id),
        };
    }
    let mut told: Vec<usize> = profile.order.iter().copied().take(count).collect();
    if told.is_empty() {
        return Text { en: "close to the average".into(), id: "mendekati rata-rata".into() };
    }
    told.sort_by_key(|&j| (features[j].place(), j));
    let phrases: Vec<Text> =
        told.into_iter().map(|j| features[j].phrase(profile.levels[j])).collect();
    let join = |text: fn(&Text) -> &str| phrases.iter().map(text).collect::<Vec<_>>().join(", ");
    Text { en: join(|text| &text.en), id: join(|text| &text.id) }
}
