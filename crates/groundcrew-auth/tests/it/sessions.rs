//! Field note: refresh rotation by one atomic UPDATE; reuse revokes the family; max sessions under a row lock.

use std::sync::Arc;
use std::time::Duration;

use groundcrew_auth::{AuthConfig, Principal, PrincipalKind, RefreshError, Scopes, SessionCookie, Sessions};
use groundcrew_sql::{Database, sqlx, statement};
use serde_json::json;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::databases::{Stage, postgres, sqlite, until};
use crate::stage::bounded;

async fn sessions(stage: &Stage) -> Sessions {
    let config = AuthConfig { cache: Duration::from_millis(200), ..AuthConfig::default() };
    config.sessions(&stage.crew, &stage.database).await.expect("sessions")
}

fn who() -> Principal {
    let data = json!({ "guilds": ["1", "2"] }).as_object().cloned().unwrap_or_default();
    Principal::new("user-1", "parcels:read".parse().expect("scopes"), PrincipalKind::Session).with_data(data)
}

async fn a_token_is_taken_for_the_next(stage: Stage) {
    let sessions = sessions(&stage).await;
    let first = sessions.open(&who()).await.expect("a session");
    let second = sessions.refresh(first.token.expose()).await.expect("refreshed");
    assert_eq!((&second.id, &second.who), (&first.id, &first.who));
    assert_eq!(second.who.data["guilds"], json!(["1", "2"]));
    assert_ne!(second.token.expose(), first.token.expose());
    let third = sessions.refresh(second.token.expose()).await.expect("refreshed");
    assert!((600_000..=604_800).contains(&(third.expires_at - now())), "7 days");
    assert_eq!(third.ends_at, first.ends_at, "however much it is used");
    assert!(matches!(sessions.refresh("gcr_nothing").await, Err(RefreshError::Unknown)));
    assert!(sessions.end(&third.id).await.expect("ended"));
    assert!(matches!(sessions.refresh(third.token.expose()).await, Err(RefreshError::Ended)));
}

fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_secs()).expect("a time")
}

#[tokio::test]
async fn a_token_is_taken_for_the_next_in_sqlite() {
    bounded(async { a_token_is_taken_for_the_next(sqlite().await).await }).await;
}

#[tokio::test]
async fn a_token_is_taken_for_the_next_in_postgres() {
    bounded(async { a_token_is_taken_for_the_next(postgres().await).await }).await;
}

async fn reuse_ends_the_session(stage: Stage) {
    let sessions = sessions(&stage).await;
    let other = sessions.open(&who()).await.expect("another session");
    let stolen = sessions.open(&who()).await.expect("a session");
    let next = sessions.refresh(stolen.token.expose()).await.expect("refreshed");
    assert!(matches!(sessions.refresh(stolen.token.expose()).await, Err(RefreshError::Reused)));
    assert!(matches!(sessions.refresh(next.token.expose()).await, Err(RefreshError::Ended)));
    assert!(sessions.refresh(other.token.expose()).await.is_ok(), "another family");
}

async fn a_refresh_token_ends_its_session_used_or_not(stage: Stage) {
    let sessions = sessions(&stage).await;
    let first = sessions.open(&who()).await.expect("a session");
    let second = sessions.refresh(first.token.expose()).await.expect("refreshed");
    let other = sessions.open(&who()).await.expect("another session");
    assert!(!sessions.revoke("gcr_nothing").await.expect("an answer"));
    assert!(sessions.revoke(first.token.expose()).await.expect("an answer"), "a used one");
    assert!(!sessions.revoke(second.token.expose()).await.expect("an answer"), "it has ended already");
    assert!(matches!(sessions.refresh(second.token.expose()).await, Err(RefreshError::Ended)));
    assert!(sessions.revoke(other.token.expose()).await.expect("an answer"), "an unused one");
    assert!(sessions.list("user-1").await.expect("sessions").is_empty());
}

#[tokio::test]
async fn a_refresh_token_ends_its_session_used_or_not_in_sqlite() {
    bounded(async { a_refresh_token_ends_its_session_used_or_not(sqlite().await).await }).await;
}

#[tokio::test]
async fn a_refresh_token_ends_its_session_used_or_not_in_postgres() {
    bounded(async { a_refresh_token_ends_its_session_used_or_not(postgres().await).await }).await;
}

