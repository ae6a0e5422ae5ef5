use std::fmt;
use std::io;
use std::time::{Duration, Instant};

use groundcrew_telemetry::Context;
use sqlx::Error;

/// An operation that was cut because its time was over.
///
/// It is the inner error of [`sqlx::Error::Io`], since sqlx has no kind of its own for it:
///
/// ```
/// # use groundcrew_sql::DeadlineExceeded;
/// fn was_cut(error: &sqlx::Error) -> bool {
///     DeadlineExceeded::of(error).is_some()
/// }
/// # assert!(!was_cut(&sqlx::Error::RowNotFound));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeadlineExceeded {
    /// What was waited for.
    pub awaited: Awaited,
    /// Which limit it was.
    pub limit: Limit,
    /// How long that limit is; for the request: how much of its time was left when the operation began.
    pub within: Duration,
    /// What is known about the reason, such as the last failed attempt to connect.
    pub cause: Option<String>,
}

/// What an operation waited for when it was cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Awaited {
    /// A free or a new connection.
    Connection,
    /// The begin of a transaction.
    Begin,
    /// The answer to a statement, or its next row.
    Statement,
    /// The commit of a transaction: whether it was committed is not known.
    Commit,
    /// The rollback of a transaction: the connection is discarded, so that it is rolled back in any case.
    Rollback,
}

/// Which limit cut an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// `database.acquire_timeout`.
    Acquire,
    /// `database.operation_timeout`.
    Operation,
    /// `database.connect_timeout`.
    Connect,
    /// The deadline of the request or job on whose behalf the operation ran.
    Request,
}

/// How much time one operation has: its own limit, and what remains of the request's.
#[derive(Debug)]
pub(crate) struct Budget {
    awaited: Awaited,
    own: Option<Own>,
    request: Option<Request>,
}

#[derive(Debug)]
struct Own {
    limit: Limit,
    within: Duration,
    left: Duration,
}

#[derive(Debug)]
struct Request {
    deadline: Instant,
    within: Duration,
}

// === impl DeadlineExceeded ===

impl DeadlineExceeded {
    /// The deadline that an error is about, if it is about one.
    pub fn of(error: &Error) -> Option<&Self> {
        let Error::Io(error) = error else { return None };
        error.get_ref()?.downcast_ref()
    }

    pub(crate) fn into_sqlx(self) -> Error {
        Error::Io(io::Error::new(io::ErrorKind::TimedOut, self))
    }
}

impl fmt::Display for DeadlineExceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.awaited {
            Awaited::Connection => "no connection",
            Awaited::Begin => "the transaction did not begin",
            Awaited::Statement => "no answer to the statement",
            Awaited::Commit => "no answer to the commit, so that whether it took place is not known,",
            Awaited::Rollback => "no answer to the rollback",
        };
        write!(f, "{what} within {:?} ({})", self.within, self.limit)?;
        match &self.cause {
            Some(cause) => write!(f, ": {cause}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for DeadlineExceeded {}

// === impl Limit ===

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Acquire => "database.acquire_timeout",
            Self::Operation => "database.operation_timeout",
            Self::Connect => "database.connect_timeout",
            Self::Request => "what was left of the request's time",
        })
    }
}

// === impl Budget ===

impl Budget {
    /// From now on, on behalf of the request that is current.
    pub(crate) fn new(awaited: Awaited, limit: Limit, within: Option<Duration>) -> Self {
        let own = within.map(|within| Own { limit, within, left: within });
        let deadline = groundcrew_telemetry::with_current(|context| context.and_then(Context::deadline));
        let request = deadline.map(|deadline| {
            let within = deadline.saturating_duration_since(Instant::now());
            Request { deadline, within }
        });
        Self { awaited, own, request }
    }

    /// Waits for one step. Between two steps only the request's time runs: a slow reader of a stream does not
    /// use up what the database has.
    pub(crate) async fn wait<T>(&mut self, step: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        if self.own.is_none() && self.request.is_none() {
            return step.await;
        }
        let started = Instant::now();
        let own = self.own.as_ref().map_or(Duration::MAX, |own| own.left);
        let request = self
            .request
            .as_ref()
            .map_or(Duration::MAX, |request| request.deadline.saturating_duration_since(started));
        if request.is_zero() {
            return Err(self.exceeded(true));
        }
        let Ok(result) = tokio::time::timeout(own.min(request), step).await else {
            return Err(self.exceeded(request < own));
        };
        if let Some(own) = &mut self.own {
            own.left = own.left.saturating_sub(started.elapsed());
        }
        result
    }

    fn exceeded(&self, by_request: bool) -> Error {
        let (limit, within) = match (&self.own, &self.request) {
            (Some(own), _) if !by_request => (own.limit, own.within),
            (_, Some(request)) => (Limit::Request, request.within),
            (own, None) => {
                own.as_ref().map_or((Limit::Operation, Duration::ZERO), |own| (own.limit, own.within))
            }
        };
        DeadlineExceeded { awaited: self.awaited, limit, within, cause: None }.into_sqlx()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    async fn never() -> Result<(), Error> {
        std::future::pending().await
    }

    #[tokio::test(start_paused = true)]
    async fn the_smaller_limit_cuts_and_is_named() {
        let mut budget = Budget::new(Awaited::Statement, Limit::Operation, Some(SECOND));
        let error = budget.wait(never()).await.unwrap_err();
        assert!(
            error.to_string().contains("no answer to the statement within 1s (database.operation_timeout)")
        );

        let request = Context::random().with_timeout(Duration::from_millis(500)).into_arc();
        let cut = request.scope(async {
            let mut budget = Budget::new(Awaited::Begin, Limit::Operation, Some(SECOND));
            budget.wait(never()).await.unwrap_err()
        });
        let error = cut.await;
        let exceeded = DeadlineExceeded::of(&error).expect("ours");
        assert_eq!((exceeded.awaited, exceeded.limit), (Awaited::Begin, Limit::Request));
    }

    #[tokio::test]
    async fn a_request_without_time_left_starts_nothing() {
        let request = Context::random().with_deadline(Instant::now()).into_arc();
        let started = request.scope(async {
            let mut started = false;
            let step = async {
                started = true;
                Ok(())
            };
            let result = Budget::new(Awaited::Statement, Limit::Operation, None).wait(step).await;
            assert!(result.is_err());
            started
        });
        assert!(!started.await);
    }

    #[tokio::test]
    async fn without_any_limit_nothing_is_cut() {
        let mut budget = Budget::new(Awaited::Statement, Limit::Operation, None);
        assert!(budget.wait(async { Ok(()) }).await.is_ok());
    }
}
