//! The response to a fetch, encoded by hand: the records in it are sent as they were read, while the general
//! encoder would copy them.

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::{ResponseError, protocol::StrBytes};
use uuid::Uuid;

use crate::{
    log::AbortedTransaction,
    wire::{Frame, Request},
};

/// The first version in whose encoding lengths are compact and every structure ends in tags.
const COMPACT_SINCE: i16 = 12;
/// The first version that names topics by their ids.
pub(super) const IDS_SINCE: i16 = 13;
/// Fewer bytes are quicker copied than sent by themselves.
const MIN_PART_LEN: usize = 16 << 10;

/// How a request names a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TopicKey {
    Name(StrBytes),
    Id(Uuid),
}

/// What was read from one partition.
#[derive(Debug)]
pub(super) struct FetchedPartition {
    pub(super) topic: TopicKey,
    pub(super) index: i32,
    pub(super) records: Bytes,
    /// None where they were not asked for.
    pub(super) aborted: Option<Vec<AbortedTransaction>>,
    pub(super) error: Option<ResponseError>,
    pub(super) high_watermark: i64,
    pub(super) last_stable_offset: i64,
    pub(super) log_start: i64,
}

/// Encodes the answer to a fetch: what was read of each partition, those of a topic one after the other; or
/// an error of the whole.
pub(super) fn encode(
    request: &Request,
    fetched: Result<Vec<FetchedPartition>, ResponseError>,
) -> Frame {
    let version = request.version;
    let (partitions, error) = match fetched {
        Ok(partitions) => (partitions, 0),
        Err(error) => (Vec::new(), error.code()),
    };
    let mut to = Encoder::new(version >= COMPACT_SINCE);
    to.bytes.put_i32(request.correlation_id);
    to.tags();
    // How long the client is to wait before the next request.
    to.bytes.put_i32(0);
    if version >= 7 {
        to.bytes.put_i16(error);
        // There are no sessions.
        to.bytes.put_i32(0);
    }
    let mut partitions = partitions.into_iter().peekable();
    let mut topics: Vec<Vec<FetchedPartition>> = Vec::new();
    while let Some(first) = partitions.next() {
        let mut topic = vec![first];
        while let Some(next) = partitions.next_if(|next| next.topic == topic[0].topic) {
            topic.push(next);
        }
        topics.push(topic);
    }
    to.length(Some(topics.len()));
    for topic in topics {
        match &topic[0].topic {
            TopicKey::Name(name) => to.text(name),
            TopicKey::Id(id) => to.bytes.put_slice(id.as_bytes()),
        }
        to.length(Some(topic.len()));
        for partition in topic {
            to.partition(version, partition);
        }
        to.tags();
    }
    to.tags();
    to.finish()
}

/// A response in the making.
struct Encoder {
    compact: bool,
    parts: Vec<Bytes>,
    /// What follows the parts.
    bytes: BytesMut,
}

impl Encoder {
    fn new(compact: bool) -> Self {
        Self { compact, parts: Vec::new(), bytes: BytesMut::with_capacity(512) }
    }

    fn partition(&mut self, version: i16, partition: FetchedPartition) {
        self.bytes.put_i32(partition.index);
        self.bytes.put_i16(partition.error.map_or(0, |error| error.code()));
        self.bytes.put_i64(partition.high_watermark);
        self.bytes.put_i64(partition.last_stable_offset);
        if version >= 5 {
            self.bytes.put_i64(partition.log_start);
        }
        self.length(partition.aborted.as_ref().map(Vec::len));
        for aborted in partition.aborted.into_iter().flatten() {
            self.bytes.put_i64(aborted.producer_id);
            self.bytes.put_i64(aborted.first_offset);
            self.tags();
        }
        if version >= 11 {
            // No other replica is to be preferred.
            self.bytes.put_i32(-1);
        }
        self.length(Some(partition.records.len()));
        if partition.records.len() < MIN_PART_LEN {
            self.bytes.put_slice(&partition.records);
        } else {
            let before = self.bytes.split().freeze();
            self.parts.extend([before, partition.records]);
        }
        self.tags();
    }

