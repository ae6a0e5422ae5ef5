use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::AsyncReadExt;

use crate::connection::{Command, Connection, Phase};
use crate::edge::Edge;
use crate::io::Io;
use crate::shared::{Registered, Stage};
use crate::stream::{Protocol, Stream};

/// How long a closed connection is listened to, so that no reset destroys the last answer on its way and
/// late bytes are counted (RFC 9112, section 9.6).
const CLOSE_LINGER: Duration = Duration::from_secs(1);

/// Streams that one HTTP/2 client may have open at a time.
const MAX_CONCURRENT_STREAMS: u32 = 200;

/// Runs one connection from its first byte to its last.
pub(crate) async fn run(stream: Stream, registered: Registered) {
    let registered = Arc::new(registered);
    let connection = registered.connection.clone();
    // Silent to the end: nothing was asked, so nothing is owed.
    let Some(protocol) = first_bytes(&stream, &connection).await else { return };
    let Some((stream, protocol)) = secure(stream, protocol, &registered).await else { return };
    serve(stream, protocol, &registered).await;
    // hyper has let go of the socket, and nobody but us would have it now if it had not been upgraded.
    if Arc::strong_count(&registered) > 1 {
        connection.enter(Phase::Upgraded);
    }
    let returned = connection.returned.lock().take();
    if let Some(stream) = returned {
        linger(stream, &registered).await;
    }
}

/// The TLS handshake, where there is one to do.
#[cfg(feature = "tls")]
async fn secure(stream: Stream, protocol: Protocol, registered: &Registered) -> Option<(Stream, Protocol)> {
    let (Some(acceptor), Stream::Tcp(_)) = (&registered.shared.tls, &stream) else {
        return Some((stream, protocol));
    };
    registered.connection.enter(Phase::Head);
    let Stream::Tcp(tcp) = stream else { return None };
    let handshake = unless_aborted(acceptor.0.accept(tcp), &registered.connection);
    let handshake = tokio::time::timeout(registered.shared.config.header_timeout, handshake);
    // A client that cannot shake hands is told so by rustls and owed nothing.
    let stream = Stream::Tls(Box::new(handshake.await.ok()??.ok()?));
    // It has asked for nothing yet.
    registered.connection.enter(Phase::Silent);
    let protocol = first_bytes(&stream, &registered.connection).await?;
    Some((stream, protocol))
}

/// The future's output, or `None` if the listener aborts the connection first.
#[cfg(feature = "tls")]
async fn unless_aborted<F: Future>(future: F, connection: &Connection) -> Option<F::Output> {
    let mut future = pin!(future);
    std::future::poll_fn(|cx| {
        connection.waker.register(cx.waker());
        if connection.command() == Command::Abort {
            return Poll::Ready(None);
        }
        future.as_mut().poll(cx).map(Some)
    })
    .await
}

#[cfg(not(feature = "tls"))]
#[expect(clippy::unused_async, reason = "its twin shakes hands")]
async fn secure(stream: Stream, protocol: Protocol, _registered: &Registered) -> Option<(Stream, Protocol)> {
    Some((stream, protocol))
}

async fn serve(stream: Stream, protocol: Protocol, registered: &Arc<Registered>) {
    let connection = registered.connection.clone();
    let io = TokioIo::new(Io::new(stream, registered.clone()));
    let edge = Edge::new(registered.shared.clone(), connection.clone());
    match protocol {
        Protocol::Http1 => {
            // No header timer: the sweeper watches all connections at once.
            let served =
                http1::Builder::new().header_read_timeout(None).serve_connection(io, edge).with_upgrades();
            obey(pin!(served), &connection, http1::UpgradeableConnection::graceful_shutdown).await;
        }
        Protocol::Http2 => {
            connection.http2.store(true, Relaxed);
            let served = http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .keep_alive_interval(Duration::from_secs(20))
                .keep_alive_timeout(Duration::from_secs(20))
                .max_concurrent_streams(MAX_CONCURRENT_STREAMS)
                .serve_connection(io, edge);
            obey(pin!(served), &connection, http2::Connection::graceful_shutdown).await;
        }
    }
}

/// Polls the connection, and does what the listener tells it in between.
async fn obey<C, E>(mut served: Pin<&mut C>, connection: &Arc<Connection>, goaway: impl Fn(Pin<&mut C>))
where
    C: Future<Output = Result<(), E>>,
{
    let mut said_goaway = false;
    std::future::poll_fn(|cx| {
        connection.waker.register(cx.waker());
        match connection.command() {
            Command::Abort => return Poll::Ready(()),
            // For HTTP/1 the socket itself decides when (see `io`).
            Command::CloseWhenIdle if !said_goaway && connection.http2.load(Relaxed) => {
                said_goaway = true;
                goaway(served.as_mut());
            }
            _ => {}
        }
        // A client that breaks the protocol or goes away is its own affair; what it was owed is counted.
        served.as_mut().poll(cx).map(|_result| ())
    })
    .await;
}

/// Waits for the first bytes; `None` when the client leaves or is told to, or when the drain finds it silent.
async fn first_bytes(stream: &Stream, connection: &Connection) -> Option<Protocol> {
    std::future::poll_fn(|cx: &mut Context<'_>| {
        connection.waker.register(cx.waker());
        if let Poll::Ready(protocol) = stream.poll_protocol(cx) {
            return Poll::Ready(protocol);
        }
        match connection.command() {
            Command::None => Poll::Pending,
            Command::Abort => Poll::Ready(None),
            Command::CloseWhenIdle => match stream.waiting() {
                crate::stream::Waiting::Bytes => {
                    cx.waker().wake_by_ref();
                    Poll::Pending
                }
                _ => Poll::Ready(None),
            },
        }
    })
    .await
}

/// Our side is closed (or is now): reads on until the peer closes too, and counts what comes.
async fn linger(mut stream: Stream, registered: &Registered) {
    registered.connection.enter(Phase::Closing);
    if stream.shutdown_write().is_err() {
        return;
    }
    let mut bytes = [0; 1024];
    let read_on = async {
        while let Ok(count @ 1..) = stream.read(&mut bytes).await {
            if registered.shared.stage() >= Stage::Draining {
                registered.shared.tally.late_bytes.fetch_add(count as u64, Relaxed);
            }
            registered.shared.metrics.late_bytes.inc_by(count as u64);
        }
    };
    let _over = tokio::time::timeout(CLOSE_LINGER, read_on).await;
}
