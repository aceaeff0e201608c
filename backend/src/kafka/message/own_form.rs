//! The form in which the producer writes lines, read without a JSON parser: in this order, with nothing escaped and
//! nothing between. It is that of nearly all messages.

use std::borrow::Cow;

use super::{Customer, Text, WireLine, dates::WireDate};
use crate::ingest::fields::{is_price, is_quantity, parse_customer_id};

/// The most digits of a price that are exact in an `f64`, whose quotient by a power of ten is then that nearest to it.
const MAX_DIGITS: usize = 15;
/// The powers of ten by which it may be divided.
const POWERS: [f64; MAX_DIGITS + 1] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// Reads `json`; `None` when it has another form, or is not a line.
pub(super) fn read(json: &str) -> Option<WireLine<'_>> {
    // All bytes at once, which the compiler does many at a time.
    if json.bytes().fold(false, |found, byte| found | (byte < b' ') | (byte == b'\\')) {
        return None;
    }
    let (invoice_no, rest) = text(json.strip_prefix(r#"{"InvoiceNo":""#)?)?;
    let (stock_code, rest) = text(rest.strip_prefix(r#","StockCode":""#)?)?;
    let (description, rest) = text(rest.strip_prefix(r#","Description":""#)?)?;
    let (quantity, rest) = rest.strip_prefix(r#","Quantity":"#)?.split_once(',')?;
    let (invoice_date, rest) = text(rest.strip_prefix(r#""InvoiceDate":""#)?)?;
    let (unit_price, rest) = rest.strip_prefix(r#","UnitPrice":"#)?.split_once(',')?;
    let rest = rest.strip_prefix(r#""CustomerID":"#)?;
    let (customer_id, rest) = match rest.strip_prefix("null") {
        Some(rest) => (None, rest),
        None => {
            let (customer_id, rest) = text(rest.strip_prefix('"')?)?;
            (parse_customer_id(customer_id), rest)
        }
    };
    let (country, rest) = text(rest.strip_prefix(r#","Country":""#)?)?;
    if rest != "}" {
        return None;
    }
    let borrowed = |text| Text(Cow::Borrowed(text));
    Some(WireLine {
        invoice_no: borrowed(invoice_no),
        stock_code: borrowed(stock_code),
        description: Some(borrowed(description)),
        quantity: integer(quantity).filter(|quantity| is_quantity(*quantity))?,
        invoice_date: WireDate::Text(Cow::Borrowed(invoice_date)),
        unit_price: decimal(unit_price).filter(|price| is_price(*price))?,
        customer_id: Customer(customer_id),
        country: borrowed(country),
    })
}

/// Up to the end of a text, and what follows.
fn text(json: &str) -> Option<(&str, &str)> {
    let end = memchr::memchr(b'"', json.as_bytes())?;
    Some((&json[..end], &json[end + 1..]))
}

/// Whether `digits` is how JSON writes a whole number without its sign.
fn is_whole(digits: &str) -> bool {
    let digits = digits.as_bytes();
    digits.iter().all(u8::is_ascii_digit) && (digits.len() == 1 || digits.first() > Some(&b'0'))
}

fn integer(number: &str) -> Option<i64> {
    is_whole(number.strip_prefix('-').unwrap_or(number)).then(|| number.parse().ok())?
}

/// A number without an exponent and of few digits.
fn decimal(number: &str) -> Option<f64> {
    let (sign, number) = number.strip_prefix('-').map_or((1.0, number), |rest| (-1.0, rest));
    let (whole, fraction) = match number.split_once('.') {
        Some((_, "")) => return None,
        Some(parts) => parts,
        None => (number, ""),
    };
    if !is_whole(whole)
        || whole.len() + fraction.len() > MAX_DIGITS
        || !fraction.bytes().all(|byte| byte.is_ascii_digit())
    {
        return None;
    }
    let digits = whole.bytes().chain(fraction.bytes());
    let digits = digits.fold(0_u64, |value, digit| 10 * value + u64::from(digit - b'0'));
    Some(sign * (digits as f64 / POWERS[fraction.len()]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tillstream_shared::Line;

    use super::*;
    use crate::kafka::encode;

    fn same(own: &WireLine<'_>, other: &WireLine<'_>) -> bool {
        let text = |text: &Text<'_>| text.0.clone().into_owned();
        let texts = |line: &WireLine<'_>| {
            let description = line.description.as_ref().map(text).unwrap_or_default();
            let customer = line.customer_id.0.clone().map(Cow::into_owned);
            let [invoice, code, country] =
                [&line.invoice_no, &line.stock_code, &line.country].map(text);
            (invoice, code, country, description, customer, format!("{:?}", line.invoice_date))
        };
        texts(own) == texts(other)
            && own.quantity == other.quantity
            && own.unit_price.to_bits() == other.unit_price.to_bits()
    }

    fn line() -> impl Strategy<Value = Line<'static>> {
        let text = "[ -~]{0,12}|.{0,6}";
        let price = prop_oneof![
            (0_i64..10_000_000, 0..5).prop_map(|(n, k)| n as f64 / 10_f64.powi(k)),
            any::<i32>().prop_map(f64::from),
            -1e15..1e15_f64,
            Just(-0.0),
        ];
        let customer = proptest::option::of("[0-9]{5}|17850\\.0| 1|[ -~]{0,4}");
        (text, text, text, any::<i64>(), price, customer, text).prop_map(
            |(invoice, code, description, quantity, price, customer, country)| Line {
                invoice_no: invoice.into(),
                stock_code: code.into(),
                description: description.into(),
                quantity,
                invoice_date: "2010-12-01 08:26:00".into(),
                unit_price: price,
                customer_id: customer.map(Cow::Owned),
                country: country.into(),
            },
        )
    }

    fn encoded(line: &Line<'_>) -> String {
        let mut json = Vec::new();
        encode(line, &mut json);
        String::from_utf8(json).unwrap()
    }

    proptest! {
        #[test]
        fn it_is_what_the_parser_reads(line in line(), at in any::<prop::sample::Index>(), with in "[ -~]{0,2}|null|,|\"") {
            let json = encoded(&line);
            let mut changed = json.clone();
            let at = at.index(json.len());
            if json.is_char_boundary(at) && json.is_char_boundary(at + 1) {
                changed.replace_range(at..=at, &with);
            }
            for json in [json, changed] {
                if let Some(own) = read(&json) {
                    let parsed = serde_json::from_str(&json);
                    prop_assert!(parsed.is_ok_and(|parsed| same(&own, &parsed)), "{json}");
                }
            }
        }
    }

    #[test]
    fn lines_of_the_data_set_have_it() {
        let mut line = Line {
            invoice_no: "C536379".into(),
            stock_code: "85123A".into(),
            description: "WHITE HANGING HEART T-LIGHT HOLDER".into(),
            quantity: -6,
            invoice_date: "2010-12-01 08:26:00".into(),
            unit_price: 2.55,
            customer_id: Some("17850".into()),
            country: "United Kingdom".into(),
        };
        for price in [2.55, 0.0, 11062.06, 38970.0, 0.001, -11062.06] {
            line.unit_price = price;
            for customer in [Some("17850".into()), None] {
                line.customer_id = customer;
                let json = encoded(&line);
                let own = read(&json).unwrap();
                assert!(same(&own, &serde_json::from_str(&json).unwrap()), "{json}");
            }
        }
    }

    #[test]
    fn numbers_are_as_strict_as_in_json() {
        for number in ["", "-", "01", "+1", "1e2", "1.", ".5", "1.5.", "inf", "NaN", "1 ", "--1"] {
            assert_eq!((integer(number), decimal(number)), (None, None), "{number}");
        }
        assert_eq!(
            (integer("-12"), integer("0"), integer("9223372036854775808")),
            (Some(-12), Some(0), None)
        );
        assert_eq!(
            (decimal("0.1"), decimal("123456789.012345")),
            (Some(0.1), Some(123_456_789.012_345))
        );
        assert_eq!(decimal("1234567890.123456"), None, "too many digits to be exact");
        assert!(decimal("-0.0").is_some_and(f64::is_sign_negative));
    }
}
