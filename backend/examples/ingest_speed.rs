//! How many lines a second are read, written and generated:
//! `cargo run --release -p tillstream --example ingest_speed`.

use std::{error::Error, time::Instant};

use tillstream::ingest::{
    Input, InputSpec, ReadOptions, Row,
    csv_lines::{BatchReader, write_header, write_line},
    generate::write_csv,
};

fn main() -> Result<(), Box<dyn Error>> {
    let mut batch = Vec::new();
    for round in 1..=3 {
        let start = Instant::now();
        let mut lines = 0;
        let mut input = Input::open(&InputSpec::BuiltIn, &ReadOptions::default())?;
        while let Some(row) = input.next() {
            lines += u64::from(matches!(row?, Row::Line { .. }));
        }
        report("read the built-in data set", round, lines, start);

        let start = Instant::now();
        batch.clear();
        write_header(&mut batch);
        let mut input = Input::open(&InputSpec::BuiltIn, &ReadOptions::default())?;
        while let Some(row) = input.next() {
            if let Row::Line { line, .. } = row? {
                write_line(&mut batch, &line);
            }
        }
        report("read it and write batch lines", round, lines, start);

        let start = Instant::now();
        let mut reader = BatchReader::new(&batch[..], "memory")?;
        let mut lines = 0;
        while let Some(line) = reader.next() {
            line?;
            lines += 1;
        }
        report("read batch lines", round, lines, start);

        let start = Instant::now();
        write_csv(lines, 1, std::io::sink())?;
        report("generate", round, lines, start);
    }
    Ok(())
}

fn report(what: &str, round: u32, lines: u64, start: Instant) {
    let seconds = start.elapsed().as_secs_f64();
    println!("{what:32} round {round}: {:.2} M lines/s", lines as f64 / seconds / 1e6);
}
