//! Who reads which summary. Who may read which channel is in the tests beside the code.

use std::time::Duration;

use serde_json::{Value, json};

use crate::service::jobs::ASYNC;
use crate::service::receiver::Receiver;
use crate::service::{Fixture, SUMMARIES, conversation, file, wait_for};
use crate::stage::{ask, bot, closed, key};

const ADA: &str = "100000000000000001";
const BEN: &str = "100000000000000002";
const ALL: &str = "summaries:read summaries:write";

fn make(bot: &Fixture, bearer: &str) -> String {
    let answer = ask(bot, "POST", SUMMARIES, bearer, &conversation(&json!({})));
    assert_eq!(answer.status, 201, "{}", answer.body);
    format!("{SUMMARIES}/{}", answer.json()["id"].as_str().expect("an id"))
}

fn listed(bot: &Fixture, bearer: &str, limit: u8) -> Vec<Value> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = ask(bot, "GET", &format!("{SUMMARIES}?limit={limit}{cursor}"), bearer, "").json();
        found.extend(page["items"].as_array().cloned().expect("items"));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_see_their_own_and_programs_of_the_operators_all() {
    let bot = bot().await;
    let (ada, ben) = (key(&bot, ADA, ALL).await, key(&bot, BEN, ALL).await);
    let program = key(&bot, "the backup", ALL).await;
    let of_ada = make(&bot, &ada);
    for _ in 0..3 {
        make(&bot, &ben);
    }
    assert_eq!(ask(&bot, "GET", &of_ada, &ada, "").status, 200);
    assert_eq!(ask(&bot, "GET", &of_ada, &program, "").status, 200);
    assert_eq!(ask(&bot, "GET", &of_ada, &ben, "").status, 404);
    assert_eq!(ask(&bot, "DELETE", &of_ada, &ben, "").status, 404);
    // Ada's is behind three that she does not see.
    for limit in [1, 2, 100] {
        assert_eq!((listed(&bot, &ada, limit).len(), listed(&bot, &ben, limit).len()), (1, 3), "{limit}");
        assert_eq!(listed(&bot, &program, limit).len(), 4, "{limit}");
    }
    assert_eq!(ask(&bot, "DELETE", &of_ada, &ada, "").status, 204);
    bot.land().await;
}

