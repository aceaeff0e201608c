//! Profiles do not depend on the order of lines or on how they are cut into batches, and agree with a
//! plain reading of their definitions.

#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use tillstream::features::Profiles;
use tillstream_shared::{Entity, Line};

fn line() -> impl Strategy<Value = Line<'static>> {
    let invoice = prop_oneof!["5363[0-9]{2}", "C5363[0-9]{2}", "order-[0-9]{6}"];
    let date = prop_oneof![
        9 => (1_u32..=28, 0_u32..24).prop_map(|(d, h)| format!("2011-12-{d:02} {h:02}:30:00")),
        1 => Just("last Tuesday".to_owned()),
    ];
    let customer = prop::option::weighted(0.8, "[1-6]");
    let quantity = -3_i64..20;
    let price = (-10_i32..2000).prop_map(|pence| f64::from(pence.max(-1)) / 100.0);
    (invoice, "[A-D]", quantity, date, price, customer, "(France|Chile|Peru)").prop_map(
        |(invoice, stock_code, quantity, date, unit_price, customer, country)| Line {
            invoice_no: invoice.into(),
            stock_code: stock_code.into(),
            description: "".into(),
            quantity,
            invoice_date: date.into(),
            unit_price,
            customer_id: customer.map(Into::into),
            country: country.into(),
        },
    )
}

/// Lines, and two ways to cut them.
fn lines() -> impl Strategy<Value = (Vec<Line<'static>>, usize, usize)> {
    prop::collection::vec(line(), 1..120).prop_flat_map(|lines| {
        let n = lines.len();
        (Just(lines), 1..=n, 1..=n)
    })
}

fn profiles<'a>(entity: Entity, lines: impl IntoIterator<Item = &'a Line<'static>>) -> Profiles {
    let mut profiles = Profiles::new(entity);
    lines.into_iter().for_each(|line| profiles.add(line));
    profiles
}

fn merged<'a>(entity: Entity, parts: impl IntoIterator<Item = &'a Profiles>) -> Profiles {
    let mut all = Profiles::new(entity);
    parts.into_iter().for_each(|part| all.merge(part));
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn batches_in_any_order_equal_all_lines_at_once((lines, size, other) in lines()) {
        for entity in Entity::ALL {
            let at_once = profiles(entity, &lines);
            let backwards = profiles(entity, lines.iter().rev());
            prop_assert_eq!(&backwards, &at_once);
            let cut = |size| lines.chunks(size).map(|c| profiles(entity, c)).collect::<Vec<_>>();
            let (batches, others) = (cut(size), cut(other));
            prop_assert_eq!(&merged(entity, &batches), &at_once);
            prop_assert_eq!(&merged(entity, others.iter().rev()), &at_once);
            // (first + rest) = (rest + first), the rest merged on its own before.
            let rest = merged(entity, &batches[1..]);
            prop_assert_eq!(&merged(entity, [&rest, &batches[0]]), &at_once);
            prop_assert_eq!(merged(entity, &batches).to_bytes().unwrap(), at_once.to_bytes().unwrap());
            prop_assert_eq!(Profiles::from_bytes(&at_once.to_bytes().unwrap()).unwrap(), at_once);
        }
    }

    #[test]
    fn every_line_is_counted_once_and_every_number_is_finite((lines, ..) in lines()) {
        for entity in Entity::ALL {
            let profiles = profiles(entity, &lines);
            let mut tables = vec![profiles.table()];
            tables.extend(profiles.rfm_table());
            for table in tables {
                let funnel = table.funnel;
                prop_assert_eq!(funnel.lines, lines.len() as u64);
                let counted = funnel.without_id + funnel.returns + funnel.unpriced + funnel.kept;
                prop_assert_eq!(counted, funnel.lines);
                prop_assert_eq!(table.rows.len(), table.ids.len() * table.features.len());
                prop_assert!(table.rows.iter().chain(&table.values).all(|x| x.is_finite()));
                prop_assert!(table.ids.is_sorted());
                prop_assert!(table.exact.iter().all(|exact| *exact));
                prop_assert_eq!(table.ids.len() + table.without_sale as usize, profiles.len());
            }
        }
    }

    #[test]
    fn customers_are_as_defined((lines, ..) in lines()) {
        let table = profiles(Entity::Customer, &lines).table();
        let day = |line: &Line<'_>| {
            let text = line.invoice_date.strip_prefix("2011-12-")?;
            let day: f64 = text[..2].parse().ok()?;
            Some(day + text[3..5].parse::<f64>().ok()? / 24.0)
        };
        let newest = lines.iter().filter_map(day).fold(0.0, f64::max);
        let oldest = lines.iter().filter_map(day).fold(f64::INFINITY, f64::min);
        let mut expected = BTreeMap::new();
        let ids: BTreeSet<_> = lines.iter().filter_map(|line| line.customer_id.as_deref()).collect();
        for id in ids {
            let own = || lines.iter().filter(|l| l.customer_id.as_deref() == Some(id) && l.unit_price > 0.0);
            let is_sale = |line: &&Line<'_>| line.quantity > 0 && !line.invoice_no.starts_with('C');
            let invoices: BTreeSet<_> = own().filter(is_sale).map(|line| &line.invoice_no).collect();
            if invoices.is_empty() {
                continue;
            }
            let value = |line: &Line<'_>| line.quantity.abs() as f64 * line.unit_price;
            let sold: f64 = own().filter(is_sale).map(value).sum();
            let back: f64 = own().filter(|line| !is_sale(line)).map(value).sum();
            let orders = invoices.len() as f64;
            let days: Vec<f64> = own().filter_map(day).collect();
            let last = days.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let first = days.iter().copied().fold(f64::INFINITY, f64::min);
            let recency = match (days.is_empty(), newest > 0.0) {
                (false, _) => newest - last,
                (true, true) => newest - oldest,
                (true, false) => 0.0,
            };
            let tenure = if days.is_empty() { 0.0 } else { last - first };
            expected.insert(id.to_owned(), [recency, orders, sold - back, sold / orders, tenure]);
        }
        prop_assert_eq!(&table.ids, &expected.keys().cloned().collect::<Vec<_>>());
        for (index, row) in expected.values().enumerate() {
            for (x, y) in table.row(index).iter().zip(row) {
                prop_assert!((x - y).abs() < 1e-9, "{:?} {:?}", table.row(index), row);
            }
            prop_assert!((table.values[index] - row[2]).abs() < 1e-9);
        }
    }
}

