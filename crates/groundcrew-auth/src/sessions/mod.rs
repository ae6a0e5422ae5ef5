mod error;
mod open;
mod refresh;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use groundcrew_config::Secret;
use groundcrew_runtime::Crew;
use groundcrew_sql::sqlx::Error;
use groundcrew_sql::{Database, MigrationsError, Statement, statement};

pub use self::error::RefreshError;
use crate::cache::Seen;
use crate::opaque::{self, Use};
use crate::store;
use crate::{AuthConfig, Principal, PrincipalKind, clock};

/// Sessions of people, in the service's database: with refresh tokens for programs, with a cookie for browsers.
///
/// A refresh token is good once and is answered with the next one. One that comes twice was stolen, or lost on its
/// way: its whole session ends, since nobody can tell the thief from the owner.
///
/// ```
/// # #[cfg(not(feature = "sqlite"))] fn main() {}
/// # #[cfg(feature = "sqlite")]
/// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use groundcrew_auth::{AuthConfig, Principal, PrincipalKind};
/// # let crew = groundcrew_runtime::Crew::builder("parcels", "1.0.0").build();
/// # let database = groundcrew_sql::SqlConfig::of("sqlite::memory:").connect(&crew).await?;
///
/// let sessions = AuthConfig::default().sessions(&crew, &database).await?;
/// let who = Principal::new("user-1", "parcels:read".parse()?, PrincipalKind::Session);
///
/// let first = sessions.open(&who).await?;
/// let second = sessions.refresh(first.token.expose()).await?; // with an access token for `second.who`
/// assert!(sessions.refresh(first.token.expose()).await.is_err()); // again: the session has ended
/// assert!(sessions.refresh(second.token.expose()).await.is_err());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Sessions {
    inner: Arc<Inner>,
}

struct Inner {
    database: Database,
    seen: Seen,
    idle: Duration,
    whole: Duration,
    most: u32,
}

/// A session that was opened or refreshed.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Session {
    /// Its id, which is no secret and stays.
    pub id: String,
    /// Whose it is, with the id as `credential`: what an access token is issued for.
    pub who: Principal,
    /// The refresh token, or the cookie's value. Nobody can show it again.
    pub token: Secret<String>,
    /// Until when it is good, in seconds since 1970, if it is not used.
    pub expires_at: i64,
    /// Until when it is good, however much it is used.
    pub ends_at: i64,
}

/// A session as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionInfo {
    /// Its id.
    pub id: String,
    /// When it was opened, in seconds since 1970, as the other times.
    pub created_at: i64,
    /// When it was used, to about a minute.
    pub seen_at: i64,
    /// Until when it is good, if it is not used.
    pub expires_at: i64,
}

const FIND: &str =
    "SELECT id, subject, scopes, data, created_at, seen_at, expires_at FROM groundcrew_auth_sessions
    WHERE cookie = $1 AND ended_at IS NULL AND expires_at > $2";
const USED: &str = "UPDATE groundcrew_auth_sessions SET seen_at = $2, expires_at = $3
    WHERE id = $1 AND ended_at IS NULL AND seen_at <= $2 - 60";
const LIST: &str = "SELECT id, created_at, seen_at, expires_at FROM groundcrew_auth_sessions
    WHERE subject = $1 AND ended_at IS NULL AND expires_at > $2 ORDER BY created_at DESC, id DESC";
const END: &str = "UPDATE groundcrew_auth_sessions SET ended_at = $2, ended_by = 'owner'
    WHERE id = $1 AND ended_at IS NULL";
const END_ALL: &str = "UPDATE groundcrew_auth_sessions SET ended_at = $2, ended_by = 'owner'
    WHERE subject = $1 AND ended_at IS NULL";
const ERASE: &str = "DELETE FROM groundcrew_auth_sessions WHERE subject = $1";
const FORGET: &str = "DELETE FROM groundcrew_auth_subjects WHERE subject = $1";
const FORGET_ALL: &str = "DELETE FROM groundcrew_auth_subjects WHERE at < $1 AND NOT EXISTS
    (SELECT 1 FROM groundcrew_auth_sessions s WHERE s.subject = groundcrew_auth_subjects.subject)";
const SWEEP: &str = "DELETE FROM groundcrew_auth_sessions WHERE expires_at < $1 OR ended_at < $1";

type Found = (String, String, String, String, i64, i64, i64);

// === impl AuthConfig ===

impl AuthConfig {
    /// The sessions in this database. Its tables are made, apart from the service's own migrations.
    ///
    /// # Errors
    ///
    /// When the database cannot be reached, or the user may not make tables.
    pub async fn sessions(
        &self,
        _crew: &Crew,
        database: &(impl Clone + Into<Database>),
    ) -> Result<Sessions, MigrationsError> {
        let database = database.clone().into();
        store::migrate(&database).await?;
        let inner = Inner {
            database,
            seen: Seen::new(self),
            idle: self.refresh_expiry,
            whole: self.session_expiry,
            most: self.max_sessions,
        };
        Ok(Sessions { inner: Arc::new(inner) })
    }
}

