use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::{CONTENT_TYPE, HOST, USER_AGENT};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use std::error::Error as StdError;
use tokio::net::TcpStream;

/// Answers beyond this are no answers to an interaction.
const LARGEST: usize = 32 * 1024 * 1024;

type Failure = Box<dyn StdError + Send + Sync>;

/// Posts a signed body, as Discord does. Only `http://`: this server is for one machine.
pub(crate) async fn post(
    url: &str,
    timestamp: &str,
    signature: &str,
    body: Vec<u8>,
) -> Result<(StatusCode, Bytes), Failure> {
    let url = url::Url::parse(url)?;
    if url.scheme() != "http" {
        return Err(format!("{} is not spoken here, only http", url.scheme()).into());
    }
    let host = url.host_str().ok_or("no host")?;
    let port = url.port_or_known_default().ok_or("no port")?;
    let stream = TcpStream::connect((host, port)).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let request = Request::post(&url[url::Position::BeforePath..url::Position::AfterQuery])
        .header(HOST, format!("{host}:{port}"))
        .header(USER_AGENT, "Discord-Interactions/1.0 (+https://discord.com)")
        .header(CONTENT_TYPE, "application/json")
        .header("x-signature-ed25519", signature)
        .header("x-signature-timestamp", timestamp)
        .body(Full::new(Bytes::from(body)))?;
    let exchange = async {
        let response = sender.send_request(request).await?;
        let status = response.status();
        let body = Limited::new(response.into_body(), LARGEST).collect().await?.to_bytes();
        Ok::<_, Failure>((status, body))
    };
    tokio::select! {
        answer = exchange => answer,
        ended = connection => Err(ended.err().map_or_else(|| "the connection ended".into(), Into::into)),
    }
}
