//! What a crew does when its tasks, checks and hooks misbehave, or come late.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use groundcrew_runtime::{Backoff, CheckPolicy, Crew, Outcome, Phase, Restart, ShutdownConfig, TaskState};
use tokio::sync::{mpsc, oneshot};

fn crew() -> Crew {
    Crew::builder("test", "1.0.0").in_kubernetes(false).build()
}

#[tokio::test(start_paused = true)]
async fn work_detached_by_a_request_that_is_being_drained_is_waited_for() {
    let crew = crew();
    let done = Arc::new(AtomicU32::new(0));
    let (inner, counter) = (crew.clone(), done.clone());
    crew.task("request", Restart::Never, move |stop| {
        let (inner, counter) = (inner.clone(), counter.clone());
        async move {
            stop.requested().await;
            tokio::time::sleep(Duration::from_secs(1)).await;
            drop(inner.detach("charge", async move {
                tokio::time::sleep(Duration::from_secs(1)).await;
                counter.fetch_add(1, Ordering::SeqCst);
            }));
        }
    });
    let receipt = crew.land().await;
    assert_eq!(done.load(Ordering::SeqCst), 1);
    assert!(receipt.summary().contains("drain: charge finished in 2.00s"), "{receipt}");
}

#[tokio::test(start_paused = true)]
async fn a_hook_registered_late_runs_in_the_phase_that_is_on() {
    let crew = crew();
    let closed = Arc::new(AtomicU32::new(0));
    let (inner, counter) = (crew.clone(), closed.clone());
    crew.on_shutdown(Phase::Drain, "last request", move |_| async move {
        inner.on_shutdown(Phase::Stop, "consumer", move |_| async move {
            counter.fetch_add(1, Ordering::SeqCst);
        });
    });
    let receipt = crew.land().await;
    assert_eq!(closed.load(Ordering::SeqCst), 1, "{receipt}");
}

#[tokio::test(start_paused = true)]
async fn a_task_that_fails_while_it_is_drained_is_not_called_finished() {
    let crew = crew();
    crew.critical("consumer", |stop| async move {
        stop.requested().await;
        Err::<(), _>("the last batch was not acknowledged")
    });
    let receipt = crew.land().await;
    let (_, entry) = receipt.cut().next().expect("an entry that says so");
    assert_eq!(entry.name, "consumer");
    assert!(receipt.summary().contains("the last batch was not acknowledged"), "{receipt}");
}

/// What a cut job has saved goes through a connection that is a task.
#[tokio::test(start_paused = true)]
async fn a_task_outlives_the_cut_while_hooks_have_their_last_word() {
    let crew = crew();
    let (ask, mut asked) = mpsc::channel::<oneshot::Sender<()>>(1);
    crew.critical("line", |_stop| async move {
        while let Some(answer) = asked.recv().await {
            answer.send(()).expect("the hook waits");
        }
        std::future::pending::<Result<(), std::io::Error>>().await
    });
    crew.on_shutdown(Phase::Drain, "last word", |scope| async move {
        scope.cut().await;
        let (answer, heard) = oneshot::channel();
        ask.send(answer).await.expect("the line is there");
        Outcome::cut(if heard.await.is_ok() { "heard" } else { "not heard" })
    });
    let receipt = crew.land().await;
    assert!(receipt.summary().contains("heard") && !receipt.summary().contains("not heard"), "{receipt}");
    let lines: Vec<_> = receipt.cut().map(|(_, entry)| entry.name.clone()).collect();
    assert!(lines.contains(&"line".to_owned()), "it is dropped all the same: {receipt}");
}

