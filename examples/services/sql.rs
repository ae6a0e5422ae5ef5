//! A guest book in a SQLite file: `cargo run --example sql`, then
//! `curl -d Ada http://127.0.0.1:5000/guests` and `curl http://127.0.0.1:5000/guests`.
//!
//! With Postgres it is `connect_postgres`; the Summary Bot shows a service that runs on either.

use std::process::ExitCode;

use groundcrew::axum::extract::State;
use groundcrew::axum::{Json, Router, routing::get};
use groundcrew::config::FromConfig;
use groundcrew::http::{HttpConfig, Problem, StatusCode};
use groundcrew::sql::{SqlConfig, Sqlite};
use groundcrew::{Crew, Service};
use sqlx::migrate::Migrator;

static MIGRATIONS: Migrator = sqlx::migrate!("services/migrations");

#[derive(FromConfig)]
struct Config {
    http: HttpConfig,
    database: SqlConfig,
}

async fn start(config: Config, crew: Crew) -> anyhow::Result<()> {
    let http = config.http.bind(&crew).await?;
    let book = config.database.connect_sqlite(&crew).await?; // now in /ready, /metrics and the shutdown
    book.migrate(&crew, &MIGRATIONS).await?;
    http.serve(Router::new().route("/guests", get(list).post(sign)).with_state(book));
    Ok(())
}

async fn sign(State(book): State<Sqlite>, name: String) -> Result<StatusCode, Problem> {
    let insert = sqlx::query("INSERT INTO guests (name) VALUES (?)").bind(name);
    insert.execute(&book).await.map_err(|error| unavailable(&error))?;
    Ok(StatusCode::CREATED)
}

async fn list(State(book): State<Sqlite>) -> Result<Json<Vec<String>>, Problem> {
    let guests = sqlx::query_scalar("SELECT name FROM guests ORDER BY id").fetch_all(book.read()).await;
    guests.map(Json).map_err(|error| unavailable(&error))
}

fn unavailable(error: &sqlx::Error) -> Problem {
    tracing::error!(%error, "the book cannot be opened");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "BOOK_UNAVAILABLE").retry_after(5)
}

fn main() -> ExitCode {
    Service::new("guests", env!("CARGO_PKG_VERSION")).migrations(&MIGRATIONS).run(start)
}
