//! What must be the same for all of a file, found out before its first row is used.

use std::io::Read;

use csv::ByteRecord;

use super::{
    IngestError,
    dates::{DateSurvey, Decision},
    spec::ReadOptions,
    table::{Source, Table},
};

/// What a first reading of a whole file told.
#[derive(Debug)]
pub(super) struct Survey {
    /// Not UTF-8 throughout, so windows-1252 (which Latin-1 is a part of) throughout.
    pub(super) latin: bool,
    /// Rows, the header excepted.
    pub(super) rows: u64,
    /// The order of day and month.
    pub(super) dates: Decision,
}

pub(super) fn survey(
    source: &Source,
    name: &str,
    options: &ReadOptions,
) -> Result<Survey, IngestError> {
    let mut table = Table::open(source, name)?;
    let date = table.layout.0[4];
    let mut record = ByteRecord::new();
    let (mut latin, mut rows, mut dates) = (false, 0, DateSurvey::default());
    while table.read(&mut record)? {
        rows += 1;
        latin = latin || std::str::from_utf8(record.as_slice()).is_err();
        if let Some(text) = record.get(date) {
            dates.see(text);
        }
    }
    Ok(Survey { latin, rows, dates: dates.decide(options.date_order) })
}

/// The identity of an input: the hash of its stored bytes.
pub(super) fn identity(source: &Source, name: &str) -> Result<String, IngestError> {
    let unreadable = |cause| IngestError::Unreadable { name: name.to_owned(), cause };
    let mut stored = source.stored().map_err(unreadable)?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 1 << 17];
    loop {
        match stored.read(&mut buffer).map_err(unreadable)? {
            0 => break,
            read => hasher.update(&buffer[..read]),
        };
    }
    Ok(format!("blake3:{}", &hasher.finalize().to_hex()[..32]))
}
