//! A proxy between a client and a broker that counts the requests of every kind.

use std::{
    collections::BTreeMap,
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// Api keys of Kafka's protocol.
pub const FETCH: i16 = 1;
pub const LIST_OFFSETS: i16 = 2;
pub const METADATA: i16 = 3;

/// How many requests of every api key went through.
pub type Counts = BTreeMap<i16, u64>;

/// Listens on loopback until the process ends.
pub struct CountingProxy {
    pub address: SocketAddr,
    counts: Arc<Mutex<Counts>>,
}

impl CountingProxy {
    /// Passes everything on to `broker`. Where the broker tells its address, the proxy's is put in its place,
    /// so that all connections come here.
    pub fn start(broker: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let counts = Arc::<Mutex<Counts>>::default();
        let counting = counts.clone();
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(broker) else { continue };
                let (requests, answers) =
                    (client.try_clone().unwrap(), server.try_clone().unwrap());
                let counts = counting.clone();
                thread::spawn(move || {
                    pass(requests, server, |frame| {
                        let key = i16::from_be_bytes([frame[0], frame[1]]);
                        *counts.lock().unwrap().entry(key).or_default() += 1;
                    })
                });
                thread::spawn(move || {
                    pass(answers, client, |frame| replace_address(frame, broker, address))
                });
            }
        });
        Self { address, counts }
    }

    pub fn counts(&self) -> Counts {
        self.counts.lock().unwrap().clone()
    }
}

/// Passes frames (length, content) on until one side hangs up.
fn pass(mut from: TcpStream, mut to: TcpStream, mut each: impl FnMut(&mut [u8])) -> io::Result<()> {
    loop {
        let mut length = [0; 4];
        from.read_exact(&mut length)?;
        let mut frame = vec![0; u32::from_be_bytes(length) as usize];
        from.read_exact(&mut frame)?;
        each(&mut frame);
        to.write_all(&[&length[..], &frame].concat())?;
    }
}

/// In Metadata and FindCoordinator the port follows the host as an INT32.
fn replace_address(frame: &mut [u8], broker: SocketAddr, proxy: SocketAddr) {
    let bytes = |address: SocketAddr| {
        [address.ip().to_string().as_bytes(), &u32::from(address.port()).to_be_bytes()].concat()
    };
    let (from, to) = (bytes(broker), bytes(proxy));
    for at in 0..frame.len().saturating_sub(from.len() - 1).min(512) {
        if frame[at..].starts_with(&from) {
            frame[at..at + to.len()].copy_from_slice(&to);
        }
    }
}
