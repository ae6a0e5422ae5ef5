//! The listener, which comes and goes with the mode.

use super::flow::{self, Orders};
use super::{Counters, Direction, Mode};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

const RETRY: Duration = Duration::from_millis(5);
const BACKLOG: u32 = 1024;

/// Accepts until it is aborted, and says after each change of mode that it is in force.
pub(super) async fn run(
    listener: TcpListener,
    target: SocketAddr,
    mut orders: Orders,
    applied: watch::Sender<u64>,
    counters: Arc<Counters>,
) {
    let Ok(addr) = listener.local_addr() else { return };
    let mut listener = Some(listener);
    let mut connections = JoinSet::new();
    loop {
        let order = *orders.borrow_and_update();
        listener = match (listener.take(), order.mode) {
            (open, Mode::Refuse) => {
                drop(open);
                None
            }
            (Some(open), _) => Some(open),
            (None, _) => Some(again(addr, |socket| socket.listen(BACKLOG)).await),
        };
        let reserved = match listener {
            Some(_) => None,
            None => Some(again(addr, Ok).await),
        };
        applied.send_replace(order.number);
        tokio::select! {
            changed = orders.changed() => if changed.is_err() { return },
            stream = accept(listener.as_ref()) => {
                counters.accepted.fetch_add(1, Ordering::Relaxed);
                counters.open.send_modify(|open| *open += 1);
                let guard = Open(Arc::clone(&counters));
                connections.spawn(flow::run(stream, target, orders.clone(), guard));
            }
            _ = connections.join_next(), if !connections.is_empty() => {}
        }
        drop(reserved);
    }
}

/// The next connection; never, while nobody listens.
async fn accept(listener: Option<&TcpListener>) -> TcpStream {
    let Some(listener) = listener else { return std::future::pending().await };
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(_) => tokio::time::sleep(RETRY).await,
        }
    }
}

/// Binds the address again; what else holds the port for a moment lets go of it.
async fn again<T>(addr: SocketAddr, make: fn(TcpSocket) -> io::Result<T>) -> T {
    loop {
        match bound(addr).and_then(make) {
            Ok(socket) => return socket,
            Err(_) => tokio::time::sleep(RETRY).await,
        }
    }
}

/// A socket that is bound and does not listen keeps the port and refuses connections.
fn bound(addr: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    Ok(socket)
}

/// Counts a connection as open until it is dropped.
pub(super) struct Open(Arc<Counters>);

impl Open {
    pub(super) fn counters(&self) -> &Counters {
        &self.0
    }

    /// So many bytes fell into a black hole.
    pub(super) fn swallowed(&self, direction: Direction, bytes: usize) {
        self.0.bytes(direction).swallowed.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.send_modify(|open| *open -= 1);
    }
}