fn sale(customer: &'static str, date: &'static str) -> Line<'static> {
    Line {
        invoice_no: "536365".into(),
        stock_code: "A".into(),
        description: "".into(),
        quantity: 2,
        invoice_date: date.into(),
        unit_price: 3.0,
        customer_id: Some(customer.into()),
        country: "France".into(),
    }
}

#[test]
fn recency_is_counted_from_the_newest_line() {
    let lines = [
        sale("early", "2011-12-01 00:00:00"),
        sale("late", "2011-12-09 12:00:00"),
        sale("no date", "12/9/2011 12:00"),
    ];
    let profiles = profiles(Entity::Customer, &lines);
    let table = profiles.table();
    assert_eq!(table.ids, ["early", "late", "no date"]);
    assert_eq!([0, 1, 2].map(|row| table.row(row)[0]), [8.5, 0.0, 8.5]);
    let usual = profiles.rfm_table().unwrap();
    assert_eq!(usual.rows, [9.0, 1.0, 6.0, 1.0, 1.0, 6.0, 9.0, 1.0, 6.0]);
    let undated = self::profiles(Entity::Customer, &[sale("no date", "")]);
    assert_eq!(undated.table().rows, [0.0, 1.0, 6.0, 6.0, 0.0]);
    assert_eq!(undated.rfm_table().unwrap().rows, [1.0, 1.0, 6.0]);
}

#[test]
fn returns_are_taken_off_and_who_only_returns_is_left_out() {
    let date = "2011-12-01 10:00:00";
    let back = Line { invoice_no: "C536379".into(), quantity: -1, ..sale("1", date) };
    let odd = Line { quantity: 1, ..back.clone() };
    let only = Line { customer_id: Some("2".into()), stock_code: "D".into(), ..back.clone() };
    let gift = Line { unit_price: 0.0, ..sale("3", date) };
    let lost = Line { unit_price: 0.0, quantity: -5, customer_id: None, ..sale("3", date) };
    let lines = [sale("1", date), back, odd, only, gift, lost];

    let table = profiles(Entity::Customer, &lines).table();
    assert_eq!((table.ids.as_slice(), table.without_sale), (["1".to_owned()].as_slice(), 2));
    assert_eq!(table.rows, [0.0, 1.0, 0.0, 6.0, 0.0]);
    let funnel = table.funnel;
    assert_eq!((funnel.without_id, funnel.returns, funnel.unpriced, funnel.kept), (1, 1, 1, 3));
    let usual = profiles(Entity::Customer, &lines).rfm_table().unwrap();
    assert_eq!(usual.rows, [1.0, 1.0, 6.0]);
    let funnel = usual.funnel;
    assert_eq!((funnel.without_id, funnel.returns, funnel.unpriced, funnel.kept), (1, 3, 1, 1));

    let table = profiles(Entity::Product, &lines).table();
    assert_eq!((table.ids.as_slice(), table.without_sale), (["A".to_owned()].as_slice(), 1));
    assert_eq!(table.rows, [2.0, 0.0, 1.0, 3.0, 1.0], "two of two pieces came back");
    let table = profiles(Entity::Country, &lines).table();
    assert_eq!(table.rows, [-3.0, 1.0, 1.0, 6.0]);
    assert_eq!(table.values, [-3.0]);
    assert_eq!(profiles(Entity::Country, &lines).rfm_table(), None);
}

#[test]
fn absurd_numbers_do_no_harm() {
    let date = "2011-12-01 10:00:00";
    let absurd = Line { quantity: i64::MAX, unit_price: f64::MAX, ..sale("1", date) };
    let back = Line { quantity: i64::MIN, ..absurd.clone() };
    for entity in Entity::ALL {
        let table = profiles(entity, [&absurd, &absurd, &back, &sale("2", date)]).table();
        assert!(table.rows.iter().all(|x| x.is_finite()), "{:?}", table.rows);
    }
}

#[test]
fn many_orders_are_estimated_and_it_is_said() {
    let mut profiles = Profiles::new(Entity::Country);
    for invoice in 0..20_000 {
        profiles.add(&Line {
            invoice_no: format!("{invoice:06}").into(),
            ..sale("1", "2011-12-01 10:00:00")
        });
    }
    let table = profiles.table();
    assert_eq!((table.features[1].as_str(), table.exact[0]), ("orders", false));
    assert!((table.row(0)[1] / 20_000.0 - 1.0).abs() < 0.03, "{}", table.row(0)[1]);
    assert_eq!(Profiles::from_bytes(&profiles.to_bytes().unwrap()).unwrap(), profiles);
}
