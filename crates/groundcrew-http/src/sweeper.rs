use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::connection::{Command, Connection, Phase};
use crate::shared::Shared;

/// Watches the deadlines of all connections of a listener with one timer, so that a request pays for none.
pub(crate) async fn run(shared: Arc<Shared>, leave: CancellationToken) {
    let config = &shared.config;
    let shortest = config.first_byte_timeout.min(config.header_timeout).min(config.idle_timeout);
    let tick = (shortest / 10).clamp(Duration::from_millis(20), Duration::from_secs(1));
    let mut interval = tokio::time::interval(tick);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    // After the stop the drain has its own, stricter sweep.
    while leave.run_until_cancelled(interval.tick()).await.is_some() {
        shared.clock.tick();
        shared.for_each(|connection| sweep(&shared, connection, tick));
    }
}

fn sweep(shared: &Shared, connection: &Connection, tick: Duration) {
    let config = &shared.config;
    let told = connection.command() == Command::CloseWhenIdle;
    let (limit, cause, command) = match connection.phase() {
        // Nobody of ours would obey.
        Phase::Upgraded => return,
        // Who takes nothing of an answer holds its memory and a place among the connections.
        _ if takes_nothing_for(connection) >= config.idle_timeout.saturating_add(tick) => {
            (Duration::ZERO, "write_timeout", Command::Abort)
        }
        // A client that does not answer our GOAWAY.
        Phase::Idle if told && connection.http2.load(Relaxed) && !connection.is_answering() => {
            (config.idle_timeout.saturating_add(config.header_timeout), "idle_timeout", Command::Abort)
        }
        Phase::Silent => (config.first_byte_timeout, "first_byte_timeout", Command::Abort),
        Phase::Head => (config.header_timeout, "header_timeout", Command::Abort),
        Phase::Idle => (config.idle_timeout, "idle_timeout", Command::CloseWhenIdle),
        Phase::Busy | Phase::Closing => return,
    };
    let tick = if limit.is_zero() { limit } else { tick };
    if quiet_for(connection) >= limit.saturating_add(tick) && connection.command() < command {
        connection.tell(command);
        shared.metrics.connection_closed(cause);
    }
}

/// The socket is full, or the windows of HTTP/2 are shut.
fn takes_nothing_for(connection: &Connection) -> Duration {
    let stuck = connection.stuck_ms().or_else(|| connection.held_back_ms());
    Duration::from_millis(stuck.unwrap_or(0))
}

pub(crate) fn quiet_for(connection: &Connection) -> Duration {
    Duration::from_millis(connection.quiet_ms())
}
