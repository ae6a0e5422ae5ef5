//! Small services in the test's own process.
#![cfg(feature = "harness")]

use groundcrew_runtime::{CheckPolicy, Crew, Outcome, Phase, Reason};
use groundcrew_testkit::harness::{Error, Harness};
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Notify;

const SOON: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_service_that_does_all_it_should_is_ready_and_stops_cleanly() {
    let start = async |number: u16, crew: Crew| {
        crew.on_shutdown(Phase::Close, "database", |_| async { Outcome::finished("closed") });
        Ok::<_, Infallible>(number + 1)
    };
    let service = Harness::start(1, start).await.expect("it starts");
    service.ready().await.expect("it is ready");
    assert_eq!(*service.started(), 2);
    let stopped = service.stop().await;
    assert!(stopped.is_clean() && stopped.finished(Phase::Close, "database"), "{stopped}");
    assert!(!stopped.finished(Phase::Flush, "database") && !stopped.finished(Phase::Close, "cache"));
}

#[tokio::test]
async fn a_start_that_fails_is_told_and_what_it_built_is_stopped() {
    let closed = Arc::new(AtomicBool::new(false));
    let start = async |closed: Arc<AtomicBool>, crew: Crew| {
        crew.on_shutdown(Phase::Close, "half", move |_| async move { closed.store(true, Ordering::Relaxed) });
        Err::<(), _>("no depot")
    };
    let error = Harness::start(Arc::clone(&closed), start).await.expect_err("it fails");
    assert_eq!(error.to_string(), "the service does not start: no depot");
    assert!(closed.load(Ordering::Relaxed));
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_never_ready_is_named_with_its_reason() {
    let start = async |(), crew: Crew| {
        crew.check("depot", CheckPolicy::required(), || async { Err::<(), _>("closed on Sundays") }).keep();
        Ok::<_, Infallible>(())
    };
    let service = Harness::start((), start).await.expect("it starts");
    let error = service.ready().await.expect_err("its check fails").to_string();
    assert!(error.contains("depot") && error.contains("closed on Sundays"), "{error}");
}

#[tokio::test]
async fn what_is_cut_is_not_clean() {
    let start = async |(), crew: Crew| {
        crew.on_shutdown(Phase::Drain, "queue", |_| async { Outcome::cut("3 jobs handed back") });
        Ok::<_, Infallible>(())
    };
    let stopped = Harness::start((), start).await.expect("it starts").stop().await;
    assert!(!stopped.is_clean() && !stopped.finished(Phase::Drain, "queue"), "{stopped}");
    assert!(stopped.to_string().contains("3 jobs handed back"));
}

#[tokio::test]
async fn a_service_that_goes_down_by_itself_is_seen_to() {
    let start = async |fail: Arc<Notify>, crew: Crew| {
        crew.critical("worker", move |stop| async move {
            stop.unless(fail.notified()).await.map_or(Ok(()), |()| Err("out of paper"))
        });
        Ok::<_, Infallible>(())
    };
    let fail = Arc::new(Notify::new());
    let service = Harness::start(Arc::clone(&fail), start).await.expect("it starts");
    service.ready().await.expect("it is ready");
    fail.notify_one();
    let stopped = service.goes_down(SOON).await.expect("it does");
    assert!(stopped.reason().is_failure() && !stopped.is_clean(), "{:?}", stopped.reason());
    let service = Harness::start(Arc::new(Notify::new()), start).await.expect("it starts");
    let error = service.goes_down(Duration::from_millis(50)).await.expect_err("it has no cause");
    assert!(matches!(error, Error::StillUp { .. }));
}

#[tokio::test]
async fn a_shutdown_during_the_start_ends_it() {
    let start = async |(), crew: Crew| {
        crew.request_shutdown(Reason::Requested("changed my mind".to_owned()));
        std::future::pending::<Result<(), Infallible>>().await
    };
    let started = tokio::time::timeout(SOON, Harness::start((), start)).await.expect("at once");
    assert!(matches!(started, Err(Error::WentDown(_))));
}
