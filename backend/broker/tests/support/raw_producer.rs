//! A raw client that speaks of transactions, of the embedded broker or of Apache Kafka.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use bytes::Bytes;
use kafka_protocol::{
    ResponseError,
    messages::{
        AddOffsetsToTxnRequest, AddPartitionsToTxnRequest, BrokerId, EndTxnRequest, FetchRequest,
        FindCoordinatorRequest, GroupId, InitProducerIdRequest, ListOffsetsRequest,
        OffsetFetchRequest, ProducerId, TransactionalId, TxnOffsetCommitRequest,
        add_partitions_to_txn_request::AddPartitionsToTxnTopic,
        fetch_response::PartitionData,
        list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic},
        offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopics},
        txn_offset_commit_request::{TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic},
    },
    protocol::{Request, StrBytes},
};
use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
};

use super::{
    TIMEOUT, TestBroker, client, eventually,
    raw::{Raw, fetch_from, name, produce_request, transactional_batch},
};

/// A broker to test, and names that nobody else uses on it.
pub struct Target {
    pub address: SocketAddr,
    pub own: Option<TestBroker>,
    /// Topic, transactional id and group.
    pub name: String,
}

impl Target {
    pub async fn start() -> Self {
        let (address, own) = match std::env::var("TILLSTREAM_TEST_KAFKA") {
            Ok(address) => (address.parse().unwrap(), None),
            Err(_) => {
                let broker = TestBroker::start().await;
                (broker.broker.address(), Some(broker))
            }
        };
        let name = format!("tx-{}", uuid::Uuid::new_v4().simple());
        let target = Self { address, own, name };
        let admin: AdminClient<DefaultClientContext> = target.client().create().unwrap();
        let topic = NewTopic::new(&target.name, 1, TopicReplication::Fixed(1));
        let created = admin.create_topics([&topic], &AdminOptions::new()).await.unwrap();
        created.into_iter().next().unwrap().unwrap();
        target
    }

    /// Restarts the broker where it is the test's own.
    pub async fn restart(self) -> Self {
        match self.own {
            None => self,
            Some(broker) => {
                let broker = broker.restart().await;
                Self { address: broker.broker.address(), own: Some(broker), name: self.name }
            }
        }
    }

    pub fn client(&self) -> ClientConfig {
        client(self.address)
    }

    pub async fn raw(&self) -> RawProducer {
        let raw = Raw::connect(self.address).await;
        let mut raw =
            RawProducer { raw, name: self.name.clone(), id: -1, epoch: -1, sequence: 0, v2: false };
        eventually("the coordinator is there", async || raw.find_coordinator().await == 0).await;
        raw
    }
}

/// A transactional producer that sends what it is told, right or wrong.
pub struct RawProducer {
    pub raw: Raw,
    pub name: String,
    pub id: i64,
    pub epoch: i16,
    pub sequence: i32,
    /// Whether it speaks the second protocol of transactions.
    pub v2: bool,
}

pub fn code(error: ResponseError) -> i16 {
    error.code()
}

impl RawProducer {
    pub fn text(&self) -> StrBytes {
        StrBytes::from_string(self.name.clone())
    }

    pub fn transactional_id(&self) -> TransactionalId {
        TransactionalId(self.text())
    }

    pub async fn find_coordinator(&mut self) -> i16 {
        let keys = vec![self.text()];
        let find = FindCoordinatorRequest::default().with_key_type(1).with_coordinator_keys(keys);
        self.raw.call(&find, 4).await.coordinators[0].error_code
    }

