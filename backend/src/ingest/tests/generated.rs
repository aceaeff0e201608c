//! The generated stream.

use std::collections::{BTreeMap, BTreeSet};

use tillstream_shared::Line;

use super::{TestFile, lines, read};
use crate::ingest::{Input, InputSpec, ReadOptions, generate::write_csv};

fn csv(lines: u64, seed: u64) -> Vec<u8> {
    dirty_csv(lines, seed, 0.0)
}

fn dirty_csv(lines: u64, seed: u64, dirt: f64) -> Vec<u8> {
    let mut out = Vec::new();
    write_csv(lines, seed, dirt, &mut out).unwrap();
    out
}

fn generated(count: u64, seed: u64) -> Vec<Line<'static>> {
    let spec = InputSpec::Generated { lines: count, seed };
    let input = Input::open(&spec, &ReadOptions::default()).unwrap();
    assert_eq!(input.source(), format!("generate:{count}:{seed}"));
    lines(input)
}

#[test]
fn the_same_seed_gives_the_same_bytes_everywhere() {
    let digest = blake3::hash(&csv(100_000, 1)).to_hex();
    assert_eq!(&digest[..16], "6f263534a2a92c97");
    assert_ne!(csv(100, 1), csv(100, 2));
}

#[test]
fn a_shorter_stream_is_the_beginning_of_a_longer_one() {
    let long = csv(3_000, 7);
    for count in [0, 1, 999, 3_000] {
        assert!(long.starts_with(&csv(count, 7)), "{count}");
        assert_eq!(csv(count, 7).split(|byte| *byte == b'\n').count() as u64, count + 2);
    }
}

#[test]
fn the_file_holds_the_same_lines_as_the_stream() {
    assert_eq!(lines(TestFile::new("a.csv", csv(5_000, 3)).open()), generated(5_000, 3));
}

#[test]
fn a_dirty_file_holds_the_same_lines_and_rejects() {
    assert_eq!(dirty_csv(1_000, 3, 0.0), csv(1_000, 3));
    for dirt in [0.01, 0.5, 1.0] {
        let file = TestFile::new("a.csv", dirty_csv(20_000, 3, dirt));
        let (found, rejects) = read(file.open());
        let found: Vec<_> = found.into_iter().map(|(_, line)| line).collect();
        let clean = generated(20_000, 3);
        let differ = clean.iter().zip(&found).find(|(clean, found)| clean != found);
        assert_eq!((differ, found.len()), (None, clean.len()), "{dirt}");
        let expected = 20_000.0 * dirt / 2.0;
        assert!((rejects.len() as f64 - expected).abs() < 0.2 * expected, "{}", rejects.len());
    }
}

#[test]
fn an_invoice_has_one_date_customer_and_country_and_time_goes_on() {
    let lines = generated(50_000, 2);
    for pair in lines.windows(2) {
        let [before, after] = pair else { unreachable!() };
        assert!(before.invoice_date <= after.invoice_date);
        if before.invoice_no == after.invoice_no {
            assert_eq!(before.invoice_date, after.invoice_date);
            assert_eq!(before.customer_id, after.customer_id);
            assert_eq!(before.country, after.country);
        }
    }
    let mut prices = BTreeMap::<_, BTreeSet<_>>::new();
    for line in &lines {
        assert_eq!(line.is_cancellation(), line.invoice_no.starts_with('C'));
        assert!(!line.is_cancellation() || line.quantity < 0);
        assert!(line.unit_price >= 0.0 && line.quantity != 0);
        prices
            .entry(&line.stock_code)
            .or_default()
            .insert((line.unit_price * 100.0).round() as i64);
    }
    assert!(prices.values().all(|prices| prices.len() <= 4), "base, bulk, anonymous and none");
}

