//! A tiny HTTP/1.1 client that shows what really came over the wire.
//!
//! One connection, one request after the other, bytes in and bytes out: half a request can be sent, and a
//! connection can be watched to its end. It follows no redirects, knows no TLS, and pools nothing. Every
//! operation gives up after ten seconds, so that a test fails instead of hanging.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use tokio::io::{AsyncReadExt, AsyncWriteExt};
//! # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! # let addr = listener.local_addr()?;
//! # let server = async {
//! #     let (mut peer, _) = listener.accept().await?;
//! #     peer.read(&mut [0; 1024]).await?;
//! #     peer.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nready").await
//! # };
//! # let client = async {
//! use groundcrew_testkit::http;
//!
//! let response = http::get(addr, "/ready").await?;
//! assert_eq!(response.status, 200);
//! assert_eq!(response.text(), "ready");
//! # Ok::<(), std::io::Error>(())
//! # };
//! # let (served, asked) = tokio::join!(server, client);
//! # served?; asked?;
//! # Ok(())
//! # }
//! ```

use crate::wire::{self, Answer, Length, Malformed};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long any one operation may take.
pub const TIMEOUT: Duration = Duration::from_secs(10);

/// A response as it was received, except that a chunked body is put together.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Response {
    /// The status code, such as 200.
    pub status: u16,
    /// Names and values in the order in which they came.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// An open connection, for several requests or for parts of one.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// `GET path` on a connection of its own.
///
/// # Errors
/// Whatever the connection says, `InvalidData` for an answer that is no HTTP, `UnexpectedEof` for one that is
/// cut short, `TimedOut` after [`TIMEOUT`].
pub async fn get(addr: SocketAddr, path: &str) -> io::Result<Response> {
    let mut connection = Connection::open(addr).await?;
    connection.send(format!("GET {path} HTTP/1.1\r\nhost: {addr}\r\nconnection: close\r\n\r\n")).await?;
    connection.response().await
}

/// Sends bytes on a connection of its own and returns everything that comes until the peer closes it.
///
/// # Errors
/// As [`get`], except that the bytes need not be HTTP.
pub async fn exchange(addr: SocketAddr, request: impl AsRef<[u8]>) -> io::Result<Vec<u8>> {
    let mut connection = Connection::open(addr).await?;
    connection.send(request).await?;
    connection.read_to_end().await
}

// === impl Response ===

impl Response {
    /// The first header of that name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The body as text; bytes that are not UTF-8 become U+FFFD.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// All that came on a connection that was closed after it.
    #[cfg(all(unix, feature = "rabbitmq"))]
    pub(crate) fn parse(bytes: &[u8]) -> io::Result<Self> {
        let mut answer = Answer::new(false);
        let end = answer.end(bytes).map_err(invalid)?;
        let end =
            end.or_else(|| answer.may_end().then_some(bytes.len())).ok_or(io::ErrorKind::UnexpectedEof)?;
        Self::from_bytes(&bytes[..end], &answer).map_err(invalid)
    }

    fn from_bytes(bytes: &[u8], answer: &Answer) -> Result<Self, Malformed> {
        let head = answer.head().ok_or(Malformed("it has no head"))?;
        let body = &bytes[head.body..];
        let body = if head.length == Length::Chunked { wire::join_chunks(body)? } else { body.to_vec() };
        let headers = wire::headers(&bytes[..head.body]);
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Ok(Self { status: head.status, headers, body })
    }
}

// === impl Connection ===

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// Those of the connection, or `TimedOut`.
    pub async fn open(addr: SocketAddr) -> io::Result<Self> {
        let stream = in_time(TcpStream::connect(addr)).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::new() })
    }

    /// Sends bytes as they are: a request, several, or half of one.
    ///
    /// # Errors
    /// Those of the connection, or `TimedOut`.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        in_time(self.stream.write_all(bytes.as_ref())).await
    }

    /// Reads one response and leaves the connection open for the next.
    ///
    /// # Errors
    /// As [`get`].
    pub async fn response(&mut self) -> io::Result<Response> {
        in_time(self.read_response()).await
    }

    /// Everything that still comes until the peer closes the connection.
    ///
    /// # Errors
    /// Those of the connection (a reset is one), or `TimedOut`.
    pub async fn read_to_end(&mut self) -> io::Result<Vec<u8>> {
        in_time(self.stream.read_to_end(&mut self.buffer)).await?;
        Ok(std::mem::take(&mut self.buffer))
    }

    /// The socket underneath.
    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }

    async fn read_response(&mut self) -> io::Result<Response> {
        let mut answer = Answer::new(false);
        let end = loop {
            if let Some(end) = answer.end(&self.buffer).map_err(invalid)? {
                break end;
            }
            if self.stream.read_buf(&mut self.buffer).await? > 0 {
                continue;
            }
            if answer.may_end() {
                break self.buffer.len();
            }
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "closed before the response was complete",
            ));
        };
        let rest = self.buffer.split_off(end);
        let bytes = std::mem::replace(&mut self.buffer, rest);
        Response::from_bytes(&bytes, &answer).map_err(invalid)
    }
}

async fn in_time<T>(operation: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let timeout = || io::Error::new(io::ErrorKind::TimedOut, format!("nothing for {TIMEOUT:?}"));
    tokio::time::timeout(TIMEOUT, operation).await.unwrap_or_else(|_| Err(timeout()))
}

fn invalid(error: Malformed) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
