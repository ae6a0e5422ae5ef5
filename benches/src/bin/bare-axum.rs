//! `GET /hello` as the first page of axum's documentation has it.

use axum::{Json, Router, routing::get};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::bind(benches::address()).await?;
    axum::serve(listener, Router::new().route("/hello", get(hello))).await
}

async fn hello() -> Json<Value> {
    Json(json!({"hello": "world"}))
}
