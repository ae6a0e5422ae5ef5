//! The client of the socket that `control.erl` opens inside a broker of ours. It blocks, so that a `Drop` can use it.

use crate::server::Error;
use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// What runs inside the broker.
pub(super) const SCRIPT: &str = include_str!("control.erl");

const TIMEOUT: Duration = Duration::from_secs(30);
const MOMENT: Duration = Duration::from_secs(1);
const LARGEST_ANSWER: u32 = 64 * 1024 * 1024;

/// Where the socket is, and what opens it.
#[derive(Clone)]
pub(super) struct Control {
    port: u16,
    token: String,
}

impl Control {
    /// With a token that nobody can guess: who has it runs code in the broker.
    pub(super) fn new(port: u16) -> Result<Self, Error> {
        let mut bytes = [0; 16];
        let random = std::fs::File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes));
        random.map_err(Error::system("read /dev/urandom"))?;
        Ok(Self { port, token: format!("{:032x}", u128::from_ne_bytes(bytes)) })
    }

    /// The reverse of [`Self::to_variable`].
    pub(super) fn from_variable(value: &str) -> Option<Self> {
        let (token, port) = value.split_once('@')?;
        Some(Self { port: port.parse().ok()?, token: token.to_owned() })
    }

    pub(super) fn to_variable(&self) -> String {
        format!("{}@{}", self.token, self.port)
    }

    pub(super) fn token(&self) -> &str {
        &self.token
    }

    /// Evaluates expressions, whose value must be text.
    pub(super) fn eval(&self, what: &'static str, expressions: &str) -> Result<String, Error> {
        let answer = self.exchange(expressions, TIMEOUT).map_err(Error::system("ask RabbitMQ"))?;
        match answer.split_at_checked(1) {
            Some(("+", value)) => Ok(value.to_owned()),
            _ => Err(Error::Refused { server: "RabbitMQ", what, answer }),
        }
    }

    /// Whether the socket is there: the broker opens it when it has started.
    pub(super) fn answers(&self) -> bool {
        self.exchange("\"\".", TIMEOUT).is_ok()
    }

    /// Writes down which quorum queues there are, unless the broker is paused. RabbitMQ 3.10 does so half a second
    /// after it was last asked about them, and comes back from a crash before that with empty queues in their place:
    /// nothing that a client could guard against, so no test should depend on how fast it was.
    pub(super) fn keep_queues(&self) {
        let _ = self.exchange("[dets:sync(Table) || Table <- dets:all()], \"\".", MOMENT);
    }

    fn exchange(&self, expressions: &str, timeout: Duration) -> io::Result<String> {
        let mut stream =
            TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, self.port)), timeout)?;
        stream.set_read_timeout(Some(timeout))?;
        stream.set_write_timeout(Some(timeout))?;
        stream.set_nodelay(true)?;
        for frame in [&self.token, expressions] {
            let length = u32::try_from(frame.len()).map_err(io::Error::other)?;
            stream.write_all(&[&length.to_be_bytes(), frame.as_bytes()].concat())?;
        }
        let mut length = [0; 4];
        stream.read_exact(&mut length)?;
        let length = u32::from_be_bytes(length);
        if length > LARGEST_ANSWER {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the answer is too long"));
        }
        let mut answer = String::new();
        stream.take(length.into()).read_to_string(&mut answer)?;
        Ok(answer)
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control").field("port", &self.port).finish_non_exhaustive()
    }
}
