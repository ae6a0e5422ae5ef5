//! What Discord refuses: too much, too often, without permission.

use crate::raw::{Scene, json_of};
use groundcrew_testkit_discord::{ChannelKind, Effect, Fault, Limits, Options, Permissions, Privileged};
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn a_limit_says_so_in_its_headers_before_it_refuses() {
    let limits = Limits::none().with("POST", "/channels/*/messages", 2, Duration::from_secs(60));
    let scene = Scene::with(Options { limits, ..Options::default() }).await;
    let path = format!("/channels/{}/messages", scene.channel);
    let say = || scene.rest("POST", &path, Some(json!({"content": "x"})));
    let first = say().await;
    let remaining = |response: &groundcrew_testkit::http::Response| {
        response.header("x-ratelimit-remaining").map(str::to_owned)
    };
    assert_eq!(remaining(&first).as_deref(), Some("1"));
    assert_eq!(remaining(&say().await).as_deref(), Some("0"));
    let refused = say().await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.header("x-ratelimit-scope"), Some("user"));
    assert!(refused.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
    assert!(json_of(&refused)["retry_after"].as_f64().unwrap() > 0.0);
    assert_eq!(scene.discord.report().invalid_requests, 1);
}

#[tokio::test]
async fn a_fault_happens_so_often_and_then_no_more() {
    let scene = Scene::new().await;
    let globally = Effect::too_many_globally(Duration::from_millis(500));
    scene.discord.add_fault(Fault::on("GET", "/users/@me").once().effect(globally));
    let refused = scene.rest("GET", "/users/@me", None).await;
    assert_eq!((refused.status, refused.header("x-ratelimit-global")), (429, Some("true")));
    assert_eq!(json_of(&refused)["global"], true);
    assert_eq!(scene.rest("GET", "/users/@me", None).await.status, 200);
}

#[tokio::test]
async fn a_connection_that_is_cut_after_the_request_has_carried_it_out() {
    let scene = Scene::new().await;
    let path = format!("/channels/{}/messages", scene.channel);
    scene.discord.add_fault(Fault::on("POST", "/channels/*/messages").once().effect(Effect::CutAfter));
    let body = r#"{"content":"once"}"#;
    let request = format!(
        "POST /api/v10{path} HTTP/1.1\r\nhost: x\r\nauthorization: Bot {}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        scene.discord.token(),
        body.len()
    );
    let answer = groundcrew_testkit::http::exchange(scene.addr(), request).await.unwrap();
    assert!(answer.is_empty(), "{}", String::from_utf8_lossy(&answer));
    assert_eq!(scene.discord.sent(scene.channel).len(), 1);
}

#[tokio::test]
async fn too_many_invalid_requests_end_all_answers() {
    // Field note: 10 000 invalid responses per 10 min = ban.
    let scene = Scene::with(Options { invalid_requests: 3, ..Options::default() }).await;
    for _ in 0..3 {
        assert_eq!(scene.rest_as("Bot wrong", "GET", "/users/@me", None).await.status, 401);
    }
    assert_eq!(scene.rest("GET", "/users/@me", None).await.status, 429);
}

#[tokio::test]
async fn what_the_bot_may_not_see_or_do_is_50001_or_50013() {
    let scene = Scene::new().await;
    let hidden = scene.discord.channel(scene.guild, "hidden").hidden_from_bot().create();
    let mute = scene
        .discord
        .channel(scene.guild, "mute")
        .for_member(scene.discord.bot(), Permissions::NONE, Permissions::SEND_MESSAGES)
        .create();
    let code =
        |response: &groundcrew_testkit::http::Response| (response.status, json_of(response)["code"].as_u64());
    let seen = scene.rest("GET", &format!("/channels/{hidden}/messages"), None).await;
    assert_eq!(code(&seen), (403, Some(50001)));
    let said = scene.rest("POST", &format!("/channels/{mute}/messages"), Some(json!({"content": "x"}))).await;
    assert_eq!(code(&said), (403, Some(50013)));
    let absent = scene.rest("GET", "/channels/1/messages", None).await;
    assert_eq!(code(&absent), (404, Some(10003)));
}

#[tokio::test]
async fn without_the_right_to_history_pages_are_empty() {
    let scene = Scene::new().await;
    let channel = scene
        .discord
        .channel(scene.guild, "amnesia")
        .for_member(scene.discord.bot(), Permissions::NONE, Permissions::READ_MESSAGE_HISTORY)
        .create();
    scene.discord.message(channel, scene.ada, "x").send();
    assert_eq!(json_of(&scene.rest("GET", &format!("/channels/{channel}/messages"), None).await), json!([]));
}

#[tokio::test]
async fn without_the_switch_for_content_rest_shows_none_either() {
    let scene = Scene::new().await;
    scene.discord.message(scene.channel, scene.ada, "a secret").send();
    let path = format!("/channels/{}/messages", scene.channel);
    assert_eq!(json_of(&scene.rest("GET", &path, None).await)[0]["content"], "a secret");
    scene.discord.set_privileged(Privileged { message_content: false, ..Privileged::default() });
    assert_eq!(json_of(&scene.rest("GET", &path, None).await)[0]["content"], "");
}

