//! Requests and websockets without any library of Discord's, for the edges of the protocol.

use futures_util::{SinkExt, StreamExt};
use groundcrew_testkit::http::{Connection, Response};
use groundcrew_testkit_discord::{Discord, Interaction, Options, Snowflake};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

/// A guild with a channel and a member, and a command to give.
pub(crate) struct Scene {
    pub(crate) discord: Discord,
    pub(crate) guild: Snowflake,
    pub(crate) channel: Snowflake,
    pub(crate) ada: Snowflake,
}

/// A connection to the gateway.
pub(crate) struct Socket(WebSocketStream<TcpStream>);

// === impl Scene ===

impl Scene {
    pub(crate) async fn new() -> Self {
        Self::with(Options { identify_every: Duration::ZERO, ..Options::default() }).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        let discord = Discord::start_with(options).await.unwrap();
        let guild = discord.guild("Ops").create();
        let channel = discord.channel(guild, "general").create();
        let ada = discord.member(guild, "ada").create();
        Self { discord, guild, channel, ada }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.discord.api().trim_start_matches("http://").parse().unwrap()
    }

    /// As the bot.
    pub(crate) async fn rest(&self, method: &str, path: &str, body: Option<Value>) -> Response {
        let token = format!("Bot {}", self.discord.token());
        self.rest_as(&token, method, path, body).await
    }

    pub(crate) async fn rest_as(
        &self,
        token: &str,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Response {
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        self.send(method, &format!("/api/v10{path}"), token, "application/json", &body).await
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        token: &str,
        kind: &str,
        body: &str,
    ) -> Response {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: local\r\nauthorization: {token}\r\ncontent-type: {kind}\r\n\
             content-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        );
        let mut connection = Connection::open(self.addr()).await.unwrap();
        connection.send(head + body).await.unwrap();
        connection.response().await.unwrap()
    }

    /// Registers a global command.
    pub(crate) async fn register(&self, command: Value) {
        let path = format!("/applications/{}/commands", self.discord.application_id());
        let response = self.rest("POST", &path, Some(command)).await;
        assert!(matches!(response.status, 200 | 201), "{}", response.text());
    }

    /// Ada says `/ping`.
    pub(crate) async fn ping(&self) -> Interaction {
        self.register(json!({"name": "ping", "description": "is anybody there?"})).await;
        self.discord.command("ping").by(self.ada).in_channel(self.channel).fire().unwrap()
    }

    pub(crate) async fn connect(&self, query: &str) -> Socket {
        let stream = TcpStream::connect(self.addr()).await.unwrap();
        let url = format!("{}/{query}", self.discord.gateway());
        Socket(client_async(url, stream).await.unwrap().0)
    }

    /// A session, ready, with all its guilds.
    pub(crate) async fn session(&self, intents: u64) -> (Socket, Value) {
        let mut socket = self.connect("?v=10&encoding=json").await;
        assert_eq!(socket.next().await["op"], 10);
        socket.identify(&self.discord.token(), intents).await;
        let ready = socket.event("READY").await;
        (socket, ready)
    }
}

// === impl Socket ===

impl Socket {
    pub(crate) async fn send(&mut self, payload: Value) {
        self.0.send(Message::text(payload.to_string())).await.unwrap();
    }

    pub(crate) async fn send_raw(&mut self, text: &str) {
        self.0.send(Message::text(text.to_owned())).await.unwrap();
    }

    pub(crate) async fn identify(&mut self, token: &str, intents: u64) {
        let properties = json!({"os": "linux", "browser": "test", "device": "test"});
        self.send(json!({"op": 2, "d": {"token": token, "intents": intents, "properties": properties}}))
            .await;
    }

    pub(crate) async fn resume(&mut self, token: &str, session: &Value, seq: u64) {
        self.send(json!({"op": 6, "d": {"token": token, "session_id": session, "seq": seq}})).await;
    }

    pub(crate) async fn message(&mut self) -> Option<Message> {
        let next = tokio::time::timeout(Duration::from_secs(10), self.0.next());
        next.await.expect("something within 10 s").and_then(Result::ok)
    }

    pub(crate) async fn next(&mut self) -> Value {
        match self.message().await {
            Some(Message::Text(text)) => serde_json::from_str(&text).unwrap(),
            other => panic!("no payload but {other:?}"),
        }
    }

    /// The next event of this name; others are passed over.
    pub(crate) async fn event(&mut self, name: &str) -> Value {
        loop {
            let payload = self.next().await;
            if payload["t"] == name {
                return payload;
            }
        }
    }

    /// The code with which the server closes; payloads before it are passed over.
    pub(crate) async fn closed(&mut self) -> u16 {
        loop {
            match self.message().await {
                Some(Message::Close(Some(frame))) => return frame.code.into(),
                Some(_) => {}
                None => panic!("cut, not closed"),
            }
        }
    }
}

pub(crate) fn json_of(response: &Response) -> Value {
    serde_json::from_slice(&response.body).unwrap_or_default()
}
