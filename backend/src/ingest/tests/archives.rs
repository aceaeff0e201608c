//! UTF-16, zip archives, and what is refused by name.

use super::{HEADER, LANTERN, TestFile, lantern, lines, xlsx::archive};

fn one(name: &str, content: &str) -> (String, String) {
    (name.to_owned(), content.to_owned())
}

#[test]
fn utf_16_is_read_with_and_without_a_mark() {
    let text = format!("{HEADER}{LANTERN}").replace("METAL", "M\u{c9}TAL");
    for mark in ["\u{feff}", ""] {
        let units: Vec<u16> = format!("{mark}{text}").encode_utf16().collect();
        let le: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let be: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
        for content in [le, be] {
            let line = lines(TestFile::new("a.csv", content).open()).remove(0);
            assert_eq!(line.description, "WHITE MÉTAL LANTERN");
        }
    }
}

#[test]
fn a_zip_archive_of_one_file_is_read() {
    let text = format!("{HEADER}{LANTERN}");
    let beside = [
        one("folder/", ""),
        one("folder/lines.csv", &text),
        one("__MACOSX/._lines.csv", "what macOS puts beside it"),
    ];
    for entries in [&[one("lines.csv", &text)][..], &beside] {
        assert_eq!(lines(TestFile::new("a.zip", archive(entries)).open()), [lantern()]);
    }
    let mut deflated = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    deflated.start_file("a.csv", zip::write::SimpleFileOptions::default()).unwrap();
    let many = format!("{HEADER}{}", LANTERN.repeat(5_000));
    std::io::Write::write_all(&mut deflated, many.as_bytes()).unwrap();
    let mut content = deflated.finish().unwrap().into_inner();
    assert!(content.len() < many.len() / 10, "it is compressed");
    assert_eq!(lines(TestFile::new("a.zip", &content).open()).len(), 5_000);
    let middle = content.len() / 2;
    content[middle] ^= 1;
    assert!(TestFile::new("a.zip", content).error().contains("a.zip"));
}

#[test]
fn other_archives_and_documents_are_refused_by_name() {
    let text = format!("{HEADER}{LANTERN}");
    for (content, reason) in [
        (archive(&[one("a.csv", &text), one("b.csv", &text)]), "it is a zip archive of 2 files"),
        (archive(&[]), "it is a zip archive of 0 files"),
        (archive(&[one("mimetype", ""), one("content.xml", "")]), "it is an OpenDocument file"),
        (b"BZh91AY&SY".to_vec(), "it is compressed by bzip2; decompress it first"),
        (b"\xfd7zXZ\0\0\x04".to_vec(), "it is compressed by xz; decompress it first"),
        (b"7z\xbc\xaf\x27\x1c\0\x04".to_vec(), "it is a 7-Zip archive; unpack it first"),
        (b"PAR1\x15\x04".to_vec(), "it is a Parquet file"),
        (b"\xff\xfe\0\0I\0\0\0".to_vec(), "it is UTF-32"),
    ] {
        let error = TestFile::new("a.csv", content).error();
        assert!(error.contains("a.csv") && error.contains(reason), "{error}");
    }
}
