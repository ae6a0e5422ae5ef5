//! As much of the Redis protocol as one command at a time needs.

use crate::server::{Error, Url};
use std::future::Future;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

const TIMEOUT: Duration = Duration::from_secs(10);
const LARGEST: usize = 512 * 1024 * 1024;

/// What Redis answered.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reply {
    /// Nothing is there.
    Nil,
    /// A number.
    Integer(i64),
    /// A status or a value; bytes that are not UTF-8 become U+FFFD.
    Text(String),
    /// Several answers.
    List(Vec<Reply>),
}

/// Where a server listens, and how it lets us in.
#[derive(Debug)]
pub(super) struct Address {
    url: Url,
}

pub(super) struct Connection {
    stream: BufReader<TcpStream>,
}

/// One element of a reply, before lists are put together.
enum Part {
    Whole(Reply),
    List(usize),
    Error(String),
}

// === impl Address ===

impl Address {
    pub(super) fn local(port: u16) -> Self {
        let url = Url {
            scheme: "redis".to_owned(),
            user: String::new(),
            password: String::new(),
            host: "127.0.0.1".to_owned(),
            port: Some(port),
            path: String::new(),
        };
        Self { url }
    }

    pub(super) fn of(url: &str, variable: &'static str) -> Result<Self, Error> {
        let problem = "it is no redis:// URL (TLS is not supported here)";
        let url = Url::parse(url).filter(|url| url.scheme == "redis");
        url.map(|url| Self { url }).ok_or(Error::Given { variable, problem })
    }
}

// === impl Connection ===

impl Connection {
    pub(super) async fn open(address: &Address) -> Result<Self, Error> {
        let url = &address.url;
        let connect = TcpStream::connect((url.host.as_str(), url.port.unwrap_or(6379)));
        let stream = in_time(connect).await.map_err(Error::system("connect to Redis"))?;
        let mut connection = Self { stream: BufReader::new(stream) };
        match (url.user.as_str(), url.password.as_str()) {
            (_, "") => {}
            ("", password) => drop(connection.command(&["AUTH", password]).await?),
            (user, password) => drop(connection.command(&["AUTH", user, password]).await?),
        }
        if !matches!(url.path.as_str(), "" | "0") {
            connection.command(&["SELECT", &url.path]).await?;
        }
        Ok(connection)
    }

    pub(super) async fn command(&mut self, words: &[&str]) -> Result<Reply, Error> {
        let answer = in_time(self.exchange(words)).await.map_err(Error::system("ask Redis"))?;
        answer.map_err(|answer| Error::Refused { server: "Redis", what: "run the command", answer })
    }

    async fn exchange(&mut self, words: &[&str]) -> io::Result<Result<Reply, String>> {
        let mut request = format!("*{}\r\n", words.len());
        for word in words {
            request.push_str(&format!("${}\r\n{word}\r\n", word.len()));
        }
        self.stream.write_all(request.as_bytes()).await?;
        self.reply().await
    }

    /// Lists are put together without recursion: `open` holds those that are not full yet.
    async fn reply(&mut self) -> io::Result<Result<Reply, String>> {
        let mut open: Vec<(usize, Vec<Reply>)> = Vec::new();
        loop {
            let mut whole = match self.part().await? {
                Part::Error(error) => return Ok(Err(error)),
                Part::List(0) => Reply::List(Vec::new()),
                Part::List(length) => {
                    open.push((length, Vec::new()));
                    continue;
                }
                Part::Whole(reply) => reply,
            };
            loop {
                let Some((length, mut list)) = open.pop() else { return Ok(Ok(whole)) };
                list.push(whole);
                if list.len() < length {
                    open.push((length, list));
                    break;
                }
                whole = Reply::List(list);
            }
        }
    }

    async fn part(&mut self) -> io::Result<Part> {
        let mut line = String::new();
        self.stream.read_line(&mut line).await?;
        let line = line.trim_end();
        let (kind, rest) = line.split_at_checked(1).ok_or(io::ErrorKind::UnexpectedEof)?;
        let number = || rest.parse::<i64>().map_err(|_| invalid());
        Ok(match kind {
            "+" => Part::Whole(Reply::Text(rest.to_owned())),
            "-" => Part::Error(rest.to_owned()),
            ":" => Part::Whole(Reply::Integer(number()?)),
            "$" => Part::Whole(self.bulk(number()?).await?),
            "*" => usize::try_from(number()?).map_or(Part::Whole(Reply::Nil), Part::List),
            _ => return Err(invalid()),
        })
    }

    /// A length of -1 is how nothing is said.
    async fn bulk(&mut self, length: i64) -> io::Result<Reply> {
        let Ok(length) = usize::try_from(length) else { return Ok(Reply::Nil) };
        if length > LARGEST {
            return Err(invalid());
        }
        let mut bytes = vec![0; length + 2];
        self.stream.read_exact(&mut bytes).await?;
        Ok(Reply::Text(String::from_utf8_lossy(&bytes[..length]).into_owned()))
    }
}

async fn in_time<T>(operation: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let timeout = || io::Error::new(io::ErrorKind::TimedOut, format!("nothing for {TIMEOUT:?}"));
    tokio::time::timeout(TIMEOUT, operation).await.unwrap_or_else(|_| Err(timeout()))
}

fn invalid() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the answer is no Redis protocol")
}
