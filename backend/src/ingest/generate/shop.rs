//! Who buys what: the customers and products of a seed, with how often each comes.

use rand::{Rng, seq::SliceRandom};
use rand_distr::{Distribution, weighted::WeightedAliasIndex};

use super::{LogNormal, names};

/// As many as the real data set has.
const PRODUCTS: usize = 4_070;
/// A few more than the real data set has, for some do not come within as many lines.
const CUSTOMERS: usize = 4_800;
/// Customer numbers run from here, with gaps.
const FIRST_CUSTOMER: usize = 12_346;
const LAST_CUSTOMER: usize = 18_287;
/// Five-digit stock codes run from here, with gaps.
const FIRST_CODE: usize = 15_000;
const LAST_CODE: usize = 90_000;
/// Prices before they are drawn to a price point, in pence.
const PENCE: LogNormal = LogNormal { median: 200.0, sigma: 0.9 };

/// The countries of the real data set, with the lines of each as weights; the first is home.
pub(super) const COUNTRIES: [(&str, u32); 38] = [
    ("United Kingdom", 495_478),
    ("Germany", 9_495),
    ("France", 8_557),
    ("EIRE", 8_196),
    ("Spain", 2_533),
    ("Netherlands", 2_371),
    ("Belgium", 2_069),
    ("Switzerland", 2_002),
    ("Portugal", 1_519),
    ("Australia", 1_259),
    ("Norway", 1_086),
    ("Italy", 803),
    ("Channel Islands", 758),
    ("Finland", 695),
    ("Cyprus", 622),
    ("Sweden", 462),
    ("Unspecified", 446),
    ("Austria", 401),
    ("Denmark", 389),
    ("Japan", 358),
    ("Poland", 341),
    ("Israel", 297),
    ("USA", 291),
    ("Hong Kong", 288),
    ("Singapore", 229),
    ("Iceland", 182),
    ("Canada", 151),
    ("Greece", 146),
    ("Malta", 127),
    ("United Arab Emirates", 68),
    ("European Community", 61),
    ("RSA", 58),
    ("Lebanon", 45),
    ("Lithuania", 35),
    ("Brazil", 32),
    ("Czech Republic", 30),
    ("Bahrain", 19),
    ("Saudi Arabia", 10),
];
/// The rank of the customer that lives in the country of index 1, and the steps to the following
/// ones: every country has at least one customer, but none of the most faithful.
const ABROAD: (usize, usize) = (300, 25);

/// Prices that tills know, in pence.
const PRICE_POINTS: [u32; 64] = [
    4, 6, 10, 12, 14, 19, 21, 25, 29, 36, 39, 42, 50, 55, 65, 72, 79, 83, 85, 95, 104, 125, 145,
    149, 163, 165, 169, 185, 195, 208, 210, 225, 246, 255, 275, 295, 325, 339, 345, 375, 395, 413,
    415, 425, 465, 495, 545, 595, 625, 675, 695, 765, 795, 825, 850, 895, 995, 1095, 1275, 1495,
    1695, 1995, 2495, 2995,
];

/// A product.
#[derive(Debug)]
pub(super) struct Product {
    pub(super) code: String,
    pub(super) description: String,
    /// Base price.
    pub(super) pence: f64,
}

/// A customer.
#[derive(Debug)]
pub(super) struct Customer {
    pub(super) id: String,
    /// Index in [`COUNTRIES`].
    pub(super) country: usize,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Shop {
    products: Vec<Product>,
    product_ranks: WeightedAliasIndex<f64>,
    customers: Vec<Customer>,
    customer_ranks: WeightedAliasIndex<f64>,
}

impl Shop {
    pub(super) fn new(rng: &mut impl Rng) -> Self {
        let products = (some_of(FIRST_CODE..LAST_CODE, PRODUCTS, rng).into_iter())
            .map(|number| Product {
                code: match rng.random_range(0..16) {
                    letter @ 0..5 => format!("{number}{}", char::from(b'A' + letter)),
                    _ => number.to_string(),
                },
                description: names::description(rng),
                pence: PENCE.sample(rng),
            })
            .collect();
        let homes = alias(COUNTRIES.map(|(_, lines)| f64::from(lines)).into());
        let customers = (some_of(FIRST_CUSTOMER..LAST_CUSTOMER + 1, CUSTOMERS, rng).into_iter())
            .enumerate()
            .map(|(rank, number)| Customer {
                id: number.to_string(),
                country: pinned_country(rank).unwrap_or_else(|| homes.sample(rng)),
            })
            .collect();
        Self {
            products,
            product_ranks: zipf(PRODUCTS, 22.0, 0.75),
            customers,
            customer_ranks: zipf(CUSTOMERS, 1.0, 0.75),
        }
    }

    pub(super) fn sample_product(&self, rng: &mut impl Rng) -> &Product {
        &self.products[self.product_ranks.sample(rng)]
    }

    /// The index of a customer.
    pub(super) fn sample_customer(&self, rng: &mut impl Rng) -> usize {
        self.customer_ranks.sample(rng)
    }

    pub(super) fn customer(&self, index: usize) -> &Customer {
        &self.customers[index]
    }
}

/// `count` different numbers of `range` in random order.
fn some_of(range: std::ops::Range<usize>, count: usize, rng: &mut impl Rng) -> Vec<usize> {
    let mut numbers: Vec<usize> = range.collect();
    let (chosen, _) = numbers.partial_shuffle(rng, count);
    chosen.to_vec()
}

/// The country that the customer of this rank has to live in so that none is left out.
fn pinned_country(rank: usize) -> Option<usize> {
    let (first, step) = ABROAD;
    let steps = rank.checked_sub(first)?;
    (steps % step == 0 && steps / step + 1 < COUNTRIES.len()).then_some(steps / step + 1)
}

/// Zipf-Mandelbrot over ranks 1 to `n`: weight (rank + shift)^-exponent.
fn zipf(n: usize, shift: f64, exponent: f64) -> WeightedAliasIndex<f64> {
    alias((1..=n).map(|rank| libm::pow(rank as f64 + shift, -exponent)).collect())
}

/// Sampling in constant time; all weights here are positive constants.
fn alias(weights: Vec<f64>) -> WeightedAliasIndex<f64> {
    WeightedAliasIndex::new(weights).expect("positive finite weights")
}

/// The price point nearest to `pence`; beyond the last, whole fives.
pub(super) fn price_point(pence: f64) -> u32 {
    let last = PRICE_POINTS[PRICE_POINTS.len() - 1];
    if pence > f64::from(last) {
        return (pence / 500.0).round() as u32 * 500 - 5;
    }
    let above = PRICE_POINTS.partition_point(|point| f64::from(*point) < pence);
    let (below, above) = (PRICE_POINTS[above.saturating_sub(1)], PRICE_POINTS[above]);
    if pence - f64::from(below) < f64::from(above) - pence { below } else { above }
}
