//! Batch files as Apache Parquet: the columns of the CSV with types of their own, compressed by zstd, in the
//! order of the lines. What is written is read back unchanged.
//!
//! A text is a UTF-8 string, a quantity an `INT64`, a price a `DOUBLE`, a date a timestamp in microseconds
//! without a time zone; a missing customer is null.

use std::{
    borrow::Cow,
    io::{self, Write},
    sync::{Arc, LazyLock},
};

use bytes::Bytes;
use chrono::DateTime;
use parquet::{
    basic::{Compression, ZstdLevel},
    column::reader::get_typed_column_reader,
    data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int64Type},
    errors::ParquetError,
    file::{
        metadata::KeyValue,
        properties::WriterProperties,
        reader::{FileReader, RowGroupReader},
        serialized_reader::SerializedFileReader,
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::{parser::parse_message_type, types::Type},
};
use tillstream_shared::Line;

use super::{IngestError, date_format};

/// Lines that are held in memory until their columns are written, the one bound of a row group; the other is
/// [`GROUP_BYTES`].
const GROUP_LINES: usize = 1 << 17;
/// Bytes of text in a row group.
const GROUP_BYTES: usize = 16 << 20;
const MICROS: i64 = 1_000_000;

static SCHEMA: LazyLock<Arc<Type>> = LazyLock::new(|| {
    let schema = "message line {
        REQUIRED BYTE_ARRAY InvoiceNo (STRING);
        REQUIRED BYTE_ARRAY StockCode (STRING);
        REQUIRED BYTE_ARRAY Description (STRING);
        REQUIRED INT64 Quantity;
        REQUIRED INT64 InvoiceDate (TIMESTAMP(MICROS,false));
        REQUIRED DOUBLE UnitPrice;
        OPTIONAL BYTE_ARRAY CustomerID (STRING);
        REQUIRED BYTE_ARRAY Country (STRING);
    }";
    Arc::new(parse_message_type(schema).expect("the schema is valid"))
});

/// Writes lines as one file.
pub struct ParquetWriter<W: Write + Send> {
    file: SerializedFileWriter<W>,
    group: RowGroup,
}

