//! API keys, on both databases.

use std::time::Duration;

use groundcrew_auth::{ApiKeys, AuthConfig, NewKey, Scopes};
use groundcrew_sql::{Database, sqlx};

use crate::databases::{Stage, postgres, sqlite, until};
use crate::stage::bounded;

async fn keys(stage: &Stage, cache: Duration) -> ApiKeys {
    let config = AuthConfig { cache, ..AuthConfig::default() };
    config.keys(&stage.crew, &stage.database).await.expect("keys")
}

fn new() -> NewKey {
    NewKey::new("user-1", "the backup").with_scopes("parcels:read".parse().expect("scopes"))
}

async fn a_key_works(stage: Stage) {
    let keys = keys(&stage, Duration::from_secs(10)).await;
    let made = keys.create(new()).await.expect("a key");
    let who = keys.verify(made.secret.expose()).await.expect("an answer").expect("known");
    assert_eq!((who.subject.as_str(), who.credential.as_ref()), ("user-1", Some(&made.key.id)));
    assert!(who.may("parcels:read") && !who.may("parcels:write"));

    for wrong in ["", "gck_", "nothing", &made.secret.expose()[..20], &format!("{}x", made.secret.expose())] {
        assert!(keys.verify(wrong).await.expect("an answer").is_none(), "{wrong:?}");
    }
}

#[tokio::test]
async fn a_key_works_in_sqlite() {
    bounded(async { a_key_works(sqlite().await).await }).await;
}

#[tokio::test]
async fn a_key_works_in_postgres() {
    bounded(async { a_key_works(postgres().await).await }).await;
}

async fn dump(database: &Database) -> String {
    const ALL: &str = "SELECT id || hash || hint || subject || name || scopes FROM groundcrew_auth_keys";
    let rows: Vec<String> = match database {
        Database::Sqlite(sqlite) => sqlx::query_scalar(ALL).fetch_all(sqlite.read()).await,
        Database::Postgres(postgres) => sqlx::query_scalar(ALL).fetch_all(postgres).await,
    }
    .expect("rows");
    rows.join("\n")
}

#[tokio::test]
async fn the_secret_is_nowhere_but_in_the_answer() {
    bounded(async {
        let stage = sqlite().await;
        let keys = keys(&stage, Duration::from_secs(10)).await;
        let made = keys.create(new()).await.expect("a key");
        let secret = &made.secret.expose()[10..];
        for place in [dump(&stage.database).await, format!("{made:?} {keys:?}")] {
            assert!(!place.contains(secret));
        }
        assert!(made.secret.expose().starts_with(&made.key.hint), "its beginning is, to find it again");
    })
    .await;
}

async fn a_revoked_key_is_refused(stage: Stage) {
    let cache = Duration::from_millis(300);
    let (here, there) = (keys(&stage, cache).await, keys(&stage, cache).await);
    let made = here.create(new()).await.expect("a key");
    let secret = made.secret.expose();
    assert!(here.verify(secret).await.expect("an answer").is_some());
    assert!(there.verify(secret).await.expect("an answer").is_some());
    assert!(!here.revoke_of("user-2", &made.key.id).await.expect("an answer"), "not theirs");
    assert!(here.revoke_of("user-1", &made.key.id).await.expect("an answer"));
    assert!(!here.revoke(&made.key.id).await.expect("an answer"), "once");
    assert!(here.verify(secret).await.expect("an answer").is_none(), "at once where it was revoked");
    let revoked = std::time::Instant::now();
    until("the revocation elsewhere", || async { there.verify(secret).await.expect("an answer").is_none() })
        .await;
    assert!(revoked.elapsed() < Duration::from_secs(2));
    let listed = here.list(Some("user-1")).await.expect("a list");
    assert!(listed[0].revoked_at.is_some());
}

#[tokio::test]
async fn a_revoked_key_is_refused_in_sqlite() {
    bounded(async { a_revoked_key_is_refused(sqlite().await).await }).await;
}

#[tokio::test]
async fn a_revoked_key_is_refused_in_postgres() {
    bounded(async { a_revoked_key_is_refused(postgres().await).await }).await;
}

