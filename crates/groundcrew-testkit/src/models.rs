//! A language model's server that answers what the test wants, right or wrong.
//!
//! It listens on a free loopback port and speaks OpenAI's `/v1/chat/completions` (also under `/chat/completions`) and
//! Anthropic's `/v1/messages`, whole or as a stream. Without a script it is a good model: it fills the JSON schema
//! that it is given with sentences of the prompt, and cites them.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use groundcrew_testkit::models::{Models, Reply};
//! use std::time::Duration;
//!
//! let models = Models::start().await?;
//! models.script([Reply::RateLimited(Duration::from_secs(1)), Reply::Fenced]); // then good answers again
//! // … a service with this base URL asks:
//! assert!(models.url().ends_with("/v1"));
//! assert_eq!(models.requests().len(), 0);
//! # Ok(())
//! # }
//! ```
//!
//! What it takes for given messages are the JSON objects in the prompt with an `id` and a `text` (or `content`). It
//! thinks nothing: a token is four bytes, and what it says of a conversation is a piece of the conversation.
//!
//! [`Models::listen`] and the program `local-models` serve other processes; those who share one tell it what to
//! answer by `PUT /script`, with a JSON array of replies' names such as `["fenced", "unauthorized"]`, and ask for
//! `GET /totals`.

mod anthropic;
mod connection;
mod desk;
mod fill;
mod openai;
mod reply;
mod said;
mod speech;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use desk::Desk;
pub use reply::Reply;

/// A running server; dropping it cuts every connection.
#[derive(Debug)]
pub struct Models {
    addr: SocketAddr,
    desk: Arc<Desk>,
    _tasks: JoinSet<()>,
}

/// What was asked.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Asked {
    /// The path, such as `/v1/messages`.
    pub path: String,
    /// Names in lower case, and values, in the order in which they came.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Value,
}

/// What was asked and answered so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Totals {
    /// Requests for an answer, refused ones included.
    pub requests: u64,
    /// Tokens of the prompts that were answered.
    pub input_tokens: u64,
    /// Tokens of the answers.
    pub output_tokens: u64,
    /// How many requests were under way at once at most.
    pub at_once: u64,
}

// === impl Models ===

impl Models {
    /// Starts on a free loopback port. Needs a tokio runtime with I/O and time.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn start() -> io::Result<Self> {
        Self::listen(([127, 0, 0, 1], 0).into()).await
    }

    /// Starts there.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn listen(addr: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(addr).await?;
        let addr = listener.local_addr()?;
        let desk = Arc::new(Desk::default());
        let mut tasks = JoinSet::new();
        tasks.spawn(connection::accept(listener, Arc::clone(&desk)));
        Ok(Self { addr, desk, _tasks: tasks })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The base URL for clients of either protocol: `http://127.0.0.1:<port>/v1`.
    pub fn url(&self) -> String {
        format!("http://{}/v1", self.addr)
    }

    /// Answers this from now on, where the script has nothing to say.
    pub fn reply(&self, reply: Reply) {
        self.desk.set(reply);
    }

    /// Answers this to requests for that model from now on, script or not.
    pub fn reply_for(&self, model: impl Into<String>, reply: Reply) {
        self.desk.set_for(model.into(), reply);
    }

    /// Answers these first, one request each, after what is in the script already.
    pub fn script(&self, replies: impl IntoIterator<Item = Reply>) {
        self.desk.script(replies);
    }

    /// Refuses requests that have this member, as servers do that do not know it: `response_format`, `max_tokens` …
    pub fn refuse_member(&self, member: impl Into<String>) {
        self.desk.refuse_member(member.into());
    }

    /// Everything that was asked, in order.
    pub fn requests(&self) -> Vec<Asked> {
        self.desk.requests()
    }

    /// What was asked and answered so far.
    pub fn totals(&self) -> Totals {
        self.desk.totals()
    }

    /// Whether so many requests have come, waiting for them no longer than `within`.
    pub async fn asked(&self, requests: u64, within: Duration) -> bool {
        self.desk.asked(requests, within).await
    }
}

// === impl Asked ===

impl Asked {
    /// The value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The model that was asked for.
    pub fn model(&self) -> &str {
        self.body["model"].as_str().unwrap_or_default()
    }

    /// Everything that the model is given to read, one text after the other.
    pub fn prompt(&self) -> String {
        said::prompt(&self.body)
    }
}
