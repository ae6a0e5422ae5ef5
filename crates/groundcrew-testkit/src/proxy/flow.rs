//! One connection: its two directions, and what the mode does to each.

use super::accept::Open;
use super::{Direction, Mode, Order};
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};

/// Chunks on their way in one direction; the rest waits in the sender's socket.
const UNDER_WAY: usize = 64;
const LARGEST_CHUNK: usize = 16 * 1024;

pub(super) type Orders = watch::Receiver<Order>;

/// What a mode means for one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gate {
    Forward { chunk: usize, latency: Duration, rest: Duration },
    Hold,
    Swallow,
}

/// Bytes, when to deliver them, and how long to rest afterwards.
struct Chunk {
    bytes: Vec<u8>,
    due: Instant,
    rest: Duration,
}

/// Forwards until both sides have finished, or one of them or the mode cuts the connection.
pub(super) async fn run(client: TcpStream, target: SocketAddr, mut orders: Orders, open: Open) {
    let mut client = client;
    let silent = AtomicBool::new(orders.borrow().mode == Mode::BlackHole);
    let mut reset = orders.clone();
    let forwarded = tokio::select! {
        biased;
        _ = reset.wait_for(|order| order.mode == Mode::Cut) => Err(io::ErrorKind::ConnectionReset.into()),
        forwarded = forward(&mut client, target, &mut orders, &silent, &open) => forwarded,
    };
    if forwarded.is_err() {
        let _ = client.set_zero_linger();
    }
    drop(client);
    drop(open);
}

async fn forward(
    client: &mut TcpStream,
    target: SocketAddr,
    orders: &mut Orders,
    silent: &AtomicBool,
    open: &Open,
) -> io::Result<()> {
    if silent.load(Ordering::Relaxed) {
        return swallow(client, open).await;
    }
    let mut upstream = TcpStream::connect(target).await?;
    client.set_nodelay(true)?;
    upstream.set_nodelay(true)?;
    let forwarded = {
        let (from_client, to_client) = client.split();
        let (from_target, to_target) = upstream.split();
        let there = Flow { direction: Direction::ToTarget, orders: orders.clone(), silent, open };
        let back = Flow { direction: Direction::ToClient, orders: orders.clone(), silent, open };
        tokio::try_join!(there.run(from_client, to_target), back.run(from_target, to_client))
    };
    if forwarded.is_err() {
        let _ = upstream.set_zero_linger();
    }
    forwarded.map(|_| ())
}

/// Reads what comes for as long as the client stays.
async fn swallow(client: &mut TcpStream, open: &Open) -> io::Result<()> {
    let mut bytes = vec![0; LARGEST_CHUNK];
    loop {
        match client.read(&mut bytes).await? {
            0 => return Ok(()),
            read => open.swallowed(Direction::ToTarget, read),
        }
    }
}

/// One direction of a connection.
struct Flow<'a> {
    direction: Direction,
    orders: Orders,
    silent: &'a AtomicBool,
    open: &'a Open,
}

impl Flow<'_> {
    async fn run(self, from: impl AsyncRead + Unpin, to: impl AsyncWrite + Unpin) -> io::Result<()> {
        let (chunks, due) = mpsc::channel(UNDER_WAY);
        let (direction, open) = (self.direction, self.open);
        let deliver = async move {
            let delivered = &open.counters().bytes(direction).delivered;
            deliver(due, to, |count| {
                delivered.fetch_add(count, Ordering::Relaxed);
            })
            .await
        };
        tokio::try_join!(self.collect(from, chunks), deliver).map(|_| ())
    }

    /// Reads as the mode allows, until the end.
    async fn collect(
        mut self,
        mut from: impl AsyncRead + Unpin,
        chunks: mpsc::Sender<Chunk>,
    ) -> io::Result<()> {
        let mut buffer = vec![0; LARGEST_CHUNK];
        loop {
            let gate = self.gate();
            let limit = match gate {
                Gate::Forward { chunk, .. } => chunk,
                Gate::Swallow => LARGEST_CHUNK,
                Gate::Hold => {
                    self.changed().await?;
                    continue;
                }
            };
            let read = tokio::select! {
                biased;
                changed = self.changed() => { changed?; continue }
                read = from.read(&mut buffer[..limit]) => read?,
            };
            match gate {
                Gate::Forward { .. } if read == 0 => return Ok(()),
                Gate::Forward { latency, rest, .. } => {
                    let chunk = Chunk { bytes: buffer[..read].to_vec(), due: Instant::now() + latency, rest };
                    if chunks.send(chunk).await.is_err() {
                        return Err(io::ErrorKind::BrokenPipe.into());
                    }
                }
                Gate::Swallow if read == 0 => return self.after_a_swallowed_end().await,
                Gate::Swallow | Gate::Hold => {
                    self.silent.store(true, Ordering::Relaxed);
                    self.open.swallowed(self.direction, read);
                }
            }
        }
    }

    fn gate(&mut self) -> Gate {
        let mode = self.orders.borrow_and_update().mode;
        if self.silent.load(Ordering::Relaxed) { Gate::Swallow } else { Gate::of(mode, self.direction) }
    }

    async fn changed(&mut self) -> io::Result<()> {
        self.orders.changed().await.map_err(|_| io::ErrorKind::ConnectionReset.into())
    }

    /// The other side must not learn of this end before the hole is closed; then the connection is beyond repair.
    async fn after_a_swallowed_end(mut self) -> io::Result<()> {
        let _ = self.orders.wait_for(|order| order.mode != Mode::BlackHole).await;
        Err(io::ErrorKind::ConnectionReset.into())
    }
}