/// The control for the test above: who remembers for ever learns nothing of it.
#[tokio::test]
async fn without_a_bound_a_revocation_would_not_be_noticed_elsewhere() {
    bounded(async {
        let stage = sqlite().await;
        let there = keys(&stage, Duration::from_secs(3600)).await;
        let here = keys(&stage, Duration::ZERO).await;
        let made = here.create(new()).await.expect("a key");
        assert!(there.verify(made.secret.expose()).await.expect("an answer").is_some());
        assert!(here.revoke(&made.key.id).await.expect("an answer"));
        assert!(there.verify(made.secret.expose()).await.expect("an answer").is_some());
    })
    .await;
}

#[tokio::test]
async fn an_expired_key_is_refused() {
    bounded(async {
        let stage = sqlite().await;
        let keys = keys(&stage, Duration::from_secs(10)).await;
        let made = keys.create(new().with_expiry(1_000)).await.expect("a key");
        assert!(keys.verify(made.secret.expose()).await.expect("an answer").is_none());
    })
    .await;
}

async fn its_use_is_noted(stage: Stage) {
    let keys = keys(&stage, Duration::ZERO).await;
    let made = keys.create(new()).await.expect("a key");
    let used = || async { keys.list(None).await.expect("a list")[0].last_used_at };
    assert_eq!(used().await, None);
    assert!(keys.verify(made.secret.expose()).await.expect("an answer").is_some());
    until("the note", || async { used().await.is_some() }).await;
    execute(&stage.database, "UPDATE groundcrew_auth_keys SET last_used_at = last_used_at - 30").await;
    let first = used().await;
    for _ in 0..20 {
        assert!(keys.verify(made.secret.expose()).await.expect("an answer").is_some());
    }
    assert_eq!(used().await, first, "once a minute at most");
    execute(&stage.database, "UPDATE groundcrew_auth_keys SET last_used_at = last_used_at - 60").await;
    let old = used().await;
    assert!(keys.verify(made.secret.expose()).await.expect("an answer").is_some());
    until("the next note", || async { used().await > old }).await;
}

#[tokio::test]
async fn its_use_is_noted_once_a_minute_in_sqlite() {
    bounded(async { its_use_is_noted(sqlite().await).await }).await;
}

#[tokio::test]
async fn its_use_is_noted_once_a_minute_in_postgres() {
    bounded(async { its_use_is_noted(postgres().await).await }).await;
}

async fn execute(database: &Database, statement: &'static str) {
    let done = match database {
        Database::Sqlite(sqlite) => sqlx::query(statement).execute(sqlite).await.map(|_| ()),
        Database::Postgres(postgres) => sqlx::query(statement).execute(postgres).await.map(|_| ()),
    };
    done.expect(statement);
}

#[tokio::test]
async fn a_list_is_of_one_or_of_all_and_an_erased_subject_is_in_none() {
    bounded(async {
        let stage = postgres().await;
        let keys = keys(&stage, Duration::from_secs(10)).await;
        let made = keys.create(new()).await.expect("a key");
        keys.create(NewKey::new("user-2", "other").with_scopes(Scopes::all())).await.expect("a key");
        assert_eq!(keys.list(None).await.expect("a list").len(), 2);
        assert_eq!(keys.list(Some("user-1")).await.expect("a list"), [made.key]);
        assert_eq!(keys.erase("user-1").await.expect("erased"), 1);
        assert!(keys.verify(made.secret.expose()).await.expect("an answer").is_none());
        assert!(!dump(&stage.database).await.contains("user-1"));
    })
    .await;
}

#[tokio::test]
async fn a_database_that_is_away_is_an_error_and_nobody_is_known() {
    bounded(async {
        let mut stage = postgres().await;
        let keys = keys(&stage, Duration::ZERO).await;
        let made = keys.create(new()).await.expect("a key");
        assert!(keys.verify(made.secret.expose()).await.expect("an answer").is_some());
        stage.server.as_mut().expect("a server").kill().expect("killed");
        assert!(keys.verify(made.secret.expose()).await.is_err());
    })
    .await;
}
