//! Named pipes, of which standard input is no other kind.

use std::{fs::File, io::Write, process::Command};

use tempfile::TempDir;

use super::{HEADER, LANTERN, gzip, lantern, read};
use crate::ingest::{Input, InputSpec, ReadOptions, Row};

/// An input that is a named pipe, of which `write` is the other end.
fn opened(write: impl FnOnce(File) + Send + 'static) -> (TempDir, Result<Input, String>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    let writer = path.clone();
    std::thread::spawn(move || write(File::create(writer).unwrap()));
    let input = Input::open(&InputSpec::File(path), &ReadOptions::default());
    (folder, input.map_err(|error| error.to_string()))
}

#[test]
fn a_pipe_is_read_as_a_file_is_and_said_to_be_none() {
    let text = format!("{HEADER}{}a,b\n{LANTERN}", LANTERN.repeat(5_000));
    for content in [text.clone().into_bytes(), gzip(&text)] {
        let (_folder, input) = opened(move |mut pipe| pipe.write_all(&content).unwrap());
        let mut input = input.unwrap();
        assert!(!input.is_repeatable() && input.line_count().is_none());
        let notices = input.take_notices();
        assert!(notices[0].contains("cannot be read again"), "{notices:?}");
        let (lines, rejects) = read(input);
        assert_eq!((lines.len(), rejects.len()), (5_001, 1));
        assert_eq!(lines[5_000], (5_002, lantern()));
        assert_eq!(rejects[0].line_in_file, 5_002);
    }
}

#[test]
fn rows_are_there_when_they_arrive() {
    let (send, next) = std::sync::mpsc::channel::<()>();
    let (_folder, input) = opened(move |mut pipe| {
        pipe.write_all(format!("{HEADER}{LANTERN}").as_bytes()).unwrap();
        next.recv().unwrap();
        pipe.write_all(b"caf\xe9,1\n").unwrap();
        next.recv().unwrap();
    });
    let mut input = input.unwrap();
    assert_eq!(input.next().unwrap().unwrap(), Row::Line { number: 1, line: lantern() });
    assert_eq!(input.next().unwrap().unwrap(), Row::Pending);
    send.send(()).unwrap();
    let reject = loop {
        match input.next().unwrap().unwrap() {
            Row::Pending => {}
            row => break format!("{row:?}"),
        }
    };
    assert!(reject.contains("café,1"), "{reject}");
    send.send(()).unwrap();
    while let Some(row) = input.next() {
        assert_eq!(row.unwrap(), Row::Pending);
    }
    let notices = input.take_notices();
    assert!(notices[1].contains("1 rows have text that is not UTF-8"), "{notices:?}");
}

#[test]
fn what_cannot_be_read_from_a_pipe_is_said() {
    for (content, reason) in [
        (&b"PK\x03\x04 and so on to the end"[..], "cannot be read from a pipe"),
        (b"BZh91AY&SY", "it is compressed by bzip2"),
        (b"", "lacks the column InvoiceNo"),
    ] {
        let (_folder, input) = opened(|mut pipe| pipe.write_all(content).unwrap());
        let error = input.unwrap_err();
        assert!(error.contains(reason) && error.contains("pipe"), "{error}");
    }
}