impl<W: Write + Send> ParquetWriter<W> {
    /// Begins the file.
    ///
    /// # Errors
    /// Whatever `out` reports.
    pub fn new(out: W) -> io::Result<Self> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_created_by(concat!("tillstream ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        let file = SerializedFileWriter::new(out, SCHEMA.clone(), Arc::new(properties))
            .map_err(io_error)?;
        Ok(Self { file, group: RowGroup::default() })
    }

    /// Appends a line; an empty customer is none. The file has it once a row group is full.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidData`] for a date that does not have the form of lines; whatever the output
    /// reports.
    pub fn write(&mut self, line: &Line<'_>) -> io::Result<()> {
        self.group.push(line)?;
        if self.group.is_full() { self.write_group() } else { Ok(()) }
    }

    /// Ends the file, which then also has these properties.
    ///
    /// # Errors
    /// Whatever the output reports.
    pub fn finish(
        mut self,
        properties: impl IntoIterator<Item = (&'static str, String)>,
    ) -> io::Result<W> {
        if !self.group.dates.is_empty() {
            self.write_group()?;
        }
        for (key, value) in properties {
            self.file.append_key_value_metadata(KeyValue::new(key.to_owned(), value));
        }
        self.file.into_inner().map_err(io_error)
    }

    fn write_group(&mut self) -> io::Result<()> {
        let group = std::mem::take(&mut self.group);
        let file = &mut self.file;
        let write = || {
            let mut writer = file.next_row_group()?;
            group.write(&mut writer)?;
            writer.close().map(drop)
        };
        write().map_err(io_error)
    }
}

/// The lines of a row group by columns.
#[derive(Default)]
struct RowGroup {
    invoice_nos: Texts,
    stock_codes: Texts,
    descriptions: Texts,
    quantities: Vec<i64>,
    /// Microseconds from 1970, local time.
    dates: Vec<i64>,
    prices: Vec<f64>,
    customers: Texts,
    /// 1 for a line with a customer, 0 for one without.
    has_customer: Vec<i16>,
    countries: Texts,
}

impl RowGroup {
    fn push(&mut self, line: &Line<'_>) -> io::Result<()> {
        let seconds = date_format::seconds(&line.invoice_date).ok_or_else(|| {
            let reason = format!("`{}` is not the date of a line", line.invoice_date);
            io::Error::new(io::ErrorKind::InvalidData, reason)
        })?;
        self.dates.push(seconds * MICROS);
        self.invoice_nos.push(&line.invoice_no);
        self.stock_codes.push(&line.stock_code);
        self.descriptions.push(&line.description);
        self.quantities.push(line.quantity);
        self.prices.push(line.unit_price);
        let customer = line.customer_id.as_deref().filter(|customer| !customer.is_empty());
        self.has_customer.push(customer.is_some().into());
        if let Some(customer) = customer {
            self.customers.push(customer);
        }
        self.countries.push(&line.country);
        Ok(())
    }

    fn is_full(&self) -> bool {
        let Self { invoice_nos, stock_codes, descriptions, customers, countries, .. } = self;
        let texts = [invoice_nos, stock_codes, descriptions, customers, countries];
        self.dates.len() >= GROUP_LINES
            || texts.iter().map(|texts| texts.bytes.len()).sum::<usize>() >= GROUP_BYTES
    }

    /// In the order of the schema.
    fn write<W: Write + Send>(
        self,
        writer: &mut SerializedRowGroupWriter<'_, W>,
    ) -> Result<(), ParquetError> {
        write_column::<_, ByteArrayType>(writer, &self.invoice_nos.into_values(), None)?;
        write_column::<_, ByteArrayType>(writer, &self.stock_codes.into_values(), None)?;
        write_column::<_, ByteArrayType>(writer, &self.descriptions.into_values(), None)?;
        write_column::<_, Int64Type>(writer, &self.quantities, None)?;
        write_column::<_, Int64Type>(writer, &self.dates, None)?;
        write_column::<_, DoubleType>(writer, &self.prices, None)?;
        let customers = self.customers.into_values();
        write_column::<_, ByteArrayType>(writer, &customers, Some(&self.has_customer))?;
        write_column::<_, ByteArrayType>(writer, &self.countries.into_values(), None)
    }
}

/// Many texts in one allocation.
#[derive(Default)]
struct Texts {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Texts {
    fn push(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
        self.ends.push(self.bytes.len());
    }

    fn into_values(self) -> Vec<ByteArray> {
        let bytes = Bytes::from(self.bytes);
        let mut begin = 0;
        let text = |end| bytes.slice(std::mem::replace(&mut begin, end)..end).into();
        self.ends.into_iter().map(text).collect()
    }
}

fn write_column<W: Write + Send, T: DataType>(
    writer: &mut SerializedRowGroupWriter<'_, W>,
    values: &[T::T],
    levels: Option<&[i16]>,
) -> Result<(), ParquetError> {
    let mut column = writer.next_column()?.ok_or(ParquetError::EOF("no more columns".into()))?;
    column.typed::<T>().write_batch(values, levels, None)?;
    column.close()
}

/// Hands every line of the file with this content to `each`, in order, and gives how many there are. Messages
/// call the file `name`.
///
/// # Errors
/// [`IngestError::Parquet`] when it is not a file that [`ParquetWriter`] has written.
pub fn read_parquet(
    content: Bytes,
    name: &str,
    mut each: impl FnMut(&Line<'_>),
) -> Result<u64, IngestError> {
    let read = || {
        let reader = SerializedFileReader::new(content)?;
        let schema = reader.metadata().file_metadata().schema();
        if *schema != **SCHEMA {
            return Err(ParquetError::General("it has other columns than a batch".to_owned()));
        }
        for group in 0..reader.num_row_groups() {
            read_group(&*reader.get_row_group(group)?, &mut each)?;
        }
        Ok(reader.metadata().file_metadata().num_rows().unsigned_abs())
    };
    read().map_err(|cause| IngestError::Parquet { name: name.to_owned(), cause: cause.to_string() })
}

fn read_group(
    group: &dyn RowGroupReader,
    each: &mut impl FnMut(&Line<'_>),
) -> Result<(), ParquetError> {
    let mut columns = 0..;
    let mut next = || columns.next().unwrap_or_default();
    let (invoice_nos, _) = read_column::<ByteArrayType>(group, next())?;
    let (stock_codes, _) = read_column::<ByteArrayType>(group, next())?;
    let (descriptions, _) = read_column::<ByteArrayType>(group, next())?;
    let (quantities, _) = read_column::<Int64Type>(group, next())?;
    let (dates, _) = read_column::<Int64Type>(group, next())?;
    let (prices, _) = read_column::<DoubleType>(group, next())?;
    let (customers, has_customer) = read_column::<ByteArrayType>(group, next())?;
    let (countries, _) = read_column::<ByteArrayType>(group, next())?;
    let mut customers = customers.iter();
    // The lines of a receipt have one date.
    let (mut micros, mut invoice_date) = (0, date(0)?);
    for row in 0..dates.len() {
        if micros != dates[row] {
            (micros, invoice_date) = (dates[row], date(dates[row])?);
        }
        let customer = if has_customer[row] == 1 { customers.next() } else { None };
        each(&Line {
            invoice_no: text(&invoice_nos[row])?,
            stock_code: text(&stock_codes[row])?,
            description: text(&descriptions[row])?,
            quantity: quantities[row],
            invoice_date: invoice_date.as_str().into(),
            unit_price: prices[row],
            customer_id: customer.map(text).transpose()?,
            country: text(&countries[row])?,
        });
    }
    Ok(())
}

/// The values that are not null, and for a column that may have nulls which are.
fn read_column<T: DataType>(
    group: &dyn RowGroupReader,
    column: usize,
) -> Result<(Vec<T::T>, Vec<i16>), ParquetError> {
    let rows = usize::try_from(group.metadata().num_rows()).unwrap_or_default();
    let (mut values, mut levels) = (Vec::with_capacity(rows), Vec::new());
    let mut reader = get_typed_column_reader::<T>(group.get_column_reader(column)?);
    let (read, ..) = reader.read_records(rows, Some(&mut levels), None, &mut values)?;
    if read == rows {
        return Ok((values, levels));
    }
    Err(ParquetError::EOF(format!("{read} values in place of {rows} in column {column}")))
}

fn text(value: &ByteArray) -> Result<Cow<'_, str>, ParquetError> {
    value.as_utf8().map(Cow::Borrowed)
}

fn date(micros: i64) -> Result<String, ParquetError> {
    let wrong = || ParquetError::General(format!("there is no date {micros}"));
    Ok(date_format::format(DateTime::from_timestamp_micros(micros).ok_or_else(wrong)?.naive_utc()))
}

fn io_error(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(cause) => match cause.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(cause) => io::Error::other(cause),
        },
        error => io::Error::other(error),
    }
}
