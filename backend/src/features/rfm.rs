//! Recency, frequency and monetary scores, and the segments that shops know customers by.

use rustc_hash::FxHashMap;
use tillstream_shared::{
    Text,
    api::{ProfileRows, RfmScore},
};

/// The segments that marketing software has for customers, one for every combination of scores. The
/// grid is the common one of recency and frequency, with the mean of the frequency and the monetary
/// score for the latter, and the worst corner split off as lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Segment {
    /// Bought just now, buy often, spend most.
    Champions,
    /// Buy often, and not long ago.
    Loyal,
    /// Bought recently, and more than once or twice.
    PotentialLoyalists,
    /// Bought for the first time just now.
    New,
    /// Bought for the first time not long ago.
    Promising,
    /// In the middle of everything.
    NeedAttention,
    /// Bought little, and some time ago.
    AboutToSleep,
    /// Bought a good deal, but long ago.
    AtRisk,
    /// Among the best once, but long ago.
    CannotLoseThem,
    /// Bought little, and long ago.
    Hibernating,
    /// Bought least, and longest ago.
    Lost,
}

impl Segment {
    /// The segment of three scores from 1 to 5; others are taken for the nearest of these.
    ///
    /// Rows are the recency score, columns the mean of the frequency and the monetary score, halves
    /// rounded up:
    ///
    /// | | 1 | 2 | 3 | 4 | 5 |
    /// | --- | --- | --- | --- | --- | --- |
    /// | 5 | new | potential loyalists | potential loyalists | champions | champions |
    /// | 4 | promising | potential loyalists | potential loyalists | loyal | loyal |
    /// | 3 | about to sleep | about to sleep | need attention | loyal | loyal |
    /// | 2 | hibernating | hibernating | at risk | at risk | cannot lose them |
    /// | 1 | lost | hibernating | at risk | at risk | cannot lose them |
    #[must_use]
    pub fn of(recency: u8, frequency: u8, monetary: u8) -> Self {
        let [recency, frequency, monetary] =
            [recency, frequency, monetary].map(|score| score.clamp(1, 5));
        match (recency, (frequency + monetary).div_ceil(2)) {
            (5, 4..) => Self::Champions,
            (3.., 4..) => Self::Loyal,
            (4.., 2..) => Self::PotentialLoyalists,
            (5, _) => Self::New,
            (4, _) => Self::Promising,
            (3, 3) => Self::NeedAttention,
            (3, _) => Self::AboutToSleep,
            (_, 5..) => Self::CannotLoseThem,
            (_, 3..) => Self::AtRisk,
            (1, 1) => Self::Lost,
            _ => Self::Hibernating,
        }
    }

    /// Its name in English and Indonesian.
    #[must_use]
    pub const fn names(self) -> [&'static str; 2] {
        match self {
            Self::Champions => ["Champions", "Juara"],
            Self::Loyal => ["Loyal", "Setia"],
            Self::PotentialLoyalists => ["Potential loyalists", "Calon pelanggan setia"],
            Self::New => ["New", "Baru"],
            Self::Promising => ["Promising", "Menjanjikan"],
            Self::NeedAttention => ["Need attention", "Perlu perhatian"],
            Self::AboutToSleep => ["About to sleep", "Mulai tidak aktif"],
            Self::AtRisk => ["At risk", "Berisiko hilang"],
            Self::CannotLoseThem => ["Cannot lose them", "Jangan sampai hilang"],
            Self::Hibernating => ["Hibernating", "Lama tidak aktif"],
            Self::Lost => ["Lost", "Hilang"],
        }
    }

    /// Its name in both languages.
    #[must_use]
    pub fn text(self) -> Text {
        let [en, id] = self.names().map(str::to_owned);
        Text { en, id }
    }
}

/// The scores of all customers of one model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RfmScores {
    by_id: FxHashMap<Box<str>, [u8; 3]>,
}

impl RfmScores {
    /// Scores every customer of the rows behind a profile model; `None` when they have no features
    /// `recency`, `frequency` and `monetary`.
    ///
    /// The score is the quintile, 1 (worst) to 5 (best), by rank: of n customers, w of whom are worse
    /// and e as good (the customer included), 1 + ⌊5 (w + e/2) / n⌋. Equal values share the score of
    /// the middle of their ranks, so that the scores do not depend on any order, and a quintile may be
    /// larger or smaller than a fifth where many are equal.
    #[must_use]
    pub fn of(rows: &ProfileRows) -> Option<Self> {
        let column = |name: &str| {
            let feature = rows.features.iter().position(|known| known == name)?;
            Some(&rows.columns[feature])
        };
        // The fewer days ago the better.
        let recency: Vec<f64> = column("recency")?.iter().map(|days| -days).collect();
        let recency = quintiles(&recency);
        let frequency = quintiles(column("frequency")?);
        let monetary = quintiles(column("monetary")?);
        let scores = recency.into_iter().zip(frequency).zip(monetary).map(|((r, f), m)| [r, f, m]);
        let by_id = rows.ids.iter().map(|id| id.as_str().into()).zip(scores).collect();
        Some(Self { by_id })
    }

