//! How long the profiles of the real data set take:
//! `cargo run --release -p tillstream --example profile_speed`.

use std::{error::Error, time::Instant};

use tillstream::{
    features::{Profiles, RfmScores},
    ingest::{Input, InputSpec, ReadOptions, Row},
};
use tillstream_shared::Entity;

/// Lines of a batch, as by default.
const BATCH: usize = 10_000;

fn main() -> Result<(), Box<dyn Error>> {
    let mut lines = Vec::new();
    let mut input = Input::open(&InputSpec::BuiltIn, &ReadOptions::default())?;
    while let Some(row) = input.next() {
        if let Row::Line { line, .. } = row? {
            lines.push(line.into_owned());
        }
    }
    for round in 1..=3 {
        let mut start = Instant::now();
        let mut report = |what: &str| {
            println!("{what:40} round {round}: {:7.2} ms", start.elapsed().as_secs_f64() * 1e3);
            start = Instant::now();
        };
        let mut all = Entity::ALL.map(Profiles::new);
        for line in &lines {
            all.iter_mut().for_each(|profiles| profiles.add(line));
        }
        report("add every line to all three");

        let batches: Vec<_> = lines.chunks(BATCH).collect();
        let mut merged = Entity::ALL.map(Profiles::new);
        for batch in &batches {
            for profiles in &mut merged {
                let mut new = Profiles::new(profiles.entity());
                batch.iter().for_each(|line| new.add(line));
                profiles.merge(&new);
            }
        }
        report(&format!("the same in {} batches, merged", batches.len()));
        assert_eq!(merged, all);

        for profiles in &all {
            let bytes = profiles.to_bytes()?;
            report(&format!("write {} profiles, {} bytes", profiles.entity(), bytes.len()));
            Profiles::from_bytes(&bytes)?;
            report("read them");
            let table = profiles.table();
            report(&format!("table of {} rows", table.ids.len()));
            if RfmScores::of(&table).is_some() {
                report("scores");
            }
        }
    }
    Ok(())
}
