use super::{Event, Ledger};
use std::io;
use std::net::SocketAddr;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// The longest id. A client refuses longer ones.
pub(super) const LONGEST_ID: usize = 1024;

/// A ledger that other processes can write into. Dropping it closes their connections.
#[derive(Debug)]
pub struct Listening {
    addr: SocketAddr,
    _tasks: JoinSet<()>,
}

impl Listening {
    pub(super) fn start(listener: TcpListener, ledger: Ledger) -> io::Result<Self> {
        let addr = listener.local_addr()?;
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let ledger = ledger.clone();
                connections.spawn(async move { drop(serve(stream, ledger).await) });
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self { addr, _tasks: tasks })
    }

    /// Where clients connect: tell the workers, by a variable for instance.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }
}

impl Event {
    /// The first byte of its line.
    pub(super) fn letter(self) -> u8 {
        match self {
            Self::Attempted => b'?',
            Self::Acknowledged => b'!',
            Self::Observed => b'*',
        }
    }

    fn from_letter(letter: u8) -> Option<Self> {
        [Self::Attempted, Self::Acknowledged, Self::Observed]
            .into_iter()
            .find(|event| event.letter() == letter)
    }
}

/// One line per event; one line feed back for each, once it is written down.
async fn serve(mut stream: TcpStream, ledger: Ledger) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (from, mut to) = stream.split();
    let mut from = BufReader::with_capacity(64 * 1024, from);
    let mut line = Vec::new();
    let mut answers = 0;
    loop {
        line.clear();
        let longest = LONGEST_ID as u64 + 2;
        (&mut from).take(longest).read_until(b'\n', &mut line).await?;
        let Some((event, id)) = parsed(&line) else { return Ok(()) };
        ledger.record(event, id);
        answers += 1;
        // What has come together is answered together.
        if from.buffer().is_empty() {
            to.write_all(&vec![b'\n'; answers]).await?;
            answers = 0;
        }
    }
}

/// None for the end, for half a line of a worker that was killed, and for what is no line of ours.
fn parsed(line: &[u8]) -> Option<(Event, &str)> {
    let (letter, id) = line.strip_suffix(b"\n")?.split_first()?;
    Some((Event::from_letter(*letter)?, std::str::from_utf8(id).ok()?))
}

#[cfg(test)]
mod tests {
    use super::{Event, parsed};

    #[test]
    fn half_a_line_counts_for_nothing() {
        assert_eq!(parsed(b"*job-1\n"), Some((Event::Observed, "job-1")));
        assert_eq!(parsed(b"*job"), None);
        assert_eq!(parsed(b""), None);
        assert_eq!(parsed(b"x\n"), None);
    }
}
