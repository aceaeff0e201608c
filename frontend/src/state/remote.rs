//! Something loaded from the server: what is shown of it, and what went wrong.

use std::rc::Rc;

use yew::Reducible;

use crate::services::http::ApiError;

/// The actions on a [`Remote`].
#[derive(Debug)]
pub enum Action<T> {
    /// Something else is wanted: what was loaded is of no use.
    Reset,
    /// A request goes out.
    Started,
    /// It was answered.
    Ended(Result<T, ApiError>),
}

/// Something loaded from the server. What was loaded once stays while it is loaded again, and also
/// when that fails.
#[derive(Debug)]
pub struct Remote<T> {
    /// What was loaded last.
    pub value: Option<Rc<T>>,
    /// Why the last request failed.
    pub error: Option<ApiError>,
    /// A request is under way.
    pub loading: bool,
}

impl<T> Clone for Remote<T> {
    fn clone(&self) -> Self {
        Self { value: self.value.clone(), error: self.error.clone(), loading: self.loading }
    }
}

impl<T> Default for Remote<T> {
    fn default() -> Self {
        Self { value: None, error: None, loading: false }
    }
}

impl<T> Reducible for Remote<T> {
    type Action = Action<T>;

    fn reduce(self: Rc<Self>, action: Action<T>) -> Rc<Self> {
        let value = self.value.clone();
        Rc::new(match action {
            Action::Reset => Self::default(),
            Action::Started => Self { value, error: self.error.clone(), loading: true },
            Action::Ended(Ok(value)) => {
                Self { value: Some(Rc::new(value)), error: None, loading: false }
            }
            Action::Ended(Err(error)) => Self { value, error: Some(error), loading: false },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(actions: Vec<Action<u32>>) -> Rc<Remote<u32>> {
        actions.into_iter().fold(Rc::new(Remote::default()), Remote::reduce)
    }

    #[test]
    fn what_was_loaded_survives_a_failure() {
        let failed = || Action::Ended(Err(ApiError::Unreachable));
        let remote = after(vec![Action::Started, Action::Ended(Ok(7)), Action::Started, failed()]);
        assert_eq!(remote.value.as_deref(), Some(&7));
        assert!(remote.error.is_some() && !remote.loading);

        let remote = after(vec![Action::Started, failed(), Action::Started, Action::Ended(Ok(8))]);
        assert_eq!(remote.value.as_deref(), Some(&8));
        assert!(remote.error.is_none());
    }

    #[test]
    fn a_failure_is_shown_while_it_is_tried_again() {
        let remote = after(vec![
            Action::Started,
            Action::Ended(Err(ApiError::Unreachable)),
            Action::Started,
        ]);
        assert!(remote.loading && remote.error.is_some() && remote.value.is_none());
    }

    #[test]
    fn something_else_starts_from_nothing() {
        let remote = after(vec![Action::Started, Action::Ended(Ok(7)), Action::Reset]);
        assert!(remote.value.is_none() && remote.error.is_none() && !remote.loading);
    }
}
