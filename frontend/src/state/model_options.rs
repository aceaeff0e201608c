//! The models that a page offers to choose from: a bounded number of the newest ones, the chosen one,
//! and any older one by its number.

use tillstream_shared::{ModelKind, ModelNumber, ModelRef, api::ModelList};

use crate::{labels, services::models::PAGE_SIZE};

/// The newest models of one kind and entity.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownModels {
    /// Numbers, the newest first.
    numbers: Vec<u64>,
    all: bool,
    live: bool,
}

impl KnownModels {
    /// Those of a list that holds one kind and entity.
    #[must_use]
    pub fn new(list: &ModelList) -> Self {
        let mut known = Self::default();
        for model in &list.models {
            match model.number {
                ModelNumber::Number(number) => known.numbers.push(number),
                ModelNumber::All => known.all = true,
                ModelNumber::Live => known.live = true,
            }
        }
        known.numbers.sort_unstable_by(|a, b| b.cmp(a));
        known
    }

    /// Whether there is no model at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty() && !self.all && !self.live
    }

    /// Whether there may be older models than those listed.
    #[must_use]
    pub fn has_older(&self) -> bool {
        self.numbers.len() >= PAGE_SIZE
    }

    /// Aliases and numbers to choose from, with their texts. Profile models are trained on all lines so
    /// far: for them there is no `all` and no `live`. `value`, the chosen one, is always among them.
    #[must_use]
    pub fn choices(&self, kind: ModelKind, value: ModelRef) -> Vec<(ModelRef, String)> {
        let latest = match self.numbers.first() {
            Some(number) => format!("latest (model {number})"),
            None => "latest".to_owned(),
        };
        let aliases = [
            (ModelRef::Latest, latest),
            (ModelRef::Champion, "champion (the promoted one)".to_owned()),
            (ModelRef::All, "all (every batch so far)".to_owned()),
            (ModelRef::Live, "live (follows the stream)".to_owned()),
        ];
        let offered = if kind == ModelKind::Line { 4 } else { 2 };
        let mut choices: Vec<_> = aliases.into_iter().take(offered).collect();
        let chosen = match value {
            ModelRef::Number(number) => Some(number),
            _ => None,
        };
        choices.extend(
            with_number(&self.numbers, chosen)
                .into_iter()
                .map(|number| (ModelRef::Number(number), format!("model {number}"))),
        );
        if !choices.iter().any(|(model, _)| *model == value) {
            choices.push((value, format!("{value} (not available)")));
        }
        choices
    }

    /// The models to compare `shown` with, with their texts: `live`, `all` and numbers, the newest
    /// first. `previous`, the model before `shown`, and `chosen` are among them whether they are listed
    /// or not.
    #[must_use]
    pub fn others(
        &self,
        shown: ModelNumber,
        previous: Option<ModelNumber>,
        chosen: Option<ModelNumber>,
    ) -> Vec<(ModelNumber, String)> {
        let mut numbers = self.numbers.clone();
        for other in [previous, chosen].into_iter().flatten() {
            if let ModelNumber::Number(number) = other {
                numbers = with_number(&numbers, Some(number));
            }
        }
        let live = self.live.then_some(ModelNumber::Live);
        let all = self.all.then_some(ModelNumber::All);
        live.into_iter()
            .chain(all)
            .chain(numbers.into_iter().map(ModelNumber::Number))
            .filter(|number| *number != shown)
            .map(|number| (number, labels::capitalized(&labels::model_number(number))))
            .collect()
    }
}

/// `numbers`, which descend, with `extra` in its place among them.
fn with_number(numbers: &[u64], extra: Option<u64>) -> Vec<u64> {
    let mut numbers = numbers.to_vec();
    if let Some(extra) = extra.filter(|extra| !numbers.contains(extra)) {
        let place = numbers.partition_point(|number| *number > extra);
        numbers.insert(place, extra);
    }
    numbers
}

