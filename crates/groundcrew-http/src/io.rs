use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::connection::{Command, Connection, Phase};
use crate::shared::Registered;
use crate::stream::{Stream, Waiting};

/// The socket as hyper sees it: it tells the connection what happens, and it decides when an idle connection
/// is closed.
///
/// hyper's own graceful shutdown closes an idle connection at once, and a request that is already in the
/// kernel's buffer is lost. Here the end of stream that makes hyper close is given only when the kernel, asked
/// at that moment, has nothing for us.
#[derive(Debug)]
pub(crate) struct Io {
    stream: Option<Stream>,
    connection: Arc<Connection>,
    /// A write is stuck: the response is not out yet.
    write_blocked: bool,
    /// The peer has closed its side: nothing can be lost by closing ours.
    peer_closed: bool,
    /// The place among the connections: after an upgrade the socket is all that is left to hold it.
    _place: Arc<Registered>,
}

// === impl Io ===

impl Io {
    pub(crate) fn new(stream: Stream, place: Arc<Registered>) -> Self {
        let connection = place.connection.clone();
        Self { stream: Some(stream), connection, write_blocked: false, peer_closed: false, _place: place }
    }

    fn stream(&mut self) -> io::Result<Pin<&mut Stream>> {
        self.stream.as_mut().map(Pin::new).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// Whether hyper may be told that the stream has ended.
    fn may_end(&self) -> bool {
        self.connection.command() == Command::CloseWhenIdle
            // HTTP/2 has GOAWAY for this.
            && !self.connection.http2.load(Relaxed)
            && matches!(self.connection.phase(), Phase::Idle | Phase::Silent)
            && !self.write_blocked
            && self.stream.as_ref().is_some_and(|stream| stream.waiting() != Waiting::Bytes)
    }

    fn wrote(&mut self, poll: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if self.write_blocked != poll.is_pending() {
            self.write_blocked = poll.is_pending();
            self.connection.stuck(self.write_blocked);
        }
        if let Poll::Ready(Ok(bytes)) = &poll {
            self.connection.wrote(*bytes);
        }
        poll
    }
}

impl AsyncRead for Io {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let poll = this.stream()?.poll_read(cx, buffer);
        match &poll {
            Poll::Ready(Ok(())) if buffer.filled().len() > before => {
                this.connection.received(&buffer.filled()[before..]);
            }
            Poll::Ready(_) => this.peer_closed = true,
            Poll::Pending if this.may_end() => return Poll::Ready(Ok(())),
            // Bytes came that the runtime has not been told of yet: look again.
            Poll::Pending if this.connection.command() == Command::CloseWhenIdle => {
                if this.stream.as_ref().is_some_and(|stream| stream.waiting() == Waiting::Bytes) {
                    cx.waker().wake_by_ref();
                }
            }
            Poll::Pending => {}
        }
        poll
    }
}

impl AsyncWrite for Io {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let poll = this.stream()?.poll_write(cx, bytes);
        this.wrote(poll)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let poll = this.stream()?.poll_write_vectored(cx, slices);
        this.wrote(poll)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().stream()?.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.connection.phase() != Phase::Upgraded {
            this.connection.enter(Phase::Closing);
        }
        this.stream()?.poll_shutdown(cx)
    }
}

impl Drop for Io {
    fn drop(&mut self) {
        if !self.peer_closed {
            *self.connection.returned.lock() = self.stream.take();
        }
    }
}
