//! The last prediction, shared by the pages: the form shows it, the cluster view marks it.

use std::rc::Rc;

use tillstream_shared::api::PredictResponse;
use yew::UseStateHandle;

/// The last prediction; a context around all pages.
pub type LastPrediction = UseStateHandle<Option<Rc<PredictResponse>>>;
