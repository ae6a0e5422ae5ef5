//! What can be configured about logs and metrics.

use groundcrew_config::{ByteSize, FromConfig, Node, Shape};

use crate::log::Directives;

/// How the service logs.
#[derive(Debug, Clone, PartialEq, Eq, FromConfig)]
#[config(default_impl)]
#[non_exhaustive]
pub struct LogConfig {
    /// Which events are written, such as `info,hyper=warn`.
    #[config(default = "info", alias = "LOG_LEVEL")]
    pub level: Directives,
    /// How lines are spelt.
    #[config(default = "auto")]
    pub format: LogFormat,
    /// Where lines go.
    #[config(default = "stdout")]
    pub output: LogOutput,
    /// Room for lines that the output has not taken yet; what does not fit is dropped and counted.
    /// Up to twice as much is in use while the output is slow.
    #[config(default = "8MiB")]
    pub buffer: ByteSize,
}

/// How lines are spelt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, FromConfig)]
pub enum LogFormat {
    /// `text` on a terminal, `json` elsewhere.
    #[default]
    Auto,
    /// One JSON object per line.
    Json,
    /// For people; in colour on a terminal, unless the variable `NO_COLOR` is set.
    Text,
}

/// Where lines go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, FromConfig)]
pub enum LogOutput {
    /// Standard output.
    #[default]
    Stdout,
    /// Standard error.
    Stderr,
}

/// What the service offers to scrapers.
#[derive(Debug, Clone, PartialEq, Eq, FromConfig)]
#[config(default_impl)]
#[non_exhaustive]
pub struct MetricsConfig {
    /// Whether metrics are offered to be scraped.
    #[config(default = true, alias = "METRICS_ENABLED")]
    pub enabled: bool,
    /// How many label sets all families of the service may have together before further ones are counted as
    /// `overflow`.
    #[config(default = 2000)]
    pub series_limit: usize,
}

// === impl Directives ===

impl FromConfig for Directives {
    fn shape() -> Shape {
        Shape::text("levels such as `info` or `info,hyper=warn`")
    }

    fn from_config(node: &Node<'_>) -> Option<Self> {
        node.parse(|text| text.parse().ok())
    }

    fn to_text(&self) -> Option<String> {
        Some(self.to_string())
    }
}
