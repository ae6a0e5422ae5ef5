//! The client: keeps every connection busy with `GET /hello`, and says how many answers came and how fast.
//!
//! `load PORT CONNECTIONS (SECONDS | Nx)`: for so many seconds, or N requests in all. Its one thread never
//! sleeps: waking it would cost the server's core time, and the more the slower the server is.

use std::cell::RefCell;
use std::io::{Error, ErrorKind, Result};
use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::task::LocalSet;

const REQUEST: &[u8] = b"GET /hello HTTP/1.1\r\nhost: localhost\r\naccept: */*\r\n\r\n";
const BODY: &[u8] = br#"{"hello":"world"}"#;

/// When to stop.
#[derive(Clone, Copy)]
enum Until {
    Requests(usize),
    Elapsed(Duration),
}

/// What the connections share.
struct Count {
    until: Until,
    began: Instant,
    asked: usize,
    /// Microseconds that each answer took.
    latencies: Vec<u32>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((port, connections, until)) = parse(&arguments) else {
        eprintln!("usage: load PORT CONNECTIONS (SECONDS | Nx)");
        return ExitCode::from(2);
    };
    match LocalSet::new().run_until(run(port, connections, until)).await {
        Ok(report) => {
            println!("{report}");
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

async fn run(port: u16, connections: usize, until: Until) -> Result<String> {
    let mut streams = Vec::new();
    for _ in 0..connections {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
        stream.set_nodelay(true)?;
        streams.push(stream);
    }
    let count = Count { until, began: Instant::now(), asked: 0, latencies: Vec::new() };
    let count = Rc::new(RefCell::new(count));
    let awake = tokio::task::spawn_local(stay_awake());
    let busy: Vec<_> = streams
        .into_iter()
        .map(|stream| tokio::task::spawn_local(keep_busy(stream, count.clone())))
        .collect();
    for connection in busy {
        connection.await.map_err(Error::other)??;
    }
    awake.abort();
    let report = count.borrow_mut().report();
    Ok(report)
}

/// While a task only yields, the thread asks for news without waiting for them.
async fn stay_awake() {
    loop {
        tokio::task::yield_now().await;
    }
}

async fn keep_busy(stream: TcpStream, count: Rc<RefCell<Count>>) -> Result<()> {
    let mut buffer = [0; 4096];
    while count.borrow_mut().may_ask() {
        let asked = Instant::now();
        // A request is smaller than any socket's buffer.
        if stream.try_write(REQUEST)? != REQUEST.len() {
            return Err(ErrorKind::WriteZero.into());
        }
        answer(&stream, &mut buffer).await?;
        count.borrow_mut().answered(asked.elapsed());
    }
    Ok(())
}

/// Reads one whole answer, which must be a 200. The body is its end, and the same from every contender.
async fn answer(stream: &TcpStream, buffer: &mut [u8]) -> Result<()> {
    let mut filled = 0;
    while !buffer[..filled].ends_with(BODY) {
        stream.readable().await?;
        match stream.try_read(&mut buffer[filled..]) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(read) => filled += read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    if buffer.starts_with(b"HTTP/1.1 200") {
        return Ok(());
    }
    Err(Error::other(String::from_utf8_lossy(&buffer[..filled]).into_owned()))
}

// === impl Count ===

impl Count {
    fn may_ask(&mut self) -> bool {
        let more = match self.until {
            Until::Requests(requests) => self.asked < requests,
            Until::Elapsed(time) => self.began.elapsed() < time,
        };
        self.asked += usize::from(more);
        more
    }

    fn answered(&mut self, took: Duration) {
        self.latencies.push(u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
    }

    fn report(&mut self) -> String {
        let seconds = self.began.elapsed().as_secs_f64();
        self.latencies.sort_unstable();
        let requests = self.latencies.len();
        let at = |share: usize| self.latencies.get(requests * share / 1000).copied().unwrap_or_default();
        format!(
            r#"{{"requests":{requests},"seconds":{seconds:.3},"per_second":{:.1},"p50_us":{},"p99_us":{}}}"#,
            requests as f64 / seconds,
            at(500),
            at(990),
        )
    }
}
