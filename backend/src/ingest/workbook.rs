//! XLSX workbooks, turned into CSV so that the rest need not know them.

use std::path::Path;

use calamine::{Data, Reader, Xlsx, open_workbook};
use chrono::{Duration, NaiveDate};
use tillstream_shared::Line;

use super::{IngestError, csv_lines::write_field, layout::Layout};

/// The rows of all sheets whose first row names the columns of a line, as CSV.
pub(super) fn to_csv(path: &Path) -> Result<Vec<u8>, IngestError> {
    let name = path.display().to_string();
    let wrong = |cause: String| IngestError::Workbook { name: name.clone(), cause };
    let mut workbook: Xlsx<_> =
        open_workbook(path).map_err(|error: calamine::XlsxError| wrong(error.to_string()))?;
    let mut csv = Vec::new();
    let mut refused = None;
    write_row(&mut csv, Line::COLUMNS.iter().map(|column| (*column).to_owned()));
    let header = csv.len();
    for sheet in workbook.sheet_names() {
        let range = workbook.worksheet_range(&sheet).map_err(|error| wrong(error.to_string()))?;
        let mut rows = range.rows();
        let columns: Vec<_> = rows.next().unwrap_or_default().iter().map(text).collect();
        match Layout::of(&columns, &name) {
            Ok(Layout(positions)) => {
                for row in rows {
                    let cell = |at: usize| row.get(at).map(text).unwrap_or_default();
                    write_row(&mut csv, positions.iter().map(|at| cell(*at)));
                }
            }
            Err(error) => {
                refused.get_or_insert(error);
            }
        }
    }
    match refused {
        Some(error) if csv.len() == header => Err(error),
        _ => Ok(csv),
    }
}

fn write_row(csv: &mut Vec<u8>, fields: impl Iterator<Item = String>) {
    for (index, field) in fields.enumerate() {
        if index > 0 {
            csv.push(b',');
        }
        write_field(csv, &field);
    }
    csv.push(b'\n');
}

/// A cell as the CSV of the same data would have it.
fn text(cell: &Data) -> String {
    match cell {
        Data::Empty | Data::Error(_) => String::new(),
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => text.clone(),
        Data::Int(number) => number.to_string(),
        // Without `.0`: identifiers are numbers in a workbook.
        Data::Float(number) => number.to_string(),
        Data::Bool(value) => value.to_string(),
        Data::DateTime(date) => from_serial(date.as_f64()).unwrap_or_default(),
    }
}

/// Days since 30 December 1899, as Excel counts (right from March 1900 on), to the second.
fn from_serial(days: f64) -> Option<String> {
    let epoch = NaiveDate::from_ymd_opt(1899, 12, 30)?.and_hms_opt(0, 0, 0)?;
    let seconds = (days * 86_400.0).round();
    (0.0..1e12).contains(&seconds).then_some(())?;
    let date = epoch.checked_add_signed(Duration::seconds(seconds as i64))?;
    Some(date.format("%Y-%m-%d %H:%M:%S").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serial_dates_are_dates() {
        assert_eq!(from_serial(40_513.351_388_888_9).unwrap(), "2010-12-01 08:26:00");
        assert_eq!(from_serial(f64::NAN), None);
    }
}
