//! Interactions: who gets them, how often and how late they may be answered.

use crate::raw::{Scene, json_of};
use groundcrew_testkit_discord::{Action, Error, Options, Permissions};
use serde_json::{Value, json};
use std::time::Duration;

fn at(interaction: &Value) -> (String, String) {
    let text = |key: &str| interaction["d"][key].as_str().unwrap().to_owned();
    (format!("/interactions/{}/{}/callback", text("id"), text("token")), text("token"))
}

#[tokio::test]
async fn a_second_acknowledgement_is_refused_with_40060() {
    let scene = Scene::new().await;
    let (mut socket, _) = scene.session(1).await;
    let ping = scene.ping().await;
    let (path, _) = at(&socket.event("INTERACTION_CREATE").await);
    let answer = json!({"type": 4, "data": {"content": "pong"}});
    assert_eq!(scene.rest("POST", &path, Some(answer.clone())).await.status, 204);
    let second = scene.rest("POST", &path, Some(answer)).await;
    assert_eq!((second.status, json_of(&second)["code"].as_u64()), (400, Some(40060)));
    let record = ping.record();
    assert!(record.answered && !record.answered_once());
    assert_eq!(scene.discord.report().refused, 1);
}

#[tokio::test]
async fn an_acknowledgement_after_the_period_is_refused_with_10062() {
    // Field note: acknowledge within 3 s. The period is shortened, so that the test does not wait for it.
    let options = Options { acknowledge_within: Duration::from_millis(50), ..Options::default() };
    let scene = Scene::with(options).await;
    let (mut socket, _) = scene.session(1).await;
    let ping = scene.ping().await;
    let (path, _) = at(&socket.event("INTERACTION_CREATE").await);
    assert!(ping.acknowledged().await.is_err());
    let late = scene.rest("POST", &path, Some(json!({"type": 5}))).await;
    assert_eq!((late.status, json_of(&late)["code"].as_u64()), (404, Some(10062)));
    assert_eq!(scene.discord.report().failed, [ping.id()]);
}

#[tokio::test]
async fn a_deferred_answer_is_edited_in_and_followed_up() {
    let scene = Scene::new().await;
    let (mut socket, _) = scene.session(1).await;
    let ping = scene.ping().await;
    let (path, token) = at(&socket.event("INTERACTION_CREATE").await);
    let webhook = format!("/webhooks/{}/{token}", scene.discord.application_id());
    let original = format!("{webhook}/messages/@original");
    let early = scene.rest("PATCH", &original, Some(json!({"content": "early"}))).await;
    assert_eq!((early.status, json_of(&early)["code"].as_u64()), (404, Some(10015)));
    scene.rest("POST", &path, Some(json!({"type": 5, "data": {"flags": 64}}))).await;
    assert!(!ping.record().answered);
    let edited = scene.rest("PATCH", &original, Some(json!({"content": "pong"}))).await;
    assert_eq!((edited.status, json_of(&edited)["flags"].as_u64()), (200, Some(64)));
    let more = scene.rest("POST", &webhook, Some(json!({"content": "and more"}))).await;
    assert_eq!(more.status, 200);
    let record = ping.record();
    assert!(record.answered_once());
    let actions: Vec<_> = record.steps.iter().map(|step| step.action).collect();
    assert_eq!(actions, [Action::Callback(5), Action::Edit, Action::Followup]);
    assert_eq!(ping.content(), "pong");
    // Only one user sees the private answer; the followup was not private.
    let texts: Vec<_> = scene.discord.sent(scene.channel).iter().map(|m| m["content"].clone()).collect();
    assert_eq!(texts, ["and more"]);
}

#[tokio::test]
async fn the_first_followup_takes_the_place_of_thinking() {
    let scene = Scene::new().await;
    let (mut socket, _) = scene.session(1).await;
    let ping = scene.ping().await;
    let (path, token) = at(&socket.event("INTERACTION_CREATE").await);
    scene.rest("POST", &path, Some(json!({"type": 5}))).await;
    let webhook = format!("/webhooks/{}/{token}", scene.discord.application_id());
    scene.rest("POST", &webhook, Some(json!({"content": "pong"}))).await;
    assert_eq!(ping.content(), "pong");
    assert!(ping.record().followups.is_empty());
}

#[tokio::test]
async fn a_token_ends() {
    let options = Options { token_lifetime: Duration::ZERO, ..Options::default() };
    let scene = Scene::with(options).await;
    let (mut socket, _) = scene.session(1).await;
    scene.ping().await;
    let (path, token) = at(&socket.event("INTERACTION_CREATE").await);
    scene.rest("POST", &path, Some(json!({"type": 5}))).await;
    let original = format!("/webhooks/{}/{token}/messages/@original", scene.discord.application_id());
    let late = scene.rest("PATCH", &original, Some(json!({"content": "late"}))).await;
    assert_eq!((late.status, json_of(&late)["code"].as_u64()), (401, Some(50027)));
}

