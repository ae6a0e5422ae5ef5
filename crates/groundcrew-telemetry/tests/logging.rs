//! What a reader of the log sees.

use groundcrew_telemetry::{Context, Directives, LogConfig, LogFormat, LogHandle, Logging};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tracing::{debug, info, info_span, warn};

const LONG: Duration = Duration::from_mins(1);

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no test panics in here").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Captured {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("no test panics in here").clone()).expect("UTF-8")
    }
}

fn logged(format: LogFormat, level: &str, act: impl FnOnce(&LogHandle)) -> String {
    let captured = Captured::default();
    let mut config = LogConfig::default();
    config.format = format;
    config.level = level.parse().expect("directives");
    let logging = Logging::new("the \"service\"", config).with_sink(captured.clone());
    let (dispatch, handle) = logging.build().expect("a thread");
    tracing::dispatcher::with_default(&dispatch, || act(&handle));
    assert!(handle.flush(LONG));
    assert_eq!(handle.dropped(), 0);
    captured.text()
}

fn lines(act: impl FnOnce(&LogHandle)) -> Vec<Value> {
    let text = logged(LogFormat::Json, "info", act);
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

fn line(act: impl FnOnce()) -> Value {
    let mut lines = lines(|_| act());
    assert_eq!(lines.len(), 1);
    lines.remove(0)
}

#[test]
fn a_json_line_has_what_happened_where_and_when() {
    let line = line(|| warn!(target: "app::db", attempt = 3, "no \"answer\""));
    assert_eq!(line["level"], "WARN");
    assert_eq!(line["target"], "app::db");
    assert_eq!(line["message"], "no \"answer\"");
    assert_eq!(line["service"], "the \"service\"");
    assert_eq!(line["attempt"], 3);
    assert_eq!(line["timestamp"].as_str().map(str::len), Some("2026-11-21T10:26:09.123456Z".len()));
}

#[test]
fn the_keys_come_in_a_fixed_order() {
    let text = logged(LogFormat::Json, "info", |_| {
        let _entered = Context::random().into_arc().enter();
        info_span!("outer", outer = 1).in_scope(|| info!(own = 2, "happened"));
    });
    let keys = ["timestamp", "level", "target", "message", "service", "request_id", "trace_id", "span_id"];
    let places = keys.iter().chain(&["outer", "own"]).map(|key| text.find(&format!("\"{key}\":")));
    let places: Vec<_> = places.map(|place| place.expect("every key")).collect();
    assert!(places.is_sorted(), "{text}");
}

#[test]
fn every_kind_of_value_keeps_its_type() {
    let error = io::Error::other("disk full");
    let line = line(|| {
        info!(
            yes = true,
            negative = i64::MIN,
            large = u64::MAX,
            huge = u128::MAX,
            float = 0.25,
            nan = f64::NAN,
            text = "é\u{1}\n",
            debug = ?Some("x"),
            error = &error as &(dyn std::error::Error + 'static),
        );
    });
    assert_eq!(line["yes"], true);
    assert_eq!(line["negative"], i64::MIN);
    assert_eq!(line["large"], u64::MAX);
    assert_eq!(line["huge"], u128::MAX.to_string());
    assert_eq!(line["float"], 0.25);
    assert_eq!(line["nan"], "NaN");
    assert_eq!(line["text"], "é\u{1}\n");
    assert_eq!(line["debug"], "Some(\"x\")");
    assert_eq!(line["error"], "disk full");
}

#[test]
fn the_ids_come_from_the_context_that_is_current() {
    let context = Context::random().into_arc();
    let lines = lines(|_| {
        let entered = context.enter();
        info!("within");
        drop(entered);
        info!("after");
    });
    assert_eq!(lines[0]["request_id"], context.request_id().as_str());
    assert_eq!(lines[0]["trace_id"], format!("{:032x}", context.trace().trace_id));
    assert_eq!(lines[0]["span_id"], format!("{:016x}", context.trace().span_id));
    assert!(lines[1].get("request_id").is_none());
}

#[test]
fn an_event_has_the_fields_of_the_spans_around_it() {
    let line = line(|| {
        let outer = info_span!("outer", job = "mail", attempt = tracing::field::Empty);
        outer.in_scope(|| {
            outer.record("attempt", 2);
            info_span!("no fields").in_scope(|| info_span!("inner", step = 7).in_scope(|| info!("sent")));
        });
    });
    assert_eq!((&line["job"], &line["attempt"], &line["step"]), (&json!("mail"), &json!(2), &json!(7)));
}

#[test]
fn of_a_name_the_innermost_value_counts_and_is_there_once() {
    let text = logged(LogFormat::Json, "info", |_| {
        let outer = info_span!("outer", a = 1, b = 1, c = 1);
        outer.record("c", 2);
        outer.in_scope(|| info_span!("inner", a = 2, b = 2).in_scope(|| info!(a = 3, "x")));
    });
    assert!(text.contains(r#""b":2,"c":2,"a":3"#), "{text}");
    assert_eq!(["\"a\":", "\"b\":", "\"c\":"].map(|key| text.matches(key).count()), [1, 1, 1]);
}

#[test]
fn a_field_named_like_one_of_ours_does_not_double_it() {
    let line = line(|| info!(level = "high", request_id = "theirs", "x"));
    assert_eq!(line["level"], "INFO");
    assert_eq!(line["field.level"], "high");
    assert_eq!(line["field.request_id"], "theirs");
}

#[test]
fn a_canary_secret_reaches_no_line() {
    for format in [LogFormat::Json, LogFormat::Text] {
        let text = logged(format, "info", |_| {
            let span = info_span!("span", db_password = "canary", url = "amqp://u:canary@h");
            span.record("db_password", 17);
            span.in_scope(|| {
                info!(authorization = "Bearer canary", token = ?Some("canary"), "to postgres://u:canary@db/x");
                info!(url = %"redis://:canary@h:6379", "x-api-key" = "canary", "at {}", "http://a:canary@b");
            });
        });
        assert!(!text.contains("canary"), "{text}");
        assert!(text.contains("[redacted]") && text.contains("@db/x"), "{text}");
    }
}

#[test]
fn a_control_shows_that_the_canary_would_be_seen() {
    for format in [LogFormat::Json, LogFormat::Text] {
        let text = logged(format, "info", |_| {
            info_span!("span", bird = "canary 1").in_scope(|| info!(url = "http://canary@h", "canary 3"));
        });
        assert_eq!(text.matches("canary").count(), 3, "{text}");
    }
}

#[test]
fn a_line_for_people_is_short_and_cannot_be_forged() {
    let context = Context::random().into_arc();
    let text = logged(LogFormat::Text, "info", |_| {
        let _entered = context.enter();
        info!(route = "/x", name = "a b", "one\n2026 forged \u{1b}[2J");
    });
    let (_, rest) = text.split_once("  INFO logging: ").expect("level and target");
    let (trace, id) = (context.trace(), context.request_id());
    let ids = format!("request_id={id} trace_id={:032x} span_id={:016x}", trace.trace_id, trace.span_id);
    assert_eq!(rest, format!("one\n    2026 forged \\u{{1b}}[2J route=/x name=\"a b\" {ids}\n"));
}

#[test]
fn a_level_changed_at_run_time_counts_at_once() {
    let text = logged(LogFormat::Text, "warn", |log| {
        let all = || {
            debug!("debug");
            warn!("warn");
        };
        all();
        log.set_level("debug".parse().expect("directives"), None);
        all();
        log.set_level("off".parse().expect("directives"), None);
        all();
    });
    assert_eq!((text.matches(": warn").count(), text.matches(": debug").count()), (2, 1));
}

#[test]
fn a_level_set_for_a_while_returns_by_itself() {
    let text = logged(LogFormat::Text, "warn", |log| {
        log.set_level("debug".parse().expect("directives"), Some(Duration::from_millis(1)));
        while log.level() != "warn".parse::<Directives>().expect("directives") {
            std::thread::yield_now();
        }
        assert_eq!(log.reverts_in(), None);
        info!("too late");
    });
    assert_eq!(text, "");
}

#[test]
fn a_value_that_logs_while_it_is_written_does_no_harm() {
    struct Chatty;
    impl std::fmt::Display for Chatty {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            info!("inner");
            f.write_str("value")
        }
    }
    let lines =
        lines(|_| info_span!("span", span_value = %Chatty).in_scope(|| info!(value = %Chatty, "outer")));
    // Whether the inner event is seen at all is up to `tracing`; the outer one is whole.
    let outer = lines.last().expect("a line");
    assert_eq!((&outer["message"], &outer["value"]), (&json!("outer"), &json!("value")));
    assert_eq!(outer["span_value"], "value");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_makes_a_line_that_reads_back(message: String, value: String) {
        prop_assume!(!message.contains("://") && !value.contains("://"));
        let line = line(|| info!(value, shown = %value, "{message}"));
        prop_assert_eq!(&line["message"], &Value::from(message));
        prop_assert_eq!(&line["value"], &Value::from(value.clone()));
        prop_assert_eq!(&line["shown"], &Value::from(value));
    }
}

#[test]
fn a_span_without_fields_may_be_the_parent_of_spans_and_events_that_have_some() {
    let lines = lines(|_| {
        let outer = info_span!("outer", colour = "red");
        let _outer = outer.enter();
        let bare = info_span!("request");
        let again = bare.clone();
        let _bare = again.enter();
        info!("inside the bare one");
        let below = info_span!(parent: &bare, "below", size = 3);
        below.follows_from(&bare);
        below.in_scope(|| info!("below the bare one"));
        info!(parent: &bare, "said of the bare one");
    });
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0]["colour"], "red", "the span around it still counts: {lines:?}");
    assert_eq!(lines[1]["size"], 3, "{lines:?}");
}
