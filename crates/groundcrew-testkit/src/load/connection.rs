//! One connection after the other, one request after the other, and the verdict on each.

use super::{Load, Lost, Pace, Report};
use crate::wire::{Answer, Malformed};
use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const RETRY_CONNECT: Duration = Duration::from_millis(3);
/// How long after the peer's FIN its reset may come that says that our bytes were too late.
const RESET_AFTER_FIN: Duration = Duration::from_millis(50);

/// A FIN that is there so soon after it was not crossed our bytes; a peer that has to wake up, read them and close
/// takes longer. Without this bound the check after the write would excuse every peer that closes at once.
const CROSSING: Duration = Duration::from_micros(10);

/// What the connections have in common.
#[derive(Debug)]
pub(super) struct Shared {
    report: Mutex<Report>,
    answers: watch::Sender<u64>,
    left: AtomicU64,
    stopped: AtomicBool,
    stop: Notify,
}

/// An established connection, and a second handle on its socket to ask the kernel without the reactor.
struct Wire {
    stream: TcpStream,
    probe: std::net::TcpStream,
}

/// What a connection has to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Arrived {
    Nothing,
    Bytes,
    Fin,
    Reset,
}

/// How a request ended.
enum Verdict {
    Answered { status: u16, close: bool },
    Lost(fn(&mut Lost) -> &mut u64),
    AfterFin,
}

// === impl Shared ===

impl Shared {
    pub(super) fn new(requests: u64) -> Self {
        Self {
            report: Mutex::default(),
            answers: watch::Sender::new(0),
            left: AtomicU64::new(requests),
            stopped: AtomicBool::new(false),
            stop: Notify::new(),
        }
    }

    pub(super) fn report(&self) -> Report {
        self.lock().clone()
    }

    pub(super) fn answers(&self) -> watch::Receiver<u64> {
        self.answers.subscribe()
    }

    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        self.stop.notify_waiters();
    }

    pub(super) fn ended(&self, took: Duration) {
        self.lock().took = took;
    }

    fn lock(&self) -> MutexGuard<'_, Report> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// Waits, unless the load is stopped before.
    async fn pause_until(&self, then: Instant) {
        let stop = self.stop.notified();
        if !self.is_stopped() {
            tokio::select! { () = stop => {}, () = sleep_until(then) => {} }
        }
    }

    /// Takes one of the requests that may still be sent.
    fn take_request(&self) -> bool {
        let take = |left: u64| left.checked_sub(1);
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }

    fn give_back_request(&self) {
        self.left.fetch_add(1, Ordering::Relaxed);
    }

    fn record(&self, verdict: &Verdict, took: Duration) {
        let mut report = self.lock();
        match verdict {
            Verdict::Answered { status, .. } => {
                report.answered += 1;
                *report.by_status.entry(*status).or_default() += 1;
                report.latency.record(took);
                let answered = report.answered;
                drop(report);
                self.answers.send_replace(answered);
            }
            Verdict::Lost(how) => *how(&mut report.lost) += 1,
            Verdict::AfterFin => report.after_fin += 1,
        }
    }
}

// === impl Wire ===

impl Wire {
    async fn open(load: &Load) -> io::Result<Self> {
        let connect = timeout(CONNECT_TIMEOUT, TcpStream::connect(load.target));
        let stream = connect.await.map_err(|_| io::Error::from(ErrorKind::TimedOut))??;
        stream.set_nodelay(true)?;
        let stream = stream.into_std()?;
        let probe = stream.try_clone()?;
        Ok(Self { stream: TcpStream::from_std(stream)?, probe })
    }

    /// What has arrived by now. A system call, not the reactor, which would only know what had arrived when it last
    /// looked. A reset is told once: whoever sees it here must not expect the next read to tell it again.
    fn arrived(&self) -> Arrived {
        match self.probe.peek(&mut [0]) {
            Ok(0) => Arrived::Fin,
            Ok(_) => Arrived::Bytes,
            Err(error) if error.kind() == ErrorKind::WouldBlock => Arrived::Nothing,
            Err(_) => Arrived::Reset,
        }
    }

    /// Writes it all, in one go where it fits into the socket's buffer. An error means that nothing was written.
    async fn write(&self, request: &[u8]) -> io::Result<()> {
        let mut written = 0;
        while written < request.len() {
            match self.stream.try_write(&request[written..]) {
                Ok(count) => written += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.stream.writable().await?,
                Err(error) if written == 0 => return Err(error),
                Err(_) => return Ok(()),
            }
        }
        Ok(())
    }

    async fn read(&mut self, buffer: &mut Vec<u8>, to_head: bool, crossed: bool) -> Verdict {
        let mut answer = Answer::new(to_head);
        buffer.clear();
        loop {
            match answer.end(buffer) {
                Ok(Some(end)) if end == buffer.len() => return answered(&answer),
                Ok(None) => {}
                Ok(Some(_)) | Err(Malformed(_)) => return Verdict::Lost(|lost| &mut lost.malformed),
            }
            match self.stream.read_buf(buffer).await {
                Ok(0) if answer.may_end() => return answered(&answer),
                Ok(0) if !buffer.is_empty() => return Verdict::Lost(|lost| &mut lost.truncated),
                Ok(0) if crossed || self.reset_follows().await => return Verdict::AfterFin,
                Ok(0) => return Verdict::Lost(|lost| &mut lost.closed),
                Err(error) if error.kind() == ErrorKind::BrokenPipe => return Verdict::AfterFin,
                Err(_) => return Verdict::Lost(|lost| &mut lost.reset),
                Ok(_) => {}
            }
        }
    }

