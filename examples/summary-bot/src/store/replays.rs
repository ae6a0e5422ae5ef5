//! The table of answers that are given again, on either backend.

use groundcrew::sql::Database;
use uuid::Uuid;

use super::Store;

const CLAIM: &str = "INSERT INTO replays (asker, key, fingerprint, result, created_ms, claimed_ms) \
    VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT DO NOTHING";
const LOOK: &str = "SELECT fingerprint, result, claimed_ms, status, headers, body FROM replays \
    WHERE asker = $1 AND key = $2";
const RECLAIM: &str = "UPDATE replays SET claimed_ms = $1 \
    WHERE asker = $2 AND key = $3 AND claimed_ms = $4 AND status IS NULL";
const SETTLE: &str = "UPDATE replays SET status = $1, headers = $2, body = $3 \
    WHERE asker = $4 AND key = $5 AND claimed_ms = $6 AND status IS NULL";
const FORGET: &str = "DELETE FROM replays WHERE created_ms < $1";

/// Whose key it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    /// Who asked; empty where nobody is asked who they are.
    pub(crate) asker: String,
    pub(crate) key: String,
}

/// A key as it stands in the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claimed {
    pub(crate) fingerprint: String,
    pub(crate) result: Uuid,
    pub(crate) claimed_ms: i64,
    /// The answer, once there is one.
    pub(crate) answer: Option<Answer>,
}

/// An answer that can be given again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

type Row = (String, String, i64, Option<i64>, Option<String>, Option<Vec<u8>>);

// === impl Store ===

impl Store {
    /// Takes a key for a request that makes `result`, unless somebody has it.
    pub(crate) async fn claim(
        &self,
        name: &Name,
        fingerprint: &str,
        result: Uuid,
        now_ms: i64,
    ) -> sqlx::Result<bool> {
        let result = result.to_string();
        let rows = match &self.0 {
            Database::Sqlite(database) => {
                let claim = sqlx::query(CLAIM).bind(&name.asker).bind(&name.key).bind(fingerprint);
                let claim = claim.bind(result).bind(now_ms).execute(database);
                database.write().timed("claim_key", claim).await?.rows_affected()
            }
            Database::Postgres(database) => {
                let claim = sqlx::query(CLAIM).bind(&name.asker).bind(&name.key).bind(fingerprint);
                let claim = claim.bind(result).bind(now_ms).execute(database);
                database.connections().timed("claim_key", claim).await?.rows_affected()
            }
        };
        Ok(rows > 0)
    }

    /// Who has a key, and what they were answered.
    pub(crate) async fn claimed(&self, name: &Name) -> sqlx::Result<Option<Claimed>> {
        let row: Option<Row> = match &self.0 {
            Database::Sqlite(database) => {
                // By the writer: it has seen what was written last.
                let look = sqlx::query_as(LOOK).bind(&name.asker).bind(&name.key).fetch_optional(database);
                database.write().timed("select_key", look).await?
            }
            Database::Postgres(database) => {
                let look = sqlx::query_as(LOOK).bind(&name.asker).bind(&name.key).fetch_optional(database);
                database.connections().timed("select_key", look).await?
            }
        };
        row.map(Claimed::try_from).transpose()
    }

    /// Takes a key over from a request that has had it since `before_ms` and was not answered.
    pub(crate) async fn reclaim(&self, name: &Name, before_ms: i64, now_ms: i64) -> sqlx::Result<bool> {
        let rows = match &self.0 {
            Database::Sqlite(database) => {
                let reclaim = sqlx::query(RECLAIM).bind(now_ms).bind(&name.asker).bind(&name.key);
                let reclaim = reclaim.bind(before_ms).execute(database);
                database.write().timed("claim_key", reclaim).await?.rows_affected()
            }
            Database::Postgres(database) => {
                let reclaim = sqlx::query(RECLAIM).bind(now_ms).bind(&name.asker).bind(&name.key);
                let reclaim = reclaim.bind(before_ms).execute(database);
                database.connections().timed("claim_key", reclaim).await?.rows_affected()
            }
        };
        Ok(rows > 0)
    }

    /// Keeps the answer of a request that took the key at `claimed_ms`.
    pub(crate) async fn settle(&self, name: &Name, claimed_ms: i64, answer: Answer) -> sqlx::Result<()> {
        let headers =
            serde_json::to_string(&answer.headers).map_err(|error| sqlx::Error::Encode(error.into()))?;
        match &self.0 {
            Database::Sqlite(database) => {
                let settle = sqlx::query(SETTLE).bind(i64::from(answer.status)).bind(headers);
                let settle = settle.bind(answer.body).bind(&name.asker).bind(&name.key).bind(claimed_ms);
                database.write().timed("settle_key", settle.execute(database)).await.map(drop)
            }
            Database::Postgres(database) => {
                let settle = sqlx::query(SETTLE).bind(i64::from(answer.status)).bind(headers);
                let settle = settle.bind(answer.body).bind(&name.asker).bind(&name.key).bind(claimed_ms);
                database.connections().timed("settle_key", settle.execute(database)).await.map(drop)
            }
        }
    }

    /// Forgets keys that are older.
    pub(crate) async fn forget_keys(&self, before_ms: i64) -> sqlx::Result<u64> {
        Ok(match &self.0 {
            Database::Sqlite(database) => {
                let forget = sqlx::query(FORGET).bind(before_ms).execute(database);
                database.write().timed("forget_keys", forget).await?.rows_affected()
            }
            Database::Postgres(database) => {
                let forget = sqlx::query(FORGET).bind(before_ms).execute(database);
                database.connections().timed("forget_keys", forget).await?.rows_affected()
            }
        })
    }
}

// === impl Claimed ===

impl TryFrom<Row> for Claimed {
    type Error = sqlx::Error;

    fn try_from((fingerprint, result, claimed_ms, status, headers, body): Row) -> sqlx::Result<Self> {
        let damaged = |column: &str| sqlx::Error::Decode(format!("replays.{column} does not read").into());
        let result = result.parse().map_err(|_| damaged("result"))?;
        let answer = match status {
            None => None,
            Some(status) => Some(Answer {
                status: u16::try_from(status).map_err(|_| damaged("status"))?,
                headers: serde_json::from_str(headers.as_deref().unwrap_or("[]"))
                    .map_err(|_| damaged("headers"))?,
                body: body.unwrap_or_default(),
            }),
        };
        Ok(Self { fingerprint, result, claimed_ms, answer })
    }
}