/// Of 4 s the flush has 240 ms, and the close 120 ms.
#[tokio::test(start_paused = true)]
async fn whoever_ignores_the_cut_leaves_the_next_phase_half_of_its_time() {
    let shutdown = ShutdownConfig { budget: Duration::from_secs(4), ..ShutdownConfig::default() };
    let crew = Crew::builder("test", "1.0.0").in_kubernetes(false).shutdown(shutdown).build();
    crew.task("deaf task", Restart::Never, |_stop| std::future::pending::<()>());
    crew.on_shutdown(Phase::Flush, "deaf hook", |_| std::future::pending::<Outcome>());
    for (phase, name, millis) in [(Phase::Flush, "confirms", 115), (Phase::Close, "pools", 55)] {
        crew.on_shutdown(phase, name, move |scope| async move {
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(millis)) => Outcome::finished("in time"),
                () = scope.cut() => Outcome::cut("too late"),
            }
        });
    }
    let receipt = crew.land().await;
    let cut: Vec<_> = receipt.cut().map(|(_, entry)| entry.name.as_str()).collect();
    assert_eq!(cut, ["deaf task", "deaf hook"], "{receipt}");
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_panics_before_it_waits_does_not_take_the_shutdown_down() {
    let crew = crew();
    crew.on_shutdown(Phase::Stop, "broken", |_| {
        assert!(std::hint::black_box(false), "no such queue");
        std::future::ready(())
    });
    crew.on_shutdown(Phase::Close, "database", |_| async {});
    let receipt = crew.land().await;
    assert!(receipt.summary().contains("no such queue"), "{receipt}");
    assert!(receipt.summary().contains("close: database finished"), "{receipt}");
}

#[tokio::test(start_paused = true)]
async fn detached_work_that_panics_while_it_is_drained_is_in_the_receipt_with_its_words() {
    let crew = crew();
    drop(crew.detach("charge", async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(std::hint::black_box(false), "no card");
    }));
    let receipt = crew.land().await;
    let cut: Vec<_> = receipt.cut().map(|(_, entry)| (entry.name.as_str(), &entry.outcome)).collect();
    assert_eq!(cut, [("charge", &Outcome::cut("panicked: no card"))], "{receipt}");
}

#[tokio::test(start_paused = true)]
async fn a_task_that_panics_before_it_waits_is_started_again() {
    let crew = crew();
    let runs = Arc::new(AtomicU32::new(0));
    let seen = runs.clone();
    crew.task("poller", Restart::OnFailure(Backoff::default()), move |_stop| {
        assert!(seen.fetch_add(1, Ordering::SeqCst) > 0, "no connection yet");
        std::future::pending::<()>()
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(runs.load(Ordering::SeqCst), 2);
    let report = &crew.tasks()[0];
    assert_eq!((report.state, report.restarts), (TaskState::Running, 1));
    assert_eq!(report.last_error.as_deref(), Some("panicked: no connection yet"));
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_panics_counts_as_a_failure_and_is_asked_again() {
    let crew = crew();
    let runs = Arc::new(AtomicU32::new(0));
    let seen = runs.clone();
    let policy = CheckPolicy::required().fail_after(1).period(Duration::from_secs(1));
    crew.check("database", policy, move || {
        let run = seen.fetch_add(1, Ordering::SeqCst);
        async move {
            assert!(run != 1, "pool is poisoned");
            Ok::<(), String>(())
        }
    })
    .keep();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(crew.readiness().ready);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(crew.readiness().reasons, ["database is unhealthy: panicked: pool is poisoned"]);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(crew.readiness().ready);
}

#[cfg(unix)]
#[tokio::test]
async fn the_first_signal_does_not_cut_a_shutdown_that_began_from_inside() {
    use groundcrew_runtime::{Outcome, Reason, Signals, supervise};
    let crew = crew();
    let signals = Signals::install().unwrap();
    crew.on_shutdown(Phase::Drain, "requests", |scope| async move {
        let sent =
            std::process::Command::new("kill").args(["-TERM", &std::process::id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "the signal is sent");
        tokio::select! {
            () = scope.cut() => Outcome::cut("hurried"),
            () = tokio::time::sleep(Duration::from_millis(300)) => Outcome::finished("all answered"),
        }
    });
    crew.request_shutdown(Reason::Requested("a test".into()));
    let landed = supervise(&crew, signals, async {}).await;
    let receipt = landed.receipt.expect("a receipt");
    assert_eq!(receipt.cut().count(), 0, "{receipt}");
}
