use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use groundcrew_runtime::{Crew, Phase, jittered};
use sqlx::postgres::{PgConnectOptions, PgListener, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Error, PgConnection};

use crate::connections::Limits;
use crate::deadline::{Awaited, Budget, Limit};
use crate::migrations::MigrationPlan;
use crate::replace::Recipe;
use crate::target::Target;
use crate::{
    ConnectError, Connections, Database, DatabaseImpact, MigrationStatus, Migrations, MigrationsError,
    SqlConfig, Transaction, UrlError, readiness, retry,
};

/// A Postgres database behind a pool with bounded waits.
///
/// A reference is a sqlx executor. Statements, waits for locks and idle transactions end on the server when
/// their time is over, since a query whose caller has gone away would otherwise run on.
#[derive(Debug, Clone)]
pub struct Postgres {
    connections: Connections<sqlx::Postgres>,
    plan: Arc<MigrationPlan>,
    direct: Arc<Direct>,
}

/// How to connect apart from the pool, and past a pooler.
struct Direct {
    /// `None` where only the pooler's URL is known.
    options: Option<PgConnectOptions>,
    lock: Duration,
    connect: Duration,
}

impl std::fmt::Debug for Direct {
    /// Without the options, which hold the password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Direct")
    }
}

// === impl Postgres ===

impl Postgres {
    /// The connections that references execute on.
    pub fn connections(&self) -> &Connections<sqlx::Postgres> {
        &self.connections
    }

    /// Begins a transaction; see [`Connections::begin`].
    pub async fn begin(&self) -> Result<Transaction<sqlx::Postgres>, Error> {
        self.connections.begin().await
    }

    /// The library's own pool, without our guarantees; see [`Connections::raw`].
    pub fn raw(&self) -> PgPool {
        self.connections.raw()
    }

    /// What a start does about migrations; see [`Database::migrate`](crate::Database::migrate).
    ///
    /// # Errors
    ///
    /// Names the migration that failed, and what to do about it.
    pub async fn migrate(
        &self,
        crew: &Crew,
        migrations: impl Into<Migrations>,
    ) -> Result<MigrationStatus, MigrationsError> {
        Database::Postgres(self.clone()).migrate(crew, migrations).await
    }

    pub(crate) fn plan(&self) -> &MigrationPlan {
        &self.plan
    }

    /// A connection of its own, apart from the pool and past a pooler (`direct_url`), for what belongs to a
    /// session: advisory locks, `LISTEN`. No limit is set for its statements but `lock_timeout`.
    ///
    /// # Errors
    ///
    /// [`DeadlineExceeded`](crate::DeadlineExceeded) after `connect_timeout`, what Postgres says, and
    /// [`Error::Configuration`] behind a pooler without `direct_url`.
    pub async fn direct(&self) -> Result<PgConnection, Error> {
        let Direct { options, lock, connect } = &*self.direct;
        let options = options.clone().ok_or_else(behind_a_pooler)?;
        let options = with_limit(options, "lock_timeout", *lock);
        Budget::new(Awaited::Connection, Limit::Connect, Some(*connect)).wait(options.connect()).await
    }

    /// Hears `NOTIFY` on a connection of its own, past a pooler as [`direct`](Self::direct).
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn listener(&self) -> Result<PgListener, Error> {
        let Direct { options, connect, .. } = &*self.direct;
        let options = options.clone().ok_or_else(behind_a_pooler)?;
        let alone = PgPoolOptions::new().max_connections(1).acquire_timeout(*connect);
        let alone = alone.connect_lazy_with(options);
        let listens = PgListener::connect_with(&alone);
        Budget::new(Awaited::Connection, Limit::Connect, Some(*connect)).wait(listens).await
    }
}

// === impl SqlConfig ===

impl SqlConfig {
    /// Connects to the Postgres database that is configured, named `database` in health, metrics and the
    /// shutdown. Goes on trying for `connect_retry` while it cannot be reached.
    ///
    /// # Errors
    ///
    /// When the URL is wrong or names SQLite, when Postgres refuses, and when it cannot be reached.
    pub async fn connect_postgres(&self, crew: &Crew) -> Result<Postgres, ConnectError> {
        self.connect_postgres_as("database", crew).await
    }

    /// As [`connect_postgres`](Self::connect_postgres), for a service with several databases.
    pub async fn connect_postgres_as(&self, name: &str, crew: &Crew) -> Result<Postgres, ConnectError> {
        match crate::target::resolve(self, crew.service(), crew.environment())? {
            Target::Postgres { url, origin } => open(self, name, crew, url.expose(), &origin).await,
            Target::Sqlite { origin, .. } => Err(ConnectError::Url(UrlError::Unavailable {
                origin,
                backend: "SQLite",
                problem: "this service needs Postgres: set DATABASE_URL to postgres://user@host:5432/name",
            })),
        }
    }
}

