//! A request to the service that runs beside us: for images without curl.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
#[cfg(unix)]
use std::path::PathBuf;
use std::time::Duration;

/// What came back.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

/// Where one of the service's listeners can be reached from this machine.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Tcp(SocketAddr),
    #[cfg(unix)]
    Unix(PathBuf),
}

// === impl Place ===

impl Place {
    /// A listener on an address of this machine, or on all of them.
    pub(crate) fn tcp(host: IpAddr, port: u16) -> Self {
        let host = if host.is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { host };
        Self::Tcp(SocketAddr::new(host, port))
    }

    /// One request on a connection of its own. `head` is all above the empty line, the request line included.
    pub(crate) fn ask(&self, head: &str, body: &str, timeout: Duration) -> io::Result<Answer> {
        let host = match self {
            Self::Tcp(address) => address.to_string(),
            #[cfg(unix)]
            Self::Unix(_) => "localhost".to_owned(),
        };
        self.send(&format!("{head}host: {host}\r\n"), body, timeout)
    }

    /// As `ask`, with a head that says the host itself.
    pub(crate) fn send(&self, head: &str, body: &str, timeout: Duration) -> io::Result<Answer> {
        let length = body.len();
        let request = format!("{head}connection: close\r\ncontent-length: {length}\r\n\r\n{body}");
        let text = match self {
            Self::Tcp(address) => {
                let stream = TcpStream::connect_timeout(address, timeout)?;
                stream.set_read_timeout(Some(timeout))?;
                exchange(stream, &request)?
            }
            #[cfg(unix)]
            Self::Unix(path) => {
                let stream = UnixStream::connect(path)?;
                stream.set_read_timeout(Some(timeout))?;
                exchange(stream, &request)?
            }
        };
        parse(&text).ok_or_else(|| io::Error::other("the answer is not HTTP/1.1"))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            #[cfg(unix)]
            Self::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

fn exchange(mut stream: impl Read + Write, request: &str) -> io::Result<String> {
    stream.write_all(request.as_bytes())?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(text)
}

/// Our own server gives small answers a length, so that what is behind the head is the body.
fn parse(text: &str) -> Option<Answer> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    Some(Answer { status, body: body.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_taken_apart() {
        let answer = parse("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]");
        assert_eq!(answer, Some(Answer { status: 200, body: "[]".into() }));
    }

    #[test]
    fn what_is_not_http_is_no_answer() {
        assert_eq!(parse("SSH-2.0-OpenSSH\r\n\r\n"), None);
        assert_eq!(parse("HTTP/1.1 200 OK\r\n"), None);
    }
}
