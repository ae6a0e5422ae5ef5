use std::time::Duration;

use deadpool_redis::redis::RedisError;

/// What is wrong with the URL that is configured. No message shows any part of it that could be a password.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum UrlError {
    /// Nothing is configured, and the service cannot do without.
    #[error(
        "no Redis is configured: set REDIS_URL (redis.url) to redis://host:6379, and REDIS_PASSWORD to the \
         password if it has one"
    )]
    NotConfigured,
    /// Nothing is configured, and in production that would leave every replica with caches and limits of its own.
    #[error(
        "no Redis is configured, and ENVIRONMENT is production: set REDIS_URL (redis.url) to redis://host:6379, \
         and REDIS_PASSWORD to the password if it has one; if each replica is to cache and limit by itself, say \
         so with redis.in_process = true"
    )]
    NotChosen,
    /// The scheme is not one that we know.
    #[error("redis.url ({origin}) begins with `{scheme}:`, which is not supported: {hint}")]
    UnknownScheme {
        /// Where the URL came from.
        origin: String,
        /// What it begins with.
        scheme: String,
        /// What would be right.
        hint: &'static str,
    },
    /// It does not read as a URL.
    #[error("redis.url ({origin}) cannot be read: {problem}; right would be redis://host:6379/0")]
    Malformed {
        /// Where the URL came from.
        origin: String,
        /// What is wrong, without any part of the URL.
        problem: String,
    },
}

/// Why there is no handle for Redis. That a server is down is no reason: the handle connects when it is back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The configuration is wrong; nothing was tried.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// Redis answered and refused; trying again would not help.
    #[error(
        "Redis at {target} refuses the connection: {cause}; check REDIS_PASSWORD (redis.password) and the \
         user in REDIS_URL"
    )]
    Refused {
        /// Host, port and database.
        target: String,
        /// What Redis said.
        cause: RedisError,
    },
    /// The metrics could not be registered: another Redis of the service has the same name.
    #[error("the metrics of the Redis `{name}` cannot be registered; give each Redis a name of its own")]
    Metrics {
        /// The handle's name.
        name: String,
        /// What the registry said.
        source: groundcrew_telemetry::MetricsError,
    },
}

/// Why the pool gave no connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AcquireError {
    /// None became free, or proved to be alive, in time.
    #[error(
        "no connection to Redis at {target} within {within:?} ({in_use} of {max} are in use): the smaller of \
         redis.acquire_timeout and the request's deadline"
    )]
    TimedOut {
        /// Host, port and database.
        target: String,
        /// How long it was waited.
        within: Duration,
        /// How many connections were in use.
        in_use: usize,
        /// How many the pool may open (redis.max_connections).
        max: usize,
    },
    /// A new connection could not be made.
    #[error("cannot connect to Redis at {target}: {cause}")]
    Connect {
        /// Host, port and database.
        target: String,
        /// What went wrong.
        cause: RedisError,
    },
    /// The service shuts down.
    #[error("the connections to Redis at {target} are closed: the service shuts down")]
    Closed {
        /// Host, port and database.
        target: String,
    },
}
