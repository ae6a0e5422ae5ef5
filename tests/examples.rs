//! Every example as its reader starts it: a process that becomes ready, does what its first lines say, and lands.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use groundcrew_testkit::http::{self, Response};
use groundcrew_testkit::port::Port;
use groundcrew_testkit::process::{Service, ServiceProcess, Signal};
use groundcrew_testkit::rabbitmq::RabbitMq;
use groundcrew_testkit::redis::Redis;
use serde_json::Value;
use tempfile::{TempDir, tempdir};

const PATIENCE: Duration = Duration::from_secs(30);

/// An example that runs in a folder of its own.
struct Running {
    process: ServiceProcess,
    http: SocketAddr,
    folder: TempDir,
    /// What `http` and the admin listener are on.
    _ports: [Port; 2],
}

// === impl Running ===

impl Running {
    async fn start(name: &str, variables: &[(&str, &str)]) -> Self {
        let folder = tempdir().unwrap();
        let (process, ports) = start_in(folder.path(), name, variables).await;
        Self { process, http: ports[0].address(), folder, _ports: ports }
    }

    async fn get(&self, path: &str) -> Response {
        http::get(self.http, path).await.unwrap()
    }

    async fn post(&self, path: &str, body: &str) -> Response {
        let mut client = http::Connection::open(self.http).await.unwrap();
        let length = body.len();
        let head = format!("POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n");
        client.send(head + body).await.unwrap();
        client.response().await.unwrap()
    }

    async fn says(&mut self, words: &str) {
        self.process.wait_for_line(words, PATIENCE).await.unwrap();
    }

    /// Stops it as Kubernetes does, and gives back what it has left.
    async fn land(mut self) -> TempDir {
        self.process.signal(Signal::Term).unwrap();
        let status = self.process.wait_exit(PATIENCE).await.unwrap();
        assert!(status.success(), "{status}\n{}", self.process);
        self.folder
    }
}

/// Its process, ready, and the ports of its public listener, if it has one, and of its admin listener.
async fn start_in(folder: &Path, name: &str, variables: &[(&str, &str)]) -> (ServiceProcess, [Port; 2]) {
    let [http, admin] = free_ports();
    let service = Service::new(scenarios::example(name))
        .current_dir(folder)
        .env("PORT", http.number().to_string())
        .env("METRICS_PORT", admin.number().to_string());
    let service = variables.iter().fold(service, |service, (name, value)| service.env(name, value));
    let mut process = service.start().unwrap();
    process.wait_ready(admin.address(), PATIENCE).await.unwrap_or_else(|error| panic!("{name}: {error}"));
    (process, [http, admin])
}

fn free_ports() -> [Port; 2] {
    [Port::free().unwrap(), Port::free().unwrap()]
}

/// A command of an example, as a person gives it in the folder where it runs.
fn command<A: AsRef<OsStr>>(folder: &Path, name: &str, arguments: impl IntoIterator<Item = A>) -> Output {
    let mut command = Command::new(scenarios::example(name));
    command.env_clear().current_dir(folder).args(arguments).output().unwrap()
}

async fn runs_to_its_end(name: &str, last_words: &str) {
    let folder = tempdir().unwrap();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let [_, admin] = free_ports();
    let service = Service::new(scenarios::example(name))
        .current_dir(folder.path())
        .env("PATH", path) // where the servers are
        .env("METRICS_PORT", admin.number().to_string());
    let mut process = service.start().unwrap();
    let status = process.wait_exit(PATIENCE).await.unwrap();
    assert!(status.success(), "{status}\n{process}");
    process.wait_for_line(last_words, PATIENCE).await.unwrap();
}

#[tokio::test]
async fn config_greets_and_ends_by_itself() {
    runs_to_its_end("config", "the key is").await;
}

#[tokio::test]
async fn testkit_judges_its_service_and_ends() {
    runs_to_its_end("testkit", "ready: true, degraded: true").await;
}

#[tokio::test]
async fn telemetry_and_runtime_start_and_land() {
    for name in ["telemetry", "runtime"] {
        Running::start(name, &[]).await.land().await;
    }
}

