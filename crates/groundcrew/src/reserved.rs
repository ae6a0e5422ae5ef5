use groundcrew_config::FromConfig;
use groundcrew_runtime::{RuntimeConfig, ShutdownConfig};
use groundcrew_telemetry::{LogConfig, MetricsConfig};

/// The sections that every service has and that `run` looks after.
#[derive(Debug, FromConfig)]
pub(crate) struct Reserved {
    pub(crate) log: LogConfig,
    pub(crate) metrics: MetricsConfig,
    pub(crate) runtime: RuntimeConfig,
    pub(crate) shutdown: ShutdownConfig,
    #[cfg(feature = "http")]
    pub(crate) admin: groundcrew_http::AdminConfig,
    // Here, so that it is no unknown key for a service that is not backing up.
    #[cfg(feature = "backup")]
    #[expect(dead_code, reason = "the commands read it together with the database")]
    pub(crate) backup: groundcrew_backup::BackupConfig,
    #[cfg(feature = "otlp")]
    pub(crate) otlp: Option<groundcrew_telemetry::OtlpConfig>,
}
