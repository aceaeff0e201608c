//! A made-up stream that resembles the real one: the same seed gives the same lines, and the first
//! lines of a longer stream are those of a shorter one.

use std::{
    borrow::Cow,
    io::{self, Write},
};

use chrono::{Datelike, Duration, NaiveDate, NaiveDateTime, Timelike, Weekday};
use rand::{Rng, SeedableRng};
use rand_distr::{Distribution, Exp, LogNormal, Zipf};
use rand_xoshiro::Xoshiro256PlusPlus;
use tillstream_shared::Line;

use super::csv_lines::{write_all, write_line};

// The figures below follow the real data set: 4,070 products, 4,372 customers, 38 countries of which
// one has 91 % of the lines, 25,900 receipts of 21 lines, 15 % of them cancellations of two lines,
// 25 % of the lines without a customer.
const PRODUCTS: usize = 4_000;
const CUSTOMERS: f64 = 4_300.0;
const CANCELLED: f64 = 0.15;
const ANONYMOUS: f64 = 0.2;
const AT_HOME: f64 = 0.91;
/// Minutes between two receipts of an open shop.
const MINUTES_BETWEEN: f64 = 7.0;

const COUNTRIES: [&str; 38] = [
    "United Kingdom",
    "Germany",
    "France",
    "EIRE",
    "Spain",
    "Netherlands",
    "Belgium",
    "Switzerland",
    "Portugal",
    "Australia",
    "Norway",
    "Italy",
    "Channel Islands",
    "Finland",
    "Cyprus",
    "Sweden",
    "Unspecified",
    "Austria",
    "Denmark",
    "Japan",
    "Poland",
    "Israel",
    "USA",
    "Hong Kong",
    "Singapore",
    "Iceland",
    "Canada",
    "Greece",
    "Malta",
    "United Arab Emirates",
    "European Community",
    "RSA",
    "Lebanon",
    "Lithuania",
    "Brazil",
    "Czech Republic",
    "Bahrain",
    "Saudi Arabia",
];
const COLOURS: [&str; 10] =
    ["WHITE", "RED", "BLUE", "PINK", "GREEN", "IVORY", "VINTAGE", "RETROSPOT", "SILVER", "BLACK"];
const THINGS: [&str; 20] = [
    "HANGING HEART T-LIGHT HOLDER",
    "LUNCH BAG",
    "CAKE STAND",
    "PARTY BUNTING",
    "ALARM CLOCK",
    "JUMBO BAG",
    "TEA TOWEL",
    "PAPER CHAIN KIT",
    "WATER BOTTLE",
    "NAPKINS",
    "PHOTO FRAME",
    "DOOR MAT",
    "CUSHION COVER",
    "NOTEBOOK, SMALL",
    "CANDLE HOLDER",
    "STORAGE BOX",
    "MUG",
    "WICKER HEART",
    "GIFT WRAP",
    "DOILIES",
];

struct Product {
    code: String,
    description: String,
    price: f64,
}

/// The lines of one seed, without end.
pub(super) struct Generator {
    random: Xoshiro256PlusPlus,
    products: Vec<Product>,
    product: Zipf<f64>,
    customer: Zipf<f64>,
    country: Zipf<f64>,
    basket: LogNormal<f64>,
    quantity: LogNormal<f64>,
    pause: Exp<f64>,
    clock: NaiveDateTime,
    receipt: Receipt,
    receipts: u64,
    current: usize,
    pieces: i64,
}

/// What the lines of one receipt share.
#[derive(Default)]
struct Receipt {
    number: String,
    date: String,
    customer: Option<String>,
    country: &'static str,
    cancels: bool,
    lines_left: u64,
}

/// The parameters of this module's distributions are constants that are valid.
fn valid<D, E: std::fmt::Debug>(distribution: Result<D, E>) -> D {
    match distribution {
        Ok(distribution) => distribution,
        Err(error) => unreachable!("{error:?}"),
    }
}

