//! HyperLogLog: how many different keys there were, in 16 KiB.

use serde::{Deserialize, Serialize};

/// Bits of a hash that choose the register.
const PRECISION: u32 = 14;
/// Number of registers.
const REGISTERS: usize = 1 << PRECISION;
/// Bits of a hash that are left; a register is at most one more.
const LIMIT: u32 = u64::BITS - PRECISION;

/// A sketch of a set of keys (Flajolet et al. 2007, "HyperLogLog: the analysis of a near-optimal
/// cardinality estimation algorithm") with hashes of 64 bits. The standard error of its estimate is
/// 1.04 / √16384 = 0.81 %.
///
/// The sketch is a function of the set alone: the order of insertions and merges does not show. That
/// is why no crate is used for it: Apache DataHyperLogLoges' estimate depends on the order, and others
/// seed their hashes at random.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct HyperLogLog {
    /// The position of the first one bit, from 1, among the hashes that chose the register; 0 for none.
    registers: Vec<u8>,
}

impl HyperLogLog {
    /// The sketch of `keys`.
    pub(super) fn of(keys: &[u64]) -> Self {
        let mut sketch = Self { registers: vec![0; REGISTERS] };
        keys.iter().for_each(|key| sketch.insert(*key));
        sketch
    }

    /// Whether the registers are as many as they should be, and in range.
    pub(super) fn is_valid(&self) -> bool {
        self.registers.len() == REGISTERS
            && self.registers.iter().all(|register| u32::from(*register) <= LIMIT + 1)
    }

    /// Adds a key.
    pub(super) fn insert(&mut self, key: u64) {
        let hash = mix(key);
        let register = &mut self.registers[(hash >> LIMIT) as usize];
        let first_one = (hash << PRECISION).leading_zeros().min(LIMIT) + 1;
        *register = (*register).max(first_one as u8);
    }

    /// Adds all keys of another sketch.
    pub(super) fn merge(&mut self, other: &Self) {
        for (register, other) in self.registers.iter_mut().zip(&other.registers) {
            *register = (*register).max(*other);
        }
    }

    /// The number of different keys, estimated without bias over the whole range and without tables
    /// (Ertl 2017, "New cardinality estimation algorithms for HyperLogLog sketches",
    /// arXiv:1702.01284, algorithm 6).
    pub(super) fn estimate(&self) -> f64 {
        let mut counts = [0_u32; LIMIT as usize + 2];
        for register in &self.registers {
            counts[usize::from(*register)] += 1;
        }
        let m = REGISTERS as f64;
        let [empty, middle @ .., full] = counts;
        let mut z = m * tau(1.0 - f64::from(full) / m);
        for count in middle.into_iter().rev() {
            z = 0.5 * (z + f64::from(count));
        }
        z += m * sigma(f64::from(empty) / m);
        m * m / (2.0 * std::f64::consts::LN_2 * z)
    }
}

/// x + Σ x^(2^k) 2^(k-1), k from 1: the share of the empty registers.
fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut power, mut sum) = (1.0, x);
    loop {
        x *= x;
        let before = sum;
        sum += x * power;
        power *= 2.0;
        if sum == before {
            return sum;
        }
    }
}

/// (1 - x - Σ (1 - x^(2^-k))² 2^-k) / 3, k from 1: the share of the registers that are full.
fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut power, mut sum) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = sum;
        power *= 0.5;
        sum -= (1.0 - x) * (1.0 - x) * power;
        if sum == before {
            return sum / 3.0;
        }
    }
}

/// A key as 64 bits that look random: the finaliser of SplitMix64 (Steele, Lea & Flood 2014), which
/// takes no two keys to the same hash.
fn mix(key: u64) -> u64 {
    let key = key.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let key = (key ^ (key >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let key = (key ^ (key >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    key ^ (key >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_stays_within_four_standard_errors() {
        for (n, start) in [(1_u64, 0), (100, 7), (4097, 1), (50_000, 99), (1_000_000, 3)] {
            let mut sketch = HyperLogLog::of(&[]);
            (0..n).for_each(|key| sketch.insert(start + key));
            let error = (sketch.estimate() - n as f64) / n as f64;
            assert!(error.abs() < 4.0 * 1.04 / (REGISTERS as f64).sqrt(), "{n}: {error}");
            assert!(sketch.is_valid());
        }
        assert_eq!(HyperLogLog::of(&[]).estimate(), 0.0);
    }

    #[test]
    fn merging_equals_inserting_everything() {
        let keys: Vec<u64> = (0..30_000).collect();
        let mut merged = HyperLogLog::of(&keys[..20_000]);
        merged.merge(&HyperLogLog::of(&keys[10_000..]));
        assert_eq!(merged, HyperLogLog::of(&keys));
    }

    #[test]
    fn registers_out_of_range_are_noticed() {
        let mut sketch = HyperLogLog::of(&[1]);
        sketch.registers[3] = LIMIT as u8 + 2;
        assert!(!sketch.is_valid());
        sketch.registers.pop();
        assert!(!HyperLogLog { registers: vec![0; 5] }.is_valid());
    }
}
