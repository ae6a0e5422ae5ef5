use std::time::Duration;

use groundcrew_runtime::Crew;
use groundcrew_sql::Postgres;
use groundcrew_sql::sqlx::{self, Connection, PgConnection, Row};
use tokio::time::{Instant, timeout};

use crate::candidate::{Asking, Candidate, Held, Won};
use crate::error::Trouble;
use crate::{Leadership, Lease, LeaseConfig, LeaseError};

/// Runs for a lease that is an advisory lock of a session of its own.
struct Session {
    lease: String,
    holder: String,
    postgres: Postgres,
    config: LeaseConfig,
    /// Open while running; the leader keeps it, and the next run opens another.
    connection: Option<PgConnection>,
}

/// The session that has the lock.
struct Locked {
    lease: String,
    epoch: i64,
    backend: i32,
    connection: PgConnection,
}

/// What a lease leaves behind: its epoch, and whether its last leader gave it back.
const TABLE: &str = "CREATE TABLE IF NOT EXISTS groundcrew_leases (\
    name text PRIMARY KEY, epoch bigint NOT NULL, holder text NOT NULL, held boolean NOT NULL, \
    deadline_ms bigint NOT NULL, changed_at timestamptz NOT NULL)";

/// Two sessions that create one table at once disagree in the catalogue.
const CREATING: &str = "SELECT pg_advisory_xact_lock(hashtextextended('groundcrew_leases', 0))";

/// Only those that this version of the server knows. A session whose client is gone without a word ends by the
/// first; where the client's machine is gone with it, the others are quicker.
const SETTINGS: &str = "SELECT set_config(name, value, false) FROM (VALUES \
    ('idle_session_timeout', $1), ('tcp_user_timeout', $1), ('statement_timeout', $1), ('lock_timeout', $1), \
    ('tcp_keepalives_idle', $2), ('tcp_keepalives_interval', '1'), ('tcp_keepalives_count', '3'), \
    ('default_transaction_isolation', 'read committed')) AS wanted (name, value) \
    JOIN pg_settings USING (name)";

const LOCK: &str = "SELECT pg_try_advisory_lock(hashtextextended('groundcrew.lease.' || $1, 0))";
const UNLOCK: &str = "SELECT pg_advisory_unlock(hashtextextended('groundcrew.lease.' || $1, 0))";

const BEGIN_TERM: &str = "WITH before AS (SELECT held, deadline_ms FROM groundcrew_leases WHERE name = $1) \
    INSERT INTO groundcrew_leases AS lease VALUES ($1, 1, $2, true, $3, now()) \
    ON CONFLICT (name) DO UPDATE SET epoch = lease.epoch + 1, holder = excluded.holder, held = true, \
    deadline_ms = excluded.deadline_ms, changed_at = now() \
    RETURNING epoch, pg_backend_pid(), (SELECT deadline_ms FROM before WHERE held)";

/// Behind a pooler that gives each statement another session, the lock is not ours; and a server that lost its last
/// seconds in a failover may know another epoch.
const BEAT: &str = "SELECT pg_backend_pid() = $1 AND EXISTS \
    (SELECT FROM groundcrew_leases WHERE name = $2 AND epoch = $3 AND held)";

const END_TERM: &str =
    "UPDATE groundcrew_leases SET held = false, changed_at = now() WHERE name = $1 AND epoch = $2";

// === impl LeaseConfig ===

impl LeaseConfig {
    /// A lease among all processes that use this database: an advisory lock, held on a connection of its own, past
    /// PgBouncer if `database.direct_url` says how.
    ///
    /// # Errors
    ///
    /// When the configuration cannot work, and when this process has a lease of that name already. Nothing is asked of
    /// the database yet.
    pub fn postgres(&self, name: &str, crew: &Crew, postgres: &Postgres) -> Result<Lease, LeaseError> {
        let candidate = Session {
            lease: name.to_owned(),
            holder: format!("{}/{}", crew.service(), uuid::Uuid::now_v7()),
            postgres: postgres.clone(),
            config: self.clone(),
            connection: None,
        };
        Lease::build(self, name, crew, Box::new(candidate))
    }
}

// === impl Session ===

