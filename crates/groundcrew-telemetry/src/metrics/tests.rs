use super::{DURATION_BUCKETS, Kind, Metrics, MetricsError, Timer, track_performance, track_time};
use crate::config::MetricsConfig;
use crate::metrics::Build;
use proptest::prelude::*;
use std::collections::{BTreeMap, HashSet};

/// Reads text of format 0.0.4 as strictly as it is written down; the samples by name and labels.
fn parse(text: &str) -> Result<BTreeMap<String, f64>, String> {
    let mut samples = BTreeMap::new();
    let (mut typed, mut family) = (HashSet::new(), String::new());
    if !text.ends_with('\n') {
        return Err("the last line has no end".into());
    }
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').ok_or("no type")?;
            if !matches!(kind, "counter" | "gauge" | "histogram") || !typed.insert(name.to_owned()) {
                return Err(format!("type of {name}"));
            }
            name.clone_into(&mut family);
        } else if !line.starts_with("# HELP ") {
            let name_end = line.find(['{', ' ']).ok_or("no value")?;
            let name = &line[..name_end];
            let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
            if name != family && base != Some(&family) {
                return Err(format!("{name} stands outside of its family"));
            }
            let (series, value) = line.rsplit_once(' ').ok_or("no value")?;
            labels(&series[name_end..])?;
            let value = value.parse().map_err(|_| format!("{value} is no number"))?;
            if samples.insert(series.to_owned(), value).is_some() {
                return Err(format!("{series} is there twice"));
            }
        }
    }
    Ok(samples)
}

/// Checks `{a="b",c="d"}`.
fn labels(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Ok(());
    }
    let inner = text.strip_prefix('{').and_then(|t| t.strip_suffix('}')).ok_or_else(|| text.to_owned())?;
    let (mut rest, mut names) = (inner, HashSet::new());
    while !rest.is_empty() {
        let (name, after) = rest.split_once("=\"").ok_or_else(|| text.to_owned())?;
        if !names.insert(name) || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(format!("label {name} in {text}"));
        }
        let mut escaped = false;
        let end = after
            .find(|c| {
                let ends = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                ends
            })
            .ok_or_else(|| text.to_owned())?;
        rest = after[end + 1..].trim_start_matches(',');
    }
    Ok(())
}

fn samples(metrics: &Metrics) -> BTreeMap<String, f64> {
    parse(&metrics.encode()).expect("valid text")
}

fn limited(series_limit: usize) -> Metrics {
    Metrics::with(&Build::new("test", "1"), &MetricsConfig { series_limit, ..MetricsConfig::default() })
}

#[test]
fn the_text_of_every_kind_of_metric_is_valid() {
    let metrics =
        Metrics::with(&Build::new("a \"b\"\\", "1").with_revision("abc\n"), &MetricsConfig::default());
    metrics.counter("a_total", "Help with \\ and \n end.").expect("new").inc();
    metrics.gauge("b", "B.").expect("new").set(-3);
    metrics.histogram("c_seconds", "C.", DURATION_BUCKETS).expect("new").observe(0.3);
    metrics.counters("d_total", "D.", ["x", "y"]).expect("new").handle(["1", "\"\\\n}"]).inc();
    metrics.pull(Kind::Gauge, "e", "E.", &[("l", "v")], || f64::INFINITY).expect("new");
    metrics.rate("requests_per_second", "R.").expect("new").mark();
    let samples = samples(&metrics);
    assert!(samples.keys().any(|series| series.starts_with("build_info{revision=\"abc\\n\",rustc=\"1.")));
    assert!(
        samples
            .keys()
            .any(|series| series.starts_with("c_seconds_bucket{") && series.contains("le=\"+Inf\""))
    );
}

#[cfg(target_os = "linux")]
#[test]
fn the_process_tells_plausible_values() {
    let samples = samples(&Metrics::new("p", "1"));
    let value = |name: &str| samples[&format!("{name}{{service=\"p\"}}")];
    assert!(value("process_resident_memory_bytes") > 1e6);
    assert!(value("process_virtual_memory_bytes") >= value("process_resident_memory_bytes"));
    assert!(value("process_open_fds") >= 3.0);
    assert!(value("process_max_fds") >= value("process_open_fds"));
    assert!(value("process_threads") >= 1.0 && value("process_threads") < 1000.0);
    assert!(value("process_start_time_seconds") > 1.7e9);
    assert!(value("process_cpu_seconds_total") >= 0.0);
}

