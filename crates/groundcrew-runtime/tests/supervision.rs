//! What a crew does when its tasks end, and what its receipt says.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use groundcrew_runtime::{
    Backoff, CheckPolicy, Crew, Outcome, Phase, Reason, Restart, ShutdownConfig, Signals, TaskState,
    supervise,
};

fn crew() -> Crew {
    Crew::builder("test", "1.0.0").in_kubernetes(false).build()
}

/// Lets everything run that does not wait.
async fn turn() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

async fn landed_after(start: impl Future<Output = Result<(), String>>, crew: &Crew) -> (u8, Reason) {
    let landed = supervise(crew, Signals::install().unwrap(), start).await;
    (landed.exit_code(), landed.reason)
}

#[tokio::test(start_paused = true)]
async fn a_critical_task_that_returns_ends_the_service_with_a_failure() {
    let crew = crew();
    let start = async {
        crew.critical("listener", |_stop| async {});
        Ok(())
    };
    let (code, reason) = landed_after(start, &crew).await;
    assert_eq!(code, 1);
    assert_eq!(reason, Reason::TaskEnded { task: "listener".into(), error: None });
}

#[tokio::test(start_paused = true)]
async fn a_critical_task_that_panics_ends_the_service_and_the_reason_has_its_words() {
    let crew = crew();
    let start = async {
        crew.critical("listener", |stop| async move {
            assert!(stop.is_requested(), "no more sockets");
        });
        Ok(())
    };
    let (code, reason) = landed_after(start, &crew).await;
    assert_eq!(code, 1);
    assert!(reason.to_string().contains("no more sockets"));
}

#[tokio::test(start_paused = true)]
async fn a_critical_task_that_obeys_its_stop_token_is_no_failure() {
    let crew = crew();
    crew.critical("listener", |stop| async move { stop.requested().await });
    let receipt = crew.land().await;
    assert_eq!(receipt.cut().count(), 0);
    assert!(receipt.summary().contains("drain: listener finished"));
}

