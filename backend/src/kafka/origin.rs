//! Which line of which input a message is, as two of its headers say.

use std::fmt;

use rdkafka::message::{
    BorrowedHeaders, BorrowedMessage, Header, Headers, Message, OwnedHeaders, OwnedMessage,
};
use uuid::Uuid;

/// Header that names the [`Source`].
pub(super) const SOURCE_HEADER: &str = "source";
/// Header with the number of the line in its input, as decimal text.
pub(super) const LINE_HEADER: &str = "line";

/// One sending of an input, written as `<input>/<partitions>`, or `<input>@<run>/<partitions>` when it was
/// sent anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Source<'a> {
    /// Identity of the input.
    pub(super) input: &'a str,
    /// A later run has a greater id; the first one has none.
    pub(super) run: Option<Uuid>,
    /// Partitions of the topic, by which it is decided where a line goes.
    pub(super) partitions: i32,
}

impl fmt::Display for Source<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.input)?;
        if let Some(run) = self.run {
            write!(f, "@{run}")?;
        }
        write!(f, "/{}", self.partitions)
    }
}

impl<'a> Source<'a> {
    /// Reads the header's value.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (sending, partitions) = text.rsplit_once('/')?;
        let partitions = partitions.parse().ok()?;
        let run = sending
            .rsplit_once('@')
            .and_then(|(input, run)| Some((input, Uuid::try_parse(run).ok()?)));
        let (input, run) = run.map_or((sending, None), |(input, run)| (input, Some(run)));
        Some(Self { input, run, partitions })
    }
}

/// The id of a run that begins now: greater than those that began before.
pub(super) fn new_run() -> Uuid {
    let millis = chrono::Utc::now().timestamp_millis();
    uuid::Builder::from_unix_timestamp_millis(millis.unsigned_abs(), &rand::random()).into_uuid()
}

/// The two headers of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Origin<'a> {
    /// The header `source` as it is.
    pub(super) source: &'a str,
    /// Number of the line in the input, from 1.
    pub(super) line: u64,
}

impl<'a> Origin<'a> {
    /// Reads the headers; `None` for a message that lacks one, such as those of other producers.
    pub(super) fn of(message: &'a BorrowedMessage<'_>) -> Option<Self> {
        Self::in_headers(message.headers()?)
    }

    /// The line that a message of this producer is.
    pub(super) fn line_of(message: &OwnedMessage) -> Option<u64> {
        Some(Origin::in_headers(message.headers()?.as_borrowed())?.line)
    }

    fn in_headers(headers: &'a BorrowedHeaders) -> Option<Self> {
        let (mut source, mut line) = (None, None);
        for header in headers.iter() {
            let place = match header.key {
                SOURCE_HEADER => &mut source,
                LINE_HEADER => &mut line,
                _ => continue,
            };
            *place = header.value.and_then(|value| std::str::from_utf8(value).ok());
        }
        Some(Self { source: source?, line: line?.parse().ok()? })
    }

    /// The headers of a message.
    pub(super) fn headers(&self) -> OwnedHeaders {
        OwnedHeaders::new_with_capacity(2)
            .insert(Header { key: SOURCE_HEADER, value: Some(self.source) })
            .insert(Header { key: LINE_HEADER, value: Some(&self.line.to_string()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_read_as_they_are_written() {
        let run = Uuid::try_parse("0193536a-1cc9-7a4c-9d1a-6f2b1c3d4e5f").unwrap();
        for (source, text) in [
            (Source { input: "generate:10:1", run: None, partitions: 3 }, "generate:10:1/3"),
            (
                Source { input: "blake3:ab", run: Some(run), partitions: 12 },
                "blake3:ab@0193536a-1cc9-7a4c-9d1a-6f2b1c3d4e5f/12",
            ),
            (Source { input: "a/b@c", run: None, partitions: 1 }, "a/b@c/1"),
        ] {
            assert_eq!(source.to_string(), text);
            assert_eq!(Source::parse(text), Some(source));
        }
        for other in ["", "input", "input/", "input/many"] {
            assert_eq!(Source::parse(other), None, "{other}");
        }
    }

    #[test]
    fn runs_are_in_the_order_of_time() {
        let first = new_run();
        std::thread::sleep(std::time::Duration::from_millis(2));
        assert!(Some(new_run()) > Some(first) && Some(first) > None);
    }

    #[test]
    fn headers_of_other_producers_are_none() {
        let origin = Origin { source: "input/1", line: 7 };
        assert_eq!(Origin::in_headers(origin.headers().as_borrowed()), Some(origin));
        let wrong = OwnedHeaders::new()
            .insert(Header { key: SOURCE_HEADER, value: Some("input/1") })
            .insert(Header { key: LINE_HEADER, value: Some("seven") });
        assert_eq!(Origin::in_headers(wrong.as_borrowed()), None);
        assert_eq!(Origin::in_headers(OwnedHeaders::new().as_borrowed()), None);
    }
}
