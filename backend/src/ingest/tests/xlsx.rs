//! A workbook for tests: just enough of the format, in a zip archive without compression.

use flate2::Crc;

/// A cell.
#[derive(Clone, Copy)]
pub(super) enum Cell<'a> {
    Text(&'a str),
    Number(f64),
    /// A number in a cell that is formatted as a date.
    Date(f64),
    /// What a formula that failed gives.
    Error(&'a str),
    Empty,
}

/// The name and the rows of a sheet.
type Sheet<'a> = (&'a str, Vec<Vec<Cell<'a>>>);

/// A workbook of the given sheets.
pub(super) fn workbook(sheets: &[Sheet<'_>]) -> Vec<u8> {
    workbook_with("", sheets)
}

/// A workbook in which days are counted from 1904.
pub(super) fn workbook_of_1904(sheets: &[Sheet<'_>]) -> Vec<u8> {
    workbook_with(r#"<workbookPr date1904="1"/>"#, sheets)
}

fn workbook_with(properties: &str, sheets: &[Sheet<'_>]) -> Vec<u8> {
    const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006";
    let mut entries = vec![(
        "_rels/.rels".to_owned(),
        format!(
            r#"<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>"#
        ),
    )];
    let mut types = String::new();
    let mut names = String::new();
    let mut relations =
        format!(r#"<Relationship Id="rId0" Type="{OFFICE}/styles" Target="styles.xml"/>"#);
    for (index, (name, rows)) in sheets.iter().enumerate() {
        let n = index + 1;
        types += &format!(
            r#"<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>"#
        );
        names += &format!(r#"<sheet name="{name}" sheetId="{n}" r:id="rId{n}"/>"#);
        relations += &format!(
            r#"<Relationship Id="rId{n}" Type="{OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>"#
        );
        let rows: String = rows.iter().enumerate().map(|(at, row)| row_xml(at + 1, row)).collect();
        entries.push((
            format!("xl/worksheets/sheet{n}.xml"),
            format!(r#"<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>"#),
        ));
    }
    entries.push((
        "[Content_Types].xml".to_owned(),
        format!(r#"<Types xmlns="{PACKAGE}/content-types">{types}</Types>"#),
    ));
    entries.push((
        "xl/workbook.xml".to_owned(),
        format!(
            r#"<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}">{properties}<sheets>{names}</sheets></workbook>"#
        ),
    ));
    entries.push((
        "xl/_rels/workbook.xml.rels".to_owned(),
        format!(r#"<Relationships xmlns="{PACKAGE}/relationships">{relations}</Relationships>"#),
    ));
    // Format 22 is `m/d/yy h:mm`.
    entries.push((
        "xl/styles.xml".to_owned(),
        format!(
            r#"<styleSheet xmlns="{MAIN}"><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="22" applyNumberFormat="1"/></cellXfs></styleSheet>"#
        ),
    ));
    archive(&entries)
}

fn row_xml(number: usize, row: &[Cell<'_>]) -> String {
    let cells: String = row
        .iter()
        .zip('A'..)
        .map(|(cell, column)| match cell {
            Cell::Text(text) => {
                let text = text.replace('&', "&amp;").replace('<', "&lt;");
                format!(r#"<c r="{column}{number}" t="inlineStr"><is><t>{text}</t></is></c>"#)
            }
            Cell::Number(value) => format!(r#"<c r="{column}{number}"><v>{value}</v></c>"#),
            Cell::Date(value) => format!(r#"<c r="{column}{number}" s="1"><v>{value}</v></c>"#),
            Cell::Error(error) => format!(r#"<c r="{column}{number}" t="e"><v>{error}</v></c>"#),
            Cell::Empty => String::new(),
        })
        .collect();
    format!(r#"<row r="{number}">{cells}</row>"#)
}

/// A zip archive of stored entries.
pub(super) fn archive(entries: &[(String, String)]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut directory = Vec::new();
    for (name, content) in entries {
        let mut crc = Crc::new();
        crc.update(content.as_bytes());
        let size = u32::try_from(content.len()).unwrap();
        let mut common = Vec::new();
        common.extend([20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0]); // version, flags, method, time, date
        common.extend(crc.sum().to_le_bytes());
        common.extend(size.to_le_bytes());
        common.extend(size.to_le_bytes());
        common.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
        common.extend([0, 0]); // no extra field
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&common);
        directory.extend([0; 10]); // comment, disk, attributes
        directory.extend(u32::try_from(out.len()).unwrap().to_le_bytes());
        directory.extend(name.as_bytes());
        out.extend(b"PK\x03\x04");
        out.extend(&common);
        out.extend(name.as_bytes());
        out.extend(content.as_bytes());
    }
    let start = u32::try_from(out.len()).unwrap();
    let count = u16::try_from(entries.len()).unwrap().to_le_bytes();
    out.extend(&directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend([count, count].concat());
    out.extend(u32::try_from(directory.len()).unwrap().to_le_bytes());
    out.extend(start.to_le_bytes());
    out.extend([0, 0]);
    out
}