    /// Calls again as long as the coordinator is not ready or has another request under way.
    pub async fn call<Q: Request>(
        &mut self,
        request: Q,
        version: i16,
        error: impl Fn(&Q::Response) -> i16,
    ) -> Q::Response {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            let answer = self.raw.call(&request, version).await;
            let retriable = [
                ResponseError::CoordinatorLoadInProgress,
                ResponseError::NotCoordinator,
                ResponseError::ConcurrentTransactions,
            ];
            if !retriable.map(code).contains(&error(&answer)) {
                return answer;
            }
            assert!(Instant::now() < deadline, "never ready: {}", error(&answer));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub async fn init_with(&mut self, claimed: (i64, i16), timeout_ms: i32) -> i16 {
        let init = InitProducerIdRequest::default()
            .with_transactional_id(Some(self.transactional_id()))
            .with_transaction_timeout_ms(timeout_ms)
            .with_producer_id(ProducerId(claimed.0))
            .with_producer_epoch(claimed.1);
        let answer = self.call(init, 4, |answer| answer.error_code).await;
        if answer.error_code == 0 {
            (self.id, self.epoch) = (answer.producer_id.0, answer.producer_epoch);
            self.sequence = 0;
        }
        answer.error_code
    }

    pub async fn init(&mut self) -> i16 {
        self.init_with((-1, -1), 60_000).await
    }

    pub async fn add_partition(&mut self) -> i16 {
        self.add_partitions(&[0]).await[0]
    }

    /// The errors in the order of the partitions.
    pub async fn add_partitions(&mut self, partitions: &[i32]) -> Vec<i16> {
        let topic = AddPartitionsToTxnTopic::default()
            .with_name(name(&self.name))
            .with_partitions(partitions.to_vec());
        let add = AddPartitionsToTxnRequest::default()
            .with_v3_and_below_transactional_id(self.transactional_id())
            .with_v3_and_below_producer_id(ProducerId(self.id))
            .with_v3_and_below_producer_epoch(self.epoch)
            .with_v3_and_below_topics(vec![topic]);
        let answer = self.call(add, 3, |answer| {
            answer.results_by_topic_v3_and_below[0].results_by_partition[0].partition_error_code
        });
        let mut answer = answer.await;
        let results = &mut answer.results_by_topic_v3_and_below[0].results_by_partition;
        results.sort_by_key(|result| result.partition_index);
        results.iter().map(|result| result.partition_error_code).collect()
    }

    pub async fn produce_as(&mut self, version: i16, batch: Bytes) -> i16 {
        let request =
            produce_request(&self.name, batch).with_transactional_id(Some(self.transactional_id()));
        let answer = self.raw.call(&request, version).await;
        answer.responses[0].partition_responses[0].error_code
    }

    /// Sends one record.
    pub async fn produce(&mut self, value: &str) -> i16 {
        let batch = transactional_batch(self.id, self.epoch, self.sequence, &[value]);
        let error = self.produce_as(if self.v2 { 12 } else { 9 }, batch).await;
        if error == 0 {
            self.sequence += 1;
        }
        error
    }

    pub async fn end(&mut self, committed: bool) -> i16 {
        let end = EndTxnRequest::default()
            .with_transactional_id(self.transactional_id())
            .with_producer_id(ProducerId(self.id))
            .with_producer_epoch(self.epoch)
            .with_committed(committed);
        let answer = self.call(end, if self.v2 { 5 } else { 3 }, |answer| answer.error_code).await;
        if self.v2 && answer.error_code == 0 {
            (self.id, self.epoch) = (answer.producer_id.0, answer.producer_epoch);
            self.sequence = 0;
        }
        answer.error_code
    }

    pub async fn add_group(&mut self) -> i16 {
        let add = AddOffsetsToTxnRequest::default()
            .with_transactional_id(self.transactional_id())
            .with_producer_id(ProducerId(self.id))
            .with_producer_epoch(self.epoch)
            .with_group_id(GroupId(self.text()));
        self.call(add, 3, |answer| answer.error_code).await.error_code
    }

    pub async fn commit_offset(&mut self, offset: i64) -> i16 {
        self.commit_offset_as("", -1, offset).await
    }

    pub async fn commit_offset_as(&mut self, member: &str, generation: i32, offset: i64) -> i16 {
        let partition = TxnOffsetCommitRequestPartition::default().with_committed_offset(offset);
        let topic = TxnOffsetCommitRequestTopic::default()
            .with_name(name(&self.name))
            .with_partitions(vec![partition]);
        let commit = TxnOffsetCommitRequest::default()
            .with_transactional_id(self.transactional_id())
            .with_producer_id(ProducerId(self.id))
            .with_producer_epoch(self.epoch)
            .with_group_id(GroupId(self.text()))
            .with_generation_id(generation)
            .with_member_id(StrBytes::from_string(member.to_owned()))
            .with_topics(vec![topic]);
        let answer = self.raw.call(&commit, if self.v2 { 5 } else { 3 }).await;
        answer.topics[0].partitions[0].error_code
    }

    /// The group's offset and the error.
    pub async fn group_offset(&mut self, stable: bool) -> (i64, i16) {
        let topic = OffsetFetchRequestTopics::default()
            .with_name(name(&self.name))
            .with_partition_indexes(vec![0]);
        let group = OffsetFetchRequestGroup::default()
            .with_group_id(GroupId(self.text()))
            .with_topics(Some(vec![topic]));
        let fetch =
            OffsetFetchRequest::default().with_groups(vec![group]).with_require_stable(stable);
        let answer = self.raw.call(&fetch, 8).await;
        let partition = &answer.groups[0].topics[0].partitions[0];
        (partition.committed_offset, partition.error_code)
    }

    pub async fn fetch(&mut self, offset: i64, isolation: i8) -> PartitionData {
        let request = fetch_from(&[(&self.name, offset)]);
        let request = request.with_isolation_level(isolation).with_max_wait_ms(0);
        self.raw.call::<FetchRequest>(&request, 12).await.responses[0].partitions[0].clone()
    }

    /// Everything that there is; a response need not hold it all.
    pub async fn fetch_all(&mut self, isolation: i8) -> Vec<u8> {
        let end = self.latest(isolation).await;
        let (mut offset, mut all) = (0, Vec::new());
        while offset < end {
            let records = self.fetch(offset, isolation).await.records.unwrap();
            assert!(!records.is_empty(), "nothing at {offset}");
            for batch in batches(&records) {
                offset = i64::from_be_bytes(batch[..8].try_into().unwrap())
                    + i64::from(i32::from_be_bytes(batch[23..27].try_into().unwrap()))
                    + 1;
            }
            all.extend_from_slice(&records);
        }
        all
    }

    pub async fn latest(&mut self, isolation: i8) -> i64 {
        self.list(-1, isolation).await
    }

    /// The offset for a timestamp, or for one of Kafka's numbers below 0.
    pub async fn list(&mut self, timestamp: i64, isolation: i8) -> i64 {
        let partition = ListOffsetsPartition::default().with_timestamp(timestamp);
        let topic = ListOffsetsTopic::default()
            .with_name(name(&self.name))
            .with_partitions(vec![partition]);
        let list = ListOffsetsRequest::default()
            .with_replica_id(BrokerId(-1))
            .with_isolation_level(isolation)
            .with_topics(vec![topic]);
        self.raw.call(&list, 5).await.topics[0].partitions[0].offset
    }
}

/// The batches one by one.
pub fn batches(mut records: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let length = records.get(8..12)?;
        let size = 12 + u32::from_be_bytes(length.try_into().unwrap()) as usize;
        let (batch, rest) = records.split_at(size);
        records = rest;
        Some(batch)
    })
}
