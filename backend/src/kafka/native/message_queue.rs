//! Messages of a consumer, taken from librdkafka many at a time.
//!
//! rust-rdkafka hands over one at a time, each in an event of its own, which costs more than to store a line.

use std::{
    ffi::{CStr, CString},
    ptr,
    sync::Arc,
    time::Duration,
};

use rdkafka::{
    Timestamp, bindings as rdsys,
    consumer::{BaseConsumer, Consumer as _, ConsumerContext},
    error::{IsError as _, KafkaError as ClientError},
    message::{Header, OwnedHeaders, OwnedMessage},
    types::RDKafkaRespErr,
};

use super::Owned;

/// The most messages that are taken at once.
const CAPACITY: usize = 1000;

/// The messages of the partitions that were [forwarded](Self::forward) to it; all else that the client has to say
/// still comes from its `poll`.
pub(in crate::kafka) struct MessageQueue<C: ConsumerContext> {
    queue: Owned<rdsys::rd_kafka_queue_t>,
    topic: CString,
    /// Those that were taken; before `next` they are handed out and released.
    messages: Vec<*mut rdsys::rd_kafka_message_t>,
    next: usize,
    /// The message that was handed out last, to be released.
    last: Option<Owned<rdsys::rd_kafka_message_t>>,
    /// After what belongs to it, which must be released first.
    client: Arc<BaseConsumer<C>>,
}

// SAFETY: librdkafka's queues and messages may be used by any thread, one at a time.
unsafe impl<C: ConsumerContext> Send for MessageQueue<C> {}

impl<C: ConsumerContext> MessageQueue<C> {
    /// A queue of `client` for messages of `topic`; `None` when the topic cannot have that name.
    pub(in crate::kafka) fn new(client: Arc<BaseConsumer<C>>, topic: &str) -> Option<Self> {
        let topic = CString::new(topic).ok()?;
        // SAFETY: the client lives as long as `client`, which is released after the queue.
        let queue = unsafe {
            let queue = rdsys::rd_kafka_queue_new(client.client().native_ptr());
            Owned::new(queue, rdsys::rd_kafka_queue_destroy)?
        };
        Some(Self {
            queue,
            topic,
            messages: Vec::with_capacity(CAPACITY),
            next: 0,
            last: None,
            client,
        })
    }

    /// Has the messages of `partition` come from here once it is assigned.
    pub(in crate::kafka) fn forward(&self, partition: i32) {
        let rk = self.client.client().native_ptr();
        // SAFETY: client, name and queue are alive; the partition's queue is released here, once.
        unsafe {
            let queue = rdsys::rd_kafka_queue_get_partition(rk, self.topic.as_ptr(), partition);
            if let Some(queue) = Owned::new(queue, rdsys::rd_kafka_queue_destroy) {
                rdsys::rd_kafka_queue_forward(queue.ptr.as_ptr(), self.queue.ptr.as_ptr());
            }
        }
    }

    /// The next message, or what went wrong in a partition; when there is none, waits for one, `timeout` at most.
    pub(in crate::kafka) fn poll(
        &mut self,
        timeout: Duration,
    ) -> Option<Result<QueuedMessage<'_>, ClientError>> {
        self.last = None;
        if self.is_empty() && self.take(Duration::ZERO, CAPACITY) == 0 && self.take(timeout, 1) == 0
        {
            return None;
        }
        let message = self.messages[self.next];
        self.next += 1;
        // SAFETY: librdkafka gave the message away, and it is released once, as `next` has passed it.
        self.last = unsafe { Owned::new(message, rdsys::rd_kafka_message_destroy) };
        // SAFETY: the message is alive until it is released, which takes this queue mutably.
        let message = unsafe { self.last.as_ref()?.ptr.as_ref() };
        Some(match message.err {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__PARTITION_EOF => {
                Err(ClientError::PartitionEOF(message.partition))
            }
            error if error.is_error() => Err(ClientError::MessageConsumption(error.into())),
            _ => Ok(QueuedMessage(message)),
        })
    }

    /// Whether no message is at hand without asking the client.
    pub(in crate::kafka) fn is_empty(&self) -> bool {
        self.next == self.messages.len()
    }

    /// Forgets the messages that are at hand.
    pub(in crate::kafka) fn clear(&mut self) {
        self.last = None;
        for message in self.messages.drain(self.next..) {
            // SAFETY: librdkafka gave the message away, and it is released once, as it is not in the list any more.
            unsafe { rdsys::rd_kafka_message_destroy(message) };
        }
        self.messages.clear();
        self.next = 0;
    }

    /// Takes up to `count` messages from the client, and tells how many; all before are handed out.
    fn take(&mut self, timeout: Duration, count: usize) -> usize {
        self.clear();
        let timeout = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: there is room for `count` pointers, and as many are written as the result says.
        unsafe {
            let taken = rdsys::rd_kafka_consume_batch_queue(
                self.queue.ptr.as_ptr(),
                timeout,
                self.messages.as_mut_ptr(),
                count.min(self.messages.capacity()),
            );
            self.messages.set_len(usize::try_from(taken).unwrap_or(0));
        }
        self.messages.len()
    }
}

