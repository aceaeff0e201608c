//! What an object store that refuses or does not answer says, in one sentence.

use object_store::Error;

use crate::batch::BatchError;

/// That `action` on what is at `url` has failed.
pub(super) fn failed(action: &'static str, url: &str, error: &Error) -> BatchError {
    BatchError::Store { action, url: url.to_owned(), reason: reason(error) }
}

/// What a store or a connection says, in one line: its code and message out of the XML that all of them send,
/// or else the innermost error.
fn reason(error: &Error) -> String {
    let whole = error.to_string();
    let element = |name: &str| {
        let (_, from) = whole.split_once(&format!("<{name}>"))?;
        let (text, _) = from.split_once(&format!("</{name}>"))?;
        Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    match (element("Code"), element("Message")) {
        (Some(code), Some(message)) => return format!("{code} ({message})"),
        (Some(code), None) => return code,
        _ => {}
    }
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}