#[tokio::test]
async fn http_divides() {
    let calculator = Running::start("http", &[]).await;
    assert_eq!(calculator.get("/divide/6/3").await.text(), r#"{"quotient":2}"#);
    assert_eq!(calculator.get("/divide/6/0").await.status, 422);
    calculator.land().await;
}

#[tokio::test]
async fn client_quotes_although_every_other_answer_it_gets_is_a_failure() {
    let ports = free_ports();
    let [http, admin] = [ports[0].address(), ports[1].address()];
    let folder = tempdir().unwrap();
    let url = format!("http://{http}/rate");
    let service = Service::new(scenarios::example("client")).current_dir(folder.path());
    let service = service.env("PORT", http.port().to_string()).env("METRICS_PORT", admin.port().to_string());
    let mut process = service.env("QUOTES__RATES_URL", url).start().unwrap();
    process.wait_ready(admin, PATIENCE).await.unwrap();
    for _ in 0..4 {
        let quote = http::get(http, "/quote/7").await.unwrap();
        assert_eq!((quote.status, quote.text()), (200, r#"{"cents":3360}"#.to_owned()));
    }
    let quotes = Running { process, http, folder, _ports: ports };
    quotes.land().await;
}

#[tokio::test]
async fn auth_makes_a_key_that_may_read_and_no_more() {
    let parcels = Running::start("auth", &[]).await;
    assert_eq!(parcels.get("/me").await.text(), "operator\n");
    let key = parcels.post("/keys", "").await.text();
    let ask = async |method: &str, path: &str, key: &str| {
        let mut client = http::Connection::open(parcels.http).await.unwrap();
        let head =
            format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n\r\n");
        client.send(head).await.unwrap();
        client.response().await.unwrap().status
    };
    assert_eq!(ask("GET", "/parcels", key.trim()).await, 200);
    assert_eq!(ask("POST", "/keys", key.trim()).await, 403);
    assert_eq!(ask("GET", "/parcels", "gck_wrong").await, 401);
    parcels.land().await;
}

#[tokio::test]
async fn sql_remembers_its_guests_after_a_restart() {
    let book = Running::start("sql", &[]).await;
    assert_eq!(book.post("/guests", "Ada").await.status, 201);
    let folder = book.land().await;
    let (process, ports) = start_in(folder.path(), "sql", &[]).await;
    let book = Running { process, http: ports[0].address(), folder, _ports: ports };
    assert_eq!(book.get("/guests").await.text(), r#"["Ada"]"#);
    book.land().await;
}

#[tokio::test]
async fn redis_counts_visits() {
    let redis = Redis::private().await.unwrap();
    let visits = Running::start("redis", &[("REDIS_URL", redis.url())]).await;
    visits.get("/visits/north").await;
    let second = visits.get("/visits/north").await.text();
    assert!(second.contains(r#""visits":2"#), "{second}");
    visits.land().await;
}

#[tokio::test]
async fn cache_and_limit_run_without_redis_and_with_it() {
    let redis = Redis::private().await.unwrap();
    for url in [None, Some(redis.url())] {
        let variables: Vec<_> = url.map(|url| ("REDIS_URL", url)).into_iter().collect();
        let weather = Running::start("cache", &variables).await;
        let north = weather.get("/weather/north").await.text();
        assert!(north.contains("fair in the north"), "{north}");
        weather.land().await;

        let variables: Vec<_> =
            [("LABELS__LABELS__MAX_REQUESTS", "1")].into_iter().chain(variables).collect();
        let labels = Running::start("limit", &variables).await;
        assert_eq!(labels.get("/label").await.status, 200);
        let refused = labels.get("/label").await;
        assert_eq!((refused.status, refused.header("retry-after").is_some()), (429, true));
        assert_eq!(labels.get("/price").await.status, 200);
        labels.land().await;
    }
}

#[tokio::test]
async fn amqp_takes_orders_and_checks_them() {
    let rabbitmq = RabbitMq::start().await.unwrap();
    let vhost = rabbitmq.vhost().await.unwrap();
    let mut orders = Running::start("amqp", &[("RABBITMQ_URL", vhost.url())]).await;
    assert_eq!(orders.post("/orders", "pears").await.status, 202);
    orders.says("pears").await;
    orders.land().await;
}

#[tokio::test]
async fn lease_ticks_in_the_other_process_when_the_leader_is_killed() {
    let mut leader = Running::start("lease", &[]).await;
    leader.says("tick").await;
    let (mut other, _ports) = start_in(leader.folder.path(), "lease", &[]).await;
    assert!(!other.to_string().contains("this is the clock now"), "one leads");
    leader.process.signal(Signal::Kill).unwrap();
    other.wait_for_line("tick", PATIENCE).await.unwrap();
    other.signal(Signal::Term).unwrap();
    assert!(other.wait_exit(PATIENCE).await.unwrap().success(), "{other}");
}

#[tokio::test]
async fn jobs_are_packed_in_sqlite_and_over_rabbitmq() {
    let rabbitmq = RabbitMq::start().await.unwrap();
    let vhost = rabbitmq.vhost().await.unwrap();
    for url in [None, Some(vhost.url())] {
        let variables: Vec<_> = url.map(|url| ("RABBITMQ_URL", url)).into_iter().collect();
        let mut packing = Running::start("jobs", &variables).await;
        assert_eq!(packing.post("/parcels/7", "").await.status, 202);
        packing.says("packed").await;
        packing.land().await;
    }
}

#[tokio::test]
async fn backup_saves_what_is_being_written_and_brings_it_back() {
    let station = Running::start("backup", &[]).await;
    let run = |folder: &Path, line: &str| command(folder, "backup", line.split_whitespace());
    let rows = |output: &Output| {
        assert!(output.status.success(), "{output:?}");
        let said: Value = serde_json::from_slice(&output.stdout).unwrap();
        said["backup"]["rows"]["readings"].as_u64().expect("a table that was counted")
    };
    let made = async {
        loop {
            let saved = rows(&run(station.folder.path(), "backup"));
            if saved > 0 {
                return saved;
            }
        }
    };
    let saved = tokio::time::timeout(PATIENCE, made).await.expect("something is written");
    assert!(run(station.folder.path(), "backup verify").status.success());
    let busy = run(station.folder.path(), "restore --force");
    assert_eq!(busy.status.code(), Some(1), "the service has it open: {busy:?}");

    let folder = station.land().await;
    assert_eq!(
        run(folder.path(), "restore").status.code(),
        Some(1),
        "without --force nothing is overwritten"
    );
    assert_eq!(run(folder.path(), "restore --frobnicate").status.code(), Some(2));
    let wrong = run(folder.path(), "--set backup.keep=0 backup");
    assert_eq!(wrong.status.code(), Some(78), "{wrong:?}");
    let restored = run(folder.path(), "restore --force");
    assert!(restored.status.success(), "{restored:?}");
    assert_eq!(rows(&run(folder.path(), "backup")), saved);
}