pub(crate) async fn open(
    config: &SqlConfig,
    name: &str,
    crew: &Crew,
    url: &str,
    origin: &str,
) -> Result<Postgres, ConnectError> {
    let direct = direct_options(config, crew.service(), url, origin)?;
    let base = base_options(config, crew.service(), url, origin)?;
    let target = describe(&base);
    let options = if config.pgbouncer { for_pooler(base) } else { with_limits(base, config) };
    retry::reach(&options, config, &target).await?;

    let lifetime = jittered(config.max_lifetime, 20);
    let lifetime = (!lifetime.is_zero()).then_some(lifetime);
    let recipe = Recipe::new(name, config, options.clone(), lifetime);
    let limits = Limits::remote(config);
    // What sqlx asks about types by itself it names, whatever we say; names of others must not be in its way.
    let begin = if config.pgbouncer { "BEGIN; DEALLOCATE ALL" } else { "BEGIN" };
    let connections = Connections::register(crew.metrics(), name, recipe.pool(), begin, limits)?;
    recipe.watch(&connections);

    let (probed, patience) = (connections.clone(), config.connect_timeout);
    let probe = move || readiness::postgres(probed.clone(), options.clone(), patience);
    crew.check(name, readiness::policy(config, DatabaseImpact::Degraded), probe).keep();
    let closing = connections.clone();
    crew.on_shutdown(Phase::Close, name, move |scope| async move { closing.close(&scope).await });
    tracing::info!(database.name = name, database.target = target, "Postgres is connected");
    let direct =
        Arc::new(Direct { options: direct, lock: config.lock_timeout, connect: config.connect_timeout });
    Ok(Postgres { connections, plan: Arc::new(MigrationPlan::of(config)), direct })
}

fn base_options(
    config: &SqlConfig,
    service: &str,
    url: &str,
    origin: &str,
) -> Result<PgConnectOptions, UrlError> {
    let mut options = PgConnectOptions::from_str(url).map_err(|error| UrlError::Malformed {
        origin: origin.to_owned(),
        // The driver's words name what is wrong (`invalid port number`), not the URL.
        problem: std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string),
        right: "postgres://user@host:5432/name",
    })?;
    if let Some(password) = &config.password {
        options = options.password(password.expose());
    }
    if options.get_application_name().is_none() {
        options = options.application_name(service);
    }
    Ok(options)
}

fn behind_a_pooler() -> Error {
    let words = "database.pgbouncer is set, and migrations, locks and LISTEN must not go through a pooler: set \
                 DATABASE_DIRECT_URL (database.direct_url) to the server itself";
    Error::Configuration(words.into())
}

/// The options for what must not go through a pooler, if they are known.
fn direct_options(
    config: &SqlConfig,
    service: &str,
    url: &str,
    origin: &str,
) -> Result<Option<PgConnectOptions>, UrlError> {
    let Some(direct) = &config.direct_url else {
        let known = !config.pgbouncer;
        return known.then(|| base_options(config, service, url, origin)).transpose();
    };
    let origin = direct.origin().to_string();
    crate::target::check_direct(direct.expose(), &origin)?;
    base_options(config, service, direct.expose(), &origin).map(Some)
}

/// A pooler refuses settings that it does not know, and a statement that was prepared for later may be another
/// server's.
fn for_pooler(options: PgConnectOptions) -> PgConnectOptions {
    options.statement_cache_capacity(0).extra_float_digits(None)
}

fn with_limits(options: PgConnectOptions, config: &SqlConfig) -> PgConnectOptions {
    let options = with_limit(options, "statement_timeout", config.statement_timeout);
    let idle = "idle_in_transaction_session_timeout";
    let options = with_limit(options, idle, config.idle_in_transaction_timeout);
    with_limit(options, "lock_timeout", config.lock_timeout)
}

/// Nothing at all is sent for zero: PgBouncer refuses a connection with settings that it does not know.
fn with_limit(options: PgConnectOptions, setting: &str, limit: Duration) -> PgConnectOptions {
    if limit.is_zero() {
        return options;
    }
    options.options([(setting, limit.as_millis().max(1).to_string())])
}

/// What may be shown of a target: never the password.
fn describe(options: &PgConnectOptions) -> String {
    let (user, name) = (options.get_username(), options.get_database().unwrap_or(options.get_username()));
    match options.get_socket() {
        Some(socket) => format!("{user}@{}/{name}", socket.display()),
        None => format!("{user}@{}:{}/{name}", options.get_host(), options.get_port()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(url: &str, config: &SqlConfig) -> PgConnectOptions {
        with_limits(base_options(config, "parcels", url, "env DATABASE_URL").expect("a right URL"), config)
    }

    #[test]
    fn the_limits_travel_with_every_connection() {
        let options = options("postgres://user@host/name", &SqlConfig::default());
        let sent = options.get_options().expect("settings");
        for setting in
            ["statement_timeout=30000", "lock_timeout=5000", "idle_in_transaction_session_timeout=60000"]
        {
            assert!(sent.contains(setting), "{sent}");
        }
    }

    #[test]
    fn nothing_is_sent_for_limits_of_zero() {
        let none = Duration::ZERO;
        let config = SqlConfig {
            statement_timeout: none,
            lock_timeout: none,
            idle_in_transaction_timeout: none,
            ..SqlConfig::default()
        };
        assert_eq!(options("postgres://user@host/name", &config).get_options(), None);
    }

    #[test]
    fn a_url_that_cannot_be_parsed_is_named_by_its_origin_and_not_shown() {
        let error = base_options(
            &SqlConfig::default(),
            "parcels",
            "postgres://user:hunter2@host:port/name",
            "env DATABASE_URL",
        );
        let error = error.unwrap_err().to_string();
        assert!(error.contains("env DATABASE_URL") && error.contains("invalid port number"), "{error}");
        assert!(!error.contains("hunter2"));
    }

    #[test]
    fn the_target_shows_no_password() {
        let shown = describe(&options("postgres://user:hunter2@host:1234/name", &SqlConfig::default()));
        assert_eq!(shown, "user@host:1234/name");
    }
}