/// The model number that was typed.
///
/// # Errors
/// What is wrong with it, as a sentence.
pub fn typed_number(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(ModelRef::Number(number)) => Ok(number),
        _ => Err("Enter a model number, from 1.".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use tillstream_shared::{Entity, PreprocessingKind, api::ModelSummary};

    use super::*;

    fn known(numbers: impl IntoIterator<Item = ModelNumber>) -> KnownModels {
        let summary = |number| ModelSummary {
            kind: ModelKind::Line,
            entity: Entity::Product,
            number,
            batch: None,
            preprocessing: PreprocessingKind::Log,
            k: 3,
            sizes: vec![1, 2, 3],
            sse: 1.0,
            silhouette: None,
            trained_at: "2026-11-24T00:00:00Z".to_owned(),
        };
        let models = numbers.into_iter().map(summary).collect();
        KnownModels::new(&ModelList { models, ..ModelList::default() })
    }

    fn numbered(numbers: std::ops::RangeInclusive<u64>) -> KnownModels {
        known(numbers.map(ModelNumber::Number))
    }

    fn models(choices: &[(ModelRef, String)]) -> Vec<String> {
        choices.iter().map(|(model, _)| model.to_string()).collect()
    }

    #[test]
    fn the_newest_models_come_first_after_the_aliases() {
        let choices = numbered(4..=6).choices(ModelKind::Line, ModelRef::Latest);
        assert_eq!(models(&choices), ["latest", "champion", "all", "live", "6", "5", "4"]);
        assert_eq!(choices[0].1, "latest (model 6)");
        let choices = numbered(4..=6).choices(ModelKind::Profile, ModelRef::Latest);
        assert_eq!(models(&choices), ["latest", "champion", "6", "5", "4"]);
    }

    #[test]
    fn the_chosen_model_is_offered_wherever_it_is() {
        let choices = numbered(901..=1000).choices(ModelKind::Line, ModelRef::Number(7));
        assert_eq!(choices.len(), 4 + PAGE_SIZE + 1);
        assert_eq!(choices.last(), Some(&(ModelRef::Number(7), "model 7".to_owned())));
        let choices = numbered(4..=6).choices(ModelKind::Line, ModelRef::Number(9));
        assert_eq!(models(&choices)[4..], ["9", "6", "5", "4"]);
        let choices = numbered(4..=6).choices(ModelKind::Profile, ModelRef::Live);
        assert_eq!(choices.last().map(|(_, text)| text.as_str()), Some("live (not available)"));
    }

    #[test]
    fn older_models_are_offered_when_the_page_is_full() {
        assert!(!numbered(1..=99).has_older());
        assert!(numbered(901..=1000).has_older());
        assert!(KnownModels::default().is_empty());
        assert!(!known([ModelNumber::All]).is_empty());
    }

    #[test]
    fn an_old_model_is_compared_with_the_one_before_it() {
        let number = ModelNumber::Number;
        let known = known((8..=9).map(number).chain([ModelNumber::All, ModelNumber::Live]));
        let others = |shown, previous, chosen| -> Vec<String> {
            let others = known.others(shown, previous, chosen);
            others.into_iter().map(|(number, _)| number.to_string()).collect()
        };
        assert_eq!(others(number(9), Some(number(8)), None), ["live", "all", "8"]);
        assert_eq!(others(number(3), Some(number(2)), None), ["live", "all", "9", "8", "2"]);
        let compared = others(number(3), Some(number(2)), Some(number(5)));
        assert_eq!(compared, ["live", "all", "9", "8", "5", "2"]);
        assert_eq!(others(ModelNumber::All, Some(ModelNumber::All), None), ["live", "9", "8"]);
    }

    #[test]
    fn a_typed_number_is_a_number() {
        assert_eq!(typed_number(" 17 "), Ok(17));
        for wrong in ["", "0", "-1", "latest", "1.5"] {
            assert!(typed_number(wrong).is_err(), "{wrong}");
        }
    }
}
