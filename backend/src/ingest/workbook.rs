//! XLSX workbooks, by way of CSV.
//!
//! A workbook is read once, into CSV that is kept compressed in memory (a full sheet of a million
//! rows takes some 15 MB), so that it then goes the same way as any other file.

use std::{
    fs::File,
    io::{BufReader, Write},
    sync::Arc,
};

use calamine::{DataRef, ExcelDateTime, ExcelDateTimeType, Reader, Xlsx};
use chrono::{NaiveDate, TimeDelta};
use tillstream_shared::Line;

use super::{
    IngestError,
    csv_lines::write_field,
    date_format,
    header::{Columns, HEADER_ROWS, Missing, ROW_COLUMN},
    layout::DATE,
    text::BUFFER,
};

/// The first level of zstd: fast, and CSV shrinks to a seventh.
const LEVEL: i32 = 1;

/// All sheets of the workbook that have a fitting header, as one zstd-compressed CSV with the
/// columns of a line and [`ROW_COLUMN`], and a sentence for each sheet that is left out.
pub(super) fn to_csv(file: &Arc<File>, name: &str) -> Result<(Vec<u8>, Vec<String>), IngestError> {
    let failed = |cause: String| IngestError::Workbook { name: name.to_owned(), cause };
    let file = file.try_clone().map_err(|error| failed(error.to_string()))?;
    let mut workbook: Xlsx<_> =
        Xlsx::new(BufReader::new(file)).map_err(|error| failed(error.to_string()))?;
    let mut out = Rows::new().map_err(|error| failed(error.to_string()))?;
    let mut unfit = Vec::new();
    let mut fitting = 0;
    for sheet in workbook.sheet_names() {
        match read_sheet(&mut workbook, &sheet, &mut out) {
            Ok(Sheet::Read) => fitting += 1,
            Ok(Sheet::Empty) => {}
            Ok(Sheet::Unfit(missing)) => {
                unfit.push(format!("sheet {sheet} lacks {}", missing.missing.join(", ")))
            }
            // A chart sheet has no cells.
            Err(SheetError::Xlsx(calamine::XlsxError::NotAWorksheet(_))) => {}
            Err(error) => return Err(failed(format!("sheet {sheet}: {error}"))),
        }
    }
    if fitting == 0 {
        let why = if unfit.is_empty() { "all are empty".to_owned() } else { unfit.join("; ") };
        return Err(failed(format!("no sheet has a header with all columns ({why})")));
    }
    let left_out = |unfit| format!("{unfit} in its header, and is left out");
    let csv = out.finish().map_err(|error| failed(error.to_string()))?;
    Ok((csv, unfit.into_iter().map(left_out).collect()))
}

/// What has become of a sheet.
enum Sheet {
    Read,
    /// It has no cells.
    Empty,
    /// None of its first rows is a header.
    Unfit(Missing),
}

#[derive(Debug, thiserror::Error)]
enum SheetError {
    #[error(transparent)]
    Xlsx(#[from] calamine::XlsxError),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Writes the rows of one sheet below its header, which is looked for among the first rows that have cells.
fn read_sheet(
    workbook: &mut Xlsx<BufReader<File>>,
    sheet: &str,
    out: &mut Rows,
) -> Result<Sheet, SheetError> {
    let is_1904 = workbook.has_1904_epoch();
    let mut cells = workbook.worksheet_cells_reader(sheet)?;
    let mut columns: Option<Columns> = None;
    let mut closest: Option<Missing> = None;
    let mut headers = 0;
    let mut row: Vec<DataRef<'_>> = Vec::new();
    let mut row_index = 0;
    loop {
        let cell = cells.next_cell()?;
        let ends = cell.as_ref().is_none_or(|cell| cell.get_position().0 != row_index);
        if ends && row.iter().any(|cell| *cell != DataRef::Empty) {
            match &columns {
                Some(columns) => out.write(columns, &row, row_index + 1, is_1904)?,
                None if headers == HEADER_ROWS => break,
                None => {
                    headers += 1;
                    let names: Vec<String> = row.iter().map(|cell| text(cell, None)).collect();
                    match Columns::find(names.iter().map(String::as_str)) {
                        Ok(found) => columns = Some(found),
                        Err(missing) => {
                            let lacks = missing.missing.len();
                            if closest.as_ref().is_none_or(|closest| lacks < closest.missing.len())
                            {
                                closest = Some(missing);
                            }
                        }
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
    Ok(match (columns, closest) {
        (Some(_), _) => Sheet::Read,
        (None, Some(missing)) => Sheet::Unfit(missing),
        (None, None) => Sheet::Empty,
    })
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
        is_1904: bool,
    ) -> std::io::Result<()> {
        for field in 0..Line::COLUMNS.len() {
            let cell = row.get(columns.index(field)).unwrap_or(&DataRef::Empty);
            let epoch = (field == DATE).then_some(is_1904);
            write_field(&mut self.buffer, &text(cell, epoch));
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

/// A cell as a CSV file would have it: 17850.0 → `17850`, and in the column of dates, for which it is told whether days
/// are counted from 1904, a serial date → `2010-12-01 08:26:00`.
fn text(cell: &DataRef<'_>, is_1904: Option<bool>) -> String {
    match cell {
        DataRef::Int(value) => value.to_string(),
        DataRef::Float(value) => {
            // A date in a column that was not formatted as one.
            let serial = |is_1904| ExcelDateTime::new(*value, ExcelDateTimeType::DateTime, is_1904);
            is_1904.and_then(|is_1904| date(serial(is_1904))).unwrap_or_else(|| value.to_string())
        }
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => {
            text.clone()
        }
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Bool(value) => value.to_string(),
        DataRef::DateTime(value) if is_1904.is_some() => {
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