    /// Whether the peer answers our bytes with a reset although it has sent its FIN: it had closed before they came.
    async fn reset_follows(&self) -> bool {
        let deadline = Instant::now() + RESET_AFTER_FIN;
        while Instant::now() < deadline {
            match self.probe.take_error() {
                Ok(None) => tokio::time::sleep(Duration::from_millis(1)).await,
                Ok(Some(error)) => return error.kind() == ErrorKind::BrokenPipe,
                Err(_) => return false,
            }
        }
        false
    }
}

fn answered(answer: &Answer) -> Verdict {
    let (status, close) = answer.head().map_or((0, true), |head| (head.status, head.close));
    Verdict::Answered { status, close }
}

// === the loop ===

/// Keeps one connection busy until the load is stopped or its requests are used up.
pub(super) async fn run(index: usize, load: Load, shared: Arc<Shared>) {
    let mut due = Instant::now() + phase(index, &load);
    let mut buffer = Vec::with_capacity(16 * 1024);
    while !shared.is_stopped() && shared.left.load(Ordering::Relaxed) > 0 {
        if let Some(wire) = connect(&load, &shared).await {
            converse(wire, &load, &shared, &mut due, &mut buffer).await;
        }
    }
}

/// Spreads the connections over the interval.
fn phase(index: usize, load: &Load) -> Duration {
    match load.pace {
        Pace::Saturated => Duration::ZERO,
        Pace::Every(interval) => interval.mul_f64(index as f64 / load.connections as f64),
    }
}

async fn connect(load: &Load, shared: &Shared) -> Option<Wire> {
    let error = match Wire::open(load).await {
        Ok(wire) => {
            shared.lock().connections += 1;
            return Some(wire);
        }
        Err(error) => error,
    };
    if error.kind() == ErrorKind::ConnectionRefused {
        shared.lock().refused += 1;
    } else {
        shared.lock().connect_failed += 1;
    }
    shared.pause_until(Instant::now() + RETRY_CONNECT).await;
    None
}

/// Sends requests on one connection until it ends.
async fn converse(mut wire: Wire, load: &Load, shared: &Shared, due: &mut Instant, buffer: &mut Vec<u8>) {
    loop {
        if let Pace::Every(interval) = load.pace {
            shared.pause_until(*due).await;
            *due = (*due + interval).max(Instant::now());
        }
        if shared.is_stopped() || !shared.take_request() {
            return;
        }
        let sent = Instant::now();
        if wire.arrived() != Arrived::Nothing || wire.write(&load.request).await.is_err() {
            shared.give_back_request();
            shared.lock().closed_idle += 1;
            return;
        }
        shared.lock().sent += 1;
        let verdict = await_answer(&mut wire, load, sent, buffer).await;
        shared.record(&verdict, sent.elapsed());
        if !matches!(verdict, Verdict::Answered { close: false, .. }) {
            return;
        }
    }
}

/// Judges a request that has just been written.
async fn await_answer(wire: &mut Wire, load: &Load, sent: Instant, buffer: &mut Vec<u8>) -> Verdict {
    let crossed = match wire.arrived() {
        Arrived::Reset => return Verdict::Lost(|lost| &mut lost.reset),
        Arrived::Fin => sent.elapsed() < CROSSING,
        Arrived::Bytes | Arrived::Nothing => false,
    };
    let to_head = load.request.starts_with(b"HEAD ");
    let read = timeout_at(sent + load.timeout, wire.read(buffer, to_head, crossed));
    read.await.unwrap_or(Verdict::Lost(|lost| &mut lost.timed_out))
}

#[cfg(test)]
mod tests {
    use super::{Arrived, Load, Verdict, Wire};
    use std::io::Read;
    use std::net::TcpListener;

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\n\r\n";

    async fn pair() -> (Wire, std::net::TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let load = Load::new(listener.local_addr().expect("it is bound"));
        let wire = Wire::open(&load).await.expect("it listens");
        let (peer, _) = listener.accept().expect("a connection waits");
        (wire, peer)
    }

    #[tokio::test]
    async fn the_peers_fin_is_seen_without_asking_the_reactor() {
        let (wire, peer) = pair().await;
        assert_eq!(wire.arrived(), Arrived::Nothing);
        drop(peer);
        assert_eq!(wire.arrived(), Arrived::Fin);
    }

    #[tokio::test]
    async fn bytes_that_arrive_after_the_peer_has_closed_are_after_its_fin() {
        let (mut wire, peer) = pair().await;
        drop(peer);
        wire.write(REQUEST).await.expect("the kernel takes it");
        // As if the FIN had crossed our bytes: only the reset that follows it tells.
        let verdict = wire.read(&mut Vec::new(), false, false).await;
        assert!(matches!(verdict, Verdict::AfterFin));
    }

    #[tokio::test]
    async fn bytes_that_arrive_before_the_peer_closes_are_lost() {
        let (mut wire, mut peer) = pair().await;
        wire.write(REQUEST).await.expect("it is open");
        peer.read_exact(&mut [0; REQUEST.len()]).expect("it has arrived");
        drop(peer);
        let verdict = wire.read(&mut Vec::new(), false, false).await;
        assert!(matches!(verdict, Verdict::Lost(_)));
    }
}