impl Gate {
    fn of(mode: Mode, direction: Direction) -> Self {
        match mode {
            Mode::BlackHole => Self::Swallow,
            Mode::HalfOpen(stopped) if stopped == direction => Self::Hold,
            // Not a byte more: the cut itself may be noticed a moment later.
            Mode::Cut => Self::Hold,
            Mode::Slow { bytes_per_second, latency } => Self::slow(bytes_per_second.max(1), latency),
            Mode::Limit { bytes_per_second } => Self::slow(bytes_per_second.max(1), Duration::ZERO),
            _ => Self::Forward { chunk: LARGEST_CHUNK, latency: Duration::ZERO, rest: Duration::ZERO },
        }
    }

    /// About twenty chunks per second, so that a slow stream still flows.
    fn slow(bytes_per_second: u64, latency: Duration) -> Self {
        let chunk = usize::try_from(bytes_per_second / 20).unwrap_or(LARGEST_CHUNK).clamp(1, LARGEST_CHUNK);
        let rest = Duration::from_secs_f64(chunk as f64 / bytes_per_second as f64);
        Self::Forward { chunk, latency, rest }
    }
}

/// Writes each chunk when it is due, then passes on the end.
async fn deliver(
    mut chunks: mpsc::Receiver<Chunk>,
    mut to: impl AsyncWrite + Unpin,
    count: impl Fn(u64),
) -> io::Result<()> {
    while let Some(chunk) = chunks.recv().await {
        if chunk.due > Instant::now() {
            sleep_until(chunk.due).await;
        }
        to.write_all(&chunk.bytes).await?;
        count(chunk.bytes.len() as u64);
        if chunk.rest > Duration::ZERO {
            sleep(chunk.rest).await;
        }
    }
    to.shutdown().await
}

#[cfg(test)]
mod tests {
    use super::{Direction, Duration, Gate, LARGEST_CHUNK, Mode};
    use proptest::prelude::*;

    #[test]
    fn half_open_holds_one_direction_and_passes_the_other() {
        let mode = Mode::HalfOpen(Direction::ToClient);
        assert_eq!(Gate::of(mode, Direction::ToClient), Gate::Hold);
        assert!(matches!(Gate::of(mode, Direction::ToTarget), Gate::Forward { .. }));
    }

    #[test]
    fn what_is_to_be_cut_passes_nothing_more() {
        for direction in [Direction::ToClient, Direction::ToTarget] {
            assert_eq!(Gate::of(Mode::Cut, direction), Gate::Hold);
        }
    }

    proptest! {
        #[test]
        fn a_slow_gate_keeps_to_its_rate(rate in 1_u64..1 << 30) {
            let Gate::Forward { chunk, rest, .. } = Gate::slow(rate, Duration::ZERO) else { unreachable!() };
            let actual = chunk as f64 / rest.as_secs_f64();
            prop_assert!((1..=LARGEST_CHUNK).contains(&chunk));
            prop_assert!((actual / rate as f64 - 1.0).abs() < 0.01, "{} instead of {}", actual, rate);
        }
    }
}
