//! What the benches cluster: the lines of the real data set, as they are and made not to repeat.

use rand::{Rng, SeedableRng};
use rand_distr::StandardNormal;
use rand_xoshiro::Xoshiro256PlusPlus;
use tillstream::{
    features::LinePoints,
    ingest::{Input, InputSpec, ReadOptions, Row},
    modelling::{fit_preprocessing, line_points},
};
use tillstream_clustering::WeightedPoints;
use tillstream_shared::{Entity, Line, PreprocessingKind};

/// What may go wrong; a bench only reports it.
pub(crate) type Error = Box<dyn std::error::Error>;

/// (Quantity, UnitPrice) of the first `limit` lines of the real data set, row-major.
pub(crate) fn real_lines(limit: usize) -> Result<Vec<f64>, Error> {
    let mut values = Vec::new();
    each_line(limit, |line| values.extend([line.quantity as f64, line.unit_price]))?;
    Ok(values)
}

/// The distinct points of the first `limit` lines of the real data set with their multiplicities, in
/// model space.
pub(crate) fn distinct(kind: PreprocessingKind, limit: usize) -> Result<WeightedPoints, Error> {
    let mut points = LinePoints::new(Entity::Product);
    each_line(limit, |line| points.add(line))?;
    let (kept, _) = points.filtered(kind.filter());
    Ok(fit_preprocessing(kind, None, &line_points(&kept)?)?.1)
}

fn each_line(limit: usize, mut use_line: impl FnMut(&Line<'_>)) -> Result<(), Error> {
    let mut input = Input::open(&InputSpec::BuiltIn, &ReadOptions::default())?;
    for _ in 0..limit {
        match input.next().transpose()? {
            Some(Row::Line { line, .. }) => use_line(&line),
            Some(Row::Reject(_) | Row::Pending) => {}
            None => break,
        }
    }
    Ok(())
}

/// `lines` (n x 2) on a log scale and shaken, so that no point repeats and none is far away: the
/// signed log1p of every value plus normal noise of standard deviation 0.1.
pub(crate) fn shaken(lines: &[f64], seed: u64) -> Vec<f64> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let noise = |rng: &mut Xoshiro256PlusPlus| 0.1 * rng.sample::<f64, _>(StandardNormal);
    lines.iter().map(|x| x.signum() * x.abs().ln_1p() + noise(&mut rng)).collect()
}
