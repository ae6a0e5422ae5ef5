use groundcrew_sql::sqlx::Error;
use groundcrew_sql::{DatabaseTransaction, statement};

use super::open::INSERT_TOKEN;
use super::{RefreshError, Session, Sessions, principal};
use crate::clock;
use crate::opaque::{self, Use};

/// Of many that come with one token, one finds it unused.
const USE: &str = "UPDATE groundcrew_auth_refresh_tokens SET used_at = $2
    WHERE hash = $1 AND used_at IS NULL AND expires_at > $2 RETURNING session_id";
const KNOWN: &str = "SELECT session_id, used_at FROM groundcrew_auth_refresh_tokens WHERE hash = $1";
const LIVE: &str = "UPDATE groundcrew_auth_sessions SET seen_at = $2
    WHERE id = $1 AND ended_at IS NULL AND expires_at > $2 RETURNING subject, scopes, data, created_at";
const PROLONG: &str = "UPDATE groundcrew_auth_sessions SET expires_at = $2 WHERE id = $1";
const GIVE_BACK: &str = "UPDATE groundcrew_auth_sessions SET ended_at = $2, ended_by = 'owner'
    WHERE id = (SELECT session_id FROM groundcrew_auth_refresh_tokens WHERE hash = $1) AND ended_at IS NULL";
const TIDY: &str = "DELETE FROM groundcrew_auth_refresh_tokens WHERE session_id = $1 AND expires_at < $2";
const REVOKE: &str = "UPDATE groundcrew_auth_sessions SET ended_at = $2, ended_by = 'reuse'
    WHERE id = $1 AND ended_at IS NULL";

// === impl Sessions ===

impl Sessions {
    /// Takes a refresh token for the next one. Who it is for is read anew, so that the access token which is issued
    /// for it carries what is stored now.
    ///
    /// Whoever calls this in a handler does so in [`Crew::detach`](groundcrew_runtime::Crew::detach): a client that
    /// hangs up just then would have neither token.
    ///
    /// # Errors
    ///
    /// When the token is not good, or the database does not answer.
    pub async fn refresh(&self, token: &str) -> Result<Session, RefreshError> {
        if !Use::Refresh.is_well_formed(token) {
            return Err(RefreshError::Unknown);
        }
        let (hash, now) = (opaque::hash(token), clock::now());
        let mut transaction = self.inner.database.begin().await?;
        let used = statement(USE).bind(&hash).bind(now).scalar();
        let used: Option<String> = used.fetch_optional(&mut transaction).await?;
        let Some(id) = used else { return Err(self.refused(transaction, &hash, now).await?) };
        let live = statement(LIVE).bind(&id).bind(now);
        let row: Option<(String, String, String, i64)> = live.fetch_optional(&mut transaction).await?;
        let Some((subject, scopes, data, created_at)) = row else {
            transaction.commit().await?;
            return Err(RefreshError::Ended);
        };
        let (next, expires_at) = (Use::Refresh.generate(), self.expiry(created_at, now));
        let next_hash = opaque::hash(next.expose());
        let insert = statement(INSERT_TOKEN).bind(next_hash).bind(&id).bind(expires_at);
        insert.execute(&mut transaction).await?;
        statement(PROLONG).bind(&id).bind(expires_at).execute(&mut transaction).await?;
        statement(TIDY).bind(&id).bind(now).execute(&mut transaction).await?;
        transaction.commit().await?;
        let who = principal(id.clone(), subject, &scopes, &data)?;
        Ok(Session { id, who, token: next, expires_at, ends_at: self.end_of(created_at) })
    }

    /// Ends the session of a refresh token, used or not: what a program does that needs it no more (RFC 7009). `false`
    /// if there is no such session.
    ///
    /// # Errors
    ///
    /// When the database does not answer.
    pub async fn revoke(&self, token: &str) -> Result<bool, Error> {
        if !Use::Refresh.is_well_formed(token) {
            return Ok(false);
        }
        let hash = opaque::hash(token);
        // Nothing to forget here: what is remembered are the sessions of browsers, which have no such token.
        let end = statement(GIVE_BACK).bind(&hash).bind(clock::now());
        Ok(end.execute(&self.inner.database).await? > 0)
    }

    /// Why a token is not good; a used one ends its session, in the same transaction.
    async fn refused(
        &self,
        mut transaction: DatabaseTransaction,
        hash: &str,
        now: i64,
    ) -> Result<RefreshError, Error> {
        let known: Option<(String, Option<i64>)> =
            statement(KNOWN).bind(hash).fetch_optional(&mut transaction).await?;
        let (id, used_at) = match known {
            Some((id, Some(used_at))) => (id, used_at),
            Some((_, None)) => return Ok(RefreshError::Ended),
            None => return Ok(RefreshError::Unknown),
        };
        let revoked = statement(REVOKE).bind(&id).bind(now).execute(&mut transaction).await?;
        transaction.commit().await?;
        self.inner.seen.clear();
        if revoked > 0 {
            tracing::warn!(
                session.id = id,
                first_used_ago_s = now - used_at,
                "a refresh token came a second time: its session was ended"
            );
        }
        Ok(RefreshError::Reused)
    }
}
