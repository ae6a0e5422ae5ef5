//! The same over HTTP, for other processes.

use crate::raw::{Scene, json_of};
use serde_json::{Value, json};

async fn control(scene: &Scene, method: &str, path: &str, body: Value) -> Value {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let response = scene.send(method, &format!("/control{path}"), "", "application/json", &body).await;
    assert!(response.status < 300, "{path}: {} {}", response.status, response.text());
    json_of(&response)
}

#[tokio::test]
async fn another_process_makes_a_world_and_acts_in_it() {
    let scene = Scene::new().await;
    let guild = control(&scene, "POST", "/guilds", json!({"name": "Ops"})).await["id"].clone();
    let guild = guild.as_str().unwrap();
    let channel =
        control(&scene, "POST", &format!("/guilds/{guild}/channels"), json!({"name": "c"})).await["id"]
            .clone();
    let user =
        control(&scene, "POST", &format!("/guilds/{guild}/members"), json!({"name": "bob"})).await["id"]
            .clone();
    let messages = format!("/channels/{}/messages", channel.as_str().unwrap());
    control(&scene, "POST", &messages, json!({"author": user, "content": "hello", "ago": 60})).await;
    assert_eq!(control(&scene, "GET", &messages, Value::Null).await[0]["content"], "hello");
    let (mut socket, _) = scene.session(1).await;
    scene.register(json!({"name": "ping", "description": "x"})).await;
    let act = json!({"kind": "command", "name": "ping", "user": user, "channel": channel});
    let fired = control(&scene, "POST", "/interactions", act).await;
    let event = socket.event("INTERACTION_CREATE").await;
    assert_eq!(event["d"]["id"], fired["id"]);
    let path = format!("/interactions/{}?for=received&seconds=5", fired["id"].as_str().unwrap());
    assert_eq!(control(&scene, "GET", &path, Value::Null).await["received"].as_array().unwrap().len(), 1);
    control(&scene, "POST", "/gateway", json!({"action": "close", "code": 4000})).await;
    assert_eq!(socket.closed().await, 4000);
    let effect = json!({"too_many": {"retry_after": 1.5}});
    control(
        &scene,
        "POST",
        "/faults",
        json!({"method": "GET", "path": "/users/@me", "times": 1, "effect": effect}),
    )
    .await;
    assert_eq!(scene.rest("GET", "/users/@me", None).await.status, 429);
    assert_eq!(control(&scene, "GET", "/report", Value::Null).await["delivered"], 1);
}