#[tokio::test(start_paused = true)]
async fn a_failing_start_is_a_failure_and_what_was_built_is_still_closed() {
    let crew = crew();
    let closed = Arc::new(AtomicU32::new(0));
    let start = async {
        let closed = closed.clone();
        crew.on_shutdown(Phase::Close, "database", move |_| async move {
            closed.fetch_add(1, Ordering::SeqCst);
        });
        Err("no such table".to_owned())
    };
    let (code, reason) = landed_after(start, &crew).await;
    assert_eq!((code, reason), (1, Reason::StartFailed("no such table".into())));
    assert_eq!(closed.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_fails_is_started_again_with_backoff() {
    let crew = crew();
    let runs = Arc::new(AtomicU32::new(0));
    let seen = runs.clone();
    crew.task("poller", Restart::OnFailure(Backoff::default()), move |stop| {
        let seen = seen.clone();
        async move {
            if seen.fetch_add(1, Ordering::SeqCst) < 3 {
                return Err("connection refused");
            }
            stop.requested().await;
            Ok(())
        }
    });
    while runs.load(Ordering::SeqCst) < 4 {
        tokio::time::advance(Duration::from_millis(50)).await;
        tokio::task::yield_now().await;
    }
    let report = &crew.tasks()[0];
    assert_eq!(report.restarts, 3);
    assert_eq!(report.last_error.as_deref(), Some("connection refused"));
    assert_eq!(report.state, TaskState::Running);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_ignores_its_stop_token_is_cut_and_named_within_the_budget() {
    let crew = crew();
    crew.task("deaf", Restart::Never, |_stop| std::future::pending::<()>());
    let began = tokio::time::Instant::now();
    let receipt = crew.land().await;
    let (phase, entry) = receipt.cut().next().expect("an entry that was cut");
    assert_eq!((phase, entry.name.as_str()), (Phase::Drain, "deaf"));
    assert!(began.elapsed() < Duration::from_secs(25));
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_never_returns_is_cut_and_the_later_phases_still_run() {
    let crew = crew();
    crew.on_shutdown(Phase::Drain, "stuck", |_| std::future::pending::<()>());
    crew.on_shutdown(Phase::Close, "database", |_| async { Outcome::finished("2 connections closed") });
    let receipt = crew.land().await;
    assert!(receipt.summary().contains("drain: stuck cut"));
    assert!(receipt.summary().contains("close: database finished in 0.00s (2 connections closed)"));
}

#[tokio::test(start_paused = true)]
async fn the_lame_duck_serves_on_for_its_delay_and_work_goes_on_meanwhile() {
    let crew = Crew::builder("test", "1.0.0").in_kubernetes(true).build();
    let stop = crew.stop();
    let landing = tokio::spawn({
        let crew = crew.clone();
        async move { crew.land().await }
    });
    tokio::time::sleep(Duration::from_millis(4_900)).await;
    assert!(!crew.readiness().ready);
    assert!(!stop.is_requested(), "still serving");
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(stop.is_requested());
    assert!(landing.await.unwrap().took >= Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn detached_work_is_finished_although_its_caller_is_gone() {
    let crew = crew();
    let done = Arc::new(AtomicU32::new(0));
    let counter = done.clone();
    drop(crew.detach("charge", async move {
        tokio::time::sleep(Duration::from_secs(3)).await;
        counter.fetch_add(1, Ordering::SeqCst);
    }));
    let receipt = crew.land().await;
    assert_eq!(done.load(Ordering::SeqCst), 1);
    assert!(receipt.summary().contains("drain: charge finished in 3.00s"));
}

#[tokio::test(start_paused = true)]
async fn the_service_is_ready_only_when_every_gate_is_open() {
    let crew = crew();
    let (one, two) = (crew.gate("cache"), crew.gate("migrations"));
    one.open();
    assert_eq!(crew.readiness().reasons, ["still starting: migrations"]);
    two.open();
    assert!(crew.readiness().ready);
}

#[tokio::test(start_paused = true)]
async fn of_two_gates_of_one_name_each_is_opened_by_itself() {
    let crew = crew();
    let (one, two) = (crew.gate("cache"), crew.gate("cache"));
    two.open();
    assert_eq!(crew.readiness().reasons, ["still starting: cache"]);
    one.open();
    assert!(crew.readiness().ready);
}

#[tokio::test(start_paused = true)]
async fn a_gate_that_is_dropped_keeps_the_service_unready_until_another_try_has_opened_it() {
    let crew = crew();
    let warm = crew.gate("model");
    let loaded = crew.detach("load model", async move {
        std::future::ready(Err::<(), _>("no such file")).await?;
        warm.open();
        Ok::<(), &str>(())
    });
    assert_eq!(loaded.await, Ok(Err("no such file")));
    assert_eq!(crew.readiness().reasons, ["failed: model"]);
    let again = crew.gate("model");
    assert_eq!(crew.readiness().reasons, ["still starting: model"]);
    again.open();
    assert!(crew.readiness().ready);
}

#[tokio::test(start_paused = true)]
async fn a_check_that_gives_no_answer_counts_as_timeout() {
    let crew = crew();
    let policy = CheckPolicy::required().timeout(Duration::from_secs(2));
    crew.check("database", policy, std::future::pending::<Result<(), String>>).keep();
    tokio::time::sleep(Duration::from_secs(3)).await;
    let check = &crew.readiness().checks[0];
    assert_eq!(check.status.name(), "timeout");
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_without_time_pressure_takes_no_longer_than_its_work() {
    let config = ShutdownConfig::default();
    let crew = Crew::builder("test", "1.0.0").in_kubernetes(false).shutdown(config).build();
    assert!(crew.land().await.took < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_passing_task_that_has_returned_is_gone_from_the_tasks_and_the_metrics() {
    let crew = crew();
    crew.passing_task("guest", Restart::default(), |_stop| async {});
    let shown = |crew: &Crew| crew.metrics().encode().contains(r#"task="guest""#);
    assert!(shown(&crew), "while it runs");
    turn().await;
    assert!(crew.tasks().is_empty(), "{:?}", crew.tasks());
    assert!(!shown(&crew), "{}", crew.metrics().encode());
}

#[tokio::test(start_paused = true)]
async fn a_check_whose_guard_is_dropped_is_gone_from_the_metrics() {
    let crew = crew();
    let check = crew.check("guest", CheckPolicy::degraded(), || async { Ok::<(), String>(()) });
    let shown = |crew: &Crew| crew.metrics().encode().contains(r#"check="guest""#);
    assert!(shown(&crew), "while it is there");
    drop(check);
    assert!(!shown(&crew), "{}", crew.metrics().encode());
}

#[tokio::test(start_paused = true)]
async fn a_check_that_was_set_up_anew_counts_on_when_the_old_guard_is_dropped() {
    let crew = crew();
    let policy = CheckPolicy::required().fail_after(1);
    let old = crew.check("broker", policy, || async { Ok::<(), String>(()) });
    turn().await;
    assert!(crew.readiness().ready);
    let new = crew.check("broker", policy, || async { Err::<(), _>("connection refused") });
    drop(old);
    turn().await;
    assert_eq!(crew.readiness().reasons, ["broker is unhealthy: connection refused"]);
    let shown = |crew: &Crew| crew.metrics().encode().contains(r#"check="broker""#);
    assert!(shown(&crew), "while it is there");
    drop(new);
    assert!(crew.readiness().ready);
    assert!(!shown(&crew), "{}", crew.metrics().encode());
}

#[tokio::test(start_paused = true)]
async fn of_two_checks_of_one_name_the_metrics_show_both() {
    let crew = crew();
    let policy = CheckPolicy::degraded().fail_after(1);
    crew.check("broker", policy, || async { Ok::<(), String>(()) }).keep();
    crew.check("broker", policy, || async { Err::<(), _>("connection refused") }).keep();
    turn().await;
    let shown = crew.metrics().encode();
    let passing = |check: &str| {
        let label = format!(r#"check="{check}""#);
        let of_it = |line: &&str| line.starts_with("health_check_passing{") && line.contains(&label);
        shown.lines().find(of_it).and_then(|line| line.chars().last())
    };
    assert_eq!((passing("broker"), passing("broker 2")), (Some('1'), Some('0')), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn of_several_tasks_of_one_name_the_metrics_show_the_worst() {
    let crew = crew();
    crew.task("consumer", Restart::Never, |_stop| async { Err::<(), _>("no such queue") });
    crew.task("consumer", Restart::Never, |_stop| std::future::pending::<()>());
    turn().await;
    let shown = crew.metrics().encode();
    let consumer = |line: &&str| line.starts_with("task_running{") && line.contains(r#"task="consumer""#);
    let running: Vec<_> = shown.lines().filter(consumer).collect();
    assert_eq!(running.len(), 1, "{shown}");
    assert!(running[0].ends_with(" 0"), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn a_passing_task_that_failed_and_an_ordinary_one_that_returned_stay_to_be_seen() {
    let crew = crew();
    crew.passing_task("guest", Restart::Never, |_stop| async { Err::<(), _>("no such queue") });
    crew.task("host", Restart::Never, |_stop| async {});
    turn().await;
    let seen: Vec<_> = crew.tasks().into_iter().map(|task| (task.name, task.state)).collect();
    assert_eq!(seen, [("guest".to_owned(), TaskState::Failed), ("host".to_owned(), TaskState::Finished)]);
}

#[tokio::test(start_paused = true)]
async fn a_hook_is_gone_with_its_guard() {
    let crew = crew();
    let kept = crew.on_shutdown_while(Phase::Drain, "kept", |_| async {});
    drop(crew.on_shutdown_while(Phase::Drain, "dropped", |_| async {}));
    let receipt = crew.land().await;
    let names: Vec<_> = receipt.entries().map(|(_, entry)| entry.name.as_str()).collect();
    assert_eq!(names, ["kept"]);
    drop(kept);
}

#[tokio::test(start_paused = true)]
async fn a_hook_whose_guard_is_dropped_during_the_shutdown_runs() {
    let crew = crew();
    let guard =
        crew.on_shutdown_while(Phase::Drain, "consumer", |_| async { Outcome::finished("7 finished") });
    crew.on_shutdown(Phase::Stop, "stop", move |_| async move { drop(guard) });
    assert!(crew.land().await.summary().contains("7 finished"));
}
