#![doc = include_str!("../README.md")]

mod config;
mod context;
mod hex;
mod log;
mod metrics;
#[cfg(feature = "otlp")]
mod otlp;
mod random;
mod request_id;
mod trace;

pub use config::{LogConfig, LogFormat, LogOutput, MetricsConfig};
pub use context::{Context, Entered, Scope, current, with_current};
pub use log::{DirectiveError, Directives, LogError, LogHandle, LogLayer, Logging};
pub use metrics::{
    Build, CounterFamily, DURATION_BUCKETS, Family, GaugeFamily, HistogramFamily, Kind, Member, Metrics,
    MetricsError, RateGauge, Timer, track_performance, track_time,
};
#[cfg(feature = "otlp")]
pub use otlp::{Otlp, OtlpConfig, OtlpError};
pub use prometheus;
pub use request_id::RequestId;
pub use trace::{TraceContext, TraceState};
