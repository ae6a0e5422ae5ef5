//! One websocket, from `hello` to its close.

use super::compress::Transport;
use super::handshake::{Identify, Resume};
use super::session::Link;
use super::{Frame, intent};
use crate::shared::Shared;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::mpsc::{self, UnboundedSender};
use tokio::time::Instant;

/// Discord's: more than so many payloads in a minute end the connection.
const PAYLOADS_PER_MINUTE: u32 = 120;

#[derive(Debug, Deserialize)]
pub(crate) struct Wishes {
    v: Option<u8>,
    encoding: Option<String>,
    compress: Option<String>,
}

struct Connection {
    shared: Arc<Shared>,
    socket: WebSocket,
    transport: Transport,
    number: u64,
    to: UnboundedSender<Frame>,
    has_session: bool,
    heartbeat_by: Instant,
    minute: (Instant, u32),
}

/// Whether the connection goes on, or how it ended: with a goodbye that ends the session too, or without.
type Flow = ControlFlow<bool>;

static CONNECTIONS: AtomicU64 = AtomicU64::new(1);

pub(crate) async fn upgrade(
    State(shared): State<Arc<Shared>>,
    Query(wishes): Query<Wishes>,
    upgrade: WebSocketUpgrade,
) -> Response {
    upgrade.on_upgrade(move |socket| serve(shared, socket, wishes))
}

async fn serve(shared: Arc<Shared>, socket: WebSocket, wishes: Wishes) {
    let (to, mut frames) = mpsc::unbounded_channel();
    let number = CONNECTIONS.fetch_add(1, Ordering::Relaxed);
    let transport = Transport::of(wishes.compress.as_deref());
    let heartbeat_by = Instant::now() + patience(&shared);
    let minute = (Instant::now(), 0);
    let ending = Arc::clone(&shared);
    let mut connection =
        Connection { shared, socket, transport, number, to, has_session: false, heartbeat_by, minute };
    let goodbye = match connection.begin(&wishes).await {
        ControlFlow::Break(goodbye) => goodbye,
        ControlFlow::Continue(()) => loop {
            let flow = tokio::select! {
                message = connection.socket.recv() => connection.hear(message).await,
                frame = frames.recv() => match frame {
                    Some(frame) => connection.send(frame).await,
                    None => Flow::Break(false),
                },
                () = tokio::time::sleep_until(connection.heartbeat_by) => {
                    connection.send(Frame::Close(4009, "Session timed out.")).await
                }
                () = ending.stopped() => Flow::Break(false),
            };
            if let ControlFlow::Break(goodbye) = flow {
                break goodbye;
            }
        },
    };
    let number = connection.number;
    connection.shared.change(|state| state.sessions.disconnect(number, goodbye));
}

fn patience(shared: &Shared) -> Duration {
    shared.options.heartbeat_interval.mul_f64(1.5) + Duration::from_secs(10)
}

// === impl Connection ===

impl Connection {
    async fn begin(&mut self, wishes: &Wishes) -> Flow {
        if wishes.v.is_some_and(|version| version != 10) {
            return self.send(Frame::Close(4012, "Invalid API version.")).await;
        }
        if wishes.encoding.as_deref().is_some_and(|encoding| encoding != "json") {
            return self.send(Frame::Close(4012, "Only JSON is spoken here.")).await;
        }
        let interval = u64::try_from(self.shared.options.heartbeat_interval.as_millis()).unwrap_or(u64::MAX);
        let hello = json!({"op": 10, "d": {"heartbeat_interval": interval, "_trace": ["local-discord"]}, "s": null, "t": null});
        self.send(Frame::Control(hello)).await
    }

    async fn send(&mut self, frame: Frame) -> Flow {
        let (payload, interaction) = match frame {
            Frame::Event { seq, name, data, interaction } => {
                (json!({"op": 0, "t": name, "s": seq, "d": data}), interaction)
            }
            Frame::Control(payload) => (payload, None),
            Frame::Close(code, reason) => {
                let close = CloseFrame { code, reason: reason.into() };
                // Whether the bot still hears it or not, it is over.
                let _ = self.socket.send(Message::Close(Some(close))).await;
                return Flow::Break(false);
            }
            Frame::Cut => return Flow::Break(false),
        };
        let message = self.transport.message(&payload);
        if self.socket.send(message).await.is_err() {
            return Flow::Break(false);
        }
        if let Some(id) = interaction {
            let connection = self.number;
            self.shared.change(|state| {
                let session = state.sessions.list.iter().find(|session| session.is_at(connection));
                let number = session.map(|session| session.number);
                state.interactions.received(id, number);
            });
        }
        Flow::Continue(())
    }