#[tokio::test]
async fn what_a_client_would_not_send_is_not_sent() {
    let scene = Scene::new().await;
    let choice = json!({"name": "brief", "value": "brief"});
    scene
        .register(json!({"name": "sum", "description": "x", "options": [
            {"type": 4, "name": "count", "description": "x", "required": true, "min_value": 1, "max_value": 10},
            {"type": 3, "name": "length", "description": "x", "choices": [choice]},
        ]}))
        .await;
    let sum = || scene.discord.command("sum").by(scene.ada).in_channel(scene.channel);
    assert!(matches!(
        scene.discord.command("nothing").by(scene.ada).in_channel(scene.channel).fire(),
        Err(Error::UnknownCommand { .. })
    ));
    for wrong in [
        sum(),
        sum().option("count", 11),
        sum().option("count", "1"),
        sum().option("count", 1).option("length", "long"),
        sum().option("count", 1).option("unknown", 1),
    ] {
        assert!(matches!(wrong.fire(), Err(Error::Impossible(_))));
    }
    assert!(sum().option("count", 10).option("length", "brief").fire().is_ok());
}

#[tokio::test]
async fn a_command_for_administrators_is_hidden_from_others() {
    let scene = Scene::new().await;
    scene.register(json!({"name": "config", "description": "x", "default_member_permissions": "32"})).await;
    let hidden = scene.discord.command("config").by(scene.ada).in_channel(scene.channel).fire();
    assert!(matches!(hidden, Err(Error::Impossible(_))));
    let role = scene.discord.role(scene.guild, "Admins").permissions(Permissions::MANAGE_GUILD).create();
    let grace = scene.discord.member(scene.guild, "grace").role(role).create();
    assert!(scene.discord.command("config").by(grace).in_channel(scene.channel).fire().is_ok());
}

#[tokio::test]
async fn buttons_menus_modals_and_completion_go_their_ways() {
    let scene = Scene::new().await;
    let (mut socket, _) = scene.session(1).await;
    let option = json!({"type": 3, "name": "zone", "description": "x", "autocomplete": true});
    scene.register(json!({"name": "plan", "description": "x", "options": [option]})).await;

    let plan = || scene.discord.command("plan").by(scene.ada).in_channel(scene.channel);
    let completion = plan().completing("zone", "Eur").fire().unwrap();
    let asked = socket.event("INTERACTION_CREATE").await;
    assert_eq!(asked["d"]["data"]["options"][0]["focused"], true);
    let choices = json!({"type": 8, "data": {"choices": [{"name": "Berlin", "value": "Europe/Berlin"}]}});
    scene.rest("POST", &at(&asked).0, Some(choices)).await;
    assert_eq!(completion.choices(), [("Berlin".to_owned(), json!("Europe/Berlin"))]);

    let opened = plan().fire().unwrap();
    let path = at(&socket.event("INTERACTION_CREATE").await).0;
    let button = json!({"type": 2, "style": 1, "label": "More", "custom_id": "more"});
    let menu = json!({"type": 3, "custom_id": "lang", "options": [{"label": "de", "value": "de"}]});
    let rows = json!([{"type": 1, "components": [button]}, {"type": 1, "components": [menu]}]);
    scene.rest("POST", &path, Some(json!({"type": 4, "data": {"content": "x", "components": rows}}))).await;
    let message = opened.record().original.unwrap();
    assert!(scene.discord.button(message, "absent").by(scene.ada).fire().is_err());
    assert!(scene.discord.select(message, "lang", &["fr"]).by(scene.ada).fire().is_err());

    let click = scene.discord.button(message, "more").by(scene.ada).fire().unwrap();
    let clicked = socket.event("INTERACTION_CREATE").await;
    assert_eq!(clicked["d"]["message"]["id"], json!(message));
    let again = scene.discord.button(message, "more").by(scene.ada).fire().unwrap();
    let path = at(&socket.event("INTERACTION_CREATE").await).0;
    scene.rest("POST", &path, Some(json!({"type": 4, "data": {"content": "y"}}))).await;
    let answer = again.original().unwrap();
    assert_eq!(answer["interaction_metadata"]["interacted_message_id"], json!(message));
    let input = json!({"type": 4, "custom_id": "why", "label": "Why?", "style": 2});
    let modal = json!({"type": 9, "data": {"title": "Why", "custom_id": "whys", "components": [{"type": 1, "components": [input]}]}});
    scene.rest("POST", &at(&clicked).0, Some(modal)).await;
    let sent = scene.discord.submit(&click, &[("why", "because")]).by(scene.ada).fire().unwrap();
    let submitted = socket.event("INTERACTION_CREATE").await;
    assert_eq!(submitted["d"]["data"]["components"][0]["components"][0]["value"], "because");
    let update = json!({"type": 7, "data": {"content": "thanks", "components": []}});
    assert_eq!(scene.rest("POST", &at(&submitted).0, Some(update)).await.status, 204);
    assert_eq!(sent.content(), "thanks");
}

#[tokio::test]
async fn without_a_session_nobody_gets_it() {
    let scene = Scene::new().await;
    let ping = scene.ping().await;
    let report = scene.discord.report();
    assert_eq!((report.interactions, report.delivered), (1, 0));
    // Nor does a session that comes later: that is Discord's rule.
    let (mut socket, _) = scene.session(1).await;
    socket.event("GUILD_CREATE").await;
    scene.discord.message(scene.channel, scene.ada, "x").send();
    assert!(!ping.record().was_received());
}
