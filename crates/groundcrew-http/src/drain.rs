use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use groundcrew_runtime::{Outcome, PhaseScope};
use tokio::time::Instant;

use crate::connection::{Command, Connection, Phase};
use crate::shared::{Shared, Stage};
use crate::sweeper::quiet_for;

/// How often the drain looks at its connections.
const LOOK: Duration = Duration::from_millis(10);

/// How long half a request head may still take once the drain has begun.
const HEAD_PATIENCE: Duration = Duration::from_secs(2);

/// How long a request that was told 503 has at most to get its answer out.
const CUT_ANSWER: Duration = Duration::from_millis(300);

/// Answers whatever is still asked, closes what has gone quiet, and says what was left when time is over.
pub(crate) async fn run(shared: Arc<Shared>, scope: PhaseScope) -> Outcome {
    shared.enter(Stage::Draining);
    let began = Instant::now();
    let before = shared.connections();
    if !shared.config.drain {
        shared.for_each(|connection| connection.tell(Command::Abort));
        return Outcome::cut(format!("http.drain is off: {before} connections closed at once"));
    }
    let quiet = async {
        shared.door_shut.cancelled().await;
        quiet(&shared, began).await;
    };
    tokio::select! {
        () = quiet => {}
        // Before the grace is over, or nobody would hear what became of them.
        () = scope.cut() => return cut(&shared, CUT_ANSWER.min(scope.grace().mul_f64(0.6))).await,
    }
    let tally = &shared.tally;
    let (answered, late) = (tally.answered_while_draining.load(Relaxed), tally.late_bytes.load(Relaxed));
    let note = format!("{before} connections, {answered} requests answered, {late} bytes after our FIN");
    match tally.aborted.load(Relaxed) {
        0 => Outcome::finished(note),
        aborted => Outcome::finished(format!("{note}, {aborted} closed in the middle of a request head")),
    }
}

/// Until no connection is left that is ours to close.
async fn quiet(shared: &Shared, began: Instant) {
    loop {
        shared.clock.tick();
        let since_began = began.elapsed();
        let mut left = 0;
        shared.for_each(|connection| {
            // Whoever has it closes it: `WebSockets` does, as detached work that the drain waits for.
            if connection.phase() == Phase::Upgraded {
                return;
            }
            left += 1;
            close_if_quiet(shared, connection, since_began);
        });
        if left == 0 {
            return;
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn close_if_quiet(shared: &Shared, connection: &Connection, since_began: Duration) {
    let quiet_for = quiet_for(connection).min(since_began);
    match connection.phase() {
        // A live client answers our GOAWAY within a round trip, or takes what it is still owed; one that is gone, or
        // has never begun, does neither.
        Phase::Idle | Phase::Silent
            if connection.http2.load(Relaxed) && quiet_for >= HEAD_PATIENCE && !connection.is_answering() =>
        {
            connection.tell(Command::Abort);
        }
        _ if connection.http2.load(Relaxed) => connection.tell(Command::CloseWhenIdle),
        Phase::Silent | Phase::Idle if quiet_for >= shared.config.linger => {
            connection.tell(Command::CloseWhenIdle);
        }
        Phase::Head if quiet_for >= HEAD_PATIENCE && connection.command() != Command::Abort => {
            shared.tally.aborted.fetch_add(1, Relaxed);
            connection.tell(Command::Abort);
        }
        _ => {}
    }
}

/// Time is over: whoever waits for an answer gets 503, then every connection goes.
async fn cut(shared: &Shared, patience: Duration) -> Outcome {
    shared.enter(Stage::Cutting);
    shared.cutting.cancel();
    let _answered = tokio::time::timeout(patience, quiet(shared, Instant::now())).await;
    let mut aborted = 0;
    shared.for_each(|connection| {
        if !matches!(connection.phase(), Phase::Closing | Phase::Upgraded) {
            aborted += 1;
        }
        connection.tell(Command::Abort);
    });
    let answered_503 = shared.tally.answered_503.load(Relaxed);
    Outcome::cut(format!("{answered_503} requests answered 503, {aborted} connections aborted"))
}
