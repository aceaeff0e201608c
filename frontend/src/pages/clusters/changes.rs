//! What became of the clusters since the previous model, and who moved between two models.

use std::rc::Rc;

use tillstream_shared::{Model, ModelNumber, ModelRef, Transition};
use yew::prelude::*;

use super::migration::MigrationView;
use crate::{
    charts::palette::{colour, distinct, identities},
    components::model_select::ModelSelect,
    labels::{self, model_number},
    state::model_options::KnownModels,
};

#[derive(Debug, PartialEq, Properties)]
pub(super) struct ChangesCardProps {
    pub(super) model: Rc<Model>,
    /// The newest models of this kind and entity.
    pub(super) known: KnownModels,
}

/// Transitions and migration.
#[component]
pub(super) fn ChangesCard(props: &ChangesCardProps) -> Html {
    let model = &props.model;
    let chosen = use_state_eq(|| None::<ModelNumber>);
    let others = props.known.others(model.number, model.previous, *chosen);
    // The reader's choice, else the previous model, else the newest other one.
    let other = [*chosen, model.previous]
        .into_iter()
        .flatten()
        .find(|number| others.iter().any(|(other, _)| other == number))
        .or_else(|| others.first().map(|(number, _)| *number));
    let on_choose = Callback::from(move |model: ModelRef| chosen.set(numbered(model)));
    html! {
        <div class="card changes">
            <h2>{ "What changed" }</h2>
            { transitions(model) }
            if let Some(other) = other {
                <div class="card-head">
                    <h3>{ "Who moved" }</h3>
                    <ModelSelect
                        id="compare"
                        label="Compare with"
                        options={others.into_iter().map(|(number, text)| (number.into(), text))
                            .collect::<Vec<_>>()}
                        value={ModelRef::from(other)}
                        has_older={props.known.has_older()}
                        on_change={on_choose}
                    />
                </div>
                <MigrationView
                    kind={model.kind}
                    entity={model.entity}
                    between={in_order(other, model.number)}
                    trained={AttrValue::from(model.trained_at.clone())}
                />
            } else {
                <p class="muted" data-testid="no-other-model">
                    { "There is no other model yet to compare this one with." }
                </p>
            }
        </div>
    }
}

/// The model that a choice names; none for an alias that may stand for several in time.
fn numbered(model: ModelRef) -> Option<ModelNumber> {
    match model {
        ModelRef::Number(number) => Some(ModelNumber::Number(number)),
        ModelRef::All => Some(ModelNumber::All),
        ModelRef::Live => Some(ModelNumber::Live),
        ModelRef::Latest | ModelRef::Champion => None,
    }
}

/// The earlier of two models first; `all` and `live`, which are never final, last.
fn in_order(other: ModelNumber, shown: ModelNumber) -> (ModelNumber, ModelNumber) {
    match (other, shown) {
        (ModelNumber::Number(a), ModelNumber::Number(b)) if a > b => (shown, other),
        (ModelNumber::All | ModelNumber::Live, ModelNumber::Number(_)) => (shown, other),
        _ => (other, shown),
    }
}

fn transitions(model: &Model) -> Html {
    let Some(previous) = model.previous else {
        return html! {
            <p class="muted" data-testid="transitions">
                { "This is the first model: there is no earlier one to compare its clusters with." }
            </p>
        };
    };
    let (own, shown) = (identities(model), distinct(&identities(model)));
    let entry = |transition: &Transition| {
        let place = own.iter().position(|identity| *identity == transition.identity);
        let identity = place.map_or(transition.identity, |index| shown[index]);
        html! {
            <li>
                <i class="swatch" style={format!("background:{}", colour(identity))} />
                { labels::transition(transition) }
                <span class="muted">{ format!(" (identity {})", transition.identity) }</span>
            </li>
        }
    };
    html! {
        <>
            <h3>
                { if previous == model.number {
                    "Since the training before".to_owned()
                } else {
                    format!("Since {}", model_number(previous))
                } }
            </h3>
            if model.transitions.is_empty() {
                <p class="muted" data-testid="transitions">{ "No changes were recorded." }</p>
            } else {
                <ul class="transitions" data-testid="transitions">
                    { for model.transitions.iter().map(entry) }
                </ul>
            }
        </>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earlier_model_comes_first() {
        let number = ModelNumber::Number;
        assert_eq!(in_order(number(3), number(7)), (number(3), number(7)));
        assert_eq!(in_order(number(7), number(3)), (number(3), number(7)));
        assert_eq!(in_order(ModelNumber::All, number(3)), (number(3), ModelNumber::All));
        assert_eq!(in_order(number(3), ModelNumber::Live), (number(3), ModelNumber::Live));
    }
}
