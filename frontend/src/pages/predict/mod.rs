//! The forms: which cluster does a customer's, product's or country's line belong to?

mod result;

use std::rc::Rc;

use tillstream_shared::{Entity, Filter, ModelKind, ModelNumber, ModelRef, api::ModelList};
use web_sys::{Element, HtmlElement, ScrollIntoViewOptions, ScrollLogicalPosition};
use yew::prelude::*;
use yew_router::prelude::*;

use self::result::{EmptyResult, ResultCard};
use crate::{
    components::{
        field::TextField,
        language::LanguagePicker,
        pickers::{EntityPicker, ModelPicker},
    },
    services::{http::ApiError, models, predict::predict, task::Task},
    state::{
        form::{Action, Field, Form, example},
        live::Versions,
        model_options::KnownModels,
        prediction::LastPrediction,
        resource::use_resource,
        selection::{Query, Selection},
    },
};

async fn load_models(entity: Entity) -> Result<ModelList, ApiError> {
    models::list(ModelKind::Line, entity).await
}

/// What became of the form when it was sent last.
#[derive(Debug, Clone, PartialEq)]
enum SubmitState {
    No,
    Waiting,
    Answered,
    Failed(ApiError),
}

/// The filter of the chosen model, where the list of the newest models of `form.entity` tells it. Which
/// model the champion is the list does not tell.
fn filter_of(list: &ModelList, form: &Form) -> Option<Filter> {
    let mut own = list.models.iter();
    let number = match form.model {
        ModelRef::Number(number) => ModelNumber::Number(number),
        ModelRef::All => ModelNumber::All,
        ModelRef::Live => ModelNumber::Live,
        ModelRef::Latest => {
            own.clone().rfind(|model| matches!(model.number, ModelNumber::Number(_)))?.number
        }
        ModelRef::Champion => return None,
    };
    own.find(|model| model.number == number).map(|model| model.preprocessing.filter())
}

