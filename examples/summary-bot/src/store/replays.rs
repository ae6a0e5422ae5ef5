//! The table of answers that are given again.

use groundcrew::sql::statement;
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

/// Forgets the answers that hold this thing.
pub(super) const ABOUT: &str = "DELETE FROM replays WHERE result = $1";

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
    pub(crate) since_ms: i64,
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
        let claim = statement(CLAIM).bind(&name.asker).bind(&name.key).bind(fingerprint);
        let claim = claim.bind(result.to_string()).bind(now_ms).timed("claim_key");
        Ok(claim.execute(self.0.write()).await? > 0)
    }

    /// Who has a key, and what they were answered.
    pub(crate) async fn claimed(&self, name: &Name) -> sqlx::Result<Option<Claimed>> {
        let look = statement(LOOK).bind(&name.asker).bind(&name.key).timed("select_key");
        // By the writer: it has seen what was written last.
        let row: Option<Row> = look.fetch_optional(self.0.write()).await?;
        row.map(Claimed::try_from).transpose()
    }

    /// Takes a key over from a request that has had it since `before_ms` and was not answered.
    pub(crate) async fn reclaim(&self, name: &Name, before_ms: i64, now_ms: i64) -> sqlx::Result<bool> {
        let reclaim = statement(RECLAIM).bind(now_ms).bind(&name.asker).bind(&name.key).bind(before_ms);
        Ok(reclaim.timed("claim_key").execute(self.0.write()).await? > 0)
    }

    /// Keeps the answer of a request that took the key at `claimed_ms`.
    pub(crate) async fn settle(&self, name: &Name, claimed_ms: i64, answer: Answer) -> sqlx::Result<()> {
        let headers =
            serde_json::to_string(&answer.headers).map_err(|error| sqlx::Error::Encode(error.into()))?;
        let settle = statement(SETTLE).bind(answer.status).bind(headers).bind(answer.body);
        let settle = settle.bind(&name.asker).bind(&name.key).bind(claimed_ms).timed("settle_key");
        settle.execute(self.0.write()).await.map(drop)
    }

    /// Forgets keys that are older.
    pub(crate) async fn forget_keys(&self, before_ms: i64) -> sqlx::Result<u64> {
        statement(FORGET).bind(before_ms).timed("forget_keys").execute(self.0.write()).await
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
        Ok(Self { fingerprint, result, since_ms: claimed_ms, answer })
    }
}
