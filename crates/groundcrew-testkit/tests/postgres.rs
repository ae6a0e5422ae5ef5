//! A real PostgreSQL, asked through its own `psql`.
#![cfg(all(unix, feature = "postgres"))]

use groundcrew_testkit::postgres::{Error, Postgres};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

fn ask(url: &str, sql: &str) -> Result<String, String> {
    let output = Command::new("psql").args(["-XAtq", "-d", url, "-c", sql]).output().expect("psql is there");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

async fn port_is_open(postgres: &Postgres) -> bool {
    let port = postgres.port().expect("it is ours");
    TcpStream::connect(("127.0.0.1", port)).await.is_ok()
}

#[tokio::test]
async fn databases_are_empty_and_apart_from_each_other() {
    let postgres = Postgres::start().await.expect("it starts");
    let one = postgres.database().await.expect("it is created");
    let other = postgres.database().await.expect("it is created");
    ask(one.url(), "CREATE TABLE t (x int)").expect("one is empty");
    ask(other.url(), "CREATE TABLE t (x int)").expect("the other is too");
    assert_eq!(ask(one.url(), "SELECT current_database()").as_deref(), Ok(one.name()));
}

#[tokio::test]
async fn after_a_kill_nobody_listens_and_a_restart_brings_the_data_back() {
    let mut postgres = Postgres::private().await.expect("it starts");
    let database = postgres.database().await.expect("it is created");
    ask(database.url(), "CREATE TABLE t AS SELECT 42 AS x").expect("it is empty");
    postgres.kill().expect("it is ours");
    assert!(!port_is_open(&postgres).await);
    assert!(matches!(postgres.pause(), Err(Error::NotRunning)));
    postgres.restart().await.expect("it starts again");
    assert_eq!(ask(database.url(), "SELECT x FROM t").as_deref(), Ok("42"));
}

#[tokio::test]
async fn a_running_server_restarts_on_the_same_port() {
    let mut postgres = Postgres::private().await.expect("it starts");
    let before = ask(postgres.url(), "SELECT pg_postmaster_start_time()").expect("it answers");
    postgres.restart().await.expect("it starts again");
    assert_ne!(ask(postgres.url(), "SELECT pg_postmaster_start_time()"), Ok(before));
}

#[tokio::test]
async fn a_paused_server_is_silent_until_it_is_resumed() {
    let mut postgres = Postgres::private().await.expect("it starts");
    postgres.pause().expect("it runs");
    let mut stream = TcpStream::connect(("127.0.0.1", postgres.port().expect("it is ours")))
        .await
        .expect("the kernel accepts");
    let silent = tokio::time::timeout(Duration::from_millis(100), stream.read_u8()).await;
    assert!(silent.is_err());
    postgres.resume().expect("it is paused");
    assert_eq!(ask(postgres.url(), "SELECT 1").as_deref(), Ok("1"));
}

#[tokio::test]
async fn a_dropped_server_is_gone_with_its_folder() {
    let postgres = Postgres::private().await.expect("it starts");
    let folder = ask(postgres.url(), "SHOW unix_socket_directories").expect("it answers");
    let port = postgres.port().expect("it is ours");
    assert!(Path::new(&folder).is_dir());
    drop(postgres);
    assert!(!Path::new(&folder).exists());
    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err());
}

#[tokio::test]
async fn a_server_with_a_password_lets_in_nobody_without_it() {
    let setup = Postgres::setup().password("p@ss/word").setting("max_connections", "7");
    let postgres = setup.start().await.expect("it starts");
    assert_eq!(ask(postgres.url(), "SHOW max_connections").as_deref(), Ok("7"));
    let without = postgres.url().replace(":p%40ss%2Fword", "");
    assert_ne!(without, postgres.url());
    assert!(ask(&without, "SELECT 1").is_err());
    let database = postgres.database().await.expect("it is created");
    assert_eq!(ask(database.url(), "SELECT 1").as_deref(), Ok("1"));
    assert!(!format!("{postgres:?} {database:?}").contains("word"));
}

#[tokio::test]
async fn a_prepared_server_runs_only_when_it_is_told_to() {
    let mut postgres = Postgres::setup().prepare().await.expect("its data is made");
    assert!(!port_is_open(&postgres).await);
    postgres.restart().await.expect("it starts");
    assert_eq!(ask(postgres.url(), "SELECT 1").as_deref(), Ok("1"));
}

const HOLD: &str = "TESTKIT_HOLD_A_SERVER";
const DOWN: &str = "down";

/// Run by the next tests as a process of its own; by itself it does nothing.
#[tokio::test]
async fn holds_a_server_when_told_to() {
    let Some(told) = std::env::var_os(HOLD) else { return };
    let mut postgres = Postgres::private().await.expect("it starts");
    let folder = ask(postgres.url(), "SHOW unix_socket_directories").expect("it answers");
    if told == DOWN {
        postgres.kill().expect("it is ours");
    }
    println!("port {}", postgres.port().expect("it is ours"));
    println!("folder {folder}");
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn a_test_that_is_killed_leaves_neither_server_nor_folder() {
    kill_a_holder("running").await;
}

#[tokio::test]
async fn a_test_that_is_killed_while_its_server_is_down_leaves_no_folder() {
    kill_a_holder(DOWN).await;
}

/// Kills a process that holds a server, and waits until nothing is left of it.
async fn kill_a_holder(told: &str) {
    let mut command = Command::new(std::env::current_exe().expect("we run"));
    command.args(["--exact", "holds_a_server_when_told_to", "--nocapture"]);
    command.env(HOLD, told).env_remove("TEST_DATABASE_URL").stdout(Stdio::piped());
    let mut holder = command.spawn().expect("it starts");
    let mut lines = BufReader::new(holder.stdout.take().expect("it is piped")).lines().map_while(Result::ok);
    let port: u16 =
        lines.find_map(|line| line.split("port ").nth(1)?.parse().ok()).expect("it says its port");
    let folder =
        lines.find_map(|line| Some(line.split("folder ").nth(1)?.to_owned())).expect("and its folder");
    assert!(Path::new(&folder).is_dir());
    holder.kill().expect("it runs");
    holder.wait().expect("it was killed");
    let gone = async {
        while Path::new(&folder).exists() || TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(20), gone).await.is_ok(), "{folder} is still there");
}
