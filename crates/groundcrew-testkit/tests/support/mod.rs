//! Small TCP servers that behave well or badly on purpose.
#![allow(dead_code, reason = "not every test file needs all of them")]

use std::future::Future;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

pub(crate) const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// A server that handles each connection as it is told, until it is dropped: then everything is cut at once.
pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    _tasks: JoinSet<()>,
}

impl Server {
    pub(crate) async fn start<F>(handle: impl Fn(TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self::on(TcpListener::bind("127.0.0.1:0").await.expect("a free port"), handle)
    }

    pub(crate) fn on<F>(listener: TcpListener, handle: impl Fn(TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let addr = listener.local_addr().expect("it is bound");
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(handle(stream));
            }
        });
        Self { addr, _tasks: tasks }
    }
}

/// Reads one request (they are all small and have no body). False when the peer is gone.
pub(crate) async fn request(stream: &mut TcpStream) -> bool {
    let mut seen = Vec::new();
    while !seen.ends_with(b"\r\n\r\n") {
        if !stream.read_buf(&mut seen).await.is_ok_and(|read| read > 0) {
            return false;
        }
    }
    true
}

/// Answers every request in the same way.
pub(crate) async fn answer_all(mut stream: TcpStream, answer: &'static [u8]) {
    while request(&mut stream).await && stream.write_all(answer).await.is_ok() {}
}

/// Sends back whatever comes.
pub(crate) async fn echo(mut stream: TcpStream) {
    let (mut from, mut to) = stream.split();
    let _ = tokio::io::copy(&mut from, &mut to).await;
}