    /// The scores and the segment of one customer.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<RfmScore> {
        let &[recency, frequency, monetary] = self.by_id.get(id)?;
        let segment = Segment::of(recency, frequency, monetary).text();
        Some(RfmScore { recency, frequency, monetary, segment })
    }
}

/// The quintile of every value, see [`RfmScores::of`].
fn quintiles(values: &[f64]) -> Vec<u8> {
    let n = values.len();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut scores = vec![0; n];
    let mut worse = 0;
    for ties in order.chunk_by(|a, b| values[*a] == values[*b]) {
        let score = 1 + 5 * (2 * worse + ties.len()) / (2 * n);
        ties.iter().for_each(|index| scores[*index] = score as u8);
        worse += ties.len();
    }
    scores
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[(&str, [f64; 3])]) -> ProfileRows {
        ProfileRows {
            features: ["recency", "frequency", "monetary"].map(str::to_owned).to_vec(),
            ids: rows.iter().map(|(id, _)| (*id).to_owned()).collect(),
            columns: (0..3).map(|j| rows.iter().map(|(_, row)| row[j]).collect()).collect(),
            cluster: vec![1; rows.len()],
            exact: vec![true; rows.len()],
        }
    }

    #[test]
    fn quintiles_are_fifths_and_ties_share_the_middle() {
        let ascending: Vec<f64> = (0..10).map(f64::from).collect();
        assert_eq!(quintiles(&ascending), [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]);
        assert_eq!(quintiles(&[7.0, 3.0, 9.0, 1.0, 5.0]), [4, 2, 5, 1, 3]);
        assert_eq!(quintiles(&[2.0; 4]), [3; 4]);
        assert_eq!(quintiles(&[1.0, 1.0, 1.0, 1.0, 2.0]), [3, 3, 3, 3, 5]);
        assert_eq!(quintiles(&[0.0, -0.0]), [3, 3]);
        assert_eq!(quintiles(&[]), [0; 0]);
    }

    #[test]
    fn the_latest_the_most_frequent_and_the_biggest_are_best() {
        let scores = RfmScores::of(&rows(&[
            ("a", [0.0, 50.0, 900.0]),
            ("b", [10.0, 40.0, 800.0]),
            ("c", [20.0, 30.0, 700.0]),
            ("d", [30.0, 20.0, 600.0]),
            ("e", [40.0, 10.0, -5.0]),
        ]))
        .unwrap();
        let best = scores.get("a").unwrap();
        assert_eq!((best.recency, best.frequency, best.monetary), (5, 5, 5));
        assert_eq!(best.segment, Text { en: "Champions".into(), id: "Juara".into() });
        assert_eq!(scores.get("c").unwrap().segment.en, "Need attention");
        assert_eq!(scores.get("e").unwrap().segment.en, "Lost");
        assert_eq!(scores.get("f"), None);
    }

    #[test]
    fn rows_without_the_three_features_have_no_scores() {
        let mut other = rows(&[("a", [1.0, 1.0, 1.0])]);
        other.features[0] = "revenue".into();
        assert_eq!(RfmScores::of(&other), None);
    }

    #[test]
    fn the_grid_is_as_documented() {
        use Segment::*;
        let grid = [
            [Lost, Hibernating, AtRisk, AtRisk, CannotLoseThem],
            [Hibernating, Hibernating, AtRisk, AtRisk, CannotLoseThem],
            [AboutToSleep, AboutToSleep, NeedAttention, Loyal, Loyal],
            [Promising, PotentialLoyalists, PotentialLoyalists, Loyal, Loyal],
            [New, PotentialLoyalists, PotentialLoyalists, Champions, Champions],
        ];
        for r in 1..=5_u8 {
            for f in 1..=5_u8 {
                for m in 1..=5_u8 {
                    let column = usize::from((f + m).div_ceil(2)) - 1;
                    let expected = grid[usize::from(r) - 1][column];
                    assert_eq!(Segment::of(r, f, m), expected, "{r}{f}{m}");
                }
            }
        }
        assert_eq!(Segment::of(0, 0, 9), Segment::of(1, 1, 5));
    }
}
