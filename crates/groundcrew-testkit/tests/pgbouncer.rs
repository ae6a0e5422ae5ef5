//! A real PgBouncer in front of a real PostgreSQL.
#![cfg(all(unix, feature = "pgbouncer"))]

use groundcrew_testkit::pgbouncer::{Error, PgBouncer};
use groundcrew_testkit::postgres::Postgres;
use std::process::Command;
use tokio::net::TcpStream;

fn ask(url: &str, sql: &str) -> Result<String, String> {
    let output = Command::new("psql").args(["-XAtq", "-d", url, "-c", sql]).output().expect("psql is there");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

/// PgBouncer's own tables.
fn admin(bouncer: &PgBouncer, postgres: &Postgres) -> String {
    let url = bouncer.url_to(postgres.url());
    format!("{}/pgbouncer", url.rsplit_once('/').expect("it names a database").0)
}

#[tokio::test]
async fn it_leads_to_every_database_and_pools_by_transaction() {
    let postgres = Postgres::start().await.expect("it starts");
    let database = postgres.database().await.expect("it is created");
    let bouncer = PgBouncer::in_front_of(&postgres).await.expect("it starts");
    let url = bouncer.url_to(database.url());
    assert_eq!(ask(&url, "SELECT current_database()").as_deref(), Ok(database.name()));
    let pools = ask(&admin(&bouncer, &postgres), "SHOW POOLS").expect("we administer it");
    assert!(pools.lines().any(|pool| pool.starts_with(database.name()) && pool.ends_with("|transaction")));
}

#[tokio::test]
async fn a_setting_of_the_tests_wins() {
    let postgres = Postgres::start().await.expect("it starts");
    let setup = PgBouncer::setup().setting("pool_mode", "session");
    let bouncer = setup.in_front_of(&postgres).await.expect("it starts");
    let config = ask(&admin(&bouncer, &postgres), "SHOW CONFIG").expect("we administer it");
    assert!(config.contains("pool_mode|session"), "{config}");
}

#[tokio::test]
async fn in_front_of_a_password_it_asks_for_the_same() {
    let setup = Postgres::setup().password("p@ss\"word");
    let postgres = setup.start().await.expect("it starts");
    let bouncer = PgBouncer::in_front_of(&postgres).await.expect("it starts");
    let url = bouncer.url_to(postgres.url());
    assert_eq!(ask(&url, "SELECT 1").as_deref(), Ok("1"));
    assert!(ask(&url.replace("p%40ss", "other"), "SELECT 1").is_err());
    assert!(!format!("{bouncer:?}").contains("word"));
}

#[tokio::test]
async fn it_can_be_killed_and_comes_back_on_its_port() {
    let postgres = Postgres::start().await.expect("it starts");
    let mut bouncer = PgBouncer::in_front_of(&postgres).await.expect("it starts");
    bouncer.kill();
    assert!(TcpStream::connect(("127.0.0.1", bouncer.port())).await.is_err());
    assert!(matches!(bouncer.pause(), Err(Error::NotRunning)));
    bouncer.restart().await.expect("it starts again");
    assert_eq!(ask(&bouncer.url_to(postgres.url()), "SELECT 1").as_deref(), Ok("1"));
}
