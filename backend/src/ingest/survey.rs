//! The first reading of a file: what has to be the same for all of it.

use std::io::Read;

use csv::ByteRecord;

use super::{
    DateOrder, IngestError,
    date_survey::{DateSurvey, Decision},
    layout::{Columns, DATE, Layout, detect_delimiter},
    text::{BUFFER, Content, Guard, Latin1, Opened},
};

/// What is known of a file after its first reading.
#[derive(Debug)]
pub(super) struct Survey {
    pub(super) layout: Layout,
    /// Not UTF-8.
    pub(super) latin1: bool,
    /// Lines end with CR LF.
    pub(super) crlf: bool,
    /// Rows after the header.
    pub(super) rows: u64,
    pub(super) dates: Decision,
}

impl Survey {
    /// Reads all of `content`; messages call it `name`.
    pub(super) fn of(
        content: Content<'_>,
        name: &str,
        asked: Option<DateOrder>,
    ) -> Result<Self, IngestError> {
        let opened = Opened::new(content).map_err(|cause| unreadable(name, cause))?;
        let delimiter = detect_delimiter(&opened.head);
        let crlf = opened.has_crlf();
        let mut reader = reader(opened.content, delimiter, crlf);
        let header = reader.byte_headers().map_err(csv_cause);
        let header = header.map_err(|cause| unreadable(name, cause))?.clone();
        let mut utf8 = is_utf8(&header);
        let names: Vec<_> = header.iter().map(String::from_utf8_lossy).collect();
        let columns = Columns::find(names.iter().map(AsRef::as_ref)).map_err(|error| {
            IngestError::Header {
                name: name.to_owned(),
                missing: error.missing.join(", "),
                found: if error.found.is_empty() { "nothing".to_owned() } else { error.found },
            }
        })?;
        reader.get_mut().row_ended();

        let mut dates = DateSurvey::default();
        let mut rows = 0;
        let mut record = ByteRecord::new();
        loop {
            match reader.read_byte_record(&mut record) {
                Ok(true) => {}
                Ok(false) => break,
                Err(_) if reader.get_ref().is_endless() => {
                    // A record's position lies before the LF of the preceding CR LF.
                    let line = record.position().map_or(0, csv::Position::line) + u64::from(crlf);
                    return Err(IngestError::EndlessRow { name: name.to_owned(), line });
                }
                Err(error) => return Err(unreadable(name, csv_cause(error))),
            }
            reader.get_mut().row_ended();
            rows += 1;
            utf8 = utf8 && is_utf8(&record);
            if let Some(date) = record.get(columns.index(DATE)) {
                dates.see(date);
            }
        }
        let dates = dates.decide(asked);
        let layout = Layout { columns, delimiter, order: dates.order };
        Ok(Self { layout, latin1: !utf8, crlf, rows, dates })
    }
}

/// The CSV reader of both readings.
pub(super) fn reader<R: Read>(content: R, delimiter: u8, crlf: bool) -> csv::Reader<Guard<R>> {
    csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .buffer_capacity(BUFFER)
        .from_reader(Guard::new(content, crlf))
}

/// The content for the second reading.
pub(super) fn decoded(content: Content<'static>, latin1: bool) -> Content<'static> {
    if latin1 { Box::new(Latin1::new(content)) } else { content }
}

/// Delimiters, quotes and line ends are ASCII, so that a file is UTF-8 if all its fields are.
fn is_utf8(record: &ByteRecord) -> bool {
    record.as_slice().is_ascii() || record.iter().all(|field| std::str::from_utf8(field).is_ok())
}

pub(super) fn unreadable(name: &str, cause: std::io::Error) -> IngestError {
    IngestError::Unreadable { name: name.to_owned(), cause }
}

/// The cause without the CSV reader's own words around it.
pub(super) fn csv_cause(error: csv::Error) -> std::io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(cause) => cause,
        other => std::io::Error::other(format!("{other:?}")),
    }
}
