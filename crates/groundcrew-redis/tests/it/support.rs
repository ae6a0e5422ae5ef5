//! What several tests need: a server, a crew, and waiting that ends.

use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use groundcrew_redis::deadpool_redis::redis::aio::ConnectionLike;
use groundcrew_redis::deadpool_redis::redis::{Client, cmd};
use groundcrew_redis::{Redis, RedisConfig};
use groundcrew_runtime::Crew;

/// A private Redis; it ends with this value.
pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    password: Option<&'static str>,
    running: Option<Child>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let mut server = Self::prepared();
        server.launch().await;
        server
    }

    pub(crate) async fn with_password(password: &'static str) -> Self {
        let mut server = Self::prepared();
        server.password = Some(password);
        server.launch().await;
        server
    }

    /// A port, and nobody who listens.
    pub(crate) fn prepared() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        Self { addr: listener.local_addr().expect("its address"), password: None, running: None }
    }

    pub(crate) async fn launch(&mut self) {
        let port = self.addr.port().to_string();
        let mut command = Command::new("redis-server");
        command.args(["--bind", "127.0.0.1", "--port", &port, "--save", "", "--appendonly", "no"]);
        if let Some(password) = self.password {
            command.args(["--requirepass", password]);
        }
        let child = command.current_dir(std::env::temp_dir()).stdout(Stdio::null()).spawn();
        self.running = Some(child.expect("these tests need Redis: apt-get install redis-server"));
        let addr = self.addr;
        until("Redis listens", || std::net::TcpStream::connect(addr).is_ok()).await;
    }

    /// As a crash would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.running.take() {
            child.kill().expect("it runs");
            child.wait().expect("an exit code");
        }
    }

    pub(crate) fn pause(&self) {
        self.signal("-STOP");
    }

    pub(crate) fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let pid = self.running.as_ref().expect("it runs").id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().expect("kill").success());
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.addr)
    }

    /// A client beside the one under test.
    pub(crate) async fn admin(&self, words: &[&str]) {
        let client = Client::open(self.url()).expect("a URL");
        let mut connection = client.get_multiplexed_async_connection().await.expect("connected");
        let mut command = cmd(words[0]);
        command.arg(&words[1..]);
        connection.req_packed_command(&command).await.expect("an answer");
    }

    /// Closes every connection, as a proxy or `timeout` on the server does with idle ones.
    pub(crate) async fn drop_everybody(&self) {
        self.admin(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

pub(crate) fn crew() -> Crew {
    Crew::builder("parcels", "1.0.0").build()
}

/// The handle of a test: one shared connection, short times, and no health check that meddles.
pub(crate) fn config(url: String) -> RedisConfig {
    RedisConfig {
        shared_connections: 1,
        acquire_timeout: Duration::from_millis(600),
        connect_timeout: Duration::from_millis(300),
        recycle_timeout: Duration::from_millis(100),
        response_timeout: Duration::from_millis(200),
        check_period: Duration::from_secs(3600),
        ..RedisConfig::of(url)
    }
}

pub(crate) async fn connect(url: String) -> Redis {
    config(url).connect(&crew()).await.expect("a handle")
}

/// Waits until something holds; fails loudly when it does not come.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < Duration::from_secs(20), "waited 20 s until {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Tries until it works; for recovery, with the time that it may take.
pub(crate) async fn within<T, E, F>(limit: Duration, what: &str, mut attempt: impl FnMut() -> F) -> T
where
    F: Future<Output = Result<T, E>>,
    E: std::fmt::Display,
{
    let started = Instant::now();
    loop {
        match attempt().await {
            Ok(value) => return value,
            Err(error) => assert!(started.elapsed() < limit, "{what} took longer than {limit:?}: {error}"),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The value of a metric, by the beginning of its line.
pub(crate) fn metric(crew: &Crew, series: &str) -> u64 {
    let text = crew.metrics().encode();
    let line = text.lines().find(|line| line.starts_with(series));
    let value =
        line.and_then(|line| line.rsplit(' ').next()).unwrap_or_else(|| panic!("{series} in\n{text}"));
    value.parse().expect("a number")
}