#[test]
fn a_name_that_is_taken_is_an_error() {
    let metrics = Metrics::new("t", "1");
    metrics.counter("a_total", "A.").expect("new");
    assert!(matches!(metrics.counter("a_total", "A."), Err(MetricsError::Taken { .. })));
}

#[test]
fn a_reserved_or_doubled_label_is_an_error() {
    let metrics = Metrics::new("t", "1");
    for labels in [["service", "a"], ["a", "le"], ["a", "a"]] {
        assert!(matches!(metrics.counters("a_total", "A.", labels), Err(MetricsError::Label { .. })));
    }
}

#[test]
fn an_invalid_name_is_an_error_and_not_an_invalid_page() {
    let metrics = Metrics::new("t", "1");
    assert!(matches!(metrics.gauge("no spaces", "A."), Err(MetricsError::Invalid { .. })));
    assert!(matches!(metrics.gauges("ok", "A.", ["no-dash"]), Err(MetricsError::Invalid { .. })));
    assert!(matches!(metrics.histogram("h", "A.", &[2.0, 1.0]), Err(MetricsError::Invalid { .. })));
}

#[test]
fn what_exceeds_the_budget_is_counted_in_one_series() {
    let metrics = limited(3);
    let family = metrics.counters("visits_total", "V.", ["path"]).expect("new");
    (0..10).for_each(|n| family.handle([&n.to_string()]).inc());
    // A series that has its place keeps it.
    family.handle(["0"]).inc();
    let samples = samples(&metrics);
    assert_eq!(samples["visits_total{path=\"0\",service=\"test\"}"].to_bits(), 2_f64.to_bits());
    assert_eq!(samples["visits_total{path=\"overflow\",service=\"test\"}"].to_bits(), 7_f64.to_bits());
    let overflow = samples["metrics_series_overflow_total{metric=\"visits_total\",service=\"test\"}"];
    assert_eq!(overflow.to_bits(), 7_f64.to_bits());
    assert_eq!(samples.keys().filter(|series| series.starts_with("visits_total")).count(), 4);
}

#[test]
fn values_that_join_to_the_same_text_are_different_series() {
    let metrics = Metrics::new("t", "1");
    let family = metrics.counters("pairs_total", "P.", ["a", "b"]).expect("new");
    family.handle(["ab", "c"]).inc();
    assert_eq!(family.handle(["a", "bc"]).get(), 0);
}

#[test]
fn handles_made_by_several_threads_at_once_are_the_same_metric() {
    let metrics = Metrics::new("t", "1");
    let family = metrics.counters("racing_total", "R.", ["n"]).expect("new");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..1000).for_each(|n| family.handle([&(n % 10).to_string()]).inc()));
        }
    });
    assert_eq!((0..10).map(|n| family.handle([&n.to_string()]).get()).sum::<u64>(), 4000);
}

#[tokio::test]
async fn a_timer_tells_success_error_and_cancellation_apart() {
    let metrics = Metrics::new("t", "1");
    let timer = Timer::register(&metrics, "work_seconds", "W.", &[1.0]).expect("new");
    assert_eq!(track_performance(&timer, async { Ok::<_, ()>(1) }).await, Ok(1));
    assert_eq!(track_performance(&timer, async { Err::<(), _>(2) }).await, Err(2));
    assert_eq!(track_time(&timer, async { 3 }).await, 3);
    tokio::select! {
        biased;
        () = track_time(&timer, std::future::pending()) => {}
        () = std::future::ready(()) => {}
    }
    let samples = samples(&metrics);
    let count = |status: &str| samples[&format!("work_seconds_count{{status=\"{status}\",service=\"t\"}}")];
    assert_eq!(
        [count("success"), count("error"), count("cancelled")].map(f64::to_bits),
        [2.0, 1.0, 1.0].map(f64::to_bits)
    );
}

#[tokio::test]
async fn the_runtime_shows_its_workers() {
    let metrics = Metrics::new("t", "1");
    metrics.watch_runtime(&tokio::runtime::Handle::current()).expect("new");
    assert_eq!(samples(&metrics)["tokio_workers{service=\"t\"}"].to_bits(), 1_f64.to_bits());
}

proptest! {
    #[test]
    fn any_label_value_leaves_the_text_valid(values in proptest::collection::vec(any::<String>(), 1..20)) {
        let metrics = limited(10);
        let family = metrics.counters("any_total", "A.", ["value"]).expect("new");
        for value in &values {
            family.handle([value]).inc();
        }
        let sum: f64 = samples(&metrics).iter().filter(|(s, _)| s.starts_with("any_total")).map(|(_, v)| v).sum();
        prop_assert_eq!(sum.to_bits(), (values.len() as f64).to_bits());
    }
}
