//! Who asks, and what they may: `cargo run --example auth`, then
//!
//! ```text
//! curl -s http://127.0.0.1:5000/me                                # you are on the machine: the operator
//! curl -s -X POST http://127.0.0.1:5000/keys                      # a key, shown this once
//! curl -s -H 'authorization: Bearer gck_…' http://127.0.0.1:5000/parcels
//! curl -si -H 'authorization: Bearer gck_…' -X POST http://127.0.0.1:5000/keys   # 403: the key may only read
//! ```

use std::process::ExitCode;

use groundcrew::auth::{ApiKeys, Auth, AuthConfig, NewKey, Principal, PrincipalKind, RequireScope};
use groundcrew::axum::extract::State;
use groundcrew::axum::http::StatusCode;
use groundcrew::axum::{Router, routing::get, routing::post};
use groundcrew::config::FromConfig;
use groundcrew::http::{HttpConfig, Problem};
use groundcrew::sql::SqlConfig;
use groundcrew::{Crew, Service};

#[derive(FromConfig)]
struct Config {
    http: HttpConfig,
    database: SqlConfig,
    auth: AuthConfig,
}

async fn make_key(State(keys): State<ApiKeys>, who: Principal) -> Result<String, Problem> {
    let scopes = "parcels:read".parse().map_err(unavailable)?;
    let made = keys.create(NewKey::new(who.subject, "made over HTTP").with_scopes(scopes)).await;
    made.map(|made| format!("{}\n", made.secret.expose())).map_err(unavailable)
}

fn unavailable(error: impl std::error::Error) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "KEYS_UNAVAILABLE").detail(error.to_string())
}

async fn start(config: Config, crew: Crew) -> anyhow::Result<()> {
    let http = config.http.bind(&crew).await?;
    let database = config.database.connect(&crew).await?;
    let keys = config.auth.keys(&crew, &database).await?;
    // Only for whoever started this on their own machine; a service that others reach leaves it out.
    let operator = Principal::new("operator", "*".parse()?, PrincipalKind::Local);
    let auth = Auth::new(&crew)?.keys(keys.clone()).local(operator);

    let parcels = get(|| async { "a clock, a kettle\n" }).layer(RequireScope::new("parcels:read"));
    let routes = Router::new()
        .route("/me", get(|who: Principal| async move { format!("{}\n", who.subject) }))
        .route("/parcels", parcels)
        .route("/keys", post(make_key).layer(RequireScope::new("keys:write")))
        .with_state(keys);
    http.serve(routes.layer(auth));
    Ok(())
}

fn main() -> ExitCode {
    Service::new("parcels", env!("CARGO_PKG_VERSION")).run(start)
}
