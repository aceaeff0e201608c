//! The response to a fetch, encoded by hand: the records in it stay in the log's files, from which they are
//! sent, while the general encoder would copy them.

use std::io;

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::{ResponseError, protocol::StrBytes};
use uuid::Uuid;

use crate::{
    log::{AbortedTransaction, FileSlice},
    wire::{Chunk, Frame, Request},
};

/// The first version in whose encoding lengths are compact and every structure ends in tags.
const COMPACT_SINCE: i16 = 12;
/// The first version that names topics by their ids.
pub(super) const IDS_SINCE: i16 = 13;
/// As little as this is quicker copied than sent from its file.
const MIN_FILE_LEN: usize = 64 << 10;

/// Records of a response.
#[derive(Debug)]
pub(super) enum Records {
    Bytes(Bytes),
    File(FileSlice),
}

impl Default for Records {
    fn default() -> Self {
        Self::Bytes(Bytes::new())
    }
}

impl Records {
    /// Those in a part of the log; reads them if they are few or may not stay in their file. Blocks.
    pub(super) fn of(slice: Option<FileSlice>, may_be_file: bool) -> io::Result<Self> {
        match slice {
            Some(slice) if may_be_file && slice.length >= MIN_FILE_LEN => Ok(Self::File(slice)),
            Some(slice) => slice.read().map(Self::Bytes),
            None => Ok(Self::default()),
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::File(slice) => slice.length,
        }
    }
}

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
    pub(super) records: Records,
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
    /// The length of what is in the chunks.
    sent: usize,
    chunks: Vec<Chunk>,
    /// What follows the chunks.
    bytes: BytesMut,
}

impl Encoder {
    fn new(compact: bool) -> Self {
        Self { compact, sent: 0, chunks: Vec::new(), bytes: BytesMut::with_capacity(512) }
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
        match partition.records {
            Records::Bytes(bytes) => self.bytes.put_slice(&bytes),
            Records::File(slice) => {
                self.end_chunk();
                self.sent += slice.length;
                self.chunks.push(Chunk::File(slice));
            }
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

    fn end_chunk(&mut self) {
        let bytes = self.bytes.split().freeze();
        self.sent += bytes.len();
        self.chunks.push(Chunk::Bytes(bytes));
    }

    fn finish(mut self) -> Frame {
        self.end_chunk();
        let length = Bytes::copy_from_slice(&(self.sent as u32).to_be_bytes());
        self.chunks.insert(0, Chunk::Bytes(length));
        Frame(self.chunks)
    }
}

#[cfg(test)]
mod tests {
    use std::{fs::File, sync::Arc};

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
        let chunk = |chunk| match chunk {
            Chunk::Bytes(bytes) => bytes,
            Chunk::File(slice) => slice.read().unwrap(),
        };
        frame.0.into_iter().map(chunk).collect::<Vec<_>>().concat()
    }

    #[test]
    fn it_is_what_the_general_encoder_makes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("records");
        std::fs::write(&path, [&b"xxx"[..], &[7; 300], b"xxx"].concat()).unwrap();
        let file = Arc::new(File::open(path).unwrap());
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
            let slice = FileSlice { file: Arc::clone(&file), position: 3, length: 300 };
            let error = Some(ResponseError::OffsetOutOfRange);
            let fetched = vec![
                partition(version, "a", 0, Records::File(slice)),
                FetchedPartition {
                    aborted: None,
                    error,
                    ..partition(version, "a", 1, Records::default())
                },
                partition(version, "b", 0, Records::Bytes(Bytes::from_static(b"few"))),
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
                topic("a", vec![expected(0, &[7; 300]), refused]),
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