// === impl Sessions ===

impl Sessions {
    /// Whose session a cookie is of; `None` for what is none, unknown, ended or expired.
    ///
    /// # Errors
    ///
    /// When the database does not answer: nobody is known then, and nobody is let through.
    pub async fn find(&self, cookie: &str) -> Result<Option<Principal>, Error> {
        if !Use::Session.is_well_formed(cookie) {
            return Ok(None);
        }
        let hash = opaque::hash(cookie);
        let since = match self.inner.seen.get(&hash) {
            Ok(who) => return Ok(Some(who)),
            Err(since) => since,
        };
        let now = clock::now();
        let find = statement(FIND).bind(&hash).bind(now);
        let found: Option<Found> = find.fetch_optional(self.inner.database.read()).await?;
        let Some((id, subject, scopes, data, created_at, seen_at, expires_at)) = found else {
            return Ok(None);
        };
        let who = principal(id, subject, &scopes, &data)?;
        self.used(&who, created_at, seen_at, now);
        self.inner.seen.put(hash, &who, Some(expires_at), since);
        Ok(Some(who))
    }

    /// The sessions of somebody that have not ended, the newest first.
    pub async fn list(&self, subject: &str) -> Result<Vec<SessionInfo>, Error> {
        let list = statement(LIST).bind(subject).bind(clock::now());
        let rows: Vec<(String, i64, i64, i64)> = list.fetch_all(self.inner.database.read()).await?;
        let info =
            |(id, created_at, seen_at, expires_at)| SessionInfo { id, created_at, seen_at, expires_at };
        Ok(rows.into_iter().map(info).collect())
    }

    /// Ends a session: at once here, within `auth.cache` everywhere. An access token that was issued for it is good
    /// until it expires. `false` if there is no such session.
    pub async fn end(&self, id: &str) -> Result<bool, Error> {
        let ended = self.change(statement(END).bind(id).bind(clock::now())).await?;
        Ok(ended > 0)
    }

    /// Ends all sessions of somebody; how many there were.
    pub async fn end_all(&self, subject: &str) -> Result<u64, Error> {
        self.change(statement(END_ALL).bind(subject).bind(clock::now())).await
    }

    /// Removes every trace of somebody's sessions.
    pub async fn erase(&self, subject: &str) -> Result<u64, Error> {
        let erased = self.change(statement(ERASE).bind(subject)).await?;
        self.change(statement(FORGET).bind(subject)).await?;
        Ok(erased)
    }

    /// Removes sessions that ended or expired longer ago than this, and who had no others; how many sessions there were.
    /// To be called once a day or so. What is kept for `auth.refresh_expiry` knows a stolen refresh token when it comes.
    pub async fn sweep(&self, older_than: Duration) -> Result<u64, Error> {
        let before = clock::now().saturating_sub_unsigned(older_than.as_secs());
        let swept = statement(SWEEP).bind(before).execute(&self.inner.database).await?;
        statement(FORGET_ALL).bind(before).execute(&self.inner.database).await?;
        Ok(swept)
    }

    async fn change(&self, change: Statement<'_>) -> Result<u64, Error> {
        let changed = change.execute(&self.inner.database).await;
        // Also when it failed: whether it took effect is not known then.
        self.inner.seen.clear();
        changed
    }

    /// Until when a session is good that is used now.
    fn expiry(&self, created_at: i64, now: i64) -> i64 {
        clock::after(now, self.inner.idle).min(self.end_of(created_at))
    }

    /// Until when it is good, however much it is used.
    fn end_of(&self, created_at: i64) -> i64 {
        clock::after(created_at, self.inner.whole)
    }

    /// Beside the request: nobody waits for a note, and none is written twice within a minute.
    fn used(&self, who: &Principal, created_at: i64, seen_at: i64, now: i64) {
        if seen_at > now - 60 {
            return;
        }
        let expires_at = self.expiry(created_at, now);
        let (database, id) = (self.inner.database.clone(), who.credential.clone().unwrap_or_default());
        tokio::spawn(async move {
            let note = statement(USED).bind(&id).bind(now).bind(expires_at);
            if let Err(error) = note.execute(&database).await {
                tracing::debug!(session.id = id, %error, "the use of a session was not noted");
            }
        });
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").field("database", &self.inner.database).finish_non_exhaustive()
    }
}

/// Whose session a row is.
fn principal(id: String, subject: String, scopes: &str, data: &str) -> Result<Principal, Error> {
    let scopes = scopes.parse().map_err(|error| Error::Decode(Box::new(error)))?;
    let data = serde_json::from_str(data).map_err(|error| Error::Decode(Box::new(error)))?;
    Ok(Principal::new(subject, scopes, PrincipalKind::Session).with_credential(id).with_data(data))
}
