use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::drive;
use crate::listener::Listener;
use crate::shared::{Shared, Stage};
use crate::stream::Stream;

/// How long the backlog may take to empty where the door does not shut and clients keep coming.
const BACKLOG_LIMIT: Duration = Duration::from_secs(1);

/// Accepts until the service stops taking work, then empties the backlog and lets the listener go.
pub(crate) async fn run(mut listener: Listener, shared: Arc<Shared>, leave: CancellationToken) {
    let _door_shut = shared.door_shut.clone().drop_guard();
    while let Some(accepted) = leave.run_until_cancelled(accept_one(&listener, &shared)).await {
        let Some((stream, peer)) = accepted else { continue };
        // Who has been accepted is never dropped: at the stop there is room for everyone.
        let _stopped = leave.run_until_cancelled(make_room(&shared)).await;
        take(stream, peer, &shared);
    }
    shared.enter(Stage::Draining);
    // Who still waits in the backlog of a listener that lives on is our successor's.
    if listener.is_handed_over() || !shared.config.drain {
        return;
    }
    listener.shut_the_door();
    // Long enough for the last handshakes to be completed, whose clients are a round trip away.
    let quiet = shared.config.linger;
    let limit = Instant::now() + BACKLOG_LIMIT;
    while Instant::now() < limit {
        match tokio::time::timeout(quiet, accept_one(&listener, &shared)).await {
            Ok(Some((stream, peer))) => take(stream, peer, &shared),
            Ok(None) => {}
            Err(_quiet) => return,
        }
    }
}

fn take(stream: Stream, peer: Option<SocketAddr>, shared: &Arc<Shared>) {
    let registered = shared.register(peer);
    // The connection's own task ends with the drain, which waits for the registry, not for handles.
    drop(tokio::spawn(drive::run(stream, registered)));
}

/// The next connection; `None` where it could not be had.
async fn accept_one(listener: &Listener, shared: &Shared) -> Option<(Stream, Option<SocketAddr>)> {
    match listener.accept().await {
        Ok(accepted) => Some(accepted),
        Err(error) if is_connection_error(&error) => None,
        Err(error) => {
            shared.metrics.accept_errors.inc();
            tracing::warn!(%error, listener = shared.section, "cannot accept connections, trying again in 100 ms");
            tokio::time::sleep(Duration::from_millis(100)).await;
            None
        }
    }
}

/// At the limit the oldest silent connection goes, so that clients who send nothing cannot lock the probes
/// out. Where every connection is at work, the new one waits.
async fn make_room(shared: &Arc<Shared>) {
    loop {
        let closed = shared.closed.notified();
        let mut closed = std::pin::pin!(closed);
        closed.as_mut().enable();
        if shared.connections() < shared.config.max_connections {
            return;
        }
        shared.evict_one();
        closed.await;
    }
}

/// Errors of the one connection that was being accepted; the listener is fine.
fn is_connection_error(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
