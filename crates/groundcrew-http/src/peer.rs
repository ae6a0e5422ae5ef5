use std::net::SocketAddr;
use std::sync::OnceLock;

/// A connection's client: its address, and the text of it once a line has needed that.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    text: OnceLock<Box<str>>,
}

// === impl Peer ===

impl Peer {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, text: OnceLock::new() }
    }

    pub(crate) fn text(&self) -> &str {
        self.text.get_or_init(|| self.address.to_string().into())
    }
}
