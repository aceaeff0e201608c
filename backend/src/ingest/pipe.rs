//! Inputs that are read once, as they arrive: standard input and named pipes.

use std::{
    fs::File,
    io::{self, Cursor, Read},
    path::Path,
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    time::{Duration, Instant},
};

use super::{
    format::{Format, HEAD},
    header::Header,
    text::{BUFFER, Content, decode},
};

/// How long one wait for more lasts: the time in which a shutdown is heard.
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// How long the rows that decide how the others are read may take to arrive.
const HEAD_INTERVAL: Duration = Duration::from_secs(1);
/// Chunks that are read ahead.
const CHUNKS: usize = 4;

/// The text that arrives. When nothing has for a moment, reading gives [`io::ErrorKind::WouldBlock`].
pub(super) struct Pipe {
    chunks: Receiver<io::Result<Vec<u8>>>,
    chunk: Cursor<Vec<u8>>,
}

impl Pipe {
    pub(super) fn standard_input() -> io::Result<Self> {
        Self::start(|| Ok(Box::new(io::stdin())))
    }

    /// The named pipe at `path`. That somebody writes to it is waited for later.
    pub(super) fn named(path: &Path) -> io::Result<Self> {
        let path = path.to_owned();
        Self::start(move || Ok(Box::new(File::open(path)?)))
    }

    /// Reading blocks, for as long as the writer likes: a thread of its own does it, which nobody waits for.
    fn start(open: impl FnOnce() -> io::Result<Content> + Send + 'static) -> io::Result<Self> {
        let (sender, chunks) = sync_channel(CHUNKS);
        let read = move || {
            if let Err(error) = open().and_then(|content| send_text(content, &sender)) {
                // Whoever read has gone.
                let _ = sender.send(Err(error));
            }
        };
        std::thread::Builder::new().name("pipe".to_owned()).spawn(read)?;
        Ok(Self { chunks, chunk: Cursor::default() })
    }

    /// What arrives first: up to [`BUFFER`] bytes, less when it ends or when a header is there and nothing follows it
    /// soon.
    pub(super) fn head(&mut self) -> io::Result<Vec<u8>> {
        let mut head = Vec::new();
        let begun = Instant::now();
        while head.len() < BUFFER {
            let before = head.len();
            match self.take(BUFFER as u64).read_to_end(&mut head) {
                Ok(_) if head.len() == before => break,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let whole = &head[..whole_lines(&head)];
                    if begun.elapsed() >= HEAD_INTERVAL && Header::find(whole).is_ok() {
                        break;
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(head)
    }
}

/// Bytes of the lines in `text` that are certain to have ended.
pub(super) fn whole_lines(text: &[u8]) -> usize {
    // Behind a CR at the end an LF may follow.
    let last = text.len().saturating_sub(1);
    let ends = |(at, byte): (usize, &u8)| *byte == b'\n' || *byte == b'\r' && at < last;
    text.iter().enumerate().rposition(ends).map_or(0, |at| at + 1)
}

fn send_text(mut stored: Content, sender: &SyncSender<io::Result<Vec<u8>>>) -> io::Result<()> {
    let mut head = Vec::new();
    stored.by_ref().take(HEAD as u64).read_to_end(&mut head)?;
    let format = Format::detect(&head);
    match format {
        Format::Zip => {
            return Err(io::Error::other(
                "it is a workbook or a zip archive, which cannot be read from a pipe: save it as a file",
            ));
        }
        Format::Other { kind, advice } => {
            return Err(io::Error::other(format!("it is {kind}: {advice}")));
        }
        Format::Plain | Format::Gzip | Format::Zstd => {}
    }
    let (mut text, _) = decode(format.decompress(Cursor::new(head).chain(stored))?)?;
    loop {
        let mut chunk = vec![0; BUFFER];
        let read = text.read(&mut chunk)?;
        chunk.truncate(read);
        if read == 0 || sender.send(Ok(chunk)).is_err() {
            return Ok(());
        }
    }
}

impl Read for Pipe {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.chunk.position() == self.chunk.get_ref().len() as u64 {
            match self.chunks.recv_timeout(POLL_INTERVAL) {
                Ok(chunk) => self.chunk = Cursor::new(chunk?),
                Err(RecvTimeoutError::Timeout) => return Err(io::ErrorKind::WouldBlock.into()),
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
            }
        }
        self.chunk.read(out)
    }
}