/// The figures of the real data set, each with the room that a model of it is given.
#[test]
fn the_stream_resembles_the_real_one() {
    let lines = generated(541_909, 1);
    let all = lines.len() as f64;
    let share = |admit: &dyn Fn(&Line<'_>) -> bool| {
        lines.iter().filter(|line| admit(line)).count() as f64 / all
    };
    let quantile = |values: &mut Vec<f64>, p: f64| {
        values.sort_by(f64::total_cmp);
        values[(p * (values.len() - 1) as f64) as usize]
    };
    let distinct = |id: &dyn Fn(&Line<'_>) -> Option<String>| {
        lines.iter().filter_map(id).collect::<BTreeSet<_>>().len() as f64
    };
    let mut baskets = BTreeMap::<&str, f64>::new();
    for line in &lines {
        *baskets.entry(&line.invoice_no).or_default() += 1.0;
    }
    let mut sizes: Vec<f64> = baskets.values().copied().collect();
    let mut quantities: Vec<f64> = lines.iter().map(|line| line.quantity as f64).collect();
    let mut prices: Vec<f64> = lines.iter().map(|line| line.unit_price).collect();
    let mut products = BTreeMap::<&str, f64>::new();
    let mut pairs = BTreeSet::new();
    for line in &lines {
        *products.entry(&line.stock_code).or_default() += 1.0;
        pairs.insert((line.quantity, line.unit_price.to_bits()));
    }
    let top = products.values().copied().fold(0.0, f64::max);

    let mut wrong = Vec::new();
    let mut check = |what: &str, real: f64, room: f64, found: f64| {
        println!("{what:32} {real:>12.4} {found:>12.4}");
        if (found - real).abs() > room {
            wrong.push(format!("{what}: {found}, real {real} ± {room}"));
        }
    };
    check("share without customer", 0.2493, 0.03, share(&|line| line.customer_id.is_none()));
    check("share of cancellations", 0.0171, 0.004, share(&|line| line.is_cancellation()));
    check(
        "share of the first country",
        0.9143,
        0.04,
        share(&|line| line.country == "United Kingdom"),
    );
    check("share of unpriced lines", 0.0046, 0.002, share(&|line| line.unit_price <= 0.0));
    check("share of single pieces", 0.2735, 0.06, share(&|line| line.quantity == 1));
    check("invoices", 25_900.0, 1_500.0, baskets.len() as f64);
    check("basket, median", 10.0, 3.0, quantile(&mut sizes, 0.5));
    check("basket, 95 %", 68.0, 14.0, quantile(&mut sizes, 0.95));
    check("basket, 99 %", 192.0, 60.0, quantile(&mut sizes, 0.99));
    check("quantity, 25 %", 1.0, 1.0, quantile(&mut quantities, 0.25));
    check("quantity, median", 3.0, 1.0, quantile(&mut quantities, 0.5));
    check("quantity, 75 %", 10.0, 2.0, quantile(&mut quantities, 0.75));
    check("quantity, 95 %", 29.0, 9.0, quantile(&mut quantities, 0.95));
    check("quantity, 99 %", 100.0, 30.0, quantile(&mut quantities, 0.99));
    check("price, 25 %", 1.25, 0.4, quantile(&mut prices, 0.25));
    check("price, median", 2.08, 0.5, quantile(&mut prices, 0.5));
    check("price, 75 %", 4.13, 0.9, quantile(&mut prices, 0.75));
    check("price, 95 %", 9.95, 2.0, quantile(&mut prices, 0.95));
    check("price, 99 %", 18.0, 5.0, quantile(&mut prices, 0.99));
    check(
        "customers",
        4_372.0,
        100.0,
        distinct(&|line| line.customer_id.as_deref().map(str::to_owned)),
    );
    check("countries", 38.0, 0.0, distinct(&|line| Some(line.country.to_string())));
    check("products", 4_070.0, 100.0, products.len() as f64);
    check("lines of the first product", 2_313.0, 800.0, top);
    check("distinct quantity and price", 8_394.0, 4_000.0, pairs.len() as f64);
    check("last day", 0.0, 40.0, days_after_the_real_end(&lines[lines.len() - 1]));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Days from the end of the real data set to the date of `line`.
fn days_after_the_real_end(line: &Line<'_>) -> f64 {
    let end = chrono::NaiveDate::from_ymd_opt(2011, 12, 9).unwrap();
    let day: chrono::NaiveDate = line.invoice_date[..10].parse().unwrap();
    (day - end).num_days() as f64
}
