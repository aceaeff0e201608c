//! An embedded Kafka broker: one node that speaks Kafka's protocol on a socket and keeps its log in a
//! folder. It needs no JVM, no ZooKeeper and no container, so it serves a single machine, and as a
//! real Kafka for anybody's tests. Any Kafka client can connect.
//!
//! The log holds Kafka's own record batches byte for byte; `acks=all` means on disk, and consumers
//! see nothing that is not. Transactions are Kafka's own. There is no access control and there are no
//! replicas.
//!
//! # Example
//!
//! A broker on a free port with its log in a temporary folder, one message in and out again:
//!
//! ```
//! use std::time::Duration;
//!
//! use rdkafka::{
//!     ClientConfig, Message,
//!     consumer::{Consumer, StreamConsumer},
//!     producer::{FutureProducer, FutureRecord},
//! };
//! use tillstream_broker::{Broker, BrokerConfig};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let dir = tempfile::tempdir()?;
//! let broker = Broker::start(BrokerConfig::new(dir.path())).await?;
//! let mut client = ClientConfig::new();
//! client.set("bootstrap.servers", broker.address().to_string());
//!
//! let producer: FutureProducer = client.create()?;
//! let record = FutureRecord::to("greetings").key("en").payload("hello");
//! producer.send(record, Duration::from_secs(10)).await.map_err(|(error, _)| error)?;
//!
//! let consumer: StreamConsumer =
//!     client.set("group.id", "readers").set("auto.offset.reset", "earliest").create()?;
//! consumer.subscribe(&["greetings"])?;
//! assert_eq!(consumer.recv().await?.payload(), Some(&b"hello"[..]));
//!
//! // Before the broker, or the consumer would wait for it to leave its group.
//! drop(consumer);
//! broker.shutdown().await?;
//! # Ok(())
//! # }
//! ```

mod api;
mod config;
mod context;
mod disk;
mod error;
mod fault_points;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod groups;
mod log;
mod pattern;
mod producer_ids;
mod server;
mod topic_settings;
mod topics;
mod transactions;
mod wire;

use std::{io, net::SocketAddr, sync::Arc};

use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};
use tokio_util::sync::{CancellationToken, DropGuard};

pub use config::BrokerConfig;
pub use error::BrokerError;
pub use fault_points::{FAULT_FSYNC_MS, FaultPoints};

use context::Node;

/// A running broker. Dropped without [`Broker::shutdown`] it stops in the background.
#[derive(Debug)]
pub struct Broker {
    node: Arc<Node>,
    address: SocketAddr,
    server: JoinHandle<()>,
    stop: DropGuard,
    closed: oneshot::Receiver<()>,
}

impl Broker {
    /// Opens the folder, finds the logs again and listens. When it returns, clients can connect.
    ///
    /// # Errors
    /// [`BrokerError::Lock`] when another process uses the folder, [`BrokerError::AddressInUse`]
    /// when another program listens on the address, [`BrokerError::CorruptLog`] and the like when the
    /// folder holds something else than a broker left there.
    ///
    /// # Panics
    /// Outside a Tokio runtime with time and I/O enabled.
    pub async fn start(config: BrokerConfig) -> Result<Self, BrokerError> {
        let listen = config.listen;
        let listener = TcpListener::bind(listen).await.map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => BrokerError::AddressInUse(listen),
            _ => BrokerError::Listen { address: listen, source },
        })?;
        let address = listener
            .local_addr()
            .map_err(|source| BrokerError::Listen { address: listen, source })?;
        let stop = CancellationToken::new();
        // Ends the tasks started so far when something below fails.
        let guard = stop.clone().drop_guard();
        let (dir, stopped) = (config.dir.clone(), stop.clone());
        let (sender, closed) = oneshot::channel();
        let node = tokio::task::spawn_blocking(move || Node::open(config, stopped, sender))
            .await
            .map_err(|error| BrokerError::Io { path: dir, source: error.into() })??;
        let node = Arc::new(node);
        let retention = Arc::clone(&node).run_retention();
        let until = stop.clone();
        tokio::spawn(async move { until.run_until_cancelled(retention).await });
        let (compaction, until) = (Arc::clone(&node).run_compaction(), stop.clone());
        tokio::spawn(async move { until.run_until_cancelled(compaction).await });
        let (timers, until) = (Arc::clone(&node), stop.clone());
        tokio::spawn(async move {
            until.run_until_cancelled(timers.transactions.run_timers(&timers)).await
        });
        let server = tokio::spawn(server::run(listener, Arc::clone(&node)));
        tracing::info!(%address, "the broker is listening");
        Ok(Self { node, address, server, stop: guard, closed })
    }

    /// Where clients connect; with port 0 asked for, the port that was taken.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` completes, and then shuts down.
    ///
    /// # Errors
    /// Those of [`Self::shutdown`], and [`BrokerError::Ended`] when it cannot serve any more before.
    pub async fn run_until(mut self, stop: impl Future<Output = ()>) -> Result<(), BrokerError> {
        tokio::select! {
            () = stop => self.shutdown().await,
            ended = &mut self.server => Err(BrokerError::Ended(match ended {
                Ok(()) => "it stopped accepting connections".to_owned(),
                Err(error) => error.to_string(),
            })),
        }
    }

    /// Takes no more requests, answers those under way, flushes everything and closes. When it
    /// returns, the folder is free for another broker.
    ///
    /// # Errors
    /// [`BrokerError::Unflushed`] when the disk failed; what was acknowledged with `acks=all` is
    /// there all the same.
    pub async fn shutdown(self) -> Result<(), BrokerError> {
        let Self { node, server, stop, closed, .. } = self;
        drop(stop);
        // A server task that panicked has ended too.
        drop(server.await);
        let flushed = node.topics.close().await;
        drop(node);
        // Nothing is ever sent: it ends when the sender is dropped.
        drop(closed.await);
        flushed
    }
}
