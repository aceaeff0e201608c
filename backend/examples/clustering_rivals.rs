//! The Rust side of `script/bench clustering`: prepares what all rivals read, and measures Tillstream
//! and linfa-clustering. Every measurement runs in a process of its own and prints one JSON object
//! with the seconds and the SSE of every run, each with a seed of its own, and the peak resident size.

#![allow(clippy::print_stdout, reason = "its output is read by a script")]

#[path = "../benches/data/mod.rs"]
mod data;
#[path = "../clustering/benches/mixture/mod.rs"]
mod mixture;

use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    time::Instant,
};

use clap::{Parser, Subcommand};
use data::Error;
use linfa::{DatasetBase, ParamGuard, traits::Fit};
use linfa_clustering::KMeans as LinfaKMeans;
use linfa_xoshiro::{Xoshiro256PlusPlus, rand_core::SeedableRng};
use mixture::mixture;
use ndarray::Array2;
use serde_json::{Value, json};
use tillstream::{
    features::LinePoints,
    ingest::{
        Input, InputSpec, ReadOptions, Row,
        csv_lines::{write_header, write_line},
    },
    modelling::{ModelParams, train_line_model},
};
use tillstream_clustering::{KChoice, KMeans, WeightedPoints};
use tillstream_shared::{Entity, PreprocessingKind};

#[derive(Parser)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write lines.csv and the points, as little-endian f64, into a folder
    Prepare { folder: PathBuf, lines: usize },
    /// Fit points of a file: n x d coordinates, then n weights if they are weighted
    Fit {
        solver: Solver,
        file: PathBuf,
        d: usize,
        k: usize,
        n_init: u32,
        runs: u64,
        #[arg(long)]
        weighted: bool,
    },
    /// Fit `n` made-up points of two features once, k = 3
    Large { n: usize, runs: u64 },
    /// Add a batch of lines to the points of a history, and train `all`
    All { history: u64, batch: u64, runs: u64 },
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Solver {
    Tillstream,
    Linfa,
}

fn main() -> Result<(), Error> {
    let mut answer = match CommandLine::parse().command {
        Command::Prepare { folder, lines } => prepare(&folder, lines)?,
        Command::Fit { solver, file, d, k, n_init, runs, weighted } => {
            let mut values = read(&file)?;
            let weights = if weighted {
                let n = values.len() / (d + 1);
                values.split_off(n * d)
            } else {
                vec![1.0; values.len() / d]
            };
            match solver {
                Solver::Tillstream => {
                    tillstream(&WeightedPoints::new(d, values, weights)?, k, n_init, runs)?
                }
                Solver::Linfa => linfa(values, d, k, n_init, runs)?,
            }
        }
        Command::Large { n, runs } => {
            let points = WeightedPoints::unweighted(2, mixture(n, 2, 1))?;
            tillstream(&points, 3, 1, runs)?
        }
        Command::All { history, batch, runs } => all(history, batch, runs)?,
    };
    answer["peak_bytes"] = json!(peak_bytes()?);
    println!("{answer}");
    Ok(())
}

fn prepare(folder: &Path, lines: usize) -> Result<Value, Error> {
    fs::create_dir_all(folder)?;
    let mut csv = Vec::new();
    write_header(&mut csv);
    let mut input = Input::open(&InputSpec::BuiltIn, &ReadOptions::default())?;
    for _ in 0..lines {
        if let Some(Row::Line { line, .. }) = input.next().transpose()? {
            write_line(&mut csv, &line);
        }
    }
    fs::write(folder.join("lines.csv"), csv)?;
    let real = data::real_lines(lines)?;
    write(&folder.join("lines.f64"), &real)?;
    let distinct = data::distinct(PreprocessingKind::Raw, lines)?;
    write(&folder.join("distinct.f64"), &[distinct.coordinates(), distinct.weights()].concat())?;
    write(&folder.join("shaken.f64"), &data::shaken(&real, 1))?;
    for d in [3, 8] {
        write(&folder.join(format!("mixture{d}.f64")), &mixture(lines, d, 1))?;
    }
    Ok(json!({ "lines": real.len() / 2, "distinct": distinct.n() }))
}

