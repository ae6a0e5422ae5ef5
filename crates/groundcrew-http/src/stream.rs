use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;

/// A socket of either kind.
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
    #[cfg(feature = "tls")]
    Tls(Box<tokio_rustls::server::TlsStream<TcpStream>>),
}

/// What waits in the kernel for us.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Waiting {
    Nothing,
    Bytes,
    EndOfStream,
}

/// The protocol that a client's first bytes ask for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http1,
    Http2,
}

/// How an HTTP/2 preface begins; no HTTP/1 method does (RFC 9113, section 3.4).
const HTTP2_PREFACE_START: &[u8; 4] = b"PRI ";

// === impl Stream ===

impl Stream {
    fn socket(&self) -> SockRef<'_> {
        match self {
            Stream::Tcp(stream) => SockRef::from(stream),
            #[cfg(unix)]
            Stream::Unix(stream) => SockRef::from(stream),
            #[cfg(feature = "tls")]
            Stream::Tls(stream) => SockRef::from(stream.get_ref().0),
        }
    }

    /// Asks the kernel itself, not the cached readiness, so that the answer holds at this very moment.
    pub(crate) fn waiting(&self) -> Waiting {
        let mut byte = [MaybeUninit::<u8>::uninit(); 1];
        match self.socket().peek(&mut byte) {
            Ok(0) => Waiting::EndOfStream,
            Ok(_) => Waiting::Bytes,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Waiting::Nothing,
            Err(_) => Waiting::EndOfStream,
        }
    }

    /// The protocol, once the first bytes are there; `None` when the client left without a word.
    pub(crate) fn poll_protocol(&self, cx: &mut Context<'_>) -> Poll<Option<Protocol>> {
        match self {
            Stream::Tcp(stream) => {
                let mut bytes = [0; 4];
                let mut buffer = ReadBuf::new(&mut bytes);
                match ready!(stream.poll_peek(cx, &mut buffer)) {
                    Ok(0) | Err(_) => Poll::Ready(None),
                    Ok(_) if buffer.filled() == HTTP2_PREFACE_START => Poll::Ready(Some(Protocol::Http2)),
                    Ok(_) => Poll::Ready(Some(Protocol::Http1)),
                }
            }
            // There is no peek for these, and who speaks over a Unix socket (a local proxy) speaks HTTP/1.
            #[cfg(unix)]
            Stream::Unix(stream) => {
                stream.poll_read_ready(cx).map(|ready| ready.ok().map(|()| Protocol::Http1))
            }
            #[cfg(feature = "tls")]
            Stream::Tls(stream) => Poll::Ready(Some(negotiated(stream.get_ref().1))),
        }
    }

    /// Sends our FIN; reading goes on.
    pub(crate) fn shutdown_write(&self) -> io::Result<()> {
        self.socket().shutdown(Shutdown::Write)
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Tcp(stream) => Pin::new(stream).poll_read(cx, buffer),
            #[cfg(unix)]
            Stream::Unix(stream) => Pin::new(stream).poll_read(cx, buffer),
            #[cfg(feature = "tls")]
            Stream::Tls(stream) => Pin::new(stream.as_mut()).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            #[cfg(unix)]
            Stream::Unix(stream) => Pin::new(stream).poll_write(cx, bytes),
            #[cfg(feature = "tls")]
            Stream::Tls(stream) => Pin::new(stream.as_mut()).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Tcp(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
            #[cfg(unix)]
            Stream::Unix(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
            #[cfg(feature = "tls")]
            Stream::Tls(stream) => Pin::new(stream.as_mut()).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    #[cfg_attr(not(feature = "tls"), expect(unused_variables, reason = "plain sockets keep nothing back"))]
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            #[cfg(feature = "tls")]
            Stream::Tls(stream) => Pin::new(stream.as_mut()).poll_flush(cx),
            // Plain sockets keep nothing back.
            _ => Poll::Ready(Ok(())),
        }
    }

    #[cfg_attr(not(feature = "tls"), expect(unused_variables, reason = "plain sockets close at once"))]
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            #[cfg(feature = "tls")]
            Stream::Tls(stream) => Pin::new(stream.as_mut()).poll_shutdown(cx),
            plain => Poll::Ready(plain.shutdown_write()),
        }
    }
}

/// What the handshake agreed upon.
#[cfg(feature = "tls")]
fn negotiated(session: &rustls::ServerConnection) -> Protocol {
    if session.alpn_protocol() == Some(b"h2") { Protocol::Http2 } else { Protocol::Http1 }
}