/// More than is looked through for one answer. Of a server nobody sees anything here, where there is no Discord.
#[tokio::test(flavor = "multi_thread")]
async fn where_a_list_ends_does_not_tell_how_much_fits_that_is_closed() {
    const COPY: &str = "WITH RECURSIVE n (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM n WHERE n < 5000) \
        INSERT INTO summaries (id, created_ms, title, excerpt, messages, participants, document, requested_by, \
        private, language, engine, indexed) SELECT printf('00000000-0000-7000-8000-%012d', n), created_ms, title, \
        excerpt, messages, participants, document, requested_by, private, language, engine, indexed \
        FROM summaries, n";
    const MOVE: &str =
        "UPDATE summaries SET guild_id = '300000000000000001', channel_id = CAST(messages AS TEXT)";
    let bot = bot().await;
    let (ada, program) = (key(&bot, ADA, ALL).await, key(&bot, "the backup", ALL).await);
    make(&bot, &program);
    let pool = file(&bot.folder).await;
    sqlx::query(COPY).execute(&pool).await.expect("copied");
    let list = format!("{SUMMARIES}?language=en&limit=1");
    let nothing = json!({"items": [], "next_cursor": null});
    assert_eq!(ask(&bot, "GET", &list, &ada, "").json(), nothing, "what others have sent");
    sqlx::query(MOVE).execute(&pool).await.expect("moved");
    assert_eq!(ask(&bot, "GET", &list, &ada, "").json(), nothing, "what is of a closed channel");
    let page = ask(&bot, "GET", &list, &program, "").json();
    assert_eq!(page["items"].as_array().map(Vec::len), Some(1), "the control: there is something that fits");
    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_one_is_for_who_asked_for_it_whoever_else_asks() {
    let bot = bot().await;
    let (ada, ben) = (key(&bot, ADA, ALL).await, key(&bot, BEN, ALL).await);
    let admin = key(&bot, "operator", "*").await;
    let path = make(&bot, &ada);
    let id = path.rsplit('/').next().expect("an id").to_owned();
    let origin = json!({"guild_id": null, "channel_id": null, "requested_by": ADA, "private": true});
    let pool = file(&bot.folder).await;
    sqlx::query(
        "UPDATE summaries SET private = 1, \
         document = json_set(document, '$.origin', json(?)) WHERE id = ?",
    )
    .bind(origin.to_string())
    .bind(&id)
    .execute(&pool)
    .await
    .expect("changed");
    for (bearer, status, seen) in [(&ben, 404, 0), (&admin, 404, 0), (&ada, 200, 1)] {
        assert_eq!(ask(&bot, "GET", &path, bearer, "").status, status);
        assert_eq!(listed(&bot, bearer, 10).len(), seen);
        assert_eq!(ask(&bot, "DELETE", &path, bearer, "").status, if status == 200 { 204 } else { 404 });
    }
    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_followed_and_called_off_by_who_asked() {
    let bot = bot().await;
    let (ada, ben) = (key(&bot, ADA, ALL).await, key(&bot, BEN, ALL).await);
    let headers =
        [("authorization", ada.as_str()), ("content-type", "application/json"), ("prefer", "respond-async")];
    let answer = bot.call("POST", SUMMARIES, &headers, conversation(&json!({})).as_bytes());
    assert_eq!(answer.status, 202, "{}", answer.body);
    let job = answer.header("location").expect("a job").to_owned();
    for (method, path) in [("GET", job.clone()), ("DELETE", job.clone()), ("GET", format!("{job}/events"))] {
        assert_eq!(ask(&bot, method, &path, &ben, "").status, 404, "{method} {path}");
    }
    let summary = wait_for("the summary", || {
        let job = ask(&bot, "GET", &job, &ada, "").json();
        job["summary"].as_str().map(str::to_owned)
    });
    assert_eq!(ask(&bot, "GET", &summary, &ada, "").status, 200);
    assert_eq!(ask(&bot, "GET", &summary, &ben, "").status, 404);
    bot.land().await;
}

/// Webhooks of no server are admins' to make, and tell them no more than they read.
#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_of_somebodys_is_told_that_their_own_upload_failed_and_of_no_others() {
    let bot = Fixture::with(|config| {
        closed(config);
        config.sign_in.admins = vec![ADA.to_owned()];
        config.webhooks.allow_private = true;
        config.jobs.poll_period = Duration::from_millis(20);
    })
    .await;
    let (ada, ben) = (key(&bot, ADA, "*").await, key(&bot, BEN, ALL).await);
    let receiver = Receiver::start();
    let new = json!({"url": receiver.url("/"), "events": ["summary.failed"]}).to_string();
    let made = ask(&bot, "POST", "/api/v1/webhooks", &ada, &new);
    assert_eq!(made.status, 201, "{}", made.body);
    let log = format!("{}/deliveries", made.header("location").expect("its path"));
    for (count, bearer, state) in [(1, &ben, "cancelled"), (2, &ada, "succeeded")] {
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json"), ASYNC];
        let accepted = bot.call("POST", SUMMARIES, &headers, b"[]");
        assert_eq!(accepted.status, 202, "{}", accepted.body);
        let over = wait_for("the end of the newest delivery", || {
            let page = ask(&bot, "GET", &log, &ada, "").json();
            let items = page["items"].as_array().expect("a list");
            items.first().filter(|it| items.len() == count && it["state"] != "pending").cloned()
        });
        assert_eq!(over["state"], state);
    }
    assert_eq!(receiver.messages().len(), 1);
    bot.land().await;
}
