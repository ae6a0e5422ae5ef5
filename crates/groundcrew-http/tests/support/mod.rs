//! A server over real sockets, and a client that knows every byte.
#![allow(dead_code, unreachable_pub, missing_docs, reason = "each test binary uses its own part")]

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use groundcrew_http::{Http, HttpConfig};
use groundcrew_runtime::{Crew, Receipt, ShutdownConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// Longer than anything here should take.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub struct Server {
    pub crew: Crew,
    pub address: SocketAddr,
}

impl Server {
    pub async fn bind(config: HttpConfig) -> (Self, Http) {
        Self::bind_with(config, ShutdownConfig::default()).await
    }

    pub async fn bind_with(config: HttpConfig, shutdown: ShutdownConfig) -> (Self, Http) {
        let crew = Crew::builder("test", "1.0.0").in_kubernetes(false).shutdown(shutdown).build();
        let http = config.bind(&crew).await.expect("a free port");
        let address = http.local_addr().expect("a TCP listener");
        (Self { crew, address }, http)
    }

    pub async fn start(config: HttpConfig, routes: Router) -> Self {
        let (server, http) = Self::bind(config).await;
        http.serve(routes);
        server
    }

    pub async fn connect(&self) -> Client {
        Client { stream: TcpStream::connect(self.address).await.expect("a connection"), rest: Vec::new() }
    }

    pub async fn get(&self, path: &str) -> Answer {
        let mut client = self.connect().await;
        client.get(path).await;
        client.answer().await.expect("an answer")
    }

    pub fn land(&self) -> JoinHandle<Receipt> {
        let crew = self.crew.clone();
        tokio::spawn(async move { crew.land().await })
    }
}

pub struct Client {
    pub stream: TcpStream,
    rest: Vec<u8>,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {:?}", self.body))
    }
}

impl Client {
    pub async fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.expect("the server reads");
    }

    pub async fn get(&mut self, path: &str) {
        self.send(&format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n")).await;
    }

    /// The next answer; `None` when the server closed the connection instead.
    pub async fn answer(&mut self) -> Option<Answer> {
        tokio::time::timeout(PATIENCE, self.read_answer()).await.expect("an answer in time")
    }

    async fn read_answer(&mut self) -> Option<Answer> {
        let head_end = loop {
            if let Some(at) = find(&self.rest, b"\r\n\r\n") {
                break at + 4;
            }
            if !self.fill().await {
                return None;
            }
        };
        let head = String::from_utf8(self.rest.drain(..head_end).collect()).expect("a text head");
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
        let mut answer = Answer { status, head, body: String::new() };
        let length = answer.header("content-length").map(|length| length.parse::<usize>().expect("a length"));
        let body: Vec<u8> = match length {
            Some(length) => {
                while self.rest.len() < length {
                    assert!(self.fill().await, "the body was cut");
                }
                self.rest.drain(..length).collect()
            }
            None => Vec::new(),
        };
        answer.body = String::from_utf8(body).expect("a text body");
        Some(answer)
    }

    /// Everything until the server closes.
    pub async fn read_to_end(&mut self) -> String {
        let all = async { while self.fill().await {} };
        tokio::time::timeout(PATIENCE, all).await.expect("an end in time");
        String::from_utf8_lossy(&std::mem::take(&mut self.rest)).into_owned()
    }

    /// Reads until this text has come.
    pub async fn read_until(&mut self, text: &str) {
        let until = async {
            while find(&self.rest, text.as_bytes()).is_none() {
                assert!(
                    self.fill().await,
                    "closed before {text:?}: {:?}",
                    String::from_utf8_lossy(&self.rest)
                );
            }
        };
        tokio::time::timeout(PATIENCE, until).await.expect("the text in time");
    }

    /// Whether the server has closed its side.
    pub async fn closed(&mut self) -> bool {
        tokio::time::timeout(PATIENCE, self.fill()).await.is_ok_and(|more| !more)
    }

    async fn fill(&mut self) -> bool {
        let mut bytes = [0; 8192];
        match self.stream.read(&mut bytes).await {
            Ok(0) | Err(_) => false,
            Ok(count) => {
                self.rest.extend_from_slice(&bytes[..count]);
                true
            }
        }
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