fn tillstream(points: &WeightedPoints, k: usize, n_init: u32, runs: u64) -> Result<Value, Error> {
    let (seconds, errors) = timed(runs, |seed| {
        let params = KMeans::params(k).n_init(n_init).seed(seed).check()?;
        Ok(params.fit_points(points)?.sse)
    })?;
    Ok(json!({ "seconds": seconds, "sse": errors }))
}

fn linfa(values: Vec<f64>, d: usize, k: usize, n_init: u32, runs: u64) -> Result<Value, Error> {
    let records = Array2::from_shape_vec((values.len() / d, d), values)?;
    let dataset = DatasetBase::from(records);
    let n = dataset.records.nrows() as f64;
    let (seconds, errors) = timed(runs, |seed| {
        let rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let params = LinfaKMeans::params_with_rng(k, rng).n_runs(n_init as usize).check()?;
        // It reports the mean of the squared distances.
        Ok(params.fit(&dataset)?.inertia() * n)
    })?;
    Ok(json!({ "seconds": seconds, "sse": errors }))
}

fn all(history: u64, batch: u64, runs: u64) -> Result<Value, Error> {
    let generated = |lines, seed| -> Result<LinePoints, Error> {
        let mut points = LinePoints::new(Entity::Product);
        let spec = InputSpec::Generated { lines, seed };
        let mut input = Input::open(&spec, &ReadOptions::default())?;
        while let Some(row) = input.next() {
            if let Row::Line { line, .. } = row? {
                points.add(&line);
            }
        }
        Ok(points)
    };
    let mut all = generated(history, 1)?;
    let batch = generated(batch, 2)?;
    let preprocessing = PreprocessingKind::Log;
    let filter = preprocessing.filter();
    let params = ModelParams {
        preprocessing,
        clip: None,
        k: KChoice::Fixed(3),
        n_init: 10,
        seed: 1,
        evaluate: true,
    };
    let (seconds, _) = timed(runs, |_| {
        all.merge(&batch);
        Ok(train_line_model(&all.filtered(filter).0, &params)?)
    })?;
    let distinct = all.filtered(filter).0.len();
    Ok(json!({ "seconds": seconds, "distinct": distinct }))
}

/// The seconds of each of the runs, numbered from 1, and what they gave.
fn timed<T>(
    runs: u64,
    mut run: impl FnMut(u64) -> Result<T, Error>,
) -> Result<(Vec<f64>, Vec<T>), Error> {
    let timed = |number| {
        let start = Instant::now();
        let result = run(number)?;
        Ok((start.elapsed().as_secs_f64(), result))
    };
    let all: Vec<_> = (1..=runs).map(timed).collect::<Result<_, Error>>()?;
    Ok(all.into_iter().unzip())
}

fn read(file: &Path) -> Result<Vec<f64>, Error> {
    let bytes = fs::read(file)?;
    let values = bytes.as_chunks().0.iter();
    Ok(values.map(|value| f64::from_le_bytes(*value)).collect())
}

fn write(file: &Path, values: &[f64]) -> Result<(), Error> {
    let mut out = BufWriter::new(File::create(file)?);
    for value in values {
        out.write_all(&value.to_le_bytes())?;
    }
    Ok(out.flush()?)
}

/// The largest resident size so far, as the kernel counts it.
fn peak_bytes() -> Result<u64, Error> {
    let status = fs::read_to_string("/proc/self/status")?;
    let field = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = field.and_then(|value| value.trim().strip_suffix(" kB"));
    Ok(kilobytes.ok_or("the kernel does not tell the peak resident size")?.parse::<u64>()? * 1024)
}
