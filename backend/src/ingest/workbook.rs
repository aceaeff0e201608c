//! XLSX workbooks, by way of CSV.
//!
//! A workbook is read once, into CSV that is kept compressed in memory (a full sheet of a million
//! rows takes some 15 MB), so that it then goes the same way as any other file.

use std::{
    fs::File,
    io::{BufReader, Write},
};

use calamine::{DataRef, ExcelDateTime, ExcelDateTimeType, Reader, Xlsx};
use chrono::{NaiveDate, TimeDelta};
use tillstream_shared::Line;

use super::{
    IngestError,
    csv_lines::write_field,
    date_format,
    layout::{Columns, DATE, Missing, ROW_COLUMN},
    text::BUFFER,
};

/// The first level of zstd: fast, and CSV shrinks to a seventh.
const LEVEL: i32 = 1;

/// All sheets of the workbook that have a fitting header, as one zstd-compressed CSV with the
/// columns of a line and [`ROW_COLUMN`].
pub(super) fn to_csv(file: File, name: &str) -> Result<Vec<u8>, IngestError> {
    let failed = |cause: String| IngestError::Workbook { name: name.to_owned(), cause };
    let mut workbook: Xlsx<_> =
        Xlsx::new(BufReader::new(file)).map_err(|error| failed(error.to_string()))?;
    let mut out = Rows::new().map_err(|error| failed(error.to_string()))?;
    let mut unfit = Vec::new();
    let mut fitting = 0;
    for sheet in workbook.sheet_names() {
        match read_sheet(&mut workbook, &sheet, &mut out) {
            Ok(None) => fitting += 1,
            Ok(Some(missing)) => {
                unfit.push(format!("{sheet} lacks {}", missing.missing.join(", ")))
            }
            // A chart sheet has no cells.
            Err(SheetError::Xlsx(calamine::XlsxError::NotAWorksheet(_))) => {}
            Err(error) => return Err(failed(format!("sheet {sheet}: {error}"))),
        }
    }
    if fitting == 0 {
        let why = if unfit.is_empty() { "it has no sheet".to_owned() } else { unfit.join("; ") };
        return Err(failed(format!("no sheet has a header with all columns ({why})")));
    }
    out.finish().map_err(|error| failed(error.to_string()))
}

#[derive(Debug, thiserror::Error)]
enum SheetError {
    #[error(transparent)]
    Xlsx(#[from] calamine::XlsxError),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Writes the rows of one sheet; what its header lacks, if anything.
fn read_sheet(
    workbook: &mut Xlsx<BufReader<File>>,
    sheet: &str,
    out: &mut Rows,
) -> Result<Option<Missing>, SheetError> {
    let mut cells = workbook.worksheet_cells_reader(sheet)?;
    let mut columns: Option<Columns> = None;
    let mut row: Vec<DataRef<'_>> = Vec::new();
    let mut row_index = 0;
    loop {
        let cell = cells.next_cell()?;
        let ends = cell.as_ref().is_none_or(|cell| cell.get_position().0 != row_index);
        if ends && row.iter().any(|cell| *cell != DataRef::Empty) {
            match &columns {
                Some(columns) => out.write(columns, &row, row_index + 1)?,
                None => {
                    let names: Vec<String> = row.iter().map(|cell| text(cell, false)).collect();
                    match Columns::find(names.iter().map(String::as_str)) {
                        Ok(found) => columns = Some(found),
                        Err(missing) => return Ok(Some(missing)),
                    }
                }
            }
        }
        let Some(cell) = cell else { break };
        let (index, column) = cell.get_position();
        if ends {
            row.clear();
            row_index = index;
        }
        let column = column as usize;
        if row.len() <= column {
            row.resize(column + 1, DataRef::Empty);
        }
        row[column] = cell.get_value().clone();
    }
    Ok(if columns.is_some() { None } else { Columns::find(std::iter::empty()).err() })
}

/// The compressed CSV that is being written.
struct Rows {
    encoder: zstd::Encoder<'static, Vec<u8>>,
    buffer: Vec<u8>,
}

impl Rows {
    fn new() -> std::io::Result<Self> {
        let mut buffer = Line::COLUMNS.join(",").into_bytes();
        buffer.push(b',');
        buffer.extend_from_slice(ROW_COLUMN.as_bytes());
        buffer.push(b'\n');
        Ok(Self { encoder: zstd::Encoder::new(Vec::new(), LEVEL)?, buffer })
    }

    fn write(
        &mut self,
        columns: &Columns,
        row: &[DataRef<'_>],
        number: u32,
    ) -> std::io::Result<()> {
        for field in 0..Line::COLUMNS.len() {
            let cell = row.get(columns.index(field)).unwrap_or(&DataRef::Empty);
            write_field(&mut self.buffer, &text(cell, field == DATE));
            self.buffer.push(b',');
        }
        self.buffer.extend_from_slice(number.to_string().as_bytes());
        self.buffer.push(b'\n');
        if self.buffer.len() >= BUFFER {
            self.encoder.write_all(&self.buffer)?;
            self.buffer.clear();
        }
        Ok(())
    }

    fn finish(mut self) -> std::io::Result<Vec<u8>> {
        self.encoder.write_all(&self.buffer)?;
        self.encoder.finish()
    }
}

/// A cell as a CSV file would have it: 17850.0 → `17850`, a serial date → `2010-12-01 08:26:00`.
fn text(cell: &DataRef<'_>, is_date: bool) -> String {
    match cell {
        DataRef::Int(value) => value.to_string(),
        DataRef::Float(value) if is_date => {
            // A date in a column that was not formatted as one.
            date(ExcelDateTime::new(*value, ExcelDateTimeType::DateTime, false))
                .unwrap_or_else(|| value.to_string())
        }
        DataRef::Float(value) => value.to_string(),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => {
            text.clone()
        }
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Bool(value) => value.to_string(),
        DataRef::DateTime(value) if is_date => {
            date(*value).unwrap_or_else(|| value.as_f64().to_string())
        }
        // A number that somebody formatted as a date.
        DataRef::DateTime(value) => value.as_f64().to_string(),
        DataRef::Error(error) => error.to_string(),
        DataRef::Empty => String::new(),
    }
}

/// A serial date to the nearest second; `None` for one that no calendar has.
fn date(serial: ExcelDateTime) -> Option<String> {
    if serial.as_f64() < 1.0 {
        return None; // a time without a day
    }
    let (year, month, day, hour, minute, second, milli) = serial.to_ymd_hms_milli();
    let time = NaiveDate::from_ymd_opt(year.into(), month.into(), day.into())?.and_hms_milli_opt(
        hour.into(),
        minute.into(),
        second.into(),
        milli.into(),
    )?;
    let nearest = time.checked_add_signed(TimeDelta::milliseconds(500))?;
    Some(date_format::format(nearest))
}