#[tokio::test]
async fn reuse_ends_the_session_in_sqlite() {
    bounded(async { reuse_ends_the_session(sqlite().await).await }).await;
}

#[tokio::test]
async fn reuse_ends_the_session_in_postgres() {
    bounded(async { reuse_ends_the_session(postgres().await).await }).await;
}

/// Fifty at once with one token: one of them wins, and what it won is worth nothing, since 49 came with a used one.
async fn a_race(stage: Stage) {
    let sessions = sessions(&stage).await;
    let token = Arc::new(sessions.open(&who()).await.expect("a session").token);
    let barrier = Arc::new(Barrier::new(50));
    let mut racers = JoinSet::new();
    for _ in 0..50 {
        let (sessions, token, barrier) = (sessions.clone(), token.clone(), barrier.clone());
        racers.spawn(async move {
            barrier.wait().await;
            sessions.refresh(token.expose()).await
        });
    }
    let (mut won, mut reused) = (Vec::new(), 0);
    while let Some(racer) = racers.join_next().await {
        match racer.expect("no panic") {
            Ok(session) => won.push(session),
            Err(RefreshError::Reused) => reused += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!((won.len(), reused), (1, 49));
    assert!(matches!(sessions.refresh(won[0].token.expose()).await, Err(RefreshError::Ended)));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_with_one_token_one_wins_in_sqlite() {
    bounded(async { a_race(sqlite().await).await }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_with_one_token_one_wins_in_postgres() {
    bounded(async { a_race(postgres().await).await }).await;
}

/// The control for the race: looking first and marking then lets several win.
#[tokio::test(flavor = "multi_thread")]
async fn looking_before_marking_would_let_several_win() {
    bounded(async {
        let stage = postgres().await;
        let sessions = sessions(&stage).await;
        sessions.open(&who()).await.expect("a session");
        let Database::Postgres(database) = &stage.database else { panic!("Postgres") };
        let barrier = Arc::new(Barrier::new(8));
        let mut racers = JoinSet::new();
        for _ in 0..8 {
            let (database, barrier) = (database.clone(), barrier.clone());
            racers.spawn(async move {
                let look = "SELECT count(*) FROM groundcrew_auth_refresh_tokens WHERE used_at IS NULL";
                let unused: i64 = sqlx::query_scalar(look).fetch_one(&database).await.expect("a count");
                barrier.wait().await;
                let mark = "UPDATE groundcrew_auth_refresh_tokens SET used_at = 1";
                sqlx::query(mark).execute(&database).await.expect("marked");
                unused == 1
            });
        }
        let won = racers.join_all().await.into_iter().filter(|won| *won).count();
        assert_eq!(won, 8);
    })
    .await;
}

async fn the_sixth_ends_the_oldest(stage: Stage) {
    let sessions = sessions(&stage).await;
    let somebody = Principal::new("user-2", Scopes::none(), PrincipalKind::Session);
    let other = sessions.open(&somebody).await.expect("a session");
    let mut opened = Vec::new();
    for _ in 0..6 {
        opened.push(sessions.open(&who()).await.expect("a session"));
    }
    let listed: Vec<String> =
        sessions.list("user-1").await.expect("a list").into_iter().map(|info| info.id).collect();
    let expected: Vec<String> = opened.iter().rev().take(5).map(|session| session.id.clone()).collect();
    assert_eq!(listed, expected);
    assert!(matches!(sessions.refresh(opened[0].token.expose()).await, Err(RefreshError::Ended)));
    assert!(sessions.refresh(opened[1].token.expose()).await.is_ok());
    assert!(sessions.refresh(other.token.expose()).await.is_ok());
}

#[tokio::test]
async fn the_sixth_ends_the_oldest_in_sqlite() {
    bounded(async { the_sixth_ends_the_oldest(sqlite().await).await }).await;
}

#[tokio::test]
async fn the_sixth_ends_the_oldest_in_postgres() {
    bounded(async { the_sixth_ends_the_oldest(postgres().await).await }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_that_are_opened_at_once_leave_five() {
    bounded(async {
        let stage = postgres().await;
        let sessions = sessions(&stage).await;
        let barrier = Arc::new(Barrier::new(30));
        let mut racers = JoinSet::new();
        for _ in 0..30 {
            let (sessions, barrier) = (sessions.clone(), barrier.clone());
            racers.spawn(async move {
                barrier.wait().await;
                sessions.open(&who()).await.expect("a session");
            });
        }
        racers.join_all().await;
        assert_eq!(sessions.list("user-1").await.expect("a list").len(), 5);
    })
    .await;
}

async fn a_browser_is_known_until_it_signs_out(stage: Stage) {
    let (here, there) = (sessions(&stage).await, sessions(&stage).await);
    let session = here.open_browser(&who()).await.expect("a session");
    let cookie = session.token.expose();
    let known = here.find(cookie).await.expect("an answer").expect("known");
    assert_eq!(known, session.who);
    assert!(there.find(cookie).await.expect("an answer").is_some());
    assert!(matches!(here.refresh(cookie).await, Err(RefreshError::Unknown)), "it is no refresh token");
    assert!(here.find("gcs_nothing").await.expect("an answer").is_none());
    assert!(here.end(&session.id).await.expect("ended"));
    assert!(here.find(cookie).await.expect("an answer").is_none());
    until("the end elsewhere", || async { there.find(cookie).await.expect("an answer").is_none() }).await;
}

#[tokio::test]
async fn a_browser_is_known_until_it_signs_out_in_sqlite() {
    bounded(async { a_browser_is_known_until_it_signs_out(sqlite().await).await }).await;
}

#[tokio::test]
async fn a_browser_is_known_until_it_signs_out_in_postgres() {
    bounded(async { a_browser_is_known_until_it_signs_out(postgres().await).await }).await;
}

/// The browser would forget one that is used every day.
#[tokio::test]
async fn a_cookie_lasts_as_long_as_its_session_may_however_much_it_is_used() {
    bounded(async {
        let stage = sqlite().await;
        let session = sessions(&stage).await.open_browser(&who()).await.expect("a session");
        assert!((600_000..=604_800).contains(&(session.expires_at - now())), "7 days, if it is not used");
        let cookie = SessionCookie::new("parcels").set(&session);
        let cookie = cookie.to_str().expect("text");
        let age = cookie.split("; ").find_map(|part| part.strip_prefix("Max-Age=")).expect("an age");
        let age: i64 = age.parse().expect("seconds");
        assert!((7_770_000..=7_776_000).contains(&age), "90 days: {age}");
    })
    .await;
}

#[tokio::test]
async fn who_is_erased_leaves_nothing() {
    bounded(async {
        let stage = sqlite().await;
        let sessions = sessions(&stage).await;
        let session = sessions.open(&who()).await.expect("a session");
        assert_eq!(sessions.erase("user-1").await.expect("erased"), 1);
        assert!(matches!(sessions.refresh(session.token.expose()).await, Err(RefreshError::Unknown)));
        assert_eq!(sessions.sweep(Duration::ZERO).await.expect("swept"), 0);
    })
    .await;
}

async fn what_is_long_over_is_swept_with_whom_it_was_of(stage: Stage) {
    let sessions = sessions(&stage).await;
    sessions.open(&who()).await.expect("a session");
    let other = Principal::new("user-2", Scopes::all(), PrincipalKind::Session);
    sessions.open(&other).await.expect("another session");
    for long_ago in [
        "UPDATE groundcrew_auth_sessions SET ended_at = 1 WHERE subject = 'user-1'",
        "UPDATE groundcrew_auth_subjects SET at = 1",
    ] {
        statement(long_ago).execute(&stage.database).await.expect("changed");
    }
    assert_eq!(sessions.sweep(Duration::from_secs(60)).await.expect("swept"), 1);
    let subjects = statement("SELECT subject FROM groundcrew_auth_subjects").scalar();
    let subjects: Vec<String> = subjects.fetch_all(&stage.database).await.expect("subjects");
    assert_eq!(subjects, ["user-2"], "whose session goes on");
}

#[tokio::test]
async fn what_is_long_over_is_swept_with_whom_it_was_of_in_sqlite() {
    bounded(async { what_is_long_over_is_swept_with_whom_it_was_of(sqlite().await).await }).await;
}

#[tokio::test]
async fn what_is_long_over_is_swept_with_whom_it_was_of_in_postgres() {
    bounded(async { what_is_long_over_is_swept_with_whom_it_was_of(postgres().await).await }).await;
}
