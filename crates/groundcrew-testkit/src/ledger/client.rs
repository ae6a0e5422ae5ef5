use super::Event;
use super::listening::LONGEST_ID;
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};

/// How long the ledger may take to write something down.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Events on their way to the ledger; more wait for room.
const UNDER_WAY: usize = 1024;

/// Writes into the ledger of another process. Clones share one connection; what they write at the same time goes
/// together.
#[derive(Debug, Clone)]
pub struct LedgerClient {
    lines: mpsc::Sender<Line>,
}

#[derive(Debug)]
struct Line {
    bytes: Vec<u8>,
    written: oneshot::Sender<()>,
}

impl LedgerClient {
    /// Connects to where [`super::Listening::addr`] says. Needs a tokio runtime with I/O and time; the connection
    /// is served by a task of its own.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn connect(addr: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(addr).await?;
        stream.set_nodelay(true)?;
        let (lines, waiting) = mpsc::channel(UNDER_WAY);
        tokio::spawn(serve(stream, waiting));
        Ok(Self { lines })
    }

    /// As [`super::Ledger::attempted`], and waits until it is written down.
    ///
    /// # Errors
    /// When the ledger is gone or silent for 30 seconds, and `InvalidInput` for an id with a line feed or of more
    /// than 1024 bytes.
    pub async fn attempted(&self, id: &str) -> io::Result<()> {
        self.record(Event::Attempted, id).await
    }

    /// As [`super::Ledger::acknowledged`], and waits until it is written down.
    ///
    /// # Errors
    /// As [`Self::attempted`].
    pub async fn acknowledged(&self, id: &str) -> io::Result<()> {
        self.record(Event::Acknowledged, id).await
    }

    /// As [`super::Ledger::observed`], and waits until it is written down. A call that is dropped after it was first
    /// polled may have been written down all the same.
    ///
    /// # Errors
    /// As [`Self::attempted`].
    pub async fn observed(&self, id: &str) -> io::Result<()> {
        self.record(Event::Observed, id).await
    }

    async fn record(&self, event: Event, id: &str) -> io::Result<()> {
        if id.contains('\n') || id.len() > LONGEST_ID {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "an id is one line of at most 1024 bytes",
            ));
        }
        let mut bytes = Vec::with_capacity(id.len() + 2);
        bytes.push(event.letter());
        bytes.extend_from_slice(id.as_bytes());
        bytes.push(b'\n');
        let gone = || io::Error::new(io::ErrorKind::BrokenPipe, "the ledger is gone");
        let (written, answer) = oneshot::channel();
        let recorded = async {
            self.lines.send(Line { bytes, written }).await.map_err(|_| gone())?;
            answer.await.map_err(|_| gone())
        };
        let silent =
            || io::Error::new(io::ErrorKind::TimedOut, format!("the ledger is silent for {TIMEOUT:?}"));
        tokio::time::timeout(TIMEOUT, recorded).await.unwrap_or_else(|_| Err(silent()))
    }
}

/// Until the clients or the ledger are gone. Answers come in the order of the lines.
async fn serve(mut stream: TcpStream, mut lines: mpsc::Receiver<Line>) -> io::Result<()> {
    let (mut from, mut to) = stream.split();
    let mut unanswered = VecDeque::new();
    let mut batch = Vec::new();
    let mut answers = [0; 1024];
    loop {
        tokio::select! {
            count = lines.recv_many(&mut batch, UNDER_WAY) => {
                if count == 0 {
                    return Ok(());
                }
                let mut bytes = Vec::new();
                for line in batch.drain(..) {
                    bytes.extend_from_slice(&line.bytes);
                    unanswered.push_back(line.written);
                }
                // The answers to so few fit into the sockets' buffers: the ledger never waits for us to read.
                to.write_all(&bytes).await?;
            }
            read = from.read(&mut answers) => {
                let read = read?;
                if read == 0 {
                    return Ok(());
                }
                for written in unanswered.drain(..read.min(unanswered.len())) {
                    let _ = written.send(());
                }
            }
        }
    }
}
