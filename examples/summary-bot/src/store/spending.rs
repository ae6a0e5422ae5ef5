//! Money for models: set aside before it is spent, and booked afterwards.
//!
//! Whoever sets money aside for a scope holds the row of its budget until the transaction ends, so that of two
//! replicas the second sees what the first one took. Money that was set aside by a process that died comes back when
//! it expires.

use groundcrew::sql::statement;
use jiff::Timestamp;
use uuid::Uuid;

use super::Store;

/// What a scope may spend on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Limit {
    /// `all`, or `guild:<id>`.
    pub(crate) scope: String,
    /// In millionths of a dollar.
    pub(crate) amount: u64,
}

/// Whether money could be set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Covered {
    Yes,
    /// Not within this scope, where so much is spent or set aside already.
    No {
        scope: String,
        taken: u64,
    },
}

/// What a model did, to be booked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outlay {
    pub(crate) id: Uuid,
    /// `YYYY-MM-DD`, in UTC: when the money was set aside.
    pub(crate) day: String,
    pub(crate) guild: Option<String>,
    pub(crate) model: String,
    /// `written`, `failed`, or `kept` where the answer was there already.
    pub(crate) outcome: &'static str,
    pub(crate) requests: u64,
    pub(crate) input: u64,
    pub(crate) output: u64,
    /// In millionths of a dollar.
    pub(crate) cost: u64,
}

const LOCK: &str = "INSERT INTO model_budgets (scope, day, spent) VALUES ($1, $2, 0) \
     ON CONFLICT (scope, day) DO UPDATE SET spent = model_budgets.spent RETURNING spent";
const SET_ASIDE: &str = "SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) FROM model_reservations \
     WHERE scope = $1 AND day = $2 AND expires_ms > $3";
const RESERVE: &str =
    "INSERT INTO model_reservations (id, scope, day, amount, expires_ms) VALUES ($1, $2, $3, $4, $5)";
const RELEASE: &str = "DELETE FROM model_reservations WHERE id = $1 OR expires_ms < $2";
const SPEND: &str = "INSERT INTO model_budgets (scope, day, spent) VALUES ($1, $2, $3) \
     ON CONFLICT (scope, day) DO UPDATE SET spent = model_budgets.spent + excluded.spent";
const BOOK: &str = "INSERT INTO model_usage (id, at_ms, day, guild_id, model, outcome, requests, input_tokens, \
     output_tokens, cost) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";

/// The scope of everybody together, and that of a server.
pub(crate) const ALL: &str = "all";

pub(crate) fn of_guild(guild: &str) -> String {
    format!("guild:{guild}")
}

// === impl Store ===

impl Store {
    /// Sets money aside within all of these limits, or none. `limits` are always in the same order, so that nobody
    /// waits for each other.
    pub(crate) async fn set_aside(
        &self,
        id: Uuid,
        day: &str,
        amount: u64,
        limits: &[Limit],
        expires_ms: i64,
    ) -> sqlx::Result<Covered> {
        let (id, now) = (id.to_string(), Timestamp::now().as_millisecond());
        let reserve = async {
            let mut transaction = self.0.begin().await?;
            for Limit { scope, amount: limit } in limits {
                let lock = statement(LOCK).bind(scope).bind(day).scalar();
                let spent: i64 = lock.fetch_one(&mut transaction).await?;
                let sum = statement(SET_ASIDE).bind(scope).bind(day).bind(now).scalar();
                let aside: i64 = sum.fetch_one(&mut transaction).await?;
                let taken = unsigned(spent.saturating_add(aside));
                if taken.saturating_add(amount) > *limit {
                    transaction.rollback().await?;
                    return Ok(Covered::No { scope: scope.clone(), taken });
                }
                let insert = statement(RESERVE).bind(&id).bind(scope).bind(day).bind(signed(amount));
                insert.bind(expires_ms).execute(&mut transaction).await?;
            }
            transaction.commit().await?;
            Ok(Covered::Yes)
        };
        self.0.write().timed("set_aside", reserve).await
    }

    /// Books what a model did, and gives back what was set aside for it.
    pub(crate) async fn book(&self, outlay: &Outlay) -> sqlx::Result<()> {
        let (id, now) = (outlay.id.to_string(), Timestamp::now().as_millisecond());
        let guild = outlay.guild.as_deref();
        let scopes = std::iter::once(ALL.to_owned()).chain(guild.map(of_guild));
        let book = async {
            let mut transaction = self.0.begin().await?;
            // Nothing is added where nothing was spent: that would only make others wait for the row.
            for scope in scopes.filter(|_| outlay.cost > 0) {
                let spend = statement(SPEND).bind(scope).bind(&outlay.day).bind(signed(outlay.cost));
                spend.execute(&mut transaction).await?;
            }
            statement(RELEASE).bind(&id).bind(now).execute(&mut transaction).await?;
            let insert = statement(BOOK).bind(&id).bind(now).bind(&outlay.day).bind(guild);
            let insert = insert.bind(&outlay.model).bind(outlay.outcome).bind(signed(outlay.requests));
            let insert = insert.bind(signed(outlay.input)).bind(signed(outlay.output));
            insert.bind(signed(outlay.cost)).execute(&mut transaction).await?;
            transaction.commit().await
        };
        self.0.write().timed("book_outlay", book).await
    }
}

fn signed(amount: u64) -> i64 {
    i64::try_from(amount).unwrap_or(i64::MAX)
}

fn unsigned(amount: i64) -> u64 {
    u64::try_from(amount).unwrap_or(0)
}
