//! What became of the clusters since the previous model, and who moved between two models.

use std::rc::Rc;

use tillstream_shared::{Model, ModelNumber, Transition};
use yew::prelude::*;

use super::migration::MigrationView;
use crate::{
    charts::palette::{apart, colour, identities},
    components::pickers::Choice,
    words::{self, number_of, sentence},
};

#[derive(Debug, PartialEq, Properties)]
pub(super) struct ChangesCardProps {
    pub(super) model: Rc<Model>,
    /// Numbers of all models of this kind and entity, ascending.
    pub(super) known: Vec<ModelNumber>,
}

/// Transitions and migration.
#[component]
pub(super) fn ChangesCard(props: &ChangesCardProps) -> Html {
    let model = &props.model;
    let chosen = use_state_eq(|| None::<ModelNumber>);
    let others: Vec<ModelNumber> =
        props.known.iter().rev().copied().filter(|number| *number != model.number).collect();
    // The reader's choice, else the previous model, else the newest other one.
    let other = [*chosen, model.previous]
        .into_iter()
        .flatten()
        .find(|number| others.contains(number))
        .or_else(|| others.first().copied());
    let on_choose = {
        let others = others.clone();
        Callback::from(move |index: usize| chosen.set(others.get(index).copied()))
    };
    html! {
        <div class="card changes">
            <h2>{ "What changed" }</h2>
            { transitions(model) }
            if let Some(other) = other {
                <div class="card-head">
                    <h3>{ "Who moved" }</h3>
                    <Choice
                        id="compare"
                        label="Compare with"
                        options={others.iter().map(|number| {
                            AttrValue::from(sentence(&number_of(*number)))
                        }).collect::<Vec<_>>()}
                        value={others.iter().position(|number| *number == other).unwrap_or(0)}
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

/// The earlier of two models first; aliases, which are of all times, last.
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
                { "This is the first model of its row: its clusters have no past." }
            </p>
        };
    };
    let (own, shown) = (identities(model), apart(&identities(model)));
    let entry = |transition: &Transition| {
        let place = own.iter().position(|identity| *identity == transition.identity);
        let identity = place.map_or(transition.identity, |index| shown[index]);
        html! {
            <li>
                <i class="swatch" style={format!("background:{}", colour(identity))} />
                { words::transition(transition) }
                <span class="muted">{ format!(" (identity {})", transition.identity) }</span>
            </li>
        }
    };
    html! {
        <>
            <h3>
                { if previous == model.number {
                    "Since it was trained before".to_owned()
                } else {
                    format!("Since {}", number_of(previous))
                } }
            </h3>
            if model.transitions.is_empty() {
                <p class="muted" data-testid="transitions">{ "Nothing was recorded." }</p>
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
