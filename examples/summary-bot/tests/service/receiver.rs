//! Somebody who is told: a server that remembers every message, and answers what it was told to.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use groundcrew::auth::standard_webhooks::{Verified, Verifier, VerifyError, WebhookSecret};
use groundcrew::http::axum::http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use super::wait_for;

/// A message as it came.
#[derive(Debug, Clone)]
pub struct Message {
    pub headers: HeaderMap,
    pub body: String,
}

/// The receiver; its thread ends with the test's process.
#[derive(Debug, Clone)]
pub struct Receiver {
    pub address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    messages: Vec<Message>,
    answers: VecDeque<String>,
}

impl Receiver {
    pub fn start() -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").expect("a port"))
    }

    pub fn on(listener: TcpListener) -> Self {
        let address = listener.local_addr().expect("an address");
        let receiver = Self { address, shared: Arc::default() };
        let shared = Arc::clone(&receiver.shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || serve(stream, &shared));
            }
        });
        receiver
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What it answers next, in this order, as status and further lines of the head; after that 204.
    pub fn answers<S: Into<String>>(&self, answers: impl IntoIterator<Item = S>) {
        self.lock().answers.extend(answers.into_iter().map(Into::into));
    }

    pub fn messages(&self) -> Vec<Message> {
        self.lock().messages.clone()
    }

    /// The messages, as soon as there are so many.
    pub fn wait_for(&self, count: usize) -> Vec<Message> {
        wait_for(&format!("{count} messages"), || Some(self.messages()).filter(|all| all.len() >= count))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Message {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    pub fn id(&self) -> &str {
        self.headers["webhook-id"].to_str().expect("text")
    }

    /// Whether it is signed by this secret.
    pub fn verify(&self, secret: &str) -> Result<Verified, VerifyError> {
        let secret = WebhookSecret::parse(secret).expect("a secret");
        Verifier::new(&secret).verify(&self.headers, self.body.as_bytes())
    }
}

fn serve(stream: TcpStream, shared: &Mutex<Shared>) {
    let mut reader = BufReader::new(stream);
    while let Some(message) = read(&mut reader) {
        let answer = {
            let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
            shared.messages.push(message);
            shared.answers.pop_front().unwrap_or_else(|| "204 No Content".to_owned())
        };
        let head = format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\n\r\n");
        if reader.get_mut().write_all(head.as_bytes()).is_err() {
            return;
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Message> {
    let (mut headers, mut line) = (HeaderMap::new(), String::new());
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.append(name.parse::<HeaderName>().ok()?, HeaderValue::from_str(value.trim()).ok()?);
    }
    let length = headers.get("content-length")?.to_str().ok()?.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Message { headers, body: String::from_utf8(body).ok()? })
}
