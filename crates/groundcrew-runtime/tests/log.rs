//! What a crew tells the log when nobody else hears of it.

use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use groundcrew_runtime::{Crew, Reason, ShutdownConfig, Signals, supervise};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{DefaultGuard, set_default};
use tracing::{Event, Metadata, Subscriber};

/// Everything that is logged on this thread, an event a line.
#[derive(Clone, Default)]
struct Transcript(Arc<Mutex<String>>);

impl Transcript {
    fn begin() -> (Self, DefaultGuard) {
        let transcript = Self::default();
        let guard = set_default(transcript.clone());
        (transcript, guard)
    }

    /// The lines with these words.
    fn lines(&self, words: &str) -> Vec<String> {
        let text = self.0.lock().expect("no panic while it was held");
        text.lines().filter(|line| line.contains(words)).map(str::to_owned).collect()
    }
}

impl Subscriber for Transcript {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn event(&self, event: &Event<'_>) {
        let mut text = self.0.lock().expect("no panic while it was held");
        write!(text, "{} ", event.metadata().level()).expect("a String takes everything");
        event.record(&mut Line(&mut text));
        text.push('\n');
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

struct Line<'a>(&'a mut String);

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, "{field}={value:?} ").expect("a String takes everything");
    }
}

fn crew() -> Crew {
    Crew::builder("test", "1.0.0").in_kubernetes(false).build()
}

#[tokio::test(start_paused = true)]
async fn detached_work_that_panics_is_an_error_with_its_name_and_its_words() {
    let (log, _guard) = Transcript::begin();
    let crew = crew();
    let charged = crew.detach("charge", async { assert!(std::hint::black_box(false), "no card") });
    assert!(charged.await.is_err(), "it has no result");
    let lines = log.lines("ERROR");
    assert!(lines.len() == 1 && lines[0].contains("charge") && lines[0].contains("no card"), "{lines:?}");
}

#[tokio::test(start_paused = true)]
async fn a_gate_that_is_dropped_while_the_service_runs_is_an_error_with_its_name() {
    let (log, _guard) = Transcript::begin();
    drop(crew().gate("model"));
    let lines = log.lines("ERROR");
    assert!(lines.len() == 1 && lines[0].contains("model"), "{lines:?}");
}

#[tokio::test(start_paused = true)]
async fn a_gate_that_is_dropped_by_a_panic_says_no_more_than_the_panic() {
    let (log, _guard) = Transcript::begin();
    let crew = crew();
    let warm = crew.gate("model");
    let loaded = crew.detach("load model", async move {
        assert!(std::hint::black_box(false), "no such file");
        warm.open();
    });
    assert!(loaded.await.is_err(), "it has no result");
    assert_eq!(log.lines("ERROR").len(), 1, "{:?}", log.lines("ERROR"));
    assert_eq!(crew.readiness().reasons, ["failed: model"]);
}

const GATE: &str = "without opening its gate";

#[tokio::test(start_paused = true)]
async fn a_gate_that_goes_with_a_failed_start_is_no_news() {
    let (log, _guard) = Transcript::begin();
    let crew = crew();
    let start = async {
        let _cache = crew.gate("cache");
        Err::<(), _>("no such table")
    };
    let _landed = supervise(&crew, Signals::install().unwrap(), start).await;
    assert!(!log.lines("no such table").is_empty(), "the failure itself is there");
    assert!(log.lines(GATE).is_empty(), "{:?}", log.lines(GATE));
}

#[tokio::test(start_paused = true)]
async fn a_gate_that_goes_while_the_service_goes_down_is_no_news() {
    let (log, _guard) = Transcript::begin();
    let crew = crew();
    let warm = crew.gate("model");
    crew.request_shutdown(Reason::Requested("a test".into()));
    drop(warm);
    assert!(log.lines(GATE).is_empty(), "{:?}", log.lines(GATE));
}

#[tokio::test(start_paused = true)]
async fn a_gate_that_was_dropped_during_a_start_that_went_well_is_an_error_at_its_end() {
    let (log, _guard) = Transcript::begin();
    let crew = crew();
    let start = async {
        drop(crew.gate("cache"));
        crew.critical("listener", |_stop| async {});
    };
    let _landed = supervise(&crew, Signals::install().unwrap(), start).await;
    assert!(log.lines(GATE).iter().any(|line| line.contains("cache")), "{:?}", log.lines(GATE));
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_that_the_platform_would_interrupt_is_a_warning() {
    let (log, _guard) = Transcript::begin();
    for (budget, warnings) in [(25, 0), (60, 1)] {
        let shutdown = ShutdownConfig { budget: Duration::from_secs(budget), ..ShutdownConfig::default() };
        let crew = Crew::builder("test", "1.0.0").in_kubernetes(true).shutdown(shutdown).build();
        crew.request_shutdown(Reason::Requested("a test".into()));
        let _landed = supervise(&crew, Signals::install().unwrap(), async {}).await;
        let lines = log.lines("terminationGracePeriodSeconds");
        assert_eq!(lines.len(), warnings, "{budget} s: {lines:?}");
    }
}
