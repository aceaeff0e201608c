//! Ten thousand messages that are no lines, among as many that are.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use rand::{
    Rng, SeedableRng,
    rngs::StdRng,
    seq::{IndexedRandom, SliceRandom},
};
use rdkafka::Message;
use support::{
    assert_offsets_are_covered_once,
    broker::{Kafka, on_both_brokers},
    good,
    kafka::{headers, messages, send},
    manifests, stored_rows,
};
use tillstream_shared::Manifest;

const GOOD: usize = 10_000;
const POISON: usize = 10_000;
const EMPTY: usize = 100;
/// One poisonous message in so many is huge.
const HUGE_EVERY: usize = 500;
/// Below what a topic takes by default, so that the dead letter keeps its payload.
const HUGE: usize = 900_000;

/// What a message is meant to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Good,
    Poison,
    Empty,
}

/// A field of a message and its value.
type Field = (&'static str, String);

/// A line in one of the ways in which producers write it.
fn fields(invoice: usize, random: &mut StdRng) -> Vec<Field> {
    let mut choose = |values: &[&str]| (*values.choose(random).unwrap()).to_owned();
    vec![
        (
            "InvoiceNo",
            choose(&["\"N\"", "N", "N.0"]).replace('N', &(500_000 + invoice).to_string()),
        ),
        ("StockCode", "\"85123A\"".to_owned()),
        ("Description", choose(&["\"\"", "null", "NaN"])),
        ("Quantity", choose(&["6", "\"6\"", "6.0", "\"6.0\""])),
        ("InvoiceDate", choose(&["\"2010-12-01 08:26:00\"", "\"12/1/2010 8:26\""])),
        ("UnitPrice", choose(&["2.55", "\"2.55\"", "255e-2"])),
        ("CustomerID", choose(&["\"17850\"", "17850", "17850.0", "\"17850.0\""])),
        ("Country", "\"United \\u004bingdom\"".to_owned()),
    ]
}

fn row(invoice: usize) -> String {
    let invoice = 500_000 + invoice;
    format!("{invoice},85123A,,6,2010-12-01 08:26:00,2.55,17850,United Kingdom\n")
}

fn json(fields: &[Field]) -> Vec<u8> {
    let fields: Vec<_> =
        fields.iter().map(|(name, value)| format!("\"{name}\": {value}")).collect();
    format!("{{{}}}", fields.join(", ")).into_bytes()
}

/// What a schema registry's serializers put before a message.
fn framed(body: &[u8]) -> Vec<u8> {
    [b"\x00\x00\x00\x01\x02", body].concat()
}

fn good_message(invoice: usize, random: &mut StdRng) -> Vec<u8> {
    let mut fields = fields(invoice, random);
    if random.random_bool(0.01) {
        let depth = random.random_range(1..10_000);
        fields.push(("Extra", "[".repeat(depth) + &"]".repeat(depth)));
    }
    let json = json(&fields);
    if random.random_bool(0.1) { framed(&json) } else { json }
}

/// The `n`th message that is no line.
fn poison(n: usize, random: &mut StdRng) -> Vec<u8> {
    let huge = n.is_multiple_of(HUGE_EVERY);
    let length = if huge { HUGE } else { random.random_range(1..300) };
    let mut fields = fields(0, random);
    match n % 13 {
        // Random.
        0 => (0..length).map(|_| random.random()).collect(),
        1 => (0..length).map(|_| random.random_range(b' '..=b'~')).collect(),
        2 => [b"\0".as_slice(), &vec![random.random(); length]].concat(),
        3 => framed(&(0..length).map(|_| random.random_range(1..b' ')).collect::<Vec<u8>>()),
        // Truncated.
        4 => {
            let mut truncated = good_message(0, random);
            truncated.truncate(random.random_range(1..truncated.len()));
            truncated
        }
        // Deeply nested.
        5 => b"[".repeat(length),
        6 => [b"[".repeat(length / 2 + 1), b"]".repeat(length / 2 + 1)].concat(),
        7 => br#"{"InvoiceNo":"#.repeat(length / 16 + 1),
        // Wrongly typed, or without a type that JSON has.
        8 => {
            fields.remove(*[0, 1, 3, 4, 5, 7].choose(random).unwrap());
            json(&fields)
        }
        9 => {
            fields.push(fields.choose(random).unwrap().clone());
            json(&fields)
        }
        10 => {
            let values =
                ["[]", "{\"a\": 1}", "true", "1e999", "-", "'1'", "\"\u{1}\"", "\"\\ud800\""];
            let field = random.random_range(0..fields.len());
            fields[field].1 = (*values.choose(random).unwrap()).to_owned();
            json(&fields)
        }
        11 => {
            let text = "x".repeat(length);
            fields[*[3, 4, 5].choose(random).unwrap()].1 = format!("\"{text}\"");
            json(&fields)
        }
        _ => {
            let numbers =
                ["null", "NaN", "Infinity", "1e308", "\"-inf\"", "\"many\"", "\"\"", "\"1,5\""];
            let quantities = ["1.5", "9223372036854775808", "\"1e300\"", "-1e19", "\"6 pieces\""];
            let dates = ["null", "\"\"", "40513.35", "\"2011-02-29\"", "\"13/13/2010\""];
            let (field, values) =
                *[(3, &numbers[..]), (3, &quantities), (4, &dates), (5, &numbers)]
                    .choose(random)
                    .unwrap();
            fields[field].1 = (*values.choose(random).unwrap()).to_owned();
            json(&fields)
        }
    }
}

on_both_brokers! {
    every_line_is_stored_and_everything_else_is_a_dead_letter,
}

fn every_line_is_stored_and_everything_else_is_a_dead_letter(kafka: Kafka) {
    let random = &mut StdRng::seed_from_u64(20_101_201);
    let mut kinds =
        [vec![Kind::Good; GOOD], vec![Kind::Poison; POISON], vec![Kind::Empty; EMPTY]].concat();
    kinds.shuffle(random);
    let (mut payloads, mut rows, mut poisoned) = (Vec::new(), String::new(), Vec::new());
    for (offset, kind) in kinds.iter().enumerate() {
        payloads.push(match kind {
            Kind::Good => {
                rows.push_str(&row(offset));
                good_message(offset, random)
            }
            Kind::Poison => {
                poisoned.push(offset);
                poison(poisoned.len(), random)
            }
            Kind::Empty => Vec::new(),
        });
    }

    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let broker = kafka.broker();
    let sent: Vec<_> = payloads.iter().map(Vec::as_slice).collect();
    send(&broker, &sent);
    good(&mut broker.tillstream(data, &["consume", "--once", "--batch-size", "1500"]));

    assert!(stored_rows(data) == rows, "other lines are stored than were sent");
    let manifests = manifests(data);
    assert_offsets_are_covered_once(&manifests);
    let sum = |count: fn(&Manifest) -> u64| manifests.iter().map(count).sum::<u64>() as usize;
    assert_eq!(
        (sum(|manifest| manifest.rows), sum(|manifest| manifest.dead_letters)),
        (GOOD, POISON)
    );
    assert_eq!(sum(|manifest| manifest.empty), EMPTY);

    let dead = messages(&broker, &broker.dead_letter_topic(), POISON);
    for (dead, offset) in dead.iter().zip(poisoned) {
        let headers = headers(dead);
        assert_eq!(headers[2], ("offset".to_owned(), offset.to_string()));
        assert!(headers[4].0 == "reason" && !headers[4].1.is_empty(), "{headers:?}");
        assert!(dead.payload() == Some(&payloads[offset]), "{headers:?}");
    }
}