impl Generator {
    pub(super) fn new(seed: u64) -> Self {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let price = valid(LogNormal::new(0.75, 0.85));
        let products = (0..PRODUCTS)
            .map(|index| Product {
                code: match index % 9 {
                    0 => format!("{}{}", 20_000 + index, char::from(b'A' + (index % 7) as u8)),
                    _ => (20_000 + index).to_string(),
                },
                description: format!(
                    "{} {}",
                    COLOURS[random.random_range(0..COLOURS.len())],
                    THINGS[random.random_range(0..THINGS.len())]
                ),
                // Shop prices end in 5 or 9.
                price: {
                    let pence = (price.sample(&mut random) * 10.0_f64).floor().max(1.0) * 10.0;
                    (pence + if random.random_bool(0.8) { 5.0 } else { 9.0 }) / 100.0
                },
            })
            .collect();
        let opening =
            NaiveDate::from_ymd_opt(2010, 12, 1).and_then(|day| day.and_hms_opt(8, 26, 0));
        Self {
            random,
            products,
            product: valid(Zipf::new(PRODUCTS as f64, 0.7)),
            customer: valid(Zipf::new(CUSTOMERS, 0.6)),
            country: valid(Zipf::new((COUNTRIES.len() - 1) as f64, 1.3)),
            basket: valid(LogNormal::new(2.6, 1.0)),
            quantity: valid(LogNormal::new(1.2, 1.2)),
            pause: valid(Exp::new(1.0 / MINUTES_BETWEEN)),
            clock: opening.unwrap_or_default(),
            receipt: Receipt::default(),
            receipts: 0,
            current: 0,
            pieces: 0,
        }
    }

    /// The next line.
    pub(super) fn line(&mut self) -> Line<'_> {
        if self.receipt.lines_left == 0 {
            self.begin_receipt();
        }
        self.receipt.lines_left -= 1;
        self.current = self.product.sample(&mut self.random) as usize - 1;
        let pieces = self.quantity.sample(&mut self.random).ceil().min(5_000.0) as i64;
        self.pieces = if self.receipt.cancels { -pieces } else { pieces };
        let product = &self.products[self.current];
        Line {
            invoice_no: Cow::Borrowed(&self.receipt.number),
            stock_code: Cow::Borrowed(&product.code),
            description: Cow::Borrowed(&product.description),
            quantity: self.pieces,
            invoice_date: Cow::Borrowed(&self.receipt.date),
            unit_price: product.price,
            customer_id: self.receipt.customer.as_deref().map(Cow::Borrowed),
            country: Cow::Borrowed(self.receipt.country),
        }
    }

    fn begin_receipt(&mut self) {
        let random = &mut self.random;
        let pause = self.pause.sample(random) * 60.0;
        self.clock = next_opening(self.clock + Duration::seconds(pause as i64));
        let cancels = random.random_bool(CANCELLED);
        let number = 536_365 + self.receipts;
        self.receipts += 1;
        let abroad = !random.random_bool(AT_HOME);
        let customer = self.customer.sample(random) as u64;
        let anonymous = !cancels && random.random_bool(ANONYMOUS);
        let lines = if cancels {
            random.random_range(1..=4)
        } else {
            self.basket.sample(random).ceil().min(1_000.0) as u64
        };
        self.receipt = Receipt {
            number: if cancels { format!("C{number}") } else { number.to_string() },
            date: self.clock.format("%Y-%m-%d %H:%M:00").to_string(),
            customer: (!anonymous).then(|| (12_345 + customer).to_string()),
            country: COUNTRIES[if abroad { self.country.sample(random) as usize } else { 0 }],
            cancels,
            lines_left: lines,
        };
    }
}

/// The shop is open from 8 to 18 o'clock, and closed on Saturdays.
fn next_opening(time: NaiveDateTime) -> NaiveDateTime {
    let mut day = time.date();
    if time.hour() >= 18 {
        day += Duration::days(1);
    }
    if day.weekday() == Weekday::Sat {
        day += Duration::days(1);
    }
    match day.and_hms_opt(8, 0, 0) {
        Some(opening) if opening > time => opening,
        _ => time,
    }
}

/// Writes the first `lines` lines of `seed` as CSV, with a header.
///
/// # Errors
/// Whatever `out` reports.
pub fn write_csv(lines: u64, seed: u64, mut out: impl Write) -> io::Result<()> {
    let mut generator = Generator::new(seed);
    let mut left = lines;
    write_all(&mut out, |buffer| {
        if left > 0 {
            write_line(buffer, &generator.line());
        }
        left = left.saturating_sub(1);
        left > 0
    })
}
