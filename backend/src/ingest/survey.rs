//! The first reading of a file: what has to be the same for all of it.

use std::{
    io::{self, Cursor, Read},
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
};

use super::{
    DateOrder, IngestError, ReadOptions,
    code_page::CodePageRows,
    date_range::DateBounds,
    date_survey::{DateSurvey, Decision},
    decimal_survey::{DecimalDecision, DecimalSurvey},
    header::{Columns, Header, Missing},
    identity::Identity,
    layout::{DATE, Layout, PRICE, QUANTITY},
    records::{Kind, Records},
    text::{BUFFER, Content, Encoding, decode},
};

/// What is known of a file after its first reading.
#[derive(Debug)]
pub(super) struct Survey {
    pub(super) layout: Layout,
    /// Records up to the header and with it.
    pub(super) header_records: usize,
    pub(super) encoding: Encoding,
    /// Rows after the header.
    pub(super) rows: u64,
    /// Hash of the content.
    pub(super) hash: blake3::Hash,
    pub(super) identity: Identity,
    /// The order of day and month, where it was asked for against what the file suggests.
    pub(super) overridden: Option<DateOrder>,
    /// What a person should know of how dates and numbers are read.
    pub(super) notices: Vec<String>,
    pub(super) code_page: CodePageRows,
}

impl Survey {
    /// Reads all of `content`; messages call it `name`.
    pub(super) fn of(
        content: Content,
        name: &str,
        options: &ReadOptions,
    ) -> Result<Self, IngestError> {
        let failed = |cause| unreadable(name, cause);
        let hashed = Arc::<Mutex<Hashed>>::default();
        let content = Hashing { inner: content, hashed: hashed.clone() };
        let (mut content, encoding) = decode(Box::new(content)).map_err(failed)?;
        let mut head = Vec::new();
        (&mut content).take(BUFFER as u64).read_to_end(&mut head).map_err(failed)?;
        let Header { columns, delimiter, records: header_records } =
            Header::find(&head).map_err(|missing| header_error(name, missing))?;
        let content = Cursor::new(head).chain(content);
        let mut records =
            after_header(content, delimiter, header_records, &columns).map_err(failed)?;

        let mut beginning = blake3::Hasher::new();
        beginning.update(records.raw());
        let (mut dates, mut decimals) = (DateSurvey::default(), DecimalSurvey::default());
        let mut code_page = CodePageRows::default();
        let mut rows = 0;
        let seen = [DATE, QUANTITY, PRICE].map(|field| columns.index(field));
        while let Some(kind) = records.read().map_err(failed)? {
            rows += 1;
            if rows == 1 {
                beginning.update(records.raw());
            }
            if kind != Kind::Fields {
                continue;
            }
            let (text, fields) = records.fields();
            code_page.see(text, records.line());
            let field = |index: usize| {
                let range: Range<usize> = fields.get(index).cloned().unwrap_or_default();
                &text[range]
            };
            let [date, quantity, price] = seen.map(field);
            dates.see(date);
            decimals.see(quantity);
            decimals.see(price);
        }
        let Decision { order, notice: of_dates, matters, overridden } =
            dates.decide(options.date_order);
        let DecimalDecision { decimal, notice: of_decimals, matters: has_marks } =
            decimals.decide(options.decimal, delimiter);
        let Hashed { hasher, bytes } = &*lock(&hashed);
        let hash = hasher.finalize();
        let identity = Identity::new(
            &hash,
            *bytes,
            &beginning.finalize(),
            matters.then_some(order),
            has_marks.then_some(decimal),
        );
        let notices = [of_dates, of_decimals].into_iter().flatten().collect();
        let dates = DateBounds::new(options.dates);
        Ok(Self {
            layout: Layout { columns, delimiter, order, decimal, dates },
            header_records,
            encoding,
            rows,
            hash,
            identity,
            overridden: overridden.then_some(order),
            notices,
            code_page,
        })
    }
}

/// The records of a text after its header, which has been read as the last one.
pub(super) fn after_header<R: Read>(
    content: R,
    delimiter: u8,
    header_records: usize,
    columns: &Columns,
) -> io::Result<Records<R>> {
    let mut records = Records::new(content, delimiter);
    for _ in 0..header_records {
        records.read()?;
    }
    records.expect(columns.shape());
    Ok(records)
}

/// What has been read of a content.
#[derive(Default)]
struct Hashed {
    hasher: blake3::Hasher,
    bytes: u64,
}

/// Hashes what is read through it.
struct Hashing {
    inner: Content,
    hashed: Arc<Mutex<Hashed>>,
}

impl Read for Hashing {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(out)?;
        let hashed = &mut *lock(&self.hashed);
        hashed.hasher.update(&out[..read]);
        hashed.bytes += read as u64;
        Ok(read)
    }
}

fn lock(hashed: &Mutex<Hashed>) -> std::sync::MutexGuard<'_, Hashed> {
    hashed.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn header_error(name: &str, Missing { missing, found }: Missing) -> IngestError {
    IngestError::Header {
        name: name.to_owned(),
        missing: missing.join(", "),
        found: if found.is_empty() { "nothing".to_owned() } else { found },
    }
}

pub(super) fn unreadable(name: &str, cause: io::Error) -> IngestError {
    IngestError::Unreadable { name: name.to_owned(), cause }
}
