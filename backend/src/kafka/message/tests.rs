use proptest::prelude::*;

use super::*;
use crate::ingest::DateOrder;
use crate::ingest::csv_lines::{BatchReader, write_header, write_line};

/// A message with nothing in it that could be left out.
const MINIMAL: &str = r#"{"InvoiceNo":"1","StockCode":"A","Quantity":1,"InvoiceDate":"2010-12-01 08:26:00","UnitPrice":1,"Country":"F"}"#;

fn line() -> Line<'static> {
    Line {
        invoice_no: "536365".into(),
        stock_code: "85123A".into(),
        description: "WHITE \"HEART\" NaN".into(),
        quantity: 6,
        invoice_date: "2010-12-01 08:26:00".into(),
        unit_price: 2.55,
        customer_id: Some("17850".into()),
        country: "United Kingdom".into(),
    }
}

/// Dates of any day.
fn any_day() -> MessageOptions {
    MessageOptions { dates: "0001-01-01..9999-12-31".parse().unwrap(), ..MessageOptions::default() }
}

fn parsed_with(
    options: MessageOptions,
    payload: impl AsRef<[u8]>,
) -> Result<Line<'static>, InvalidMessage> {
    let dates = MessageDates::new(options);
    parse(payload.as_ref(), &mut Vec::new(), &dates).map(Line::into_owned)
}

fn parsed(payload: impl AsRef<[u8]>) -> Result<Line<'static>, InvalidMessage> {
    parsed_with(any_day(), payload)
}

/// [`MINIMAL`] with another text in one place.
#[track_caller]
fn changed(from: &str, to: &str) -> Result<Line<'static>, InvalidMessage> {
    assert_eq!(MINIMAL.matches(from).count(), 1, "{from}");
    parsed(MINIMAL.replace(from, to))
}