    async fn hear(&mut self, message: Option<Result<Message, axum::Error>>) -> Flow {
        let text = match message {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Binary(bytes))) => match String::from_utf8(bytes.to_vec()) {
                Ok(text) => text.into(),
                Err(_) => return self.send(Frame::Close(4002, "Error while decoding payload.")).await,
            },
            Some(Ok(Message::Close(close))) => {
                let goodbye = close.is_some_and(|close| matches!(close.code, 1000 | 1001));
                return Flow::Break(goodbye);
            }
            Some(Ok(_)) => return Flow::Continue(()),
            Some(Err(_)) | None => return Flow::Break(false),
        };
        if self.minute.0.elapsed() > Duration::from_secs(60) {
            self.minute = (Instant::now(), 0);
        }
        self.minute.1 += 1;
        if self.minute.1 > PAYLOADS_PER_MINUTE {
            return self.send(Frame::Close(4008, "Rate limited.")).await;
        }
        match serde_json::from_str::<Value>(&text) {
            Ok(payload) => self.obey(&payload).await,
            Err(_) => self.send(Frame::Close(4002, "Error while decoding payload.")).await,
        }
    }

    async fn obey(&mut self, payload: &Value) -> Flow {
        let data = &payload["d"];
        match payload["op"].as_u64() {
            Some(1) => self.heartbeat(data.as_u64()).await,
            Some(2) => self.identify(data).await,
            Some(6) => self.resume(data).await,
            Some(3 | 4 | 8 | 31) if !self.has_session => {
                self.send(Frame::Close(4003, "Not authenticated.")).await
            }
            Some(8) => {
                self.request_members(data);
                Flow::Continue(())
            }
            Some(3 | 4 | 31) => Flow::Continue(()),
            _ => self.send(Frame::Close(4001, "Unknown opcode.")).await,
        }
    }

    async fn heartbeat(&mut self, seq: Option<u64>) -> Flow {
        self.heartbeat_by = Instant::now() + patience(&self.shared);
        let number = self.number;
        let silent = self.shared.change(|state| {
            let session = state.sessions.list.iter_mut().find(|session| session.is_at(number));
            if let (Some(session), Some(seq)) = (session, seq) {
                session.seen(seq);
            }
            state.sessions.silent
        });
        if silent {
            return Flow::Continue(());
        }
        self.send(Frame::Control(json!({"op": 11, "d": null, "s": null, "t": null}))).await
    }

    async fn identify(&mut self, data: &Value) -> Flow {
        if self.has_session {
            return self.send(Frame::Close(4005, "Already authenticated.")).await;
        }
        let Ok(identify) = Identify::deserialize(data) else {
            return self.send(Frame::Close(4002, "Error while decoding payload.")).await;
        };
        if identify.compress {
            self.transport.compress_payloads();
        }
        let link = Link { connection: self.number, to: self.to.clone() };
        let gateway = format!("ws://{}", self.shared.address);
        let shared = Arc::clone(&self.shared);
        let outcome = shared.change(|state| state.identify(&shared.options, &gateway, &identify, link));
        self.settle(outcome).await
    }

    async fn resume(&mut self, data: &Value) -> Flow {
        if self.has_session {
            return self.send(Frame::Close(4005, "Already authenticated.")).await;
        }
        let Ok(resume) = Resume::deserialize(data) else {
            return self.send(Frame::Close(4002, "Error while decoding payload.")).await;
        };
        let link = Link { connection: self.number, to: self.to.clone() };
        let shared = Arc::clone(&self.shared);
        let outcome = shared.change(|state| state.resume(&shared.options, &resume, link));
        self.settle(outcome).await
    }

    async fn settle(&mut self, outcome: Result<(), super::handshake::Refused>) -> Flow {
        match outcome {
            Ok(()) => {
                self.has_session = true;
                Flow::Continue(())
            }
            Err(refused) => self.send(refused.frame()).await,
        }
    }

    /// All at once: guilds are small here.
    fn request_members(&self, data: &Value) {
        let Some(guild) = data["guild_id"].as_str().and_then(|id| id.parse().ok()) else { return };
        let number = self.number;
        self.shared.change(|state| {
            let silent = state.sessions.silent;
            let Some(found) = state.world.guilds.get(&guild) else { return };
            let query = data["query"].as_str().unwrap_or_default().to_lowercase();
            let wanted: Option<Vec<String>> = serde_json::from_value(data["user_ids"].clone()).ok();
            let members: Vec<Value> = found
                .members
                .keys()
                .filter(|user| wanted.as_ref().is_none_or(|wanted| wanted.contains(&user.to_string())))
                .filter(|user| {
                    state
                        .world
                        .users
                        .get(user)
                        .is_some_and(|user| user.name.to_lowercase().starts_with(&query))
                })
                .filter_map(|user| state.world.member_json(guild, *user))
                .collect();
            let chunk = json!({
                "guild_id": guild, "members": members, "chunk_index": 0, "chunk_count": 1, "not_found": [],
                "nonce": data["nonce"],
            });
            let session = state.sessions.list.iter_mut().find(|session| session.is_at(number));
            if let Some(session) = session
                .filter(|s| s.intents & intent::GUILD_MEMBERS != 0 || !query.is_empty() || wanted.is_some())
            {
                session.push("GUILD_MEMBERS_CHUNK", chunk, None, false, silent);
            }
        });
    }
}
