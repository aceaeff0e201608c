//! The socket: connections, frames, and responses in the order of their requests.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, BufReader},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::mpsc,
    task::JoinSet,
};

use crate::{
    api::{self, PendingResponse},
    context::{Context, Node},
    wire::{MAX_FRAME_LEN, Request, RequestError},
};

/// How many requests of one client may be in flight; the next ones wait in the socket.
const MAX_IN_FLIGHT_REQUESTS: usize = 64;
/// How much of small requests is read at once.
const READ_BUFFER_LEN: usize = 4 << 10;
/// How much memory a frame is given before its bytes are there.
const INITIAL_FRAME_CAPACITY: usize = 1 << 20;
/// How long a stopping broker waits for clients to read their last responses.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

/// Accepts connections until the broker stops, then waits for those that are left.
pub(crate) async fn run(listener: TcpListener, node: Arc<Node>) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = node.stop.cancelled() => break,
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        match accepted {
            Ok((stream, peer)) => {
                connections.spawn(handle_connection(stream, peer, Arc::clone(&node)));
            }
            Err(error) => {
                // Out of file handles, or a client that left at once: go on for the others.
                tracing::warn!("cannot accept a connection ({error})");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    drop(listener);
    let all_closed = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(SHUTDOWN_TIMEOUT, all_closed).await.is_err() {
        tracing::warn!("disconnected clients that do not read their responses");
    }
}

/// How reading from a client ended.
enum ReadEnd {
    /// The client has gone; nobody wants the responses in flight.
    Disconnected,
    /// The broker stops, or the client is refused: earlier requests are still answered.
    Stopped,
}

async fn handle_connection(stream: TcpStream, client_addr: SocketAddr, node: Arc<Node>) {
    let (Ok(local_addr), Ok(())) = (stream.local_addr(), stream.set_nodelay(true)) else {
        return;
    };
    let context = Context { node, local_addr, client_addr };
    let (reader, writer) = stream.into_split();
    let (queue, responses) = mpsc::channel(MAX_IN_FLIGHT_REQUESTS);
    let mut writing = Box::pin(write_responses(writer, responses));
    let end = tokio::select! {
        end = read_requests(reader, queue, &context) => end,
        () = &mut writing => return,
    };
    if matches!(end, ReadEnd::Stopped) {
        writing.await;
    }
}

async fn read_requests(
    from: OwnedReadHalf,
    queue: mpsc::Sender<PendingResponse>,
    context: &Context,
) -> ReadEnd {
    let mut from = BufReader::with_capacity(READ_BUFFER_LEN, from);
    loop {
        let frame = tokio::select! {
            () = context.node.stop.cancelled() => return ReadEnd::Stopped,
            frame = read_frame(&mut from) => frame,
        };
        let response = match frame {
            Ok(Ok(Some(frame))) => match Request::parse(frame, api::is_supported) {
                Ok(request) => api::dispatch(context.clone(), request).await,
                Err(error) => Err(error),
            },
            Ok(Err(error)) => Err(error),
            Ok(Ok(None)) | Err(_) => return ReadEnd::Disconnected,
        };
        match response {
            Ok(response) => {
                if queue.send(response).await.is_err() {
                    return ReadEnd::Disconnected;
                }
            }
            Err(error) => {
                tracing::warn!(client = %context.client_addr, "disconnected a client that sent {error}");
                return ReadEnd::Stopped;
            }
        }
    }
}

/// The next frame; none at the end. Memory grows with what arrives, not with what is announced.
async fn read_frame(
    from: &mut BufReader<OwnedReadHalf>,
) -> io::Result<Result<Option<Bytes>, RequestError>> {
    let length = match from.read_i32().await {
        Ok(length) => length,
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(Ok(None)),
        Err(error) => return Err(error),
    };
    let wanted = match usize::try_from(length) {
        Ok(wanted) if wanted <= MAX_FRAME_LEN => wanted,
        _ => return Ok(Err(RequestError::FrameLength(length.into()))),
    };
    let mut frame = BytesMut::with_capacity(wanted.min(INITIAL_FRAME_CAPACITY));
    while frame.len() < wanted {
        let missing = wanted - frame.len();
        if frame.capacity() == frame.len() {
            frame.reserve(missing.min(frame.len()));
        }
        let mut limited = (&mut *from).take(missing as u64);
        if limited.read_buf(&mut frame).await? == 0 {
            return Ok(Ok(None));
        }
    }
    Ok(Ok(Some(frame.freeze())))
}

async fn write_responses(mut to: OwnedWriteHalf, mut responses: mpsc::Receiver<PendingResponse>) {
    while let Some(response) = responses.recv().await {
        match response.await {
            Ok(Some(frame)) => {
                for part in frame.0 {
                    if to.write_all(&part).await.is_err() {
                        return;
                    }
                }
            }
            Ok(None) => {}
            Err(error) => {
                tracing::warn!("disconnected a client that sent {error}");
                return;
            }
        }
    }
}
