//! The embedded broker: one node that speaks Kafka's protocol on a socket and keeps its log in a
//! folder, so that Tillstream needs nothing else on one machine and any Kafka client can look in.
//!
//! The log holds Kafka's own record batches byte for byte; `acks=all` means on disk, and consumers
//! see nothing that is not. There are no transactions, no access control and no replicas.
//!
//! Nobody in Tillstream reaches past the protocol: producer and consumer talk to this broker through
//! `rdkafka` and a socket, exactly as they would to Apache Kafka.
//!
//! ```no_run
//! # async fn example() -> Result<(), tillstream::broker::BrokerError> {
//! use tillstream::broker::{Broker, BrokerConfig};
//!
//! let broker = Broker::start(BrokerConfig::new("data/broker")).await?;
//! println!("bootstrap.servers={}", broker.address());
//! broker.shutdown().await?;
//! # Ok(())
//! # }
//! ```

mod api;
mod config;
mod error;
mod groups;
mod log;
mod producer_ids;
mod server;
mod topics;
mod wire;

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    io,
    net::SocketAddr,
    sync::Arc,
    time::SystemTime,
};

use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

pub use config::BrokerConfig;
pub use error::BrokerError;

use crate::durable::FolderLock;
use groups::Groups;
use producer_ids::ProducerIds;
use topics::Topics;

/// Everything that the connections share.
#[derive(Debug)]
struct Node {
    config: BrokerConfig,
    topics: Topics,
    groups: Groups,
    producer_ids: ProducerIds,
    /// Set when the broker is to stop: nothing new is begun, nobody waits for more.
    stop: CancellationToken,
    _lock: FolderLock,
}

impl Node {
    fn open(config: BrokerConfig, stop: CancellationToken) -> Result<Self, BrokerError> {
        let lock = FolderLock::take(&config.dir)?;
        crate::durable::remove_temporaries(&config.dir).map_err(BrokerError::io(&config.dir))?;
        Ok(Self {
            topics: Topics::open(&config)?,
            groups: Groups::open(&config.dir, stop.clone())?,
            producer_ids: ProducerIds::open(&config.dir)?,
            stop,
            _lock: lock,
            config,
        })
    }

    /// Deletes what retention no longer wants, again and again.
    async fn look_after_retention(self: Arc<Self>) {
        loop {
            tokio::time::sleep(self.config.retention_interval).await;
            let node = Arc::clone(&self);
            let work = tokio::task::spawn_blocking(move || {
                for partition in node.topics.all().values().flat_map(|topic| &topic.partitions) {
                    if let Err(error) = partition.retain(SystemTime::now()) {
                        tracing::warn!(
                            partition = partition.name(),
                            "cannot delete old segments ({error}); trying again later"
                        );
                    }
                }
            });
            if work.await.is_err() {
                return;
            }
        }
    }
}

/// A running broker. Dropped without [`Broker::shutdown`] it stops in the background.
#[derive(Debug)]
pub struct Broker {
    node: Arc<Node>,
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl Broker {
    /// Opens the folder, finds the logs again and listens. When it returns, clients can connect.
    ///
    /// # Errors
    /// [`BrokerError::Lock`] when another process uses the folder, [`BrokerError::AddressInUse`]
    /// when another program listens on the address, [`BrokerError::BrokenLog`] and the like when the
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
        let (dir, stopped) = (config.dir.clone(), stop.clone());
        let node = tokio::task::spawn_blocking(move || Node::open(config, stopped))
            .await
            .map_err(|error| BrokerError::Io { path: dir, source: error.into() })??;
        let node = Arc::new(node);
        let retention = Arc::clone(&node).look_after_retention();
        let until = stop.clone();
        tokio::spawn(async move { until.run_until_cancelled(retention).await });
        let server = tokio::spawn(server::run(listener, Arc::clone(&node)));
        tracing::info!(%address, "the broker listens");
        Ok(Self { node, address, server })
    }

    /// Where clients connect; with port 0 asked for, the port that was taken.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more requests, answers those under way, flushes everything and closes.
    ///
    /// # Errors
    /// [`BrokerError::Unflushed`] when the disk failed; what was acknowledged with `acks=all` is
    /// there all the same.
    pub async fn shutdown(mut self) -> Result<(), BrokerError> {
        self.node.stop.cancel();
        // A server task that panicked has ended too.
        drop((&mut self.server).await);
        self.node.topics.close().await
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.node.stop.cancel();
    }
}

/// A name that nothing else has: 128 random bits in hexadecimal.
fn random_id() -> String {
    // The standard library seeds its hashers at random.
    let bits = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", bits(), bits())
}
