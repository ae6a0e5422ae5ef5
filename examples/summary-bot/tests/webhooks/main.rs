//! Outgoing webhooks: who is told of summaries, that they are told, and where nobody may be sent to.

#[path = "../service/mod.rs"]
mod service;

mod refusals;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use service::http::Answer;
use service::jobs::ASYNC;
use service::receiver::Receiver;
use service::{Bot, Fixture, PATIENCE, SAMPLE, SUMMARIES, config, file, wait_for};
use summary_bot::Config;
use tokio::net::{TcpListener, TcpSocket};

const WEBHOOKS: &str = "/api/v1/webhooks";
const JSON: (&str, &str) = ("content-type", "application/json");

/// Webhooks may lead to this machine, and nobody waits for long.
fn local(config: &mut Config) {
    config.webhooks.allow_private = true;
    config.webhooks.retry = Duration::from_millis(5);
    config.webhooks.timeout = Duration::from_secs(5);
    config.client.breaker_failures = 0;
    config.jobs.poll_period = Duration::from_millis(20);
}

async fn start() -> Fixture {
    Fixture::with(local).await
}

fn post(bot: &Bot, path: &str, body: &Value) -> Answer {
    bot.call("POST", path, &[JSON], body.to_string().as_bytes())
}

/// Makes a webhook that is told of everything; its path and its secret.
fn subscribe(bot: &Bot, url: &str) -> (String, String) {
    let made = post(bot, WEBHOOKS, &json!({"url": url}));
    assert_eq!(made.status, 201, "{}", made.body);
    let secret = made.json()["secret"].as_str().expect("a secret").to_owned();
    (made.header("location").expect("a location").to_owned(), secret)
}

fn deliveries(bot: &Bot, webhook: &str) -> Vec<Value> {
    bot.get(&format!("{webhook}/deliveries")).json()["items"].as_array().expect("a list").clone()
}

/// The only delivery, as soon as it is in this state.
fn settled(bot: &Bot, webhook: &str, state: &str) -> Value {
    wait_for(&format!("a delivery that is {state}"), || {
        deliveries(bot, webhook).pop().filter(|delivery| delivery["state"] == state)
    })
}