    /// The length of an array or of bytes; none for null.
    fn length(&mut self, length: Option<usize>) {
        if self.compact {
            let mut left = length.map_or(0, |length| length + 1);
            while left >= 0x80 {
                self.bytes.put_u8(left as u8 | 0x80);
                left >>= 7;
            }
            self.bytes.put_u8(left as u8);
        } else {
            self.bytes.put_i32(length.map_or(-1, |length| length as i32));
        }
    }

    fn text(&mut self, text: &StrBytes) {
        if self.compact {
            self.length(Some(text.len()));
        } else {
            self.bytes.put_i16(text.len() as i16);
        }
        self.bytes.put_slice(text.as_bytes());
    }

    /// No tags.
    fn tags(&mut self) {
        if self.compact {
            self.bytes.put_u8(0);
        }
    }

    fn finish(mut self) -> Frame {
        self.parts.push(self.bytes.freeze());
        let length: usize = self.parts.iter().map(Bytes::len).sum();
        self.parts.insert(0, Bytes::copy_from_slice(&(length as u32).to_be_bytes()));
        Frame(self.parts)
    }
}

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::{
        ApiKey, FetchResponse, ProducerId, TopicName,
        fetch_response::{self, FetchableTopicResponse, PartitionData},
    };

    use super::*;

    fn request(version: i16) -> Request {
        let client_id = String::new();
        Request { api: ApiKey::Fetch, version, correlation_id: 7, client_id, body: Bytes::new() }
    }

    fn joined(frame: Frame) -> Vec<u8> {
        frame.0.concat()
    }

    #[test]
    fn it_is_what_the_general_encoder_makes() {
        let many = [7; MIN_PART_LEN];
        let aborted = AbortedTransaction::new(5, 3);
        let (name, id) = (StrBytes::from_static_str, |topic: &str| {
            Uuid::from_u64_pair(1, topic.as_bytes()[0].into())
        });
        let partition = |version, topic, index, records| FetchedPartition {
            topic: if version < IDS_SINCE {
                TopicKey::Name(name(topic))
            } else {
                TopicKey::Id(id(topic))
            },
            index,
            records,
            aborted: Some(vec![aborted]),
            error: None,
            high_watermark: 9,
            last_stable_offset: 8,
            log_start: 1,
        };
        for version in 4..=18 {
            let error = Some(ResponseError::OffsetOutOfRange);
            let fetched = vec![
                partition(version, "a", 0, Bytes::copy_from_slice(&many)),
                FetchedPartition {
                    aborted: None,
                    error,
                    ..partition(version, "a", 1, Bytes::new())
                },
                partition(version, "b", 0, Bytes::from_static(b"few")),
            ];
            let expected = |index, records: &[u8]| {
                let aborted = fetch_response::AbortedTransaction::default()
                    .with_producer_id(ProducerId(5))
                    .with_first_offset(3);
                PartitionData::default()
                    .with_partition_index(index)
                    .with_high_watermark(9)
                    .with_last_stable_offset(8)
                    .with_log_start_offset(if version >= 5 { 1 } else { -1 })
                    .with_aborted_transactions(Some(vec![aborted]))
                    .with_records(Some(Bytes::copy_from_slice(records)))
            };
            let refused = expected(1, &[])
                .with_error_code(ResponseError::OffsetOutOfRange.code())
                .with_aborted_transactions(None);
            let topic = |topic, partitions| {
                let response = FetchableTopicResponse::default().with_partitions(partitions);
                if version < IDS_SINCE {
                    response.with_topic(TopicName(name(topic)))
                } else {
                    response.with_topic_id(id(topic))
                }
            };
            let topics = vec![
                topic("a", vec![expected(0, &many), refused]),
                topic("b", vec![expected(0, b"few")]),
            ];
            let general = request(version).encode(&FetchResponse::default().with_responses(topics));
            assert_eq!(joined(encode(&request(version), Ok(fetched))), general.unwrap());
            let error = ResponseError::FetchSessionIdNotFound;
            let code = if version >= 7 { error.code() } else { 0 };
            let general = request(version).encode(&FetchResponse::default().with_error_code(code));
            assert_eq!(joined(encode(&request(version), Err(error))), general.unwrap());
        }
    }
}
