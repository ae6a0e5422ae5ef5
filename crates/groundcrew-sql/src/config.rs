use std::time::Duration;

use groundcrew_config::{FromConfig, Secret, Sourced};

/// Which database, and how long anything may take.
///
/// Nothing needs to be set outside of production: a SQLite file named after the service, in the working
/// directory. In production a database must be named, SQLite included.
#[derive(Debug, Clone, FromConfig)]
#[config(default_impl)]
#[cfg_attr(any(feature = "sqlite", feature = "postgres"), config(validate_in = crate::target::check))]
pub struct SqlConfig {
    /// The database, as `postgres://user@host:5432/name` or `sqlite:data/app.db` (`sqlite:/data/app.db` from
    /// the root). Unset: the SQLite file `<service>.db` in the working directory, but not in production.
    #[config(alias = "DATABASE_URL", alias = "POSTGRES_URL")]
    pub url: Option<Sourced<Secret<String>>>,
    /// The password for Postgres. It wins over one that stands in the URL.
    #[config(alias = "DATABASE_PASSWORD")]
    pub password: Option<Secret<String>>,
    /// How many connections this process opens at most. With SQLite: the readers, beside one writer.
    #[config(default = 10, range = 1..=10_000)]
    pub max_connections: u32,
    /// How many connections are kept open while nothing happens.
    #[config(default = 0, range = 0..=10_000)]
    pub min_connections: u32,
    /// How long to wait for a free connection before the operation fails.
    #[config(default = "3s")]
    pub acquire_timeout: Duration,
    /// How long one operation may take: a statement, the begin or the end of a transaction, the next row of a
    /// stream. What remains of the request's time limits it too. `0s` for never; unset: 5 s more than
    /// `statement_timeout`, so that Postgres ends a slow statement before we give its connection up.
    pub operation_timeout: Option<Duration>,
    /// After how long a pool is replaced in which every connection is in use, nothing is answered and somebody
    /// waits, if Postgres answers on a connection of its own; `0s` for never. Postgres only.
    #[config(default = "5s")]
    pub replace_after: Duration,
    /// How long one attempt to reach Postgres may take.
    #[config(default = "5s")]
    pub connect_timeout: Duration,
    /// How long start-up goes on trying to reach Postgres before it gives up.
    #[config(default = "10s")]
    pub connect_retry: Duration,
    /// After how long Postgres ends a statement; `0s` for never.
    #[config(default = "30s")]
    pub statement_timeout: Duration,
    /// How long a statement waits for a lock: in Postgres for a row or a table, in SQLite for another
    /// process that writes. `0s` in Postgres: for ever.
    #[config(default = "5s")]
    pub lock_timeout: Duration,
    /// After how long Postgres ends a transaction in which nothing happens; `0s` for never.
    #[config(default = "60s")]
    pub idle_in_transaction_timeout: Duration,
    /// How old a connection to Postgres may become. Each process takes 20 % more or less, so that replicas
    /// do not reconnect together; `0s` for no limit.
    #[config(default = "30m")]
    pub max_lifetime: Duration,
    /// Whether the URL leads to PgBouncer, or to another pooler that lends a server for one transaction.
    /// Settings are not sent then (give them to the role with `ALTER ROLE … SET`), no statement is prepared for
    /// later, and each statement is a transaction of its own.
    #[config(default = false)]
    pub pgbouncer: bool,
    /// The same database without the pooler, for what needs a session of its own: migrations and advisory
    /// locks. Unset: `url`. Needed with `pgbouncer`.
    #[config(alias = "DATABASE_DIRECT_URL")]
    pub direct_url: Option<Sourced<Secret<String>>>,
    /// What a database that does not answer means for `/ready`. Unset: `degraded` for Postgres, which all
    /// replicas share, so that taking every one of them out helps nobody; `required` for a SQLite file.
    pub impact: Option<DatabaseImpact>,
    /// How often the health check runs.
    #[config(default = "5s")]
    pub check_period: Duration,
    /// How long the health check may take.
    #[config(default = "5s")]
    pub check_timeout: Duration,
    /// When migrations run.
    #[config(default = "start")]
    pub migrate: MigrateMode,
    /// How long a migration waits until no other process migrates.
    #[config(default = "60s")]
    pub migrate_timeout: Duration,
    /// What happens to a pending migration that drops or renames a table or a column, changes its type or
    /// demands a value for it, without a line `-- groundcrew: contract <why>`: the version that runs while this
    /// one is rolled out, or after it is rolled back, may use it.
    #[config(default = "refuse")]
    pub migrate_contract: ContractMode,
}

/// What happens to a pending migration that takes away what the running version may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, FromConfig)]
pub enum ContractMode {
    /// It is refused, and none of the pending ones is applied.
    #[default]
    Refuse,
    /// It is applied, with a warning in the log.
    Warn,
    /// It is applied.
    Allow,
}

/// What a database that does not answer means for the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromConfig)]
pub enum DatabaseImpact {
    /// The service is not ready without it.
    Required,
    /// The service stays ready and says `degraded`.
    Degraded,
}

/// When migrations run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, FromConfig)]
pub enum MigrateMode {
    /// Before the service becomes ready. Replicas take turns; all but the first find nothing to do.
    #[default]
    Start,
    /// Never by themselves: the `migrate` command does it. A service with pending migrations says so and
    /// starts.
    Never,
}

/// What Postgres has to say that a statement's time is over.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
const MARGIN: Duration = Duration::from_secs(5);

/// How long an operation may take where the database itself sets no limit that we know.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
const WITHOUT_STATEMENT_TIMEOUT: Duration = Duration::from_secs(60);

// === impl SqlConfig ===

impl SqlConfig {
    /// The defaults with this URL, as tests and whoever owns `main` want it.
    ///
    /// ```
    /// let config = groundcrew_sql::SqlConfig::of("sqlite:data.db");
    /// assert_eq!(config.acquire_timeout.as_secs(), 3);
    /// ```
    pub fn of(url: impl Into<String>) -> Self {
        let url = Sourced::new(Secret::new(url.into()), groundcrew_config::Origin::Set);
        Self { url: Some(url), ..Self::default() }
    }

    /// How long an operation may take; `None` for no limit.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(crate) fn operation_limit(&self) -> Option<Duration> {
        let usual = match self.statement_timeout {
            Duration::ZERO => WITHOUT_STATEMENT_TIMEOUT,
            timeout => timeout.saturating_add(MARGIN),
        };
        Some(self.operation_timeout.unwrap_or(usual)).filter(|limit| !limit.is_zero())
    }
}
