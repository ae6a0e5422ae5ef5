//! Reaching Postgres at start-up: patient with what passes, quick with what does not.

use std::time::Duration;

use groundcrew_runtime::Backoff;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, Error};
use tokio::time::Instant;

use crate::{ConnectError, SqlConfig};

/// Returns once a connection could be made, or when `connect_retry` is over.
pub(crate) async fn reach(
    options: &PgConnectOptions,
    config: &SqlConfig,
    target: &str,
) -> Result<(), ConnectError> {
    let started = Instant::now();
    let backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(2));
    let mut attempts = 0;
    loop {
        let left = config.connect_retry.saturating_sub(started.elapsed());
        // Even a budget of zero is worth one whole attempt.
        let patience = if attempts == 0 { config.connect_timeout } else { config.connect_timeout.min(left) };
        let last = match attempt(options, patience).await {
            Ok(()) => return Ok(()),
            Err(Failure::Passing(words)) => words,
            Err(Failure::Lasting(cause, hint)) => {
                return Err(ConnectError::Refused {
                    target: target.to_owned(),
                    cause: Box::new(cause),
                    hint,
                });
            }
        };
        let delay = backoff.delay(attempts);
        attempts += 1;
        if started.elapsed() + delay >= config.connect_retry {
            let within = config.connect_retry;
            return Err(ConnectError::Unreachable { target: target.to_owned(), attempts, within, last });
        }
        tracing::warn!(
            database.target = target,
            attempt = attempts,
            error = last,
            retry_in = ?delay,
            "Postgres cannot be reached yet"
        );
        tokio::time::sleep(delay).await;
    }
}

/// Why one attempt failed.
pub(crate) enum Failure {
    /// It may be gone in a moment.
    Passing(String),
    /// It will not go away; with a hint for whoever reads it.
    Lasting(Error, String),
}

/// One connection, made and closed.
pub(crate) async fn attempt(options: &PgConnectOptions, patience: Duration) -> Result<(), Failure> {
    match tokio::time::timeout(patience, options.connect()).await {
        Ok(Ok(connection)) => {
            // It has answered, which is all that was asked.
            let _closed = tokio::time::timeout(patience, connection.close()).await;
            Ok(())
        }
        Ok(Err(error)) => Err(judge(error)),
        Err(_) => Err(Failure::Passing(format!("no answer within {patience:?}"))),
    }
}

fn judge(error: Error) -> Failure {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code).unwrap_or_default();
    let hint = match (&error, &*code) {
        // Starting up, shutting down, full.
        (_, "57P03" | "57P01" | "57P02" | "53300") | (Error::Io(_) | Error::Protocol(_), _) => {
            return Failure::Passing(error.to_string());
        }
        (_, "28P01" | "28000") => {
            "; check the user in DATABASE_URL and DATABASE_PASSWORD (database.password)"
        }
        (_, "3D000") => "; create the database, or mend its name in DATABASE_URL (database.url)",
        (Error::Tls(_), _) => "; check sslmode and sslrootcert in DATABASE_URL (database.url)",
        _ => "",
    };
    Failure::Lasting(error, hint.to_owned())
}
