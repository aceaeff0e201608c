//! An S3-compatible server that tests can cut off, by `script/s3`.

use std::{
    io,
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    process::{Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread,
};

use object_store::{
    ObjectStore,
    aws::{AmazonS3, AmazonS3Builder},
};
use tillstream::{
    batch::{BatchStore, Catalogue, ObjectFolder, read_lines},
    ingest::csv_lines::write_line,
};
use tillstream_shared::Manifest;
use uuid::Uuid;

use super::Running;

/// The only bucket.
const BUCKET: &str = "tillstream";

/// A server with one bucket, stopped when dropped or when this process ends.
pub struct S3Server {
    gate: Gate,
    _running: Running,
}

impl S3Server {
    #[track_caller]
    pub fn start() -> Self {
        let mut script = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../script/s3"));
        let running = Running::start(script.stdin(Stdio::piped()), "http://");
        Self { gate: Gate::open_to(running.announced.parse().unwrap()), _running: running }
    }

    /// Makes `command` use the server.
    pub fn serve<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        self.gate.serve(command)
    }

    /// Another way to it.
    pub fn another_gate(&self) -> Gate {
        Gate::open_to(self.gate.server)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.gate.address
    }

    /// A place for batches that no other test uses.
    pub fn place(&self) -> S3Place {
        S3Place { prefix: Uuid::new_v4().to_string(), address: self.gate.address }
    }

    /// From now on nobody can connect, and connections are cut.
    pub fn go_down(&self) {
        self.gate.close();
    }

    /// It answers again, with all that it held.
    pub fn come_up(&self) {
        self.gate.open();
    }
}

/// Makes `command` use the S3-compatible server at `address`, with some credentials.
pub fn use_endpoint(command: &mut Command, address: SocketAddr) -> &mut Command {
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_")) {
        command.env_remove(name);
    }
    command.envs([
        ("AWS_ENDPOINT", format!("http://{address}").as_str()),
        ("AWS_ALLOW_HTTP", "true"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ])
}

/// A prefix in the bucket.
pub struct S3Place {
    prefix: String,
    address: SocketAddr,
}

impl S3Place {
    /// What `--batch-store` takes.
    pub fn url(&self) -> String {
        format!("s3://{BUCKET}/{}", self.prefix)
    }

    /// The batches there.
    pub fn store(&self) -> BatchStore {
        let (client, prefix) = (self.client(), self.prefix.as_str().into());
        let objects = ObjectFolder::new(Arc::new(client), prefix, self.url()).unwrap();
        BatchStore::Objects { objects, local: std::env::temp_dir() }
    }

    /// The manifests there.
    pub fn manifests(&self) -> Vec<Manifest> {
        let catalogue = Catalogue::read(self.store()).unwrap();
        catalogue.manifests(1..=u64::MAX).collect::<Result<_, _>>().unwrap()
    }

    /// The rows of all batches in order, as CSV.
    pub fn rows(&self) -> String {
        let (store, mut rows) = (self.store(), Vec::new());
        for manifest in self.manifests() {
            read_lines(&store, &manifest, |line| write_line(&mut rows, line)).unwrap();
        }
        String::from_utf8(rows).unwrap()
    }

    /// The names of all objects there.
    pub fn names(&self) -> Vec<String> {
        let (client, prefix) = (self.client(), self.prefix.as_str().into());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let listed = runtime.block_on(client.list_with_delimiter(Some(&prefix))).unwrap();
        listed.objects.iter().map(|object| object.location.filename().unwrap().to_owned()).collect()
    }

    fn client(&self) -> AmazonS3 {
        AmazonS3Builder::new()
            .with_bucket_name(BUCKET)
            .with_endpoint(format!("http://{}", self.address))
            .with_allow_http(true)
            .with_access_key_id("test")
            .with_secret_access_key("test")
            .build()
            .unwrap()
    }
}

/// A door between clients and a server.
pub struct Gate {
    address: SocketAddr,
    server: SocketAddr,
    listener: Mutex<Option<Arc<AtomicBool>>>,
    connections: Arc<Mutex<Vec<TcpStream>>>,
}

impl Gate {
    fn open_to(server: SocketAddr) -> Self {
        // The port is free again when the listener is dropped, and stays the gate's as nobody else asks for it.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let gate =
            Self { address, server, listener: Mutex::default(), connections: Arc::default() };
        gate.open();
        gate
    }

    /// Makes `command` use the server through it.
    pub fn serve<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        use_endpoint(command, self.address)
    }

    /// Lets everybody through again.
    pub fn open(&self) {
        let listener = TcpListener::bind(self.address).unwrap();
        let closed = Arc::<AtomicBool>::default();
        *self.listener.lock().unwrap() = Some(closed.clone());
        let (server, connections) = (self.server, self.connections.clone());
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if closed.load(SeqCst) {
                    return;
                }
                let Ok(server) = TcpStream::connect(server) else { continue };
                let pairs = [(&client, &server), (&server, &client)];
                for (from, to) in
                    pairs.map(|(a, b)| (a.try_clone().unwrap(), b.try_clone().unwrap()))
                {
                    thread::spawn(move || pass(from, to));
                }
                connections.lock().unwrap().extend([client, server]);
            }
        });
    }

    /// From now on nobody can connect, and connections are cut.
    pub fn close(&self) {
        if let Some(closed) = self.listener.lock().unwrap().take() {
            closed.store(true, SeqCst);
            // Wakes the listener, which then is dropped.
            let _ = TcpStream::connect(self.address);
        }
        for connection in self.connections.lock().unwrap().drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
        super::wait_for("the closed port", || TcpStream::connect(self.address).err());
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream) {
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Both);
}
