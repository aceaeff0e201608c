//! The socket: connections, frames, and answers in the order of their requests.

use std::{future::Future, io, net::SocketAddr, pin::Pin, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::mpsc,
    task::JoinSet,
};

use crate::{
    Node, api,
    wire::{LARGEST_FRAME, Refusal, Request},
};

/// How many requests of one client may be under way; the next ones wait in the socket.
const MOST_UNDER_WAY: usize = 64;
/// How much memory a frame is given before its bytes are there.
const TRUSTED_LENGTH: usize = 1 << 20;
/// How long clients that do not read their last answers keep a stopping broker.
const PATIENCE: Duration = Duration::from_secs(5);

/// An answer in the making; none for a request that wants none.
pub(crate) type Answer = Pin<Box<dyn Future<Output = Result<Option<Bytes>, Refusal>> + Send>>;

/// What a request needs to know besides itself.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub(crate) node: Arc<Node>,
    /// The broker's address as this client reached it, which is the one to name to it.
    pub(crate) here: SocketAddr,
    /// The client's address.
    pub(crate) peer: SocketAddr,
}

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
                connections.spawn(serve(stream, peer, Arc::clone(&node)));
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
    if tokio::time::timeout(PATIENCE, all_closed).await.is_err() {
        tracing::warn!("some clients do not read their answers: disconnected");
    }
}

/// How reading from a client ended.
enum End {
    /// The client has gone; nobody wants the answers under way.
    Gone,
    /// The broker stops, or the client is refused: what it asked before is still answered.
    Stopped,
}

async fn serve(stream: TcpStream, peer: SocketAddr, node: Arc<Node>) {
    let (Ok(here), Ok(())) = (stream.local_addr(), stream.set_nodelay(true)) else {
        return;
    };
    let context = Context { node, here, peer };
    let (reader, writer) = stream.into_split();
    let (queue, answers) = mpsc::channel(MOST_UNDER_WAY);
    let mut writing = Box::pin(write_answers(writer, answers));
    let end = tokio::select! {
        end = read_requests(reader, queue, &context) => end,
        () = &mut writing => return,
    };
    if matches!(end, End::Stopped) {
        writing.await;
    }
}

async fn read_requests(
    mut from: OwnedReadHalf,
    queue: mpsc::Sender<Answer>,
    context: &Context,
) -> End {
    loop {
        let frame = tokio::select! {
            () = context.node.stop.cancelled() => return End::Stopped,
            frame = read_frame(&mut from) => frame,
        };
        let answer = match frame {
            Ok(Ok(Some(frame))) => match Request::parse(frame, api::known) {
                Ok(request) => api::begin(context.clone(), request).await,
                Err(refusal) => Err(refusal),
            },
            Ok(Err(refusal)) => Err(refusal),
            Ok(Ok(None)) | Err(_) => return End::Gone,
        };
        match answer {
            Ok(answer) => {
                if queue.send(answer).await.is_err() {
                    return End::Gone;
                }
            }
            Err(refusal) => {
                tracing::warn!(peer = %context.peer, "disconnected a client that sent {refusal}");
                return End::Stopped;
            }
        }
    }
}

/// The next frame; none at the end. Memory grows with what arrives, not with what is announced.
async fn read_frame(from: &mut OwnedReadHalf) -> io::Result<Result<Option<Bytes>, Refusal>> {
    let length = match from.read_i32().await {
        Ok(length) => length,
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(Ok(None)),
        Err(error) => return Err(error),
    };
    let wanted = match usize::try_from(length) {
        Ok(wanted) if wanted <= LARGEST_FRAME => wanted,
        _ => return Ok(Err(Refusal::FrameLength(length.into()))),
    };
    let mut frame = BytesMut::with_capacity(wanted.min(TRUSTED_LENGTH));
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

async fn write_answers(mut to: OwnedWriteHalf, mut answers: mpsc::Receiver<Answer>) {
    while let Some(answer) = answers.recv().await {
        match answer.await {
            Ok(Some(bytes)) => {
                if to.write_all(&bytes).await.is_err() {
                    return;
                }
            }
            Ok(None) => {}
            Err(refusal) => {
                tracing::warn!("disconnected a client that sent {refusal}");
                return;
            }
        }
    }
}
