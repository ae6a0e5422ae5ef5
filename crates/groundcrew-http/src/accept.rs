use std::sync::Arc;
use std::time::Duration;

use groundcrew_runtime::Stop;

use crate::drive;
use crate::listener::Listener;
use crate::shared::{Shared, Stage};

/// How long the backlog must stay empty, once the door is shut, before the listener goes.
const BACKLOG_QUIET: Duration = Duration::from_millis(20);

/// Accepts until the service stops taking work, then empties the backlog and lets the listener go.
pub(crate) async fn run(listener: Listener, shared: Arc<Shared>, stop: Stop) {
    let _door_shut = shared.door_shut.clone().drop_guard();
    while let Some(()) = stop.unless(accept_one(&listener, &shared)).await {}
    shared.enter(Stage::Draining);
    // Who still waits in the backlog of a listener that lives on is our successor's.
    if listener.is_handed_over() || !shared.config.drain {
        return;
    }
    listener.shut_the_door();
    while tokio::time::timeout(BACKLOG_QUIET, accept_one(&listener, &shared)).await.is_ok() {}
}

async fn accept_one(listener: &Listener, shared: &Arc<Shared>) {
    match listener.accept().await {
        Ok((stream, peer)) => {
            make_room(shared).await;
            let registered = shared.register();
            // The connection's own task ends with the drain, which waits for the registry, not for handles.
            drop(tokio::spawn(drive::run(stream, peer, registered)));
        }
        Err(error) if is_connection_error(&error) => {}
        Err(error) => {
            shared.metrics.accept_errors.inc();
            tracing::warn!(%error, listener = shared.section, "cannot accept connections, trying again in 100 ms");
            tokio::time::sleep(Duration::from_millis(100)).await;
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
        shared.evict_oldest_silent();
        closed.await;
    }
}

/// Errors of the one connection that was being accepted; the listener is fine.
fn is_connection_error(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
