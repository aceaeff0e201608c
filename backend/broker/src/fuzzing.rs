//! What the crate's tests and its fuzz targets (`fuzz/`) both run; not part of the library.

#![allow(clippy::unwrap_used, missing_docs)]

use std::{cell::RefCell, sync::Arc};

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::ApiKey;
use tempfile::TempDir;
use tokio::{runtime::Runtime, sync::oneshot};
use tokio_util::sync::CancellationToken;

use crate::{
    api::{self, APIS},
    config::BrokerConfig,
    context::{Context, Node},
    log,
    topic_settings::TopicSettings,
    wire::Request,
};

/// A node keeps what requests leave there; after so many the next one begins anew.
const REQUESTS_PER_NODE: usize = 500;

/// A node that answers frames, without a socket. No request waits for more data, or for others.
pub(crate) struct Target {
    context: Context,
    _dir: TempDir,
}

impl Target {
    /// With a topic `t` of two partitions.
    pub(crate) async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let stop = CancellationToken::new();
        let (config, until) = (BrokerConfig::new(dir.path()), stop.clone());
        let (sender, _closed) = oneshot::channel();
        let node = tokio::task::spawn_blocking(move || {
            let node = Node::open(config, until, sender).unwrap();
            node.topics.create("t", 2, TopicSettings::default()).unwrap();
            node
        });
        let address = "127.0.0.1:9092".parse().unwrap();
        let node = Arc::new(node.await.unwrap());
        stop.cancel();
        Self { context: Context { node, local_addr: address, client_addr: address }, _dir: dir }
    }

    /// Whether the frame was understood and answered.
    pub(crate) async fn answer(&self, frame: Bytes) -> bool {
        let Ok(request) = Request::parse(frame, api::is_supported) else { return false };
        let Ok(pending) = api::dispatch(self.context.clone(), request).await else { return false };
        pending.await.is_ok()
    }
}

/// A frame with a valid header of a client without a name.
pub(crate) fn frame(api: ApiKey, version: i16, body: &[u8]) -> Bytes {
    let mut frame = BytesMut::new();
    frame.put_i16(api as i16);
    frame.put_i16(version);
    frame.put_i32(1);
    frame.put_i16(-1);
    if api.request_header_version(version) >= 2 {
        frame.put_u8(0);
    }
    frame.put_slice(body);
    frame.freeze()
}

/// Answers or refuses any bytes. The first two choose API and version of a frame whose body is the
/// rest; from 128 on, the rest is the whole frame.
pub fn request(bytes: &[u8]) {
    thread_local! {
        static STATE: RefCell<(Runtime, Option<Target>, usize)> = RefCell::new((runtime(), None, 0));
    }
    let [first, second, rest @ ..] = bytes else { return };
    let frame = if *first < 128 {
        let (api, oldest, newest) = APIS[usize::from(*first) % APIS.len()];
        frame(api, oldest + i16::from(*second) % (newest - oldest + 1), rest)
    } else {
        Bytes::copy_from_slice(rest)
    };
    STATE.with_borrow_mut(|(runtime, target, requests)| {
        if requests.is_multiple_of(REQUESTS_PER_NODE) {
            *target = None;
        }
        *requests += 1;
        let target = target.get_or_insert_with(|| runtime.block_on(Target::start()));
        runtime.block_on(target.answer(frame));
    });
}

/// Opens a log of which a part was replaced by any bytes.
pub fn recovery(bytes: &[u8]) {
    thread_local! {
        static STATE: (Runtime, log::damage::Original) = {
            let runtime = runtime();
            let original = runtime.block_on(log::damage::Original::new());
            (runtime, original)
        };
    }
    STATE.with(|(runtime, original)| runtime.block_on(async { original.damage(bytes) }));
}

/// Compacts a log that was filled as the bytes decide, and holds it against a model.
pub fn compaction(bytes: &[u8]) {
    let mut bytes = bytes.iter();
    let choose = |limit: u64| bytes.next().map(|byte| u64::from(*byte) % limit);
    runtime().block_on(log::compaction_model::run(choose));
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

#[cfg(test)]
mod tests {
    #[test]
    fn logs_with_parts_replaced_at_random_are_read_or_refused() {
        let mut state = 1_u64;
        let mut below = |limit: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % limit
        };
        for _ in 0..300 {
            let input: Vec<u8> = (0..3 + below(90)).map(|_| below(256) as u8).collect();
            super::recovery(&input);
        }
    }
}
