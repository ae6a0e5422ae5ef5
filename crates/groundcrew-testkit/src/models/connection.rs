//! One connection: request after request, each answered as the desk says.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::desk::{Decision, Desk};
use super::speech::{Protocol, answer, refusal};
use super::{Asked, Reply, openai};

/// The longest request that is read.
const LIMIT: usize = 64 << 20;
/// Longer than any client waits.
const FOR_EVER: Duration = Duration::from_secs(3600);
/// How many bytes drip at a time.
const DROP: usize = 16;
/// What ends a body in chunks.
const END: &str = "0\r\n\r\n";

/// What goes over the wire.
pub(super) struct Sending {
    pub(super) status: u16,
    pub(super) retry_after: Option<String>,
    pub(super) content_type: &'static str,
    /// One, or the events of a stream.
    pub(super) parts: Vec<String>,
    pub(super) pace: Pace,
}

pub(super) enum Pace {
    AtOnce,
    Drip(Duration),
    /// Half of the body, and the connection ends.
    Half,
    /// All there is, without the end of it; the connection stays open.
    Stall,
}

/// A request as it was read.
struct Read {
    method: String,
    asked_path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

pub(super) async fn accept(listener: TcpListener, desk: Arc<Desk>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let desk = Arc::clone(&desk);
        connections.spawn(async move {
            // A client that goes away in the middle is no news here.
            let _ = converse(stream, &desk).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn converse(mut stream: TcpStream, desk: &Desk) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::new();
    while let Some(read) = receive(&mut stream, &mut buffer).await? {
        let sending = respond(read, desk, &mut stream).await?;
        if !send(&mut stream, sending).await? {
            break;
        }
    }
    stream.shutdown().await
}

// === requests ===

async fn receive(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<Option<Read>> {
    let head_end = loop {
        if let Some(at) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if buffer.len() > LIMIT || stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&buffer[..head_end]).into_owned();
    let mut lines = head.lines();
    let mut first = lines.next().unwrap_or_default().split(' ');
    let method = first.next().unwrap_or_default().to_owned();
    let asked_path = first.next().unwrap_or_default().to_owned();
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length: usize = length.and_then(|(_, value)| value.parse().ok()).unwrap_or(0).min(LIMIT);
    while buffer.len() < head_end + length {
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
    let body = buffer[head_end..head_end + length].to_vec();
    buffer.drain(..head_end + length);
    Ok(Some(Read { method, asked_path, headers, body }))
}

async fn respond(read: Read, desk: &Desk, stream: &mut TcpStream) -> io::Result<Sending> {
    let Read { method, asked_path: path, headers, body } = read;
    let protocol = match (method.as_str(), path.as_str()) {
        ("POST", "/v1/chat/completions" | "/chat/completions") => Protocol::OpenAi,
        ("POST", "/v1/messages" | "/messages") => Protocol::Anthropic,
        ("GET", "/totals") => {
            let it = desk.totals();
            let totals = json!({
                "requests": it.requests, "input_tokens": it.input_tokens, "output_tokens": it.output_tokens,
                "at_once": it.at_once,
            });
            return Ok(Sending::json(200, totals.to_string()));
        }
        ("PUT", "/script") => return Ok(script(&body, desk)),
        _ => {
            return Ok(Sending::json(404, openai::error("not_found", "not_found", "there is no such route")));
        }
    };
    let Ok(body) = serde_json::from_slice::<Value>(&body) else {
        let words = "the body is no JSON";
        return Ok(Sending::json(400, openai::error("invalid_request_error", "invalid_json", words)));
    };
    let asked = Asked { path, headers, body };
    let (decision, _under_way) = desk.take(&asked);
    let reply = match decision {
        Decision::Refuse(member) => {
            let words = format!("Unsupported parameter: '{member}' is not supported with this model.");
            return Ok(refusal(protocol, 400, "invalid_request_error", "unsupported_parameter", &words));
        }
        Decision::Answer(reply) => reply,
    };
    if reply == Reply::Silence {
        given_up(stream).await?;
        return Err(io::ErrorKind::ConnectionAborted.into());
    }
    match reply {
        Reply::After(pause) => tokio::time::sleep(pause).await,
        Reply::Asked(requests) => {
            let _came = desk.asked(requests, FOR_EVER).await;
        }
        _ => (),
    }
    Ok(answer(protocol, &asked, &reply, desk))
}

/// Until the client has had enough.
async fn given_up(stream: &mut TcpStream) -> io::Result<()> {
    while stream.read(&mut [0; 1024]).await? > 0 {}
    Ok(())
}

fn script(body: &[u8], desk: &Desk) -> Sending {
    let names: Vec<String> = serde_json::from_slice(body).unwrap_or_default();
    let replies: Option<Vec<Reply>> = names.iter().map(|name| Reply::of_name(name)).collect();
    match replies.filter(|replies| !replies.is_empty()) {
        Some(replies) => {
            desk.script(replies);
            Sending::json(200, "{}".to_owned())
        }
        None => Sending::json(400, r#"{"error": "expected an array of replies' names"}"#.to_owned()),
    }
}

// === impl Sending ===

impl Sending {
    pub(super) fn json(status: u16, body: String) -> Self {
        let content_type = "application/json";
        Self { status, retry_after: None, content_type, parts: vec![body], pace: Pace::AtOnce }
    }
}

/// Whether the connection may be used again.
async fn send(stream: &mut TcpStream, sending: Sending) -> io::Result<bool> {
    let Sending { status, retry_after, content_type, parts, pace } = sending;
    let length: usize = parts.iter().map(String::len).sum();
    let retry = retry_after.map(|seconds| format!("retry-after: {seconds}\r\n")).unwrap_or_default();
    let framing = match parts.as_slice() {
        [_] => format!("content-length: {length}\r\n"),
        _ => "transfer-encoding: chunked\r\n".to_owned(),
    };
    let head = format!("HTTP/1.1 {status} -\r\ncontent-type: {content_type}\r\n{retry}{framing}\r\n");
    stream.write_all(head.as_bytes()).await?;
    let body = match parts.as_slice() {
        [whole] => whole.clone(),
        parts => {
            let chunks = parts.iter().map(|part| format!("{:x}\r\n{part}\r\n", part.len()));
            chunks.chain([END.to_owned()]).collect()
        }
    };
    match pace {
        Pace::AtOnce => stream.write_all(body.as_bytes()).await?,
        Pace::Half => {
            stream.write_all(&body.as_bytes()[..body.len() / 2]).await?;
            return Ok(false);
        }
        Pace::Stall => {
            stream.write_all(body.strip_suffix(END).unwrap_or(&body).as_bytes()).await?;
            given_up(stream).await?;
            return Ok(false);
        }
        Pace::Drip(pause) => {
            for bytes in body.as_bytes().chunks(DROP) {
                stream.write_all(bytes).await?;
                tokio::time::sleep(pause).await;
            }
        }
    }
    Ok(true)
}
