//! One customer, product or country: its figures, its segment and its clusters over time.

mod cards;

use tillstream_shared::{Entity, ModelKind, ModelRef, api::ProfileView};
use yew::prelude::*;
use yew_router::prelude::*;

use self::cards::ProfileCards;
use crate::{
    components::{
        field::TextField,
        language::LanguagePicker,
        pickers::EntityPicker,
        view::{EmptyState, loaded},
    },
    labels::singular,
    routes::Route,
    services::{http::ApiError, profiles},
    state::{
        form::{example, identifier},
        live::Versions,
        resource::use_resource,
        selection::ProfileQuery,
    },
};

async fn load((entity, id): (Entity, String)) -> Result<ProfileView, ApiError> {
    profiles::profile(entity, &id).await
}

/// `/profiles`.
#[component]
pub fn ProfilesPage() -> Html {
    let query = use_location().and_then(|location| location.query::<ProfileQuery>().ok());
    let query = query.unwrap_or_default();
    let (entity, id) = (query.entity(), query.id());
    html! {
        <section class="page">
            <div class="page-head">
                <div>
                    <h1>{ "Profiles" }</h1>
                    <p class="lead">
                        { "Figures and segment of one customer, product or country over all lines so far." }
                    </p>
                </div>
                <div class="toolbar"><LanguagePicker /></div>
            </div>
            <Lookup key={format!("{entity} {id:?}")} {entity} id={id.clone().unwrap_or_default()} />
            if let Some(id) = id {
                <Profile {entity} {id} />
            } else {
                <EmptyState title="No profile selected">
                    <p>{ "Enter an identifier to see its figures and its clusters." }</p>
                </EmptyState>
            }
        </section>
    }
}

#[derive(Debug, PartialEq, Properties)]
struct ProfileProps {
    entity: Entity,
    id: String,
}

/// Which customer, product or country; the answer's address can be linked to.
#[component]
fn Lookup(props: &ProfileProps) -> Html {
    let entity = use_state_eq(|| props.entity);
    let text = use_state_eq(|| props.id.clone());
    let left = use_state_eq(|| false);
    let navigator = use_navigator();
    let found = identifier(*entity, &text);

    let show = Callback::from(move |query: ProfileQuery| {
        if let Some(navigator) = &navigator {
            // An address that cannot be written leaves the page as it is.
            navigator.push_with_query(&Route::Profiles, query).ok();
        }
    });
    let onsubmit = {
        let (found, show, left, entity) = (found.clone(), show.clone(), left.clone(), *entity);
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            left.set(true);
            if let Ok(id) = &found {
                show.emit(ProfileQuery::new(entity, id));
            }
        })
    };
    let on_entity = {
        let (entity, text, left) = (entity.clone(), text.clone(), left.clone());
        Callback::from(move |next| {
            entity.set(next);
            text.set(String::new());
            left.set(false);
        })
    };
    let (sample, ..) = example(*entity);
    let error = found.as_ref().err().filter(|_| *left).cloned().map(AttrValue::from);
    html! {
        <form class="card lookup" novalidate={true} {onsubmit} data-testid="lookup">
            <EntityPicker legend="Profile of" singular={true} value={*entity} on_change={on_entity} />
            <TextField
                id="profile-id"
                label={entity.id_field()}
                hint={format!("For example {sample}")}
                value={(*text).clone()}
                {error}
                inputmode={if sample.parse::<u64>().is_ok() { "numeric" } else { "text" }}
                on_input={move |typed| text.set(typed)}
                on_blur={|()| ()}
            />
            <div class="actions">
                <button type="submit" class="button primary" data-testid="show-profile">
                    { "Show" }
                </button>
                <button
                    type="button"
                    class="button quiet"
                    data-testid="example-profile"
                    onclick={{
                        let query = ProfileQuery::new(*entity, sample);
                        show.reform(move |_: MouseEvent| query.clone())
                    }}
                >
                    { format!("Show {sample}") }
                </button>
            </div>
        </form>
    }
}

/// What the server knows of one.
#[component]
fn Profile(props: &ProfileProps) -> Html {
    let versions = use_context::<Versions>().unwrap_or_default();
    let version = versions.of_model(ModelKind::Profile, props.entity, ModelRef::Latest);
    let profile = use_resource((props.entity, props.id.clone()), version, load);
    // That there is none is an answer, and no failure.
    if let (None, Some(ApiError::Refused { status: 404, message })) =
        (&profile.remote.value, &profile.remote.error)
    {
        let title = format!("{} {} was not found", singular(props.entity), props.id);
        return html! { <EmptyState {title}><p>{ message }</p></EmptyState> };
    }
    loaded(&profile, "the profile", |view| html! { <ProfileCards view={view.clone()} /> })
}
