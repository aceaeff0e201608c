//! Feeds the live state from the server's events and hands it to all pages.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use gloo::timers::callback::{Interval, Timeout};
use yew::prelude::*;

use crate::{
    components::browser::clock,
    services::events::{EventStream, Message},
    state::live::{Action, Live, Versions},
};

/// The longest wait between two tries to connect, in milliseconds.
const MAX_BACKOFF: u32 = 8000;

/// The live state, for the parts that show counts: a new one several times a second.
#[derive(Clone, PartialEq)]
pub struct LiveContext {
    /// The state.
    pub live: UseReducerHandle<Live>,
    /// Tries to connect at once.
    pub reconnect: Callback<()>,
}

/// Properties of [`LiveProvider`].
#[derive(Debug, PartialEq, Properties)]
pub struct LiveProviderProps {
    /// The page.
    pub children: Html,
}

/// Provides [`LiveContext`], and [`Versions`] for the parts that only need to know what is stale.
#[component]
pub fn LiveProvider(props: &LiveProviderProps) -> Html {
    let live = use_reducer_eq(Live::default);
    let attempt = use_state(|| 0_u32);
    let failures = use_ref(|| Cell::new(0_u32));

    {
        let (dispatcher, attempt) = (live.dispatcher(), attempt.clone());
        use_effect_with(*attempt, move |&number| {
            let timer = Rc::new(RefCell::new(None::<Timeout>));
            let on_message = {
                let timer = Rc::clone(&timer);
                Callback::from(move |message| match message {
                    Message::Connected => {
                        failures.set(0);
                        dispatcher.dispatch(Action::Connected);
                    }
                    Message::Event(event) => {
                        dispatcher.dispatch(Action::Received { event, at: clock() });
                    }
                    Message::Disconnected => {
                        dispatcher.dispatch(Action::Disconnected);
                        let wait = (500 << failures.get().min(4)).min(MAX_BACKOFF);
                        failures.set(failures.get() + 1);
                        let attempt = attempt.clone();
                        let again = Timeout::new(wait, move || attempt.set(number + 1));
                        *timer.borrow_mut() = Some(again);
                    }
                })
            };
            let stream = EventStream::open(&on_message);
            if stream.is_none() {
                on_message.emit(Message::Disconnected);
            }
            move || {
                drop(stream);
                drop(timer.borrow_mut().take());
            }
        });
    }

    {
        let dispatcher = live.dispatcher();
        use_effect_with((), move |()| {
            let tick = move || dispatcher.dispatch(Action::Tick { at: clock() });
            let interval = Interval::new(1000, tick);
            move || drop(interval)
        });
    }

    let reconnect = use_callback((), move |(), ()| attempt.set(*attempt + 1));
    let versions = live.versions;
    html! {
        <ContextProvider<Versions> context={versions}>
            <ContextProvider<LiveContext> context={LiveContext { live, reconnect }}>
                { props.children.clone() }
            </ContextProvider<LiveContext>>
        </ContextProvider<Versions>>
    }
}
