//! The gateway's protocol at its edges, over a bare websocket.

use crate::raw::Scene;
use flate2::{Decompress, FlushDecompress};
use groundcrew_testkit_discord::{Options, Privileged};
use serde_json::{Value, json};
use std::time::Duration;
use tokio_tungstenite::tungstenite::Message;

/// Guilds, their messages, and what these say.
const INTENTS: u64 = 1 | 1 << 9 | 1 << 15;

#[tokio::test]
async fn a_wrong_token_closes_with_4004_and_costs_no_session() {
    let scene = Scene::new().await;
    let mut socket = scene.connect("?v=10").await;
    socket.identify("wrong", INTENTS).await;
    assert_eq!(socket.closed().await, 4004);
    assert_eq!(scene.discord.report().identifies, 0);
}

#[tokio::test]
async fn what_is_no_json_closes_with_4002_and_an_unknown_opcode_with_4001() {
    let scene = Scene::new().await;
    let mut socket = scene.connect("").await;
    socket.send_raw("not json").await;
    assert_eq!(socket.closed().await, 4002);
    let mut socket = scene.connect("").await;
    socket.send(json!({"op": 99, "d": null})).await;
    assert_eq!(socket.closed().await, 4001);
}

#[tokio::test]
async fn identifying_twice_closes_with_4005_and_acting_before_it_with_4003() {
    let scene = Scene::new().await;
    let (mut socket, _) = scene.session(INTENTS).await;
    socket.identify(&scene.discord.token(), INTENTS).await;
    assert_eq!(socket.closed().await, 4005);
    let mut socket = scene.connect("").await;
    socket.send(json!({"op": 3, "d": {}})).await;
    assert_eq!(socket.closed().await, 4003);
}

#[tokio::test]
async fn intents_that_do_not_exist_close_with_4013_and_forbidden_ones_with_4014() {
    // Field note: MESSAGE_CONTENT missing in the portal → close 4014.
    let privileged = Privileged { message_content: false, ..Privileged::default() };
    let scene = Scene::with(Options { privileged, ..Options::default() }).await;
    for (intents, code) in [(1 << 40, 4013), (INTENTS, 4014)] {
        let mut socket = scene.connect("").await;
        socket.identify(&scene.discord.token(), intents).await;
        assert_eq!(socket.closed().await, code);
    }
    let (_socket, _) = scene.session(1).await; // control: without that intent there is a session
}

#[tokio::test]
async fn a_second_session_within_five_seconds_is_invalid() {
    let scene = Scene::with(Options::default()).await;
    let (_first, _) = scene.session(INTENTS).await;
    let mut socket = scene.connect("").await;
    assert_eq!(socket.next().await["op"], 10);
    socket.identify(&scene.discord.token(), INTENTS).await;
    let answer = socket.next().await;
    assert_eq!((&answer["op"], &answer["d"]), (&json!(9), &json!(false)));
    assert_eq!(scene.discord.report().identifies, 1);
}

#[tokio::test]
async fn the_session_beyond_the_budget_costs_the_token() {
    // Field note: 1000 IDENTIFYs per 24 h, then the token is reset.
    let scene = Scene::new().await;
    scene.discord.set_identify_budget(1);
    let (_last, _) = scene.session(INTENTS).await;
    let limit = scene.rest("GET", "/gateway/bot", None).await.text();
    assert!(limit.contains("\"remaining\":0"), "{limit}");
    let mut socket = scene.connect("").await;
    socket.identify(&scene.discord.token(), INTENTS).await;
    assert_eq!(socket.closed().await, 4004);
    assert!(scene.discord.report().token_reset);
    assert_eq!(scene.rest("GET", "/users/@me", None).await.status, 401);
}

#[tokio::test]
async fn a_resumed_session_gets_what_it_missed_once_and_in_order() {
    let scene = Scene::new().await;
    let (mut socket, ready) = scene.session(INTENTS).await;
    let seq = socket.event("GUILD_CREATE").await["s"].as_u64().unwrap();
    scene.discord.message(scene.channel, scene.ada, "seen").send();
    let seen = socket.event("MESSAGE_CREATE").await["s"].as_u64().unwrap();
    assert_eq!(seen, seq + 1);
    drop(socket);
    scene.discord.connected(0, Duration::from_secs(5)).await.unwrap();
    scene.discord.message(scene.channel, scene.ada, "missed").send();
    let mut socket = scene.connect("resume?v=10").await;
    socket.resume(&scene.discord.token(), &ready["d"]["session_id"], seen).await;
    assert_eq!(socket.next().await["op"], 10);
    let missed = socket.next().await;
    assert_eq!((&missed["d"]["content"], &missed["s"]), (&json!("missed"), &json!(seen + 1)));
    assert_eq!(socket.next().await["t"], "RESUMED");
    assert_eq!(scene.discord.sessions()[0].resumed, 1);
}

