//! Server-sent events, as they come.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use super::http;

/// A stream of events that is open.
pub struct Events {
    stream: TcpStream,
    text: String,
}

impl Events {
    pub fn open(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Self {
        let mut stream = http::connect(address);
        let head = http::head(address, "GET", path, headers, 0);
        stream.write_all(head.as_bytes()).expect("a request");
        Self { stream, text: String::new() }
    }

    /// Reads up to this text; what came so far.
    pub fn until(&mut self, text: &str) -> &str {
        while !self.text.contains(text) {
            assert!(self.read(), "ended without {text:?}: {}", self.text);
        }
        &self.text
    }

    /// Reads to the end.
    pub fn rest(mut self) -> String {
        while self.read() {}
        self.text
    }

    fn read(&mut self) -> bool {
        let mut chunk = [0; 4096];
        let count = self.stream.read(&mut chunk).expect("events");
        self.text.push_str(std::str::from_utf8(&chunk[..count]).expect("text"));
        count > 0
    }
}