impl<C: ConsumerContext> Drop for MessageQueue<C> {
    fn drop(&mut self) {
        self.clear();
    }
}

/// A message, until the next one is asked for.
#[derive(Clone, Copy)]
pub(in crate::kafka) struct QueuedMessage<'a>(&'a rdsys::rd_kafka_message_t);

impl<'a> QueuedMessage<'a> {
    /// Its partition.
    pub(in crate::kafka) fn partition(self) -> i32 {
        self.0.partition
    }

    /// Its offset.
    pub(in crate::kafka) fn offset(self) -> i64 {
        self.0.offset
    }

    /// Its payload, if it has one.
    pub(in crate::kafka) fn payload(self) -> Option<&'a [u8]> {
        // SAFETY: as librdkafka describes its messages.
        unsafe { bytes(self.0.payload, self.0.len) }
    }

    /// Its timestamp, if it has one.
    pub(in crate::kafka) fn timestamp(self) -> Timestamp {
        let mut kind = rdsys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: the message is alive.
        let millis = unsafe { rdsys::rd_kafka_message_timestamp(self.0, &raw mut kind) };
        use rdsys::rd_kafka_timestamp_type_t::{
            RD_KAFKA_TIMESTAMP_CREATE_TIME, RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME,
            RD_KAFKA_TIMESTAMP_NOT_AVAILABLE,
        };
        match kind {
            RD_KAFKA_TIMESTAMP_NOT_AVAILABLE => Timestamp::NotAvailable,
            _ if millis == -1 => Timestamp::NotAvailable,
            RD_KAFKA_TIMESTAMP_CREATE_TIME => Timestamp::CreateTime(millis),
            RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME => Timestamp::LogAppendTime(millis),
        }
    }

    /// Its headers, names and values, in order.
    pub(in crate::kafka) fn headers(self) -> impl Iterator<Item = (&'a CStr, Option<&'a [u8]>)> {
        let mut headers = ptr::null_mut();
        // SAFETY: the message is alive, and its headers live as long; they are null when it has none.
        unsafe { rdsys::rd_kafka_message_headers(self.0, &raw mut headers) };
        (0..).map_while(move |index| {
            let (mut name, mut value, mut size) = (ptr::null(), ptr::null(), 0);
            // SAFETY: the headers are alive, and the name of one ends in a null byte.
            unsafe {
                let found = (!headers.is_null()).then(|| {
                    rdsys::rd_kafka_header_get_all(
                        headers,
                        index,
                        &raw mut name,
                        &raw mut value,
                        &raw mut size,
                    )
                });
                found
                    .is_some_and(|code| !code.is_error())
                    .then(|| (CStr::from_ptr(name), bytes(value, size)))
            }
        })
    }

    /// A copy that outlives the queue, of the topic `topic`.
    pub(in crate::kafka) fn to_owned(self, topic: &str) -> OwnedMessage {
        // SAFETY: as librdkafka describes its messages.
        let key = unsafe { bytes(self.0.key, self.0.key_len) };
        let headers = self.headers().fold(None, |headers: Option<OwnedHeaders>, (name, value)| {
            let name = name.to_string_lossy();
            Some(headers.unwrap_or_default().insert(Header { key: &name, value }))
        });
        OwnedMessage::new(
            self.payload().map(<[u8]>::to_vec),
            key.map(<[u8]>::to_vec),
            topic.to_owned(),
            self.timestamp(),
            self.partition(),
            self.offset(),
            headers,
        )
    }
}

/// # Safety
/// `ptr` is null, or there are `size` bytes that live as long as `'a`.
unsafe fn bytes<'a, T>(ptr: *const T, size: usize) -> Option<&'a [u8]> {
    // SAFETY: as promised.
    (!ptr.is_null()).then(|| unsafe { std::slice::from_raw_parts(ptr.cast(), size) })
}
