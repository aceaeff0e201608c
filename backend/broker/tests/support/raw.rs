//! A client that sends what it is told, right or wrong.

use std::net::SocketAddr;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_protocol::{
    messages::{
        ApiKey, BrokerId, FetchRequest, ProduceRequest, ProduceResponse, RequestHeader,
        ResponseHeader, TopicName,
        fetch_request::{FetchPartition, FetchTopic},
        produce_request::{PartitionProduceData, TopicProduceData},
        produce_response::PartitionProduceResponse,
    },
    protocol::{Decodable, Request, StrBytes, encode_request_header_into_buffer},
    records::{Compression, Record, RecordBatchEncoder, RecordEncodeOptions, TimestampType},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

pub struct Raw {
    pub stream: TcpStream,
    next: i32,
}

impl Raw {
    pub async fn connect(address: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(address).await.unwrap(), next: 0 }
    }

    pub async fn send<Q: Request>(&mut self, request: &Q, version: i16) {
        self.next += 1;
        let header = RequestHeader::default()
            .with_request_api_key(Q::KEY)
            .with_request_api_version(version)
            .with_correlation_id(self.next)
            .with_client_id(Some(StrBytes::from_static_str("raw")));
        let mut body = BytesMut::new();
        encode_request_header_into_buffer(&mut body, &header).unwrap();
        request.encode(&mut body, version).unwrap();
        self.frame(&body).await;
    }

    pub async fn frame(&mut self, body: &[u8]) {
        let mut frame = BytesMut::with_capacity(4 + body.len());
        frame.put_i32(body.len() as i32);
        frame.put_slice(body);
        self.stream.write_all(&frame).await.unwrap();
    }

    pub async fn receive<Q: Request>(&mut self, version: i16) -> Q::Response {
        let mut frame = self.receive_frame().await.expect("an answer");
        let key = ApiKey::try_from(Q::KEY).unwrap();
        ResponseHeader::decode(&mut frame, key.response_header_version(version)).unwrap();
        let response = Q::Response::decode(&mut frame, version).unwrap();
        assert!(!frame.has_remaining(), "the answer has bytes left over");
        response
    }

    /// None when the broker has closed the connection.
    pub async fn receive_frame(&mut self) -> Option<Bytes> {
        let length = self.stream.read_i32().await.ok()?;
        let mut frame = vec![0; length as usize];
        self.stream.read_exact(&mut frame).await.ok()?;
        Some(frame.into())
    }

    pub async fn call<Q: Request>(&mut self, request: &Q, version: i16) -> Q::Response {
        self.send(request, version).await;
        self.receive::<Q>(version).await
    }

    /// Sends one batch to partition 0 with acks=all.
    pub async fn produce(&mut self, topic: &str, batch: Bytes) -> PartitionProduceResponse {
        let request = produce_request(topic, batch);
        let response: ProduceResponse = self.call(&request, 9).await;
        response.responses[0].partition_responses[0].clone()
    }

    pub async fn is_disconnected(&mut self) -> bool {
        let read = tokio::time::timeout(super::TIMEOUT, self.receive_frame());
        read.await.expect("the broker neither answers nor closes the connection").is_none()
    }
}

pub fn produce_request(topic: &str, batch: Bytes) -> ProduceRequest {
    ProduceRequest::default().with_acks(-1).with_timeout_ms(10_000).with_topic_data(vec![
        TopicProduceData::default().with_name(name(topic)).with_partition_data(vec![
            PartitionProduceData::default().with_index(0).with_records(Some(batch)),
        ]),
    ])
}

/// Asks for partition 0 of topic `t`.
pub fn fetch(offset: i64) -> FetchRequest {
    fetch_from(&[("t", offset)])
}

/// Asks for partition 0 of each of the topics.
pub fn fetch_from(topics: &[(&str, i64)]) -> FetchRequest {
    let topic = |&(topic, offset): &(&str, i64)| {
        let partition =
            FetchPartition::default().with_fetch_offset(offset).with_partition_max_bytes(1 << 20);
        FetchTopic::default().with_topic(name(topic)).with_partitions(vec![partition])
    };
    FetchRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_max_bytes(1 << 20)
        .with_topics(topics.iter().map(topic).collect())
}

pub fn name(topic: &str) -> TopicName {
    TopicName(StrBytes::from_string(topic.to_owned()))
}

/// A batch of records with these values, sent by a producer as its number `sequence` on.
pub fn batch(producer: i64, epoch: i16, sequence: i32, values: &[&str]) -> Bytes {
    encode(false, producer, epoch, sequence, values)
}

/// The same as part of a transaction.
pub fn transactional_batch(producer: i64, epoch: i16, sequence: i32, values: &[&str]) -> Bytes {
    encode(true, producer, epoch, sequence, values)
}

fn encode(transactional: bool, producer: i64, epoch: i16, sequence: i32, values: &[&str]) -> Bytes {
    let records = values.iter().enumerate().map(|(i, value)| Record {
        transactional,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: -1,
        producer_id: producer,
        producer_epoch: epoch,
        timestamp_type: TimestampType::Creation,
        offset: i as i64,
        sequence: if sequence < 0 { sequence } else { sequence + i as i32 },
        timestamp: 1_700_000_000_000 + i as i64,
        key: None,
        value: Some(Bytes::copy_from_slice(value.as_bytes())),
        headers: Default::default(),
    });
    let records: Vec<Record> = records.collect();
    let options = RecordEncodeOptions { version: 2, compression: Compression::None };
    let mut bytes = BytesMut::new();
    RecordBatchEncoder::encode(&mut bytes, &records, &options).unwrap();
    bytes.freeze()
}