/// `/predict`.
#[component]
pub fn PredictPage() -> Html {
    let query = use_location().and_then(|location| location.query::<Query>().ok());
    let selection = Selection::from(query.unwrap_or_default());
    let form = use_reducer_eq(|| Form::new(selection.entity, selection.model));
    let sent = use_state(|| SubmitState::No);
    let task = use_mut_ref(|| None::<Task>);
    let last = use_context::<LastPrediction>();
    let versions = use_context::<Versions>().unwrap_or_default();
    let list = use_resource(form.entity, versions.of_models(), load_models);
    let known = list.remote.value.as_deref().map(KnownModels::new).unwrap_or_default();
    let filter = list.remote.value.as_deref().and_then(|list| filter_of(list, &form));
    let nodes = [use_node_ref(), use_node_ref(), use_node_ref()];
    let result_node = use_node_ref();

    {
        let task = task.clone();
        // A response that comes after the page was left is dropped.
        use_effect_with((), move |()| move || drop(task.borrow_mut().take()));
    }

    {
        // On a phone the answer lies below the form.
        use_effect_with(((*sent).clone(), result_node.clone()), |(sent, node)| {
            let slot = node.cast::<Element>();
            if let (SubmitState::Answered | SubmitState::Failed(_), Some(slot)) = (sent, slot) {
                let options = ScrollIntoViewOptions::new();
                options.set_block(ScrollLogicalPosition::Nearest);
                slot.scroll_into_view_with_scroll_into_view_options(&options);
            }
        });
    }

    let change = {
        let (form, sent, task) = (form.dispatcher(), sent.clone(), task.clone());
        Callback::from(move |action: Action| {
            // An answer belongs to the form as it was sent.
            if !matches!(action, Action::Blurred(_)) {
                drop(task.borrow_mut().take());
                sent.set(SubmitState::No);
            }
            form.dispatch(action);
        })
    };
    let onsubmit = {
        let (form, sent, last, nodes) = (form.clone(), sent.clone(), last.clone(), nodes.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            form.dispatch(Action::Submitted);
            let Some(request) = form.request(filter) else {
                let wrong = form.first_wrong(filter).map(|field| &nodes[field as usize]);
                if let Some(input) = wrong.and_then(NodeRef::cast::<HtmlElement>) {
                    input.focus().ok();
                }
                return;
            };
            sent.set(SubmitState::Waiting);
            let (sent, last) = (sent.clone(), last.clone());
            *task.borrow_mut() = Some(Task::spawn(async move {
                match predict(&request).await {
                    Ok(response) => {
                        if let Some(last) = last {
                            last.set(Some(Rc::new(response)));
                        }
                        sent.set(SubmitState::Answered);
                    }
                    Err(error) => sent.set(SubmitState::Failed(error)),
                }
            }));
        })
    };

    let (id, quantity, price) = example(form.entity);
    let field = |field: Field, id: &'static str, label: &'static str, hint: String, mode| {
        let node = nodes[field as usize].clone();
        let error = form.shown_error(field, filter).map(AttrValue::from);
        html! {
            <TextField
                {id}
                {label}
                {hint}
                {error}
                {node}
                inputmode={mode}
                value={form.text(field).to_owned()}
                on_input={change.reform(move |text| Action::Input(field, text))}
                on_blur={change.reform(move |()| Action::Blurred(field))}
            />
        }
    };
    let id_mode = if id.parse::<u64>().is_ok() { "numeric" } else { "text" };
    let waiting = *sent == SubmitState::Waiting;
    // What was predicted before is still worth seeing, unless it is about something else.
    let result = last
        .as_deref()
        .and_then(|last| last.clone())
        .filter(|result| result.entity == form.entity)
        .filter(|_| matches!(*sent, SubmitState::No | SubmitState::Answered));
    html! {
        <section class="page">
            <div class="page-head">
                <div>
                    <h1>{ "Predict" }</h1>
                    <p class="lead">{ "Which cluster does a transaction line belong to?" }</p>
                </div>
                <div class="toolbar"><LanguagePicker /></div>
            </div>
            <div class="predict-grid">
                <form class="card form" novalidate={true} {onsubmit} data-testid="predict-form">
                    <EntityPicker
                        legend="What the line is about"
                        singular={true}
                        value={form.entity}
                        on_change={change.reform(Action::Entity)}
                    />
                    { field(Field::Id, "id", form.entity.id_field(), format!("For example {id}"), id_mode) }
                    <div class="pair">
                        { field(Field::Quantity, "quantity", "Quantity", format!("Pieces, for example {quantity}"), "decimal") }
                        { field(Field::UnitPrice, "unit-price", "UnitPrice", format!("Of one piece, for example {price}"), "decimal") }
                    </div>
                    <ModelPicker
                        kind={ModelKind::Line}
                        value={form.model}
                        {known}
                        on_change={change.reform(Action::Model)}
                    />
                    <div class="actions">
                        <button
                            type="submit"
                            class="button primary"
                            disabled={waiting}
                            data-testid="predict"
                        >
                            { if waiting { "Predicting\u{2026}" } else { "Predict the cluster" } }
                        </button>
                        <button
                            type="button"
                            class="button quiet"
                            onclick={change.reform(|_: MouseEvent| Action::Example)}
                            data-testid="example"
                        >
                            { "Fill in an example" }
                        </button>
                    </div>
                </form>
                <div aria-live="polite" class="result-slot" ref={result_node}>
                    if let SubmitState::Failed(error) = &*sent {
                        <div class="problem" role="alert" data-testid="predict-error">
                            <div>
                                <strong>{ "The prediction failed" }</strong>
                                <p>{ error.to_string() }</p>
                            </div>
                        </div>
                    } else if let Some(result) = result {
                        <ResultCard {result} />
                    } else {
                        <EmptyResult {waiting} />
                    }
                </div>
            </div>
        </section>
    }
}