impl Session {
    async fn open(&self) -> Result<PgConnection, sqlx::Error> {
        let mut connection = self.postgres.direct().await?;
        let timeout = self.config.session_timeout;
        sqlx::query(SETTINGS)
            .bind(timeout.as_millis().to_string())
            .bind(timeout.as_secs().saturating_sub(3).max(1).to_string())
            .execute(&mut connection)
            .await?;
        let exists = "SELECT to_regclass('groundcrew_leases') IS NOT NULL";
        if !sqlx::query_scalar::<_, bool>(exists).fetch_one(&mut connection).await? {
            let mut transaction = connection.begin().await?;
            sqlx::query(CREATING).execute(&mut *transaction).await?;
            sqlx::query(TABLE).execute(&mut *transaction).await?;
            transaction.commit().await?;
        }
        Ok(connection)
    }

    async fn try_win(&mut self) -> Result<Option<Won>, sqlx::Error> {
        // Taken out, so that a caller who goes away half way leaves no session that has the lock.
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.open().await?,
        };
        if !sqlx::query_scalar::<_, bool>(LOCK).bind(&self.lease).fetch_one(&mut connection).await? {
            self.connection = Some(connection);
            return Ok(None);
        }
        let asked = Instant::now();
        let deadline = i64::try_from(self.config.deadline.as_millis()).unwrap_or(i64::MAX);
        let term = sqlx::query(BEGIN_TERM).bind(&self.lease).bind(&self.holder).bind(deadline);
        let row = term.fetch_one(&mut connection).await?;
        let (epoch, backend): (i64, i32) = (row.try_get(0)?, row.try_get(1)?);
        let before = row.try_get::<Option<i64>, _>(2)?.map(|ms| u64::try_from(ms).unwrap_or(0));
        // A quarter more for timers that are late. The one before us may have had another configuration.
        let grace = before.map(|ms| Duration::from_millis(ms).max(self.config.deadline).mul_f64(1.25));
        let held = Box::new(Locked { lease: self.lease.clone(), epoch, backend, connection });
        let epoch = u64::try_from(epoch).unwrap_or(0);
        Ok(Some(Won { held, epoch, asked, grace: grace.unwrap_or_default() }))
    }
}

impl Candidate for Session {
    fn ask(&mut self) -> Asking<'_, Option<Won>> {
        Box::pin(async move {
            let within = self.config.session_timeout;
            match timeout(within, self.try_win()).await {
                Ok(answer) => answer.map_err(Trouble::new),
                Err(_) => Err(Trouble(format!("Postgres gave no answer within {within:?}"))),
            }
        })
    }
}

// === impl Locked ===

impl Held for Locked {
    fn can_be_lost(&self) -> bool {
        true
    }

    fn beat(&mut self) -> Asking<'_, Instant> {
        Box::pin(async move {
            let asked = Instant::now();
            let beat = sqlx::query_scalar(BEAT).bind(self.backend).bind(&self.lease).bind(self.epoch);
            match beat.fetch_one(&mut self.connection).await {
                Ok(true) => Ok(asked),
                Ok(false) => Err(Trouble::new(
                    "the session is another one, or somebody began a new term: behind PgBouncer set \
                     database.direct_url to Postgres itself",
                )),
                Err(error) => Err(Trouble::new(error)),
            }
        })
    }

    fn release(mut self: Box<Self>) -> Asking<'static, ()> {
        Box::pin(async move {
            let connection = &mut self.connection;
            // In this order: whoever gets the lock must find that it was given back.
            let end = sqlx::query(END_TERM).bind(&self.lease).bind(self.epoch);
            end.execute(&mut *connection).await.map_err(Trouble::new)?;
            sqlx::query(UNLOCK).bind(&self.lease).execute(&mut *connection).await.map_err(Trouble::new)?;
            self.connection.close().await.map_err(Trouble::new)
        })
    }
}

// === impl Leadership ===

impl Leadership {
    /// The fence: whether this is the lease's present term, asked inside a transaction of the leader's work. If it is,
    /// no other term can begin before that transaction has ended.
    ///
    /// # Errors
    ///
    /// What Postgres says.
    pub async fn confirm(&self, transaction: &mut PgConnection) -> Result<bool, sqlx::Error> {
        let epoch = "SELECT epoch FROM groundcrew_leases WHERE name = $1 FOR SHARE";
        let epoch: Option<i64> =
            sqlx::query_scalar(epoch).bind(self.lease()).fetch_optional(transaction).await?;
        Ok(epoch.and_then(|epoch| u64::try_from(epoch).ok()) == Some(self.epoch()))
    }
}