#[tokio::test]
async fn a_message_beyond_a_limit_is_refused_with_the_place() {
    let scene = Scene::new().await;
    let path = format!("/channels/{}/messages", scene.channel);
    for (body, place) in [
        (json!({"content": "x".repeat(2001)}), "/errors/content/_errors/0/code"),
        (json!({"embeds": [{"title": "x".repeat(257)}]}), "/errors/embeds/0/title/_errors/0/code"),
        (json!({"embeds": vec![json!({"title": "x"}); 11]}), "/errors/embeds/_errors/0/code"),
        (
            json!({"content": "x", "components": [{"type": 1, "components": [{"type": 2, "style": 1, "label": "x"}]}]}),
            "/errors/components/0/components/0/custom_id/_errors/0/code",
        ),
    ] {
        let answer = json_of(&scene.rest("POST", &path, Some(body)).await);
        assert_eq!(answer["code"], 50035);
        assert!(answer.pointer(place).is_some_and(Value::is_string), "{answer}");
    }
    let empty = json_of(&scene.rest("POST", &path, Some(json!({"content": "  "}))).await);
    assert_eq!(empty["code"], 50006);
}

#[tokio::test]
async fn files_come_with_their_message_and_can_be_fetched() {
    let scene = Scene::new().await;
    let path = format!("/api/v10/channels/{}/messages", scene.channel);
    let body = "--b\r\ncontent-disposition: form-data; name=\"payload_json\"\r\n\r\n\
                {\"content\":\"see\",\"attachments\":[{\"id\":0,\"filename\":\"all.md\"}]}\r\n\
                --b\r\ncontent-disposition: form-data; name=\"files[0]\"; filename=\"x\"\r\ncontent-type: text/markdown\
                \r\n\r\n# All\r\n--b--\r\n";
    let token = format!("Bot {}", scene.discord.token());
    let sent = scene.send("POST", &path, &token, "multipart/form-data; boundary=b", body).await;
    let message = json_of(&sent);
    assert_eq!(message["attachments"][0]["filename"], "all.md", "{message}");
    let url = message["attachments"][0]["url"].as_str().unwrap();
    let path = url.strip_prefix(&scene.discord.api()).unwrap();
    let file = groundcrew_testkit::http::get(scene.addr(), path).await.unwrap();
    assert_eq!((file.text().as_str(), file.header("content-type")), ("# All", Some("text/markdown")));
}

#[tokio::test]
async fn threads_are_listed_as_active_or_archived() {
    let scene = Scene::new().await;
    let forum = scene.discord.channel(scene.guild, "support").kind(ChannelKind::Forum).create();
    let open = scene.discord.thread(forum, "open").create();
    let closed = scene.discord.thread(forum, "closed").archived().create();
    let private = scene.discord.thread(scene.channel, "private").private().create();
    let ids = |response: &groundcrew_testkit::http::Response| -> Vec<Value> {
        json_of(response)["threads"].as_array().unwrap().iter().map(|thread| thread["id"].clone()).collect()
    };
    let active = scene.rest("GET", &format!("/guilds/{}/threads/active", scene.guild), None).await;
    assert_eq!(ids(&active), [json!(open)], "not the private one {private}");
    let archived = scene.rest("GET", &format!("/channels/{forum}/threads/archived/public"), None).await;
    assert_eq!(ids(&archived), [json!(closed)]);
}

#[tokio::test]
async fn who_is_in_a_thread_can_be_asked_one_by_one() {
    let scene = Scene::new().await;
    let thread =
        scene.discord.thread(scene.channel, "private").private().member(scene.discord.bot()).create();
    let path = |user| format!("/channels/{thread}/thread-members/{user}");
    let inside = scene.rest("GET", &path(scene.discord.bot()), None).await;
    assert_eq!((inside.status, &json_of(&inside)["user_id"]), (200, &json!(scene.discord.bot())));
    let outside = scene.discord.member(scene.guild, "outside").create();
    let outside = scene.rest("GET", &path(outside), None).await;
    assert_eq!((outside.status, json_of(&outside)["code"].as_u64()), (404, Some(10007)));
}

#[tokio::test]
async fn replacing_the_commands_keeps_the_ids_of_those_that_stay() {
    let scene = Scene::new().await;
    let path = format!("/applications/{}/commands", scene.discord.application_id());
    let command = |name: &str| json!({"name": name, "description": "x"});
    let first = json_of(&scene.rest("PUT", &path, Some(json!([command("a"), command("b")]))).await);
    let second = json_of(&scene.rest("PUT", &path, Some(json!([command("b")]))).await);
    assert_eq!(second.as_array().unwrap().len(), 1);
    assert_eq!(first[1]["id"], second[0]["id"]);
    let wrong = scene.rest("PUT", &path, Some(json!([command("b"), command("B")]))).await;
    assert_eq!((wrong.status, json_of(&wrong)["code"].as_u64()), (400, Some(50035)));
    assert_eq!(scene.discord.commands(None).len(), 1);
}
