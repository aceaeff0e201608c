//! XLSX workbooks.

use tillstream_shared::Line;

use super::{
    TestFile, lantern, lines, read, reasons,
    xlsx::{Cell, workbook, workbook_of_1904},
};
use crate::ingest::Recognised;

/// 2010-12-01 08:26:00 as Excel stores it.
const SERIAL: f64 = 40_513.351_388_888_89;

fn header(names: [&'static str; 8]) -> Vec<Cell<'static>> {
    names.map(Cell::Text).to_vec()
}

fn row() -> Vec<Cell<'static>> {
    vec![
        Cell::Number(536365.0),
        Cell::Number(71053.0),
        Cell::Text("WHITE METAL LANTERN"),
        Cell::Number(6.0),
        Cell::Date(SERIAL),
        Cell::Number(3.39),
        Cell::Number(17850.0),
        Cell::Text("United Kingdom"),
    ]
}

fn with(column: usize, cell: Cell<'static>) -> Vec<Cell<'static>> {
    let mut row = row();
    row[column] = cell;
    row
}

const SECOND_EDITION: [&str; 8] = [
    "Invoice",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "Price",
    "Customer ID",
    "Country",
];

#[test]
fn all_sheets_with_a_fitting_header_are_read() {
    let content = workbook(&[
        ("Notes", vec![vec![Cell::Text("From the till")]]),
        ("Empty", vec![]),
        (
            "Year 2009-2010",
            vec![header(SECOND_EDITION), row(), with(6, Cell::Empty), vec![Cell::Empty]],
        ),
        (
            "Year 2010-2011",
            vec![
                header(Line::COLUMNS),
                with(0, Cell::Text("C536366")),
                with(1, Cell::Text("85123A")),
                with(2, Cell::Text("A \"B\",\nC & <D>")),
                with(4, Cell::Text("2010-12-01T08:26:00")),
                with(4, Cell::Number(SERIAL)),
            ],
        ),
    ]);
    let mut input = TestFile::new("a.csv", &content).open();
    let before = &format!("blake3:{}", blake3::hash(&content))[..39];
    assert_eq!(input.recognise(before).unwrap(), Recognised::Known);
    let notices = input.take_notices();
    assert_eq!(notices.len(), 1, "an empty sheet is nothing to be said: {notices:?}");
    assert!(notices[0].starts_with("sheet Notes lacks InvoiceNo"), "{notices:?}");
    let expected = [
        lantern(),
        Line { customer_id: None, ..lantern() },
        Line { invoice_no: "C536366".into(), ..lantern() },
        Line { stock_code: "85123A".into(), ..lantern() },
        Line { description: "A \"B\",\nC & <D>".into(), ..lantern() },
        lantern(),
        lantern(),
    ];
    assert_eq!(lines(input), expected);
}

#[test]
fn wrong_rows_are_rejected_with_the_row_of_the_sheet() {
    let content = workbook(&[
        ("One", vec![header(Line::COLUMNS), row(), with(3, Cell::Number(1.5))]),
        (
            "Two",
            vec![
                vec![],
                header(Line::COLUMNS),
                with(2, Cell::Text("A\nB")),
                vec![],
                with(4, Cell::Number(0.5)),
            ],
        ),
    ]);
    let (lines, rejects) = read(TestFile::new("a.xlsx", content).open());
    assert_eq!(lines.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [1, 3]);
    let seen: Vec<_> =
        rejects.iter().map(|r| (r.number, r.line_in_file, r.text.as_str())).collect();
    assert_eq!(
        seen,
        [
            (
                2,
                3,
                "536365,71053,WHITE METAL LANTERN,1.5,2010-12-01 08:26:00,3.39,17850,United Kingdom"
            ),
            (4, 5, "536365,71053,WHITE METAL LANTERN,6,0.5,3.39,17850,United Kingdom"),
        ]
    );
}

#[test]
fn a_workbook_without_a_fitting_sheet_is_an_error_that_says_what_is_missing() {
    let content = workbook(&[("Year 2011", vec![header(Line::COLUMNS)[..7].to_vec()])]);
    let error = TestFile::new("a.xlsx", content).error();
    assert!(error.contains("a.xlsx") && error.contains("Year 2011 lacks Country"), "{error}");
}

#[test]
fn usual_names_are_mapped_and_other_sheets_are_named() {
    let names =
        ["invoice_no", "Item", "Description", "Qty", "Date", "Unit Price", "Customer", "Country"];
    let cost =
        ["Invoice", "StockCode", "Description", "Qty", "Date", "Cost", "Customer", "Country"];
    let content = workbook(&[
        ("2010", vec![header(names), row()]),
        ("2011", vec![header(cost), row(), row()]),
    ]);
    let mut input = TestFile::new("a.xlsx", content).open();
    let left_out = "sheet 2011 lacks UnitPrice in its header, and is left out";
    assert_eq!(input.take_notices(), [left_out]);
    assert_eq!(lines(input), [lantern()]);
}

#[test]
fn the_header_may_stand_below_titles() {
    let title = || vec![Cell::Text("Sales of the year")];
    for titles in [1, 19, 20] {
        let mut sheet: Vec<_> = (0..titles).map(|_| title()).collect();
        sheet.extend([vec![], header(Line::COLUMNS), row(), with(3, Cell::Text("six"))]);
        let file = TestFile::new("a.xlsx", workbook(&[("Sales", sheet)]));
        if titles == 20 {
            assert!(file.error().contains("sheet Sales lacks InvoiceNo"), "{}", file.error());
            continue;
        }
        let (lines, rejects) = read(file.open());
        assert_eq!(lines, [(1, lantern())]);
        assert_eq!(rejects[0].line_in_file, titles + 4);
    }
}

#[test]
fn days_may_be_counted_from_1904() {
    /// From the first day of one calendar to that of the other.
    const BETWEEN: f64 = 1462.0;
    let content = workbook_of_1904(&[(
        "Sales",
        vec![
            header(Line::COLUMNS),
            with(4, Cell::Number(SERIAL - BETWEEN)),
            with(4, Cell::Date(SERIAL - BETWEEN)),
            with(4, Cell::Text("2010-12-01 08:26:00")),
        ],
    )]);
    let lines = lines(TestFile::new("a.xlsx", content).open());
    assert_eq!(lines, [lantern(), lantern(), lantern()]);
}

#[test]
fn what_a_formula_failed_to_give_is_absent_or_invalid() {
    let content = workbook(&[(
        "Sales",
        vec![
            header(Line::COLUMNS),
            with(6, Cell::Error("#N/A")),
            with(6, Cell::Text("NA")),
            with(2, Cell::Error("#N/A")),
            with(6, Cell::Error("#REF!")),
            with(1, Cell::Error("#N/A")),
            with(3, Cell::Error("#VALUE!")),
        ],
    )]);
    let (lines, rejects) = read(TestFile::new("a.xlsx", content).open());
    let anonymous = Line { customer_id: None, ..lantern() };
    let unnamed = Line { description: "".into(), ..lantern() };
    assert_eq!(lines, [(1, anonymous.clone()), (2, anonymous), (3, unnamed)]);
    let expected = [
        (5, "CustomerID `#REF!` is the error of a spreadsheet"),
        (6, "StockCode `#N/A` is the error of a spreadsheet"),
        (7, "Quantity `#VALUE!` is not a whole number within ±2^53"),
    ];
    assert_eq!(reasons(&rejects), expected.map(|(row, reason)| (row, reason.to_owned())));
}
