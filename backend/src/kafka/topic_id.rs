//! The id of a topic, which rust-rdkafka does not give: it changes when a topic is deleted and created again
//! under the same name.
//!
//! All of the unsafe code of the program is here: calls of librdkafka's DescribeTopics.
#![allow(unsafe_code, reason = "rust-rdkafka does not wrap DescribeTopics")]

use std::{
    ffi::{CStr, CString},
    ptr::{self, NonNull},
    time::Duration,
};

use rdkafka::{
    bindings as rdsys,
    client::{Client, ClientContext},
    error::IsError as _,
};

/// Something of librdkafka's that is released when dropped.
struct Owned<T> {
    ptr: NonNull<T>,
    release: unsafe extern "C" fn(*mut T),
}

impl<T> Owned<T> {
    /// # Safety
    /// `ptr` is null, or `release` may be called with it, once, and nobody else does.
    unsafe fn new(ptr: *mut T, release: unsafe extern "C" fn(*mut T)) -> Option<Self> {
        NonNull::new(ptr).map(|ptr| Self { ptr, release })
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: `new` was promised that this may be done once.
        unsafe { (self.release)(self.ptr.as_ptr()) }
    }
}

/// The id of `topic` as Kafka's tools print it (URL-safe base64, 22 characters); `None` where the cluster
/// gives none, because its version has none or because it does not answer within `timeout`.
pub(super) fn topic_id<C: ClientContext>(
    client: &Client<C>,
    topic: &str,
    timeout: Duration,
) -> Option<String> {
    let name = CString::new(topic).ok()?;
    let timeout = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
    let mut names = [name.as_ptr()];
    // SAFETY: the client lives as long as `client`; `names` holds one pointer to a string that ends in a
    // null byte, which the collection copies. What is created here is released once, by `Owned`; the queue
    // is created first and so released last, when the event that came from it is gone.
    let (queue, topics, options) = unsafe {
        let rk = client.native_ptr();
        let queue = Owned::new(rdsys::rd_kafka_queue_new(rk), rdsys::rd_kafka_queue_destroy)?;
        let topics = rdsys::rd_kafka_TopicCollection_of_topic_names(names.as_mut_ptr(), 1);
        let topics = Owned::new(topics, rdsys::rd_kafka_TopicCollection_destroy)?;
        let op = rdsys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS;
        let options = rdsys::rd_kafka_AdminOptions_new(rk, op);
        (queue, topics, Owned::new(options, rdsys::rd_kafka_AdminOptions_destroy)?)
    };
    // SAFETY: all four pointers are alive; the request copies topics and options. The event belongs to the
    // caller of the poll.
    let event = unsafe {
        rdsys::rd_kafka_AdminOptions_set_request_timeout(
            options.ptr.as_ptr(),
            timeout,
            ptr::null_mut(),
            0,
        );
        rdsys::rd_kafka_DescribeTopics(
            client.native_ptr(),
            topics.ptr.as_ptr(),
            options.ptr.as_ptr(),
            queue.ptr.as_ptr(),
        );
        let event = rdsys::rd_kafka_queue_poll(queue.ptr.as_ptr(), timeout);
        Owned::new(event, rdsys::rd_kafka_event_destroy)?
    };
    // SAFETY: the event is alive until the end of the function, and the result, its topics, their ids and
    // the text of an id are parts of it. A result of another kind is given as null, and an error has no topics.
    unsafe {
        if rdsys::rd_kafka_event_error(event.ptr.as_ptr()).is_error() {
            return None;
        }
        let result = rdsys::rd_kafka_event_DescribeTopics_result(event.ptr.as_ptr());
        if result.is_null() {
            return None;
        }
        let mut count = 0;
        let descriptions = rdsys::rd_kafka_DescribeTopics_result_topics(result, &raw mut count);
        if count == 0 || descriptions.is_null() {
            return None;
        }
        let description = *descriptions;
        let error = rdsys::rd_kafka_TopicDescription_error(description);
        if !error.is_null() && rdsys::rd_kafka_error_code(error).is_error() {
            return None;
        }
        let id = rdsys::rd_kafka_TopicDescription_topic_id(description);
        let is_zero = id.is_null()
            || (rdsys::rd_kafka_Uuid_most_significant_bits(id) == 0
                && rdsys::rd_kafka_Uuid_least_significant_bits(id) == 0);
        if is_zero {
            return None;
        }
        let text = rdsys::rd_kafka_Uuid_base64str(id);
        if text.is_null() {
            return None;
        }
        CStr::from_ptr(text).to_str().ok().map(url_safe)
    }
}

/// librdkafka writes ids in the other alphabet of base64.
fn url_safe(id: &str) -> String {
    id.replace('+', "-").replace('/', "_")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rdkafka::{
        ClientConfig,
        consumer::{BaseConsumer, Consumer as _},
    };
    use tillstream_broker::{Broker, BrokerConfig};

    use super::*;

    #[test]
    fn ids_are_written_as_kafka_writes_them() {
        assert_eq!(url_safe("z6FgaGQhQHGbJP9i+wT/Bw"), "z6FgaGQhQHGbJP9i-wT_Bw");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn every_topic_has_its_own_and_none_has_none() {
        let folder = tempfile::tempdir().unwrap();
        let broker = Broker::start(BrokerConfig::new(folder.path())).await.unwrap();
        let brokers = broker.address().to_string();
        let ids = tokio::task::spawn_blocking(move || {
            let mut config = ClientConfig::new();
            config.set("bootstrap.servers", brokers).set("allow.auto.create.topics", "true");
            let client: BaseConsumer = config.create().unwrap();
            let timeout = Duration::from_secs(20);
            for topic in ["one", "two"] {
                client.fetch_metadata(Some(topic), timeout).unwrap();
            }
            ["one", "two", "one", "three"].map(|topic| topic_id(client.client(), topic, timeout))
        });
        let [one, two, again, none] = ids.await.unwrap();
        assert_eq!((one.as_ref().map(String::len), &one, &none), (Some(22), &again, &None));
        assert!(two.is_some() && one != two);
        broker.shutdown().await.unwrap();
    }
}
