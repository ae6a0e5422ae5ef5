//! The client: keeps every connection busy with `GET /hello`, and says how many answers came and how fast.
//!
//! `load PORT CONNECTIONS (SECONDS | Nx)`: for so many seconds, or N requests in all. One thread without an
//! event loop goes round the connections, so that it is never what is measured.

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::process::ExitCode;
use std::time::{Duration, Instant};

const REQUEST: &[u8] = b"GET /hello HTTP/1.1\r\nhost: localhost\r\naccept: */*\r\n\r\n";

/// When to stop.
enum Until {
    Requests(usize),
    Elapsed(Duration),
}

struct Connection {
    stream: TcpStream,
    asked: Instant,
    buffer: [u8; 4096],
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((port, connections, until)) = parse(&arguments) else {
        eprintln!("usage: load PORT CONNECTIONS (SECONDS | Nx)");
        return ExitCode::from(2);
    };
    match run(port, connections, &until) {
        Ok((latencies, took)) => {
            println!("{}", report(latencies, took));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse(arguments: &[String]) -> Option<(u16, usize, Until)> {
    let [port, connections, until] = arguments else { return None };
    let until = match until.strip_suffix('x') {
        Some(requests) => Until::Requests(requests.parse().ok()?),
        None => Until::Elapsed(Duration::try_from_secs_f64(until.parse().ok()?).ok()?),
    };
    Some((port.parse().ok()?, connections.parse().ok()?, until))
}

/// The microseconds that each request took, and the time of all.
fn run(port: u16, connections: usize, until: &Until) -> Result<(Vec<u32>, Duration)> {
    let mut connections = (0..connections).map(|_| Connection::open(port)).collect::<Result<Vec<_>>>()?;
    let began = Instant::now();
    let mut latencies = Vec::new();
    connections.iter_mut().try_for_each(Connection::ask)?;
    let mut asked = connections.len();
    'rounds: loop {
        for connection in &mut connections {
            latencies.push(connection.answer()?);
            let more = match until {
                Until::Requests(requests) => asked < *requests,
                Until::Elapsed(time) => began.elapsed() < *time,
            };
            if more {
                connection.ask()?;
                asked += 1;
            } else if latencies.len() == asked {
                break 'rounds;
            }
        }
    }
    Ok((latencies, began.elapsed()))
}

fn report(mut latencies: Vec<u32>, took: Duration) -> String {
    latencies.sort_unstable();
    let at = |share: usize| latencies.get(latencies.len() * share / 1000).copied().unwrap_or_default();
    let (requests, seconds) = (latencies.len(), took.as_secs_f64());
    format!(
        r#"{{"requests":{requests},"seconds":{seconds:.3},"per_second":{:.1},"p50_us":{},"p99_us":{},"p999_us":{}}}"#,
        requests as f64 / seconds,
        at(500),
        at(990),
        at(999),
    )
}

// === impl Connection ===

impl Connection {
    fn open(port: u16) -> Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        Ok(Self { stream, asked: Instant::now(), buffer: [0; 4096] })
    }

    fn ask(&mut self) -> Result<()> {
        self.asked = Instant::now();
        self.stream.write_all(REQUEST)
    }

    /// Reads one whole answer, which must be a 200; the microseconds since it was asked for.
    fn answer(&mut self) -> Result<u32> {
        let mut filled = 0;
        loop {
            let read = self.stream.read(&mut self.buffer[filled..])?;
            if read == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            filled += read;
            if is_whole(&self.buffer[..filled])? {
                return Ok(u32::try_from(self.asked.elapsed().as_micros()).unwrap_or(u32::MAX));
            }
        }
    }
}

/// The body is the end of every answer, and it is the same from every contender.
fn is_whole(answer: &[u8]) -> Result<bool> {
    if answer.len() >= 12 && !answer.starts_with(b"HTTP/1.1 200") {
        return Err(Error::other(String::from_utf8_lossy(answer).into_owned()));
    }
    Ok(answer.ends_with(br#"{"hello":"world"}"#))
}