#[test]
fn what_is_sent_is_read_again() {
    let mut json = Vec::new();
    encode(&line(), &mut json);
    let json = String::from_utf8(json).unwrap();
    assert_eq!(
        json,
        r#"{"InvoiceNo":"536365","StockCode":"85123A","Description":"WHITE \"HEART\" NaN","Quantity":6,"InvoiceDate":"2010-12-01 08:26:00","UnitPrice":2.55,"CustomerID":"17850","Country":"United Kingdom"}"#
    );
    assert_eq!(parsed(&json), Ok(line()));
    let anonymous = Line { customer_id: None, ..line() };
    let mut json = Vec::new();
    encode(&anonymous, &mut json);
    let json = String::from_utf8(json).unwrap();
    assert!(json.contains(r#""CustomerID":null"#), "{json}");
    assert_eq!(parsed(&json), Ok(anonymous));
}

#[test]
fn other_producers_are_understood() {
    let strings = r#"{"InvoiceNo": "536365", "StockCode": "85123A", "Description": "WHITE \"HEART\" NaN", "Quantity": "6", "InvoiceDate": "12/1/2010 8:26", "UnitPrice": "2.55", "CustomerID": "17850.0", "Country": "United Kingdom"}"#;
    assert_eq!(parsed(strings), Ok(line()));
    let numbers = r#"{"Invoice": 536365, "StockCode": "85123A", "Description": "WHITE \"HEART\" NaN", "Quantity": 6.0, "InvoiceDate": "2010-12-01T08:26:00Z", "Price": 2.55, "Customer ID": 17850.0, "Country": "United Kingdom", "Extra": 1}"#;
    assert_eq!(parsed(numbers), Ok(line()));
    let pandas = r#"{"InvoiceNo": "536365", "StockCode": 22139, "Description": NaN, "Quantity": 6, "InvoiceDate": "12/1/2010 8:26", "UnitPrice": 3, "CustomerID": NaN, "Country": "United Kingdom"}"#;
    let read = parsed(pandas).unwrap();
    assert_eq!((&*read.stock_code, &*read.description, read.unit_price), ("22139", "", 3.0));
    assert_eq!((read.customer_id, &*read.invoice_date), (None, "2010-12-01 08:26:00"));
    for missing in [r#""""#, "null", r#""NaN""#, "NaN", "-Infinity"] {
        let json = strings.replace(r#""17850.0""#, missing);
        assert_eq!(parsed(json).unwrap().customer_id, None, "{missing}");
    }
    assert_eq!(changed("}", r#","Discount":Infinity}"#), parsed(MINIMAL));
}

#[test]
fn json_of_a_schema_registry_is_decoded_and_other_encodings_are_named() {
    let framed = |body: &[u8]| [b"\x00\x00\x00\x00\x2a", body].concat();
    assert_eq!(parsed(framed(MINIMAL.as_bytes())), parsed(MINIMAL));
    let nan = MINIMAL.replace("}", r#","CustomerID":NaN}"#);
    assert_eq!(parsed(framed(nan.as_bytes())), parsed(MINIMAL));
    for (body, reason) in [
        (b"\x02\x31\x02A\x02".as_slice(), "it is Avro with the schema 42 of a schema registry"),
        (b"\x00\x0a\x011", "it is Protobuf with the schema 42 of a schema registry"),
        (b"{\"InvoiceNo\":", "EOF while parsing"),
        (b"hello", "expected value"),
    ] {
        let error = parsed(framed(body)).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
    for payload in [[b"\x00", MINIMAL.as_bytes()].concat(), vec![0], vec![0; 8]] {
        let error = parsed(&payload).unwrap_err().to_string();
        assert!(error.starts_with("expected value at line 1 column 1"), "{payload:?}: {error}");
    }
}

#[test]
fn invalid_messages_are_refused_with_a_reason() {
    assert!(parsed(MINIMAL).is_ok());
    for (from, to, reason) in [
        (MINIMAL, "", "EOF"),
        (MINIMAL, "hello", "expected"),
        (MINIMAL, "[1]", "invalid"),
        (MINIMAL, "NaN", "invalid type: null"),
        ("}", "}}", "trailing characters"),
        (r#""StockCode":"A","#, "", "missing field `StockCode`"),
        (r#""Quantity":1"#, r#""Quantity":1,"Quantity":1"#, "duplicate field `Quantity`"),
        (r#""Quantity":1"#, r#""Quantity":1,"Price":1"#, "duplicate field `UnitPrice`"),
        (r#""Quantity":1"#, r#""Quantity":[[1]]"#, "sequence"),
        (r#""Quantity":1"#, r#""Quantity":"many""#, "Quantity `many` is not a whole number"),
        (r#""UnitPrice":1"#, r#""UnitPrice":true"#, "true"),
        (r#""UnitPrice":1"#, r#""UnitPrice":{}"#, "map"),
        (r#""Country":"F""#, r#""Country":null"#, "a text is null"),
        ("2010-12-01 08:26:00", "yesterday", "InvoiceDate `yesterday` is not a date"),
        ("2010-12-01 08:26:00", "13/12/2010 8:26", "InvoiceDate `13/12/2010 8:26` is not a date"),
        (r#""2010-12-01 08:26:00""#, r#""1291191960000""#, "InvoiceDate `1291191960000`"),
        (r#""2010-12-01 08:26:00""#, "null", "InvoiceDate is null"),
    ] {
        let error = changed(from, to).unwrap_err().to_string();
        assert!(error.contains(reason), "{to}: {error}");
    }
}

#[test]
fn a_date_may_be_milliseconds_and_nothing_else_that_is_counted() {
    let date = |number: &str| {
        let read = changed(r#""2010-12-01 08:26:00""#, number);
        read.map(|line| line.invoice_date.into_owned()).map_err(|error| error.to_string())
    };
    for (number, expected) in [
        ("1291191960000", "2010-12-01 08:26:00"),
        ("1291191960999", "2010-12-01 08:26:00"),
        ("1.29119196e12", "2010-12-01 08:26:00"),
        ("315532800000", "1980-01-01 00:00:00"),
        ("4133980799999", "2100-12-31 23:59:59"),
    ] {
        assert_eq!(date(number).as_deref(), Ok(expected), "{number}");
    }
    for (number, what) in [
        ("1291191960", "seconds"),
        ("1291191960000000", "microseconds"),
        ("1291191960000000000", "nanoseconds"),
        ("14944", "days"),
        ("201012010826", "digits of a date"),
        ("20101201082600", "digits of a date"),
        ("315532799999", "before 1980"),
        ("4133980800000", "after 2100"),
        ("0", "unknown"),
        ("-1", "unknown"),
        ("9223372036854775807", "the largest"),
    ] {
        let error = date(number).unwrap_err();
        assert!(error.contains("is not in milliseconds since 1970"), "{what}: {error}");
    }
    for number in ["1291191960000.5", "1e300", "18446744073709551615"] {
        assert!(date(number).unwrap_err().contains("is not a date"), "{number}");
    }
}

#[test]
fn dates_are_normalised_in_the_order_of_the_topic_or_are_invalid() {
    let date = |order: Option<DateOrder>, date: &str| {
        let options = MessageOptions { date_order: order, ..MessageOptions::default() };
        let message = MINIMAL.replace(r#""2010-12-01 08:26:00""#, date);
        parsed_with(options, message).map(|line| line.invoice_date.into_owned())
    };
    use DateOrder::{DayFirst, MonthFirst};
    for (order, text, expected) in [
        (None, r#""12/9/2011 12:50""#, "2011-12-09 12:50:00"),
        (None, r#""9.12.2011 12:50""#, "2011-12-09 12:50:00"),
        (None, r#"" 12-9-2011 12:50""#, "2011-12-09 12:50:00"),
        (None, r#""2011-12-09T12:50:00Z""#, "2011-12-09 12:50:00"),
        (None, r#""12\/9\/2011 12:50""#, "2011-12-09 12:50:00"),
        (None, "1323435000000", "2011-12-09 12:50:00"),
        (Some(DayFirst), r#""9/12/2011 12:50""#, "2011-12-09 12:50:00"),
        (Some(DayFirst), r#""9-12-2011 12:50""#, "2011-12-09 12:50:00"),
        (Some(MonthFirst), r#""12.9.2011 12:50""#, "2011-12-09 12:50:00"),
        (Some(DayFirst), r#""2011-12-09 12:50:00""#, "2011-12-09 12:50:00"),
    ] {
        assert_eq!(date(order, text).as_deref(), Ok(expected), "{text} {order:?}");
    }
    for (order, text, reason) in [
        (None, r#""not a date""#, "InvoiceDate `not a date` is not a date"),
        (None, r#""""#, "InvoiceDate `` is not a date"),
        (Some(DayFirst), r#""12/13/2011""#, "InvoiceDate `12/13/2011` is not a date"),
        (
            None,
            r#""2099-01-01 00:00:00""#,
            "InvoiceDate `2099-01-01 00:00:00` is outside of 1970-01-01..",
        ),
        (None, r#""0201-12-09 12:50:00""#, "is outside of"),
        (None, "4102444800000", "InvoiceDate `2100-01-01 00:00:00` is outside of"),
    ] {
        let error = date(order, text).unwrap_err().to_string();
        assert!(error.contains(reason), "{text}: {error}");
    }
}

#[test]
fn codes_are_trimmed_and_texts_have_no_nul() {
    let read = parsed(MINIMAL.replace(r#""A""#, r#"" A ""#).replace(r#""F""#, r#""F\t""#)).unwrap();
    assert_eq!((&*read.stock_code, &*read.country), ("A", "F"));
    for (from, to, reason) in [
        (r#""A""#, r#""A\u0000""#, "StockCode has a NUL character"),
        ("}", r#","Description":"\u0000"}"#, "Description has a NUL character"),
        (r#""A""#, r##""#REF!""##, "StockCode `#REF!` is the error of a spreadsheet"),
    ] {
        assert_eq!(changed(from, to).unwrap_err().to_string(), reason);
    }
    assert_eq!(changed("}", r##","CustomerID":"#N/A"}"##), parsed(MINIMAL));
}

#[test]
fn the_envelope_of_kafka_connect_is_opened() {
    let schema = r#"{"type":"struct","fields":[{"type":"string","optional":false,"field":"InvoiceNo"},{"type":"int32","optional":false,"field":"Quantity"},{"type":"int64","optional":false,"name":"org.apache.kafka.connect.data.Timestamp","version":1,"field":"InvoiceDate"},{"type":"double","optional":false,"field":"UnitPrice"}],"optional":false,"name":"lines"}"#;
    let sealed =
        |schema: &str, payload: &str| format!(r#"{{"schema":{schema},"payload":{payload}}}"#);
    let millis = MINIMAL.replace(r#""2010-12-01 08:26:00""#, "1291191960000");
    for schema in [schema, "null", "{}", "[1]", r#""lines""#] {
        assert_eq!(parsed(sealed(schema, &millis)), parsed(MINIMAL), "{schema}");
    }
    assert_eq!(parsed(format!(r#"{{"payload":{millis},"schema":null}}"#)), parsed(MINIMAL));
    let nan = MINIMAL.replace("}", r#","CustomerID":NaN}"#);
    assert_eq!(parsed(sealed(schema, &nan)), parsed(MINIMAL));
    let framed = [b"\x00\x00\x00\x00\x2a", sealed(schema, &millis).as_bytes()].concat();
    assert_eq!(parsed(framed), parsed(MINIMAL));
    // A line with fields of these names is a line.
    let other = MINIMAL.replace("}", r#","schema":1,"payload":{"Quantity":7}}"#);
    assert_eq!(parsed(other), parsed(MINIMAL));

    let decimal = r#"{"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","version":1,"parameters":{"scale":"2"},"field":"UnitPrice"}"#;
    let decimal = format!(r#"{{"type":"struct","fields":[{decimal}]}}"#);
    let base64 = MINIMAL.replace(r#""UnitPrice":1"#, r#""UnitPrice":"1234""#);
    for (message, reason) in [
        (sealed(schema, "null"), "invalid type: null"),
        (sealed(schema, "{}"), "missing field `InvoiceNo`"),
        (
            sealed(schema, &MINIMAL.replace(r#""Quantity":1"#, r#""Quantity":1.5"#)),
            "Quantity `1.5`",
        ),
        (sealed(schema, &sealed(schema, MINIMAL)), "missing field `InvoiceNo`"),
        (sealed(&decimal, &base64), "UnitPrice is a Decimal as bytes"),
        (format!(r#"{{"payload":{MINIMAL}}}"#), "missing field `InvoiceNo`"),
    ] {
        let error = parsed(&message).unwrap_err().to_string();
        assert!(error.contains(reason), "{message}: {error}");
    }
}

#[test]
fn numbers_are_taken_exactly_or_not_at_all() {
    let quantity = |number: &str| changed(r#""Quantity":1"#, &format!(r#""Quantity":{number}"#));
    for (number, expected) in [
        ("9007199254740992", 1 << 53),
        ("-9007199254740992", -(1 << 53)),
        ("9007199254740992.0", 1 << 53),
        ("1e3", 1000),
        ("-0.0", 0),
    ] {
        assert_eq!(quantity(number).map(|line| line.quantity), Ok(expected), "{number}");
    }
    for (number, reason) in [
        ("9007199254740993", "Quantity `9007199254740993` is not a whole number within ±2^53"),
        ("9223372036854775807", "is not a whole number within ±2^53"),
        ("\"-9007199254740993\"", "is not a whole number within ±2^53"),
        ("9223372036854775808", "Quantity `9223372036854775808` is not a whole number"),
        ("-9223372036854775809", "is not a whole number"),
        ("123456789012345678.0", "is not a whole number"),
        ("1.5", "Quantity `1.5` is not a whole number"),
        ("1e400", "number out of range"),
        ("\"1e400\"", "is not a whole number"),
        ("NaN", "Quantity is null"),
        ("\"NaN\"", "Quantity `NaN` is not a whole number"),
        ("-Infinity", "Quantity is null"),
    ] {
        let error = quantity(number).unwrap_err().to_string();
        assert!(error.contains(reason), "{number}: {error}");
    }
    let price = |number: &str| changed(r#""UnitPrice":1"#, &format!(r#""UnitPrice":{number}"#));
    for (number, expected) in [("-9007199254740992", -(2f64.powi(53))), ("\"1e2\"", 100.0)] {
        assert_eq!(price(number).map(|line| line.unit_price), Ok(expected), "{number}");
    }
    for (number, reason) in [
        ("1e16", "UnitPrice `10000000000000000` is not a number within ±2^53"),
        ("9223372036854775807", "UnitPrice `9223372036854776000` is not"),
        ("1e400", "number out of range"),
        ("\"1e400\"", "UnitPrice `1e400` is not a number within ±2^53"),
        ("NaN", "UnitPrice is null"),
        ("Infinity", "UnitPrice is null"),
        ("\"Infinity\"", "UnitPrice `Infinity` is not a number within ±2^53"),
    ] {
        let error = price(number).unwrap_err().to_string();
        assert!(error.contains(reason), "{number}: {error}");
    }
    let stock_code = |number: &str| changed(r#""A""#, number).map(|line| line.stock_code);
    assert_eq!(stock_code("18446744073709551615").unwrap(), "18446744073709551615");
    assert_eq!(stock_code("22139.0").unwrap(), "22139");
    let error = stock_code("18446744073709551616").unwrap_err().to_string();
    assert!(error.contains("is not exact"), "{error}");
}

#[test]
fn depth_costs_nothing() {
    let nested = format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
    assert_eq!(changed("}", &format!(r#","Extra":{nested}}}"#)), parsed(MINIMAL));
    for invalid in [
        nested.clone(),
        "[".repeat(1_000_000),
        r#"{"Extra":"#.repeat(1_000_000),
        MINIMAL.replace(r#""A""#, &nested),
    ] {
        assert!(parsed(&invalid).is_err(), "{}", &invalid[..20]);
    }
}

#[test]
fn texts_are_utf_8() {
    let replaced = |from: &str, to: &[u8]| {
        let at = MINIMAL.find(from).unwrap();
        let (before, after) = (&MINIMAL.as_bytes()[..at], &MINIMAL.as_bytes()[at + from.len()..]);
        parsed([before, to, after].concat())
    };
    for (from, to, reason) in [
        (r#""F""#, b"\"Z\xfcrich\"".as_slice(), "it is not UTF-8"),
        ("}", b",\"Extra\":\"\xff\"}", "it is not UTF-8"),
        (r#""F""#, b"\"\\ud800\"", "unexpected end of hex escape"),
        (r#""F""#, b"\"\x01\"", "control character"),
    ] {
        let error = replaced(from, to).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
    let country = replaced(r#""F""#, "\"Z\u{fc}rich \\ud83d\\ude00\"".as_bytes()).unwrap().country;
    assert_eq!(country, "Z\u{fc}rich \u{1f600}");
}

#[test]
fn long_reasons_are_cut_between_characters() {
    let text = format!("\"{}\"", "ü".repeat(300_000));
    let reason = parsed(&text).unwrap_err().to_string();
    assert!((MAX_REASON - 1..=MAX_REASON).contains(&reason.len()), "{}", reason.len());
    assert!(reason.starts_with("invalid type: string \"üü"), "{}", &reason[..40]);
}

/// Any line that the program itself may send.
fn any_line() -> impl Strategy<Value = Line<'static>> {
    let text =
        || prop_oneof!["\\PC{0,12}", any::<String>().prop_map(|text| text.replace('\0', ""))];
    let code = || text().prop_map(|text| text.trim().to_owned());
    let customer = prop::option::of("[0-9]{1,6}|[A-Z][0-9]{1,4}|\\PC{1,5}");
    let customer = customer.prop_map(|id| Some(parse_customer_id(&id?)?.into_owned()));
    let date = (1900_u32..2100, 1_u32..=12, 1_u32..=28, 0_u32..24, 0_u32..60).prop_map(
        |(year, month, day, hour, minute)| {
            format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:00")
        },
    );
    let any_price = any::<f64>().prop_filter("a price", |price| is_price(*price));
    let price = prop_oneof![-100.0..1e6, any_price];
    let texts = (code(), code(), text(), code());
    (texts, -(1_i64 << 53)..=1 << 53, date, price, customer).prop_map(
        |((invoice_no, stock_code, description, country), quantity, date, price, customer)| Line {
            invoice_no: invoice_no.into(),
            stock_code: stock_code.into(),
            description: description.into(),
            quantity,
            invoice_date: date.into(),
            unit_price: price,
            customer_id: customer.map(Into::into),
            country: country.into(),
        },
    )
}

/// Any value of a field, in JSON or nearly so.
fn any_value() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| number.to_string()),
        any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
        "-?[0-9]{1,25}(\\.[0-9]{0,3})?([eE][+-]?[0-9]{1,3})?",
        "\"[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}[T ]?[0-9:]{0,8}\"",
        prop::sample::select(vec!["null", "NaN", "-Infinity", "true", "[]", "{}", "\"NaN\"", ""])
            .prop_map(str::to_owned),
    ]
}

/// Bytes that are nearly a message: its fields with any values, then a few bytes cut out or replaced.
fn nearly_a_message() -> impl Strategy<Value = Vec<u8>> {
    let values = prop::collection::vec(prop::option::weighted(0.3, any_value()), 8);
    let damage = prop::option::weighted(0.3, (any::<prop::sample::Index>(), any::<Option<u8>>()));
    let frame = prop::option::weighted(0.2, any::<u32>());
    (values, damage, frame).prop_map(|(values, damage, frame)| {
        let good = ["1", "\"A\"", "\"\"", "1", "\"12/1/2010 8:26\"", "1.5", "NaN", "\"F\""];
        let field = |(index, value): (usize, Option<String>)| {
            let value = value.unwrap_or_else(|| good[index].to_owned());
            format!("\"{}\":{value}", Line::COLUMNS[index])
        };
        let fields: Vec<_> = values.into_iter().enumerate().map(field).collect();
        let mut bytes = format!("{{{}}}", fields.join(",")).into_bytes();
        if let Some((at, byte)) = damage {
            let at = at.index(bytes.len());
            match byte {
                Some(byte) => bytes[at] = byte,
                None => drop(bytes.remove(at)),
            }
        }
        let frame = frame.map(|id| [vec![0], id.to_be_bytes().to_vec()].concat());
        [frame.unwrap_or_default(), bytes].concat()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_line_that_is_sent_is_read_again(line in any_line()) {
        let mut json = Vec::new();
        encode(&line, &mut json);
        prop_assert_eq!(parsed(json), Ok(line));
    }

    #[test]
    fn any_bytes_are_a_line_that_can_be_stored_or_have_a_reason(
        payload in prop_oneof![
            4 => nearly_a_message(),
            1 => prop::collection::vec(any::<u8>(), 0..200),
        ],
    ) {
        match parsed(&payload) {
            Err(reason) => prop_assert!((1..=MAX_REASON).contains(&reason.to_string().len())),
            Ok(line) => {
                let mut csv = Vec::new();
                write_header(&mut csv);
                write_line(&mut csv, &line);
                let mut reader = BatchReader::new(csv.as_slice(), "batch").unwrap();
                prop_assert_eq!(reader.next().unwrap().unwrap(), line);
                prop_assert!(reader.next().is_none());
            }
        }
    }
}
