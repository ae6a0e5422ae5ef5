//! Servers on loopback, and clients with short limits.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use groundcrew_client::{Client, ClientConfig};
use groundcrew_runtime::Crew;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// No test takes longer than this.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server that counts what it is asked.
pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    hits: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

impl Server {
    /// One that answers request number n (from 1) with what `answer` says.
    pub(crate) async fn answering<F, R>(answer: F) -> Self
    where
        F: Fn(usize, Request) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Response> + Send + 'static,
    {
        let (listener, addr) = listen().await;
        let hits = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&hits);
        let app = Router::new().fallback(move |request: Request| {
            let number = counted.fetch_add(1, Ordering::SeqCst) + 1;
            answer(number, request)
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, app).await.expect("it serves") });
        Self { addr, hits, _tasks: tasks }
    }

    /// One that always answers the same.
    pub(crate) async fn saying(status: u16, headers: &'static [(&'static str, &'static str)]) -> Self {
        Self::answering(move |_, _| async move { answer(status, headers) }).await
    }

    /// One that writes these bytes whatever it is asked, and closes the connection.
    pub(crate) async fn writing(bytes: &'static [u8]) -> Self {
        let (listener, addr) = listen().await;
        let hits = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&hits);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.expect("it accepts");
                read_head(&mut stream).await;
                counted.fetch_add(1, Ordering::SeqCst);
                let _ = stream.write_all(bytes).await;
            }
        });
        Self { addr, hits, _tasks: tasks }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    pub(crate) fn hits(&self) -> usize {
        self.hits.load(Ordering::SeqCst)
    }
}

pub(crate) async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let addr = listener.local_addr().expect("it is bound");
    (listener, addr)
}

pub(crate) async fn read_head(stream: &mut (impl AsyncRead + Unpin)) {
    let mut seen = Vec::new();
    let mut buffer = [0; 1024];
    while !seen.windows(4).any(|window| window == b"\r\n\r\n") {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(read) => seen.extend_from_slice(&buffer[..read]),
        }
    }
}

pub(crate) fn answer(status: u16, headers: &[(&'static str, &'static str)]) -> Response {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(Body::empty()).expect("a response")
}

/// A body of `count` chunks, each `pause` after the one before.
pub(crate) fn drip(count: usize, pause: Duration) -> Response {
    let chunks = futures_util::stream::unfold(0, move |number| async move {
        if number == count {
            return None;
        }
        tokio::time::sleep(pause).await;
        Some((Ok::<_, Infallible>(format!("{number};")), number + 1))
    });
    Body::from_stream(chunks).into_response()
}

pub(crate) fn crew() -> Crew {
    Crew::builder("tests", "1.0.0").build()
}

/// Limits for impatient tests.
pub(crate) fn quick() -> ClientConfig {
    ClientConfig {
        connect_timeout: Duration::from_millis(200),
        attempt_timeout: Duration::from_millis(300),
        total_timeout: Duration::from_secs(5),
        retry_initial: Duration::from_millis(5),
        retry_max: Duration::from_millis(20),
        retry_floor: 100,
        ..ClientConfig::default()
    }
}

/// `quick`, with something else.
pub(crate) fn quick_but(change: impl FnOnce(&mut ClientConfig)) -> ClientConfig {
    let mut config = quick();
    change(&mut config);
    config
}

pub(crate) fn client(config: &ClientConfig) -> Client {
    config.named("tests").build(&crew()).expect("a client")
}

/// Ends a test that hangs.
pub(crate) async fn bounded<F: Future>(test: F) -> F::Output {
    tokio::time::timeout(PATIENCE, test).await.expect("the test ends in time")
}

/// Waits until `is` holds.
pub(crate) async fn until(mut is: impl FnMut() -> bool) {
    bounded(async {
        while !is() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// The value of a metric whose line begins so.
pub(crate) fn metric(crew: &Crew, line: &str) -> Option<f64> {
    let text = crew.metrics().encode();
    let found = text.lines().find(|candidate| candidate.starts_with(line))?;
    found.rsplit(' ').next()?.parse().ok()
}

/// Runs a test that is ignored otherwise in a process of its own, whose environment it may have to itself.
pub(crate) async fn run_apart(test: &'static str, variables: Vec<(&'static str, String)>) {
    let run = tokio::task::spawn_blocking(move || {
        Command::new(std::env::current_exe().expect("a test binary"))
            .args(["--exact", test, "--ignored", "--nocapture"])
            .envs(variables)
            .output()
            .expect("it runs")
    });
    let output = run.await.expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "there is no test {test}");
}
