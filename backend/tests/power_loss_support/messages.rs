//! What the topic holds: endless, and known without being kept.

use tillstream::batch::Provenance;
use tillstream_shared::Line;

pub const PARTITIONS: i32 = 3;

/// What a message is to the consumer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Line,
    DeadLetter,
    Repeated,
    Empty,
}

/// In each partition lines and messages without lines take turns, so that some batches have none.
pub fn kind(partition: i32, offset: i64) -> Kind {
    match (offset / 6 + i64::from(partition)) % 3 {
        0 | 1 => Kind::Line,
        _ => [Kind::DeadLetter, Kind::Repeated, Kind::Empty][offset as usize % 3],
    }
}

/// How many messages of a kind lie at `offsets`.
pub fn count(kind_of: Kind, partition: i32, offsets: std::ops::Range<i64>) -> u64 {
    offsets.filter(|offset| kind(partition, *offset) == kind_of).count() as u64
}

pub fn line(partition: i32, offset: i64) -> Line<'static> {
    Line {
        invoice_no: partition.to_string().into(),
        stock_code: offset.to_string().into(),
        description: "WHITE HANGING HEART T-LIGHT HOLDER".into(),
        quantity: 1 + offset * offset % 23,
        invoice_date: "2010-12-01 08:26:00".into(),
        unit_price: 0.5 + (offset % 11) as f64,
        customer_id: Some((offset % 9).to_string().into()),
        country: ["France", "Spain", "Italy", "Malta"][offset as usize % 4].into(),
    }
}

/// Where a line lies in the topic.
pub fn place(line: &Line<'_>) -> (i32, i64) {
    (line.invoice_no.parse().unwrap(), line.stock_code.parse().unwrap())
}

pub fn provenance() -> Provenance {
    let (cluster_id, topic_id) = (Some("cluster".into()), Some("topic".into()));
    Provenance { cluster_id, topic: "retail_stream".into(), topic_id }
}
