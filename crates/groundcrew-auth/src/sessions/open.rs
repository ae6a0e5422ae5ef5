use groundcrew_sql::sqlx::Error;
use groundcrew_sql::statement;
use uuid::Uuid;

use super::{Session, Sessions};
use crate::opaque::{self, Use};
use crate::{Principal, PrincipalKind, clock};

/// Two of one subject wait for each other here, so that neither counts without the other.
const LOCK: &str = "INSERT INTO groundcrew_auth_subjects (subject, at) VALUES ($1, $2)
    ON CONFLICT (subject) DO UPDATE SET at = excluded.at";
/// All but the newest.
const MAKE_ROOM: &str = "UPDATE groundcrew_auth_sessions SET ended_at = $2, ended_by = 'limit'
    WHERE subject = $1 AND ended_at IS NULL AND expires_at > $2 AND id NOT IN (
        SELECT id FROM groundcrew_auth_sessions WHERE subject = $1 AND ended_at IS NULL AND expires_at > $2
        ORDER BY created_at DESC, id DESC LIMIT $3)";
const INSERT: &str = "INSERT INTO groundcrew_auth_sessions
    (id, subject, scopes, data, cookie, created_at, seen_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $6, $7)";
pub(super) const INSERT_TOKEN: &str =
    "INSERT INTO groundcrew_auth_refresh_tokens (hash, session_id, expires_at) VALUES ($1, $2, $3)";

// === impl Sessions ===

impl Sessions {
    /// Opens a session with a refresh token. Where there are `auth.max_sessions` already, the oldest ends.
    pub async fn open(&self, who: &Principal) -> Result<Session, Error> {
        self.begin(who, Use::Refresh).await
    }

    /// Opens a session of a browser: its token is the value of a cookie, which stays the same.
    pub async fn open_browser(&self, who: &Principal) -> Result<Session, Error> {
        self.begin(who, Use::Session).await
    }

    async fn begin(&self, who: &Principal, usage: Use) -> Result<Session, Error> {
        // Of version 7, so that of two in one second the later one sorts after the other.
        let (id, token) = (Uuid::now_v7().to_string(), usage.generate());
        let (hash, scopes) = (opaque::hash(token.expose()), who.scopes.to_string());
        let data = serde_json::to_string(&who.data).map_err(|error| Error::Encode(Box::new(error)))?;
        let now = clock::now();
        let expires_at = self.expiry(now, now);

        let mut transaction = self.inner.database.begin().await?;
        statement(LOCK).bind(&who.subject).bind(now).execute(&mut transaction).await?;
        let others = i64::from(self.inner.most) - 1;
        let make_room = statement(MAKE_ROOM).bind(&who.subject).bind(now).bind(others);
        let ended = make_room.execute(&mut transaction).await?;
        let cookie = (usage == Use::Session).then_some(&hash);
        let insert = statement(INSERT).bind(&id).bind(&who.subject).bind(scopes).bind(data).bind(cookie);
        insert.bind(now).bind(expires_at).execute(&mut transaction).await?;
        if usage == Use::Refresh {
            let insert = statement(INSERT_TOKEN).bind(&hash).bind(&id).bind(expires_at);
            insert.execute(&mut transaction).await?;
        }
        transaction.commit().await?;
        if ended > 0 {
            self.inner.seen.clear();
        }
        let known = Principal { kind: PrincipalKind::Session, ..who.clone() };
        let who = known.with_credential(id.clone());
        Ok(Session { id, who, token, expires_at, ends_at: self.end_of(now) })
    }
}
