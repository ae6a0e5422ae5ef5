//! One connection that many operations share, and that is replaced when it is of no use any more.

use std::sync::Arc;
use std::time::Duration;

use deadpool_redis::redis::aio::MultiplexedConnection;
use deadpool_redis::redis::{AsyncConnectionConfig, ErrorKind, RedisError, RedisResult, cmd};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use groundcrew_runtime::Backoff;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::ending::Ending;
use crate::target::Target;

/// A connection that is made when it is first needed.
///
/// The library's own manager replaces a connection that breaks. It keeps one that is silent, as after a failover
/// that nobody told us of, or that leads to a server which became a replica; this one does not.
#[derive(Debug)]
pub(crate) struct Lane {
    target: Target,
    options: AsyncConnectionConfig,
    connect_timeout: Duration,
    /// How long a connection may leave commands unanswered before it is taken for dead.
    patience: Duration,
    backoff: Backoff,
    state: Mutex<State>,
}

type Connecting = Shared<BoxFuture<'static, RedisResult<Leased>>>;

enum State {
    /// Nothing is open; after a failure nothing is tried before the pause is over.
    Idle {
        failures: u32,
        pause: Option<(Instant, RedisError)>,
    },
    Connecting(Connecting),
    Connected {
        leased: Leased,
        silent_since: Option<Instant>,
    },
    Closed,
}

/// A connection, and what tells it from the one before.
#[derive(Clone)]
pub(crate) struct Leased {
    identity: Arc<()>,
    pub(crate) connection: MultiplexedConnection,
}

// === impl Lane ===

impl Lane {
    pub(crate) fn new(target: Target, connect_timeout: Duration, patience: Duration) -> Arc<Self> {
        // The limit of a command is that of its caller; a second clock would only differ from it.
        let options = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(connect_timeout))
            .set_response_timeout(None)
            .set_pipeline_buffer_size(512);
        let backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(1));
        let state = Mutex::new(State::Idle { failures: 0, pause: None });
        Arc::new(Self { target, options, connect_timeout, patience, backoff, state })
    }

    /// The connection, made if there is none. While Redis is down all but a few attempts fail at once.
    pub(crate) async fn lease(self: &Arc<Self>) -> RedisResult<Leased> {
        let attempt = {
            let mut state = self.state.lock();
            match &mut *state {
                State::Connected { leased, silent_since } => {
                    silent_since.get_or_insert_with(Instant::now);
                    return Ok(leased.clone());
                }
                State::Connecting(attempt) => attempt.clone(),
                State::Idle { pause: Some((until, error)), .. } if *until > Instant::now() => {
                    return Err(error.clone());
                }
                State::Idle { failures, .. } => {
                    let attempt = self.clone().connect(*failures);
                    *state = State::Connecting(attempt.clone());
                    attempt
                }
                State::Closed => return Err(closed(&self.target)),
            }
        };
        attempt.await
    }

    /// In a task of its own: the caller who happened to be the first may go away.
    fn connect(self: Arc<Self>, failures: u32) -> Connecting {
        let task = tokio::spawn(async move {
            let made = tokio::time::timeout(self.connect_timeout, self.greet()).await;
            let made = made.unwrap_or_else(|_| Err(no_answer(&self.target, self.connect_timeout)));
            self.connected(failures, made)
        });
        let gone = || RedisError::from((ErrorKind::Io, "the attempt to connect was given up"));
        async move { task.await.unwrap_or_else(|_| Err(gone())) }.boxed().shared()
    }

    async fn greet(&self) -> RedisResult<MultiplexedConnection> {
        let client = &self.target.client;
        let mut connection = client.get_multiplexed_async_connection_with_config(&self.options).await?;
        cmd("PING").query_async::<()>(&mut connection).await?;
        Ok(connection)
    }

    fn connected(&self, failures: u32, made: RedisResult<MultiplexedConnection>) -> RedisResult<Leased> {
        let mut state = self.state.lock();
        if matches!(*state, State::Closed) {
            return Err(closed(&self.target));
        }
        match made {
            Ok(connection) => {
                let leased = Leased { identity: Arc::new(()), connection };
                *state = State::Connected { leased: leased.clone(), silent_since: None };
                Ok(leased)
            }
            Err(error) => {
                let error = unreachable(&self.target, error);
                let until = Instant::now() + self.backoff.delay(failures);
                *state =
                    State::Idle { failures: failures.saturating_add(1), pause: Some((until, error.clone())) };
                Err(error)
            }
        }
    }

    /// Learns from how a command on a connection ended.
    pub(crate) fn ended(&self, leased: &Leased, ending: Ending) {
        let mut state = self.state.lock();
        let State::Connected { leased: current, silent_since } = &mut *state else { return };
        if !Arc::ptr_eq(&current.identity, &leased.identity) {
            return;
        }
        let dead = match ending {
            Ending::Silent => silent_since.is_some_and(|since| since.elapsed() >= self.patience),
            Ending::Lost | Ending::Demoted => true,
            Ending::Answered | Ending::Refused => {
                *silent_since = None;
                false
            }
        };
        if dead {
            *state = State::Idle { failures: 0, pause: None };
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        matches!(*self.state.lock(), State::Connected { .. })
    }

    pub(crate) fn close(&self) {
        *self.state.lock() = State::Closed;
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Idle { .. } => "idle",
            Self::Connecting(_) => "connecting",
            Self::Connected { .. } => "connected",
            Self::Closed => "closed",
        })
    }
}

/// As the library would say it, but with the address, and told apart from a slow answer.
fn unreachable(target: &Target, error: RedisError) -> RedisError {
    if error.is_io_error() {
        return RedisError::from((
            ErrorKind::Io,
            "cannot connect to Redis",
            format!("{}: {error}", target.shown),
        ));
    }
    error
}

pub(crate) fn closed(target: &Target) -> RedisError {
    RedisError::from((ErrorKind::Client, "the connections are closed", format!("{target:?}")))
}

pub(crate) fn no_answer(target: &Target, within: Duration) -> RedisError {
    let words = format!("Redis at {target:?} gave no answer within {within:?}");
    RedisError::from(std::io::Error::new(std::io::ErrorKind::TimedOut, words))
}
