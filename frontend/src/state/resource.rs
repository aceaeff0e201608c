//! Loading from the server as a hook: one request at a time, repeated when what it loaded is stale,
//! dropped when nobody wants it any more.

use std::cell::Cell;

use yew::{Callback, hook, use_effect_with, use_mut_ref, use_reducer, use_ref, use_state};

use crate::{
    services::{http::ApiError, task::Task},
    state::remote::{Action, Remote},
};

/// What [`use_resource`] gives.
pub struct Resource<T> {
    /// The state to show.
    pub remote: Remote<T>,
    /// Asks again.
    pub retry: Callback<()>,
}

/// Loads what `key` names with `fetch`. A new `key` starts from nothing; a new `version` of the
/// same key keeps what is shown until it is replaced. While a request is under way further versions
/// wait for it, so that a fast stream of events leads to as many requests as the server can answer,
/// one after the other, the last of them newer than the last event.
#[hook]
pub fn use_resource<K, V, T, Fut>(key: K, version: V, fetch: fn(K) -> Fut) -> Resource<T>
where
    K: Clone + PartialEq + 'static,
    V: Copy + PartialEq + 'static,
    T: 'static,
    Fut: Future<Output = Result<T, ApiError>> + 'static,
{
    let remote = use_reducer(Remote::<T>::default);
    let attempt = use_state(|| 0_u64);
    let task = use_mut_ref(|| None::<Task>);
    let want = (version, *attempt);
    let wanted = use_ref(|| Cell::new(want));
    wanted.set(want);

    let start = {
        let (dispatcher, task, wanted) = (remote.dispatcher(), task.clone(), wanted.clone());
        move |key: K| {
            let slot = task.clone();
            let work = async move {
                loop {
                    let want = wanted.get();
                    dispatcher.dispatch(Action::Started);
                    dispatcher.dispatch(Action::Ended(fetch(key.clone()).await));
                    if wanted.get() == want {
                        break;
                    }
                }
            };
            *slot.borrow_mut() = Some(Task::spawn(work));
        }
    };

    {
        let (dispatcher, task, start) = (remote.dispatcher(), task.clone(), start.clone());
        use_effect_with(key.clone(), move |key| {
            dispatcher.dispatch(Action::Reset);
            start(key.clone());
            // Whatever is under way is dropped, and with it the request.
            move || drop(task.borrow_mut().take())
        });
    }
    use_effect_with((key, want), move |(key, _)| {
        let idle = task.borrow().as_ref().is_some_and(Task::is_done);
        if idle {
            start(key.clone());
        }
    });

    let retry = Callback::from(move |()| attempt.set(*attempt + 1));
    Resource { remote: (*remote).clone(), retry }
}
