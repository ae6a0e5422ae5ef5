//! The management API of a broker that is not ours.

use super::broker::Ask;
use super::queue::{Queue, limit};
use crate::http::Response;
use crate::server::{Error, Url};
use serde_json::{Value, json};
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(30);
const LARGEST_ANSWER: u64 = 64 * 1024 * 1024;

/// The API of one broker.
#[derive(Debug)]
pub(super) struct Management {
    url: Url,
}

// === impl Management ===

impl Management {
    /// None for what is not a plain HTTP URL.
    pub(super) fn at(url: &str) -> Option<Self> {
        Url::parse(url).filter(|url| url.scheme == "http").map(|url| Self { url })
    }

    /// An answer of success, or none where nothing was there to answer about.
    fn request(
        &self,
        what: &'static str,
        method: &str,
        path: &str,
        body: &Value,
    ) -> Result<Option<Response>, Error> {
        let answer =
            self.exchange(method, path, body).map_err(Error::system("ask RabbitMQ's management API"))?;
        match answer.status {
            200..=299 => Ok(Some(answer)),
            404 => Ok(None),
            status => {
                let answer = format!("{status} {}", answer.text());
                Err(Error::Refused { server: "RabbitMQ", what, answer })
            }
        }
    }

    /// A list; empty where nothing is there.
    fn list(&self, what: &'static str, path: &str) -> Result<Vec<Value>, Error> {
        let Some(answer) = self.request(what, "GET", path, &Value::Null)? else { return Ok(Vec::new()) };
        let list = serde_json::from_slice(&answer.body);
        list.map_err(|_| Error::Refused { server: "RabbitMQ", what, answer: answer.text() })
    }

    fn exchange(&self, method: &str, path: &str, body: &Value) -> io::Result<Response> {
        let Url { host, user, password, .. } = &self.url;
        let mut addresses = (host.as_str(), self.url.port.unwrap_or(15672)).to_socket_addrs()?;
        let address = addresses.next().ok_or(io::ErrorKind::AddrNotAvailable)?;
        let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        let credentials = base64(format!("{user}:{password}").as_bytes());
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let head = format!(
            "{method} /api/{path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Basic {credentials}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes())?;
        stream.write_all(body.as_bytes())?;
        let mut answer = Vec::new();
        stream.take(LARGEST_ANSWER).read_to_end(&mut answer)?;
        Response::parse(&answer)
    }
}

impl Ask for Management {
    fn create_vhost(&self, name: &str, password: &str) -> Result<(), Error> {
        let what = "create a virtual host";
        let all = json!({ "configure": ".*", "write": ".*", "read": ".*" });
        let user = json!({ "password": password, "tags": "" });
        self.request(what, "PUT", &format!("vhosts/{name}"), &json!({}))?;
        self.request(what, "PUT", &format!("users/{name}"), &user)?;
        self.request(what, "PUT", &format!("permissions/{name}/{name}"), &all).map(drop)
    }

    fn delete_vhost(&self, name: &str) -> Result<(), Error> {
        let what = "delete a virtual host";
        self.request(what, "DELETE", &format!("vhosts/{name}"), &Value::Null)?;
        self.request(what, "DELETE", &format!("users/{name}"), &Value::Null).map(drop)
    }

    fn queues(&self, vhost: &str) -> Result<Vec<Queue>, Error> {
        let queues = self.list("list its queues", &format!("queues/{}", segment(vhost)))?;
        Ok(queues.iter().map(described).collect())
    }

    fn queue(&self, vhost: &str, queue: &str) -> Result<Option<Queue>, Error> {
        Ok(self.queues(vhost)?.into_iter().find(|found| found.name == queue))
    }

    fn delete_queue(&self, vhost: &str, queue: &str) -> Result<bool, Error> {
        let path = format!("queues/{}/{}", segment(vhost), segment(queue));
        Ok(self.request("delete a queue", "DELETE", &path, &Value::Null)?.is_some())
    }

    fn limit_queues(&self, vhost: &str, most: u64) -> Result<(), Error> {
        let path = format!("policies/{}/testkit", segment(vhost));
        let policy = json!({ "pattern": ".*", "apply-to": "queues", "definition": limit(most) });
        self.request("limit its queues", "PUT", &path, &policy).map(drop)
    }

    fn close_connections(&self, vhost: Option<&str>) -> Result<u64, Error> {
        let what = "close connections";
        let path = vhost.map(|vhost| format!("vhosts/{}/connections", segment(vhost)));
        let connections = self.list(what, path.as_deref().unwrap_or("connections"))?;
        let mut closed = 0;
        for connection in connections {
            let path = format!("connections/{}", segment(connection["name"].as_str().unwrap_or_default()));
            closed += u64::from(self.request(what, "DELETE", &path, &Value::Null)?.is_some());
        }
        Ok(closed)
    }

    fn memory_alarm(&self, _: bool) -> Result<(), Error> {
        Err(Error::NotOurs)
    }
}

/// A queue that has only just been declared has no figures yet.
fn described(queue: &Value) -> Queue {
    let number = |name: &str| queue[name].as_u64().unwrap_or_default();
    Queue {
        name: queue["name"].as_str().unwrap_or_default().to_owned(),
        kind: queue["type"].as_str().unwrap_or_default().to_owned(),
        ready: number("messages_ready"),
        unacknowledged: number("messages_unacknowledged"),
        consumers: number("consumers"),
    }
}

/// A name as one segment of a path.
fn segment(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let encode = |byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    name.bytes().map(encode).collect()
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |three: &[u8]| {
        let bits = (0..3).fold(0_u32, |bits, at| bits << 8 | u32::from(*three.get(at).unwrap_or(&0)));
        let digits = (0..4).map(move |at| bits >> (18 - 6 * at) & 63);
        let digit =
            |(at, bits): (usize, u32)| if at > three.len() { '=' } else { char::from(DIGITS[bits as usize]) };
        digits.enumerate().map(digit).collect::<String>()
    };
    bytes.chunks(3).map(group).collect()
}

#[cfg(test)]
mod tests {
    use super::{base64, segment};

    #[test]
    fn credentials_are_written_as_the_standard_says() {
        let written = ["", "f", "fo", "foo", "foob", "fooba", "foobar"].map(|text| base64(text.as_bytes()));
        assert_eq!(written, ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"]);
    }

    #[test]
    fn a_name_stays_one_segment() {
        assert_eq!(segment("a/b c"), "a%2Fb%20c");
    }
}