fn statuses(delivery: &Value) -> Vec<Value> {
    delivery["attempts"].as_array().expect("attempts").iter().map(|it| it["status"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_summary_is_told_of_signed_and_as_the_api_answers_it() {
    let (bot, receiver) = (start().await, Receiver::start());
    let (webhook, secret) = subscribe(&bot, &receiver.url("/hooks?key=hunter2"));
    let made = bot.post("", SAMPLE);
    let message = receiver.wait_for(1).remove(0);
    message.verify(&secret).expect("our signature");
    message.verify("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ").expect_err("another's");
    let said = message.json();
    assert_eq!((&said["type"], &said["data"]), (&json!("summary.created"), &made.json()));

    let delivery = settled(&bot, &webhook, "succeeded");
    assert_eq!(
        (delivery["id"].as_str(), &delivery["summary"]),
        (Some(message.id()), &json!(made.header("location")))
    );
    assert_eq!(statuses(&delivery), [json!(204)]);
    let told =
        [bot.get(WEBHOOKS).body, bot.get(&webhook).body, bot.get(&format!("{webhook}/deliveries")).body];
    assert!(!told.concat().contains(&secret), "the secret is shown once");
    let sent = r#"webhook_deliveries_total{status="success",service="summary-bot"}"#;
    assert_eq!(bot.metric(sent), Some(1.0));
    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_fails_is_told_again_under_the_same_id() {
    let (bot, receiver) = (start().await, Receiver::start());
    receiver.answers(["500 Oops", "404 Not Found", "302 Found\r\nlocation: http://127.0.0.1:1/"]);
    let (webhook, secret) = subscribe(&bot, &receiver.url("/"));
    bot.post("", SAMPLE);
    let messages = receiver.wait_for(4);
    assert!(messages.iter().all(|message| message.id() == messages[0].id()));
    assert!(messages.iter().all(|message| message.body == messages[0].body));
    assert!(messages.iter().all(|message| message.verify(&secret).is_ok()));
    let delivery = settled(&bot, &webhook, "succeeded");
    assert_eq!(statuses(&delivery), [json!(500), json!(404), json!(302), json!(204)]);
    wait_for("it to be forgiven", || bot.get(&webhook).json()["failing_since"].is_null().then_some(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_asks_for_a_pause_gets_it() {
    let (bot, receiver) = (start().await, Receiver::start());
    receiver.answers(["503 Later\r\nretry-after: 3600"]);
    subscribe(&bot, &receiver.url("/"));
    bot.post("", SAMPLE);
    receiver.wait_for(1);
    let file = file(&bot.folder).await;
    let select = "SELECT count(*) FROM groundcrew_jobs WHERE name = 'deliver' AND state = 0 AND due_at > ?";
    let late = jiff::Timestamp::now().as_microsecond() + 3_000_000_000;
    let deadline = Instant::now() + PATIENCE;
    while sqlx::query_scalar::<_, i64>(select).bind(late).fetch_one(&file).await.expect("a count") == 0 {
        assert_eq!(receiver.messages().len(), 1, "it is sent again after some milliseconds");
        assert!(Instant::now() < deadline, "it is not put off");
        tokio::time::sleep(Duration::from_millis(20)).await; // a pause between two looks
    }
    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_given_up_stays_in_the_log_and_can_be_replayed() {
    let bot = Fixture::with(|config| {
        local(config);
        config.webhooks.attempts = 3;
    })
    .await;
    let receiver = Receiver::start();
    receiver.answers(["500 Oops"; 3]);
    let (webhook, secret) = subscribe(&bot, &receiver.url("/"));
    bot.post("", SAMPLE);
    let delivery = settled(&bot, &webhook, "dead");
    assert_eq!(statuses(&delivery), [json!(500), json!(500), json!(500)]);
    assert!(bot.get(&webhook).json()["failing_since"].is_string());

    let replay = format!("{webhook}/deliveries/{}/replay", delivery["id"].as_str().expect("an id"));
    assert_eq!(post(&bot, &replay, &json!({})).status, 202);
    let messages = receiver.wait_for(4);
    assert_eq!(messages[3].id(), messages[0].id());
    messages[3].verify(&secret).expect("our signature");
    assert_eq!(statuses(&settled(&bot, &webhook, "succeeded")).len(), 4);

    let nobodys = format!("{webhook}/deliveries/01a1fdf0-f09e-7490-9c02-481706f95825/replay");
    assert_eq!(post(&bot, &nobodys, &json!({})).code(), "NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_that_is_asked_for_twice_with_one_key_is_done_once() {
    let bot = Fixture::with(|config| {
        local(config);
        config.webhooks.attempts = 1;
    })
    .await;
    let receiver = Receiver::start();
    receiver.answers(["500 Oops"]);
    let (webhook, _) = subscribe(&bot, &receiver.url("/"));
    bot.post("", SAMPLE);
    let delivery = settled(&bot, &webhook, "dead");
    let replay = format!("{webhook}/deliveries/{}/replay", delivery["id"].as_str().expect("an id"));
    let ask = |key: &str| bot.call("POST", &replay, &[JSON, ("idempotency-key", key)], b"{}");
    assert_eq!(ask("again").status, 202);
    settled(&bot, &webhook, "succeeded");
    let again = ask("again");
    assert_eq!((again.status, again.header("idempotency-replayed")), (202, Some("true")), "{}", again.body);
    assert_eq!(statuses(&settled(&bot, &webhook, "succeeded")), [json!(500), json!(204)]);
    // The control: another key is another replay.
    assert_eq!(ask("another").status, 202);
    assert_eq!(receiver.wait_for(3).len(), 3);
    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_is_not_over_is_not_replayed() {
    let bot = Fixture::with(|config| {
        local(config);
        config.webhooks.retry = Duration::from_secs(3600);
    })
    .await;
    let receiver = Receiver::start();
    receiver.answers(["500 Oops"]);
    let (webhook, _) = subscribe(&bot, &receiver.url("/"));
    bot.post("", SAMPLE);
    receiver.wait_for(1);
    let delivery = settled(&bot, &webhook, "pending");
    let replay = format!("{webhook}/deliveries/{}/replay", delivery["id"].as_str().expect("an id"));
    let refused = post(&bot, &replay, &json!({}));
    assert_eq!((refused.status, refused.code().as_str()), (409, "DELIVERY_PENDING"));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_rotation_both_secrets_hold_for_a_while() {
    let (bot, receiver) = (start().await, Receiver::start());
    let (webhook, old) = subscribe(&bot, &receiver.url("/"));
    let rotated = bot.call("POST", &format!("{webhook}/secret"), &[], b"").json();
    let new = rotated["secret"].as_str().expect("a secret");
    assert_ne!(new, old);
    assert!(rotated["previous_secret_until"].is_string());
    bot.post("", SAMPLE);
    let message = receiver.wait_for(1).remove(0);
    message.verify(&old).expect("the old one");
    message.verify(new).expect("the new one");

    // Control: when the while is over.
    let bot = Fixture::with(|config| {
        local(config);
        config.webhooks.rotation = Duration::ZERO;
    })
    .await;
    let receiver = Receiver::start();
    let (webhook, old) = subscribe(&bot, &receiver.url("/"));
    let rotated = bot.call("POST", &format!("{webhook}/secret"), &[], b"").json();
    bot.post("", SAMPLE);
    let message = receiver.wait_for(1).remove(0);
    message.verify(&old).expect_err("the old one");
    message.verify(rotated["secret"].as_str().expect("a secret")).expect("the new one");
}

#[tokio::test(flavor = "multi_thread")]
async fn summaries_that_are_made_later_are_told_of_whether_they_succeed_or_fail() {
    let (bot, receiver) = (start().await, Receiver::start());
    subscribe(&bot, &receiver.url("/"));
    let created = bot.call("POST", SUMMARIES, &[ASYNC, JSON], SAMPLE.as_bytes());
    let message = receiver.wait_for(1).remove(0).json();
    let job = bot.get(created.header("location").expect("a job")).json();
    assert_eq!(message["type"], "summary.created");
    let path = format!("{SUMMARIES}/{}", message["data"]["id"].as_str().expect("an id"));
    assert_eq!(job["summary"], json!(path));

    let failed = bot.call("POST", SUMMARIES, &[ASYNC, JSON], b"[]");
    let message = receiver.wait_for(2).remove(1).json();
    assert_eq!((&message["type"], &message["data"]["job"]), (&json!("summary.failed"), &failed.json()["id"]));
    assert_eq!(message["data"]["problem"]["code"], "INSUFFICIENT_CONTENT");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_is_told_what_it_wants_and_one_that_fails_holds_up_no_other() {
    let bot = start().await;
    let [wanting, failing, other] = [(); 3].map(|()| Receiver::start());
    failing.answers(vec!["500 Oops"; 1000]);
    subscribe(&bot, &failing.url("/"));
    for (receiver, wish) in [
        (&wanting, json!({"events": ["summary.created"], "description": "the wiki"})),
        (&other, json!({"events": ["summary.failed"]})),
        (&other, json!({"guild_id": "7"})),
    ] {
        let mut wish = wish;
        wish["url"] = receiver.url("/").into();
        assert_eq!(post(&bot, WEBHOOKS, &wish).status, 201);
    }
    for _ in 0..5 {
        assert_eq!(bot.post("", SAMPLE).status, 201);
    }
    assert_eq!(wanting.wait_for(5).len(), 5);
    assert!(other.messages().is_empty(), "nothing failed, and nothing comes from that server");
    assert!(!failing.messages().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_summary_that_is_deleted_before_it_was_delivered_is_not_delivered() {
    let (bot, receiver) = (
        Fixture::with(|config| {
            local(config);
            config.webhooks.retry = Duration::from_secs(3); // the deletion comes first
        })
        .await,
        Receiver::start(),
    );
    receiver.answers(["503 Later"]);
    let (webhook, _) = subscribe(&bot, &receiver.url("/"));
    let made = bot.post("", SAMPLE);
    receiver.wait_for(1);
    assert_eq!(bot.delete(made.header("location").expect("a location")).status, 204);
    settled(&bot, &webhook, "cancelled");
    assert_eq!(receiver.messages().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_is_deleted_is_told_nothing_more() {
    let (bot, receiver) = (start().await, Receiver::start());
    let (gone, _) = subscribe(&bot, &receiver.url("/gone"));
    let (stays, _) = subscribe(&bot, &receiver.url("/stays"));
    assert_eq!(bot.delete(&gone).status, 204);
    assert_eq!((bot.delete(&gone).status, bot.get(&gone).status), (404, 404));
    assert_eq!(bot.get(&format!("{gone}/deliveries")).status, 404);
    bot.post("", SAMPLE);
    settled(&bot, &stays, "succeeded");
    assert_eq!(receiver.messages().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_is_gone_is_told_nothing_until_it_is_enabled_again() {
    let (bot, receiver) = (start().await, Receiver::start());
    receiver.answers(["410 Gone"]);
    let (webhook, _) = subscribe(&bot, &receiver.url("/"));
    bot.post("", SAMPLE);
    let dead = settled(&bot, &webhook, "dead");
    let disabled =
        wait_for("the end", || Some(bot.get(&webhook).json()).filter(|it| !it["disabled"].is_null()));
    assert!(disabled["disabled"].as_str().expect("why").contains("410"), "{disabled}");
    bot.post("", SAMPLE);
    let replay = format!("{webhook}/deliveries/{}/replay", dead["id"].as_str().expect("an id"));
    assert_eq!(post(&bot, &replay, &json!({})).code(), "WEBHOOK_DISABLED");

    let enabled = bot.call("POST", &format!("{webhook}/enable"), &[], b"").json();
    assert_eq!(enabled["disabled"], Value::Null);
    bot.post("", SAMPLE);
    receiver.wait_for(2);
    assert_eq!(deliveries(&bot, &webhook).len(), 2, "of the second summary it was never told");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_only_fails_is_disabled_in_the_end() {
    let bot = Fixture::with(|config| {
        local(config);
        config.webhooks.disable_after = Duration::from_millis(50);
    })
    .await;
    let receiver = Receiver::start();
    receiver.answers(vec!["500 Oops"; 1000]);
    let (webhook, _) = subscribe(&bot, &receiver.url("/"));
    bot.post("", SAMPLE);
    let disabled =
        wait_for("the end", || Some(bot.get(&webhook).json()).filter(|it| !it["disabled"].is_null()));
    assert_eq!(disabled["disabled"], "nothing could be delivered for 50ms");
    settled(&bot, &webhook, "cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_delivered_yet_is_delivered_after_a_restart() {
    // Nobody listens there yet, and nobody else can.
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(([127, 0, 0, 1], 0).into()).expect("a port");
    let address = socket.local_addr().expect("an address");
    let Fixture { bot, folder } = Fixture::with(|config| {
        local(config);
        config.webhooks.retry = Duration::from_millis(200);
    })
    .await;
    let (webhook, secret) = subscribe(&bot, &format!("http://{address}/"));
    let made = bot.post("", SAMPLE).json();
    wait_for("an attempt", || deliveries(&bot, &webhook).pop().filter(|it| !statuses(it).is_empty()));
    bot.land().await;

    let listener = socket.listen(16).and_then(TcpListener::into_std).expect("it listens");
    listener.set_nonblocking(false).expect("it blocks");
    let receiver = Receiver::on(listener);
    let mut again = config(&folder.path().join("bot.db"));
    local(&mut again);
    let again = Bot::start(again).await;
    let message = receiver.wait_for(1).remove(0);
    message.verify(&secret).expect("our signature");
    assert_eq!(message.json()["data"]["id"], made["id"]);
    let delivery = settled(&again, &webhook, "succeeded");
    let error = delivery["attempts"][0]["error"].as_str().expect("why not");
    assert!(error.contains("cannot be reached"), "{error}");
    again.land().await;
}

/// Field note: SSRF.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_deliveries_has_pages() {
    let (bot, receiver) = (start().await, Receiver::start());
    let (webhook, _) = subscribe(&bot, &receiver.url("/"));
    for _ in 0..5 {
        bot.post("", SAMPLE);
    }
    receiver.wait_for(5);
    let all: Vec<Value> = deliveries(&bot, &webhook).iter().map(|it| it["id"].clone()).collect();
    assert_eq!(all.len(), 5);
    let (mut seen, mut query) = (Vec::new(), "?limit=2".to_owned());
    loop {
        let page = bot.get(&format!("{webhook}/deliveries{query}")).json();
        seen.extend(page["items"].as_array().expect("a list").iter().map(|it| it["id"].clone()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        query = format!("?limit=2&cursor={next}");
    }
    assert_eq!(seen, all);
    assert_eq!(bot.get(&format!("{webhook}/deliveries?limit=0")).code(), "INVALID_REQUEST");
}