#[tokio::test]
async fn a_forgotten_session_cannot_be_resumed_nor_one_that_said_goodbye() {
    let scene = Scene::new().await;
    let (_socket, ready) = scene.session(INTENTS).await;
    scene.discord.forget_sessions();
    let mut socket = scene.connect("").await;
    assert_eq!(socket.next().await["op"], 10);
    socket.resume(&scene.discord.token(), &ready["d"]["session_id"], 1).await;
    assert_eq!(socket.next().await, json!({"op": 9, "d": false, "s": null, "t": null}));
}

#[tokio::test]
async fn a_sequence_from_the_future_closes_with_4007() {
    let scene = Scene::new().await;
    let (socket, ready) = scene.session(INTENTS).await;
    drop(socket);
    let mut socket = scene.connect("").await;
    socket.resume(&scene.discord.token(), &ready["d"]["session_id"], 999).await;
    assert_eq!(socket.closed().await, 4007);
}

#[tokio::test]
async fn heartbeats_are_answered_unless_the_gateway_is_silent() {
    let scene = Scene::new().await;
    let (mut socket, _) = scene.session(0).await;
    socket.send(json!({"op": 1, "d": 1})).await;
    assert_eq!(socket.next().await["op"], 11);
    scene.discord.silence(true);
    socket.send(json!({"op": 1, "d": 1})).await;
    scene.discord.ask_to_reconnect();
    // Nothing between them: the heartbeat was heard before the order that came after it.
    socket.send(json!({"op": 99, "d": null})).await;
    assert_eq!(socket.next().await["op"], 7);
    assert_eq!(socket.closed().await, 4001);
}

#[tokio::test]
async fn who_did_not_ask_for_content_gets_messages_without_it_except_mentions() {
    let scene = Scene::new().await;
    let (mut socket, _) = scene.session(1 | 1 << 9).await;
    scene.discord.message(scene.channel, scene.ada, "a secret").send();
    assert_eq!(socket.event("MESSAGE_CREATE").await["d"]["content"], "");
    let mention = format!("<@{}> hello", scene.discord.bot());
    scene.discord.message(scene.channel, scene.ada, &mention).send();
    assert_eq!(socket.event("MESSAGE_CREATE").await["d"]["content"], mention);
}

#[tokio::test]
async fn events_go_to_the_shard_of_their_guild() {
    let scene = Scene::new().await;
    let shard = (scene.guild.get() >> 22) % 2;
    let mut other = scene.connect("").await;
    assert_eq!(other.next().await["op"], 10);
    let token = scene.discord.token();
    other.send(json!({"op": 2, "d": {"token": token, "intents": INTENTS, "shard": [1 - shard, 2], "properties": {}}})).await;
    assert_eq!(other.event("READY").await["d"]["guilds"], json!([]));
    let mut ours = scene.connect("").await;
    assert_eq!(ours.next().await["op"], 10);
    ours.send(
        json!({"op": 2, "d": {"token": token, "intents": INTENTS, "shard": [shard, 2], "properties": {}}}),
    )
    .await;
    assert_eq!(ours.event("GUILD_CREATE").await["d"]["id"], json!(scene.guild));
    let ping = scene.ping().await;
    assert_eq!(ours.event("INTERACTION_CREATE").await["d"]["id"], json!(ping.id()));
    assert_eq!(ping.received().await.unwrap().received.len(), 1);
}

#[tokio::test]
async fn a_compressed_stream_and_compressed_payloads_read_back() {
    let scene = Scene::new().await;
    let mut socket = scene.connect("?v=10&compress=zlib-stream").await;
    let Some(Message::Binary(bytes)) = socket.message().await else { panic!("not binary") };
    let mut output = Vec::with_capacity(64 * 1024);
    Decompress::new(true).decompress_vec(&bytes, &mut output, FlushDecompress::Sync).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&output).unwrap()["op"], 10);
    let mut socket = scene.connect("?v=10").await;
    assert_eq!(socket.next().await["op"], 10);
    let token = scene.discord.token();
    socket
        .send(json!({"op": 2, "d": {"token": token, "intents": 0, "compress": true, "properties": {}}}))
        .await;
    let Some(Message::Binary(bytes)) = socket.message().await else { panic!("not binary") };
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::ZlibDecoder::new(&bytes[..]), &mut text).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["t"], "READY");
}

#[tokio::test]
async fn a_lost_event_leaves_a_gap_and_does_not_come_back() {
    let scene = Scene::new().await;
    let (mut socket, _) = scene.session(INTENTS).await;
    let before = socket.event("GUILD_CREATE").await["s"].as_u64().unwrap();
    scene.discord.lose("MESSAGE_CREATE", 1);
    scene.discord.message(scene.channel, scene.ada, "lost").send();
    scene.discord.message(scene.channel, scene.ada, "kept").send();
    let next = socket.event("MESSAGE_CREATE").await;
    assert_eq!((&next["d"]["content"], &next["s"]), (&json!("kept"), &json!(before + 2)));
}
