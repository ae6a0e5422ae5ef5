//! Lines about what happens: which, how they are spelt, and how they reach their output.

mod elide;
mod json;
mod layer;
mod level;
mod name;
mod number;
pub(crate) mod redact;
mod shape;
mod span;
mod stamp;
mod text;
mod writer;

pub use layer::LogLayer;
pub use level::{DirectiveError, Directives};

use crate::config::{LogConfig, LogFormat, LogOutput};
use elide::Elide;
use layer::Spelling;
use level::LevelControl;
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing_core::{Dispatch, Level};
use tracing_subscriber::Registry;
use tracing_subscriber::layer::SubscriberExt;
use writer::{Duties, Writer};

/// The logs of a service, on their way to being installed.
///
/// ```
/// use groundcrew_telemetry::{LogConfig, Logging};
/// use std::time::Duration;
///
/// // In `main`: `install`. Here, and in tests: for one scope only.
/// let (dispatch, log) = Logging::new("hello", LogConfig::default()).build()?;
/// tracing::dispatcher::with_default(&dispatch, || tracing::info!(answer = 42, "ready"));
/// assert!(log.flush(Duration::from_secs(5)));
/// assert_eq!((log.written(), log.dropped()), (1, 0));
/// # Ok::<(), groundcrew_telemetry::LogError>(())
/// ```
pub struct Logging {
    service: String,
    config: LogConfig,
    sink: Option<Box<dyn Write + Send>>,
    #[cfg(feature = "otlp")]
    traces: Option<crate::Otlp>,
}

/// The way to logs that are running: their level, their counts, and a flush before the process ends.
#[derive(Debug, Clone)]
pub struct LogHandle {
    levels: Arc<LevelControl>,
    writer: Arc<Writer>,
}

/// Logs could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The process has a global subscriber already; it can have only one.
    #[error("a global tracing subscriber is set already")]
    AlreadySet,
    /// The operating system gave no thread to the writer.
    #[error("no thread for the log writer")]
    Thread(#[source] io::Error),
}

/// What the writer's thread does besides writing.
struct Upkeep {
    levels: Arc<LevelControl>,
    spelling: Spelling,
}

// === impl Logging ===

impl Logging {
    /// Logs of `service`, whose name every JSON line carries.
    pub fn new(service: impl Into<String>, config: LogConfig) -> Self {
        Self {
            service: service.into(),
            config,
            sink: None,
            #[cfg(feature = "otlp")]
            traces: None,
        }
    }

    /// Sends lines to `sink` instead of the configured output, and takes it for no terminal.
    ///
    /// It is called from the writer's thread only, with whole lines.
    pub fn with_sink(mut self, sink: impl Write + Send + 'static) -> Self {
        self.sink = Some(Box::new(sink));
        self
    }

    /// Exports the spans that the level lets through as well.
    #[cfg(feature = "otlp")]
    pub fn with_traces(mut self, traces: &crate::Otlp) -> Self {
        self.traces = Some(traces.clone());
        self
    }

    /// Makes these the logs of the whole process.
    pub fn install(self) -> Result<LogHandle, LogError> {
        let (dispatch, handle) = self.build()?;
        tracing::dispatcher::set_global_default(dispatch).map_err(|_| LogError::AlreadySet)?;
        Ok(handle)
    }

    /// A subscriber that is not installed, for one scope or one test.
    pub fn build(self) -> Result<(Dispatch, LogHandle), LogError> {
        #[cfg(feature = "otlp")]
        if let Some(traces) = self.traces.clone() {
            let (layer, handle) = self.layer()?;
            return Ok((Dispatch::new(Registry::default().with(layer).with(traces.layer())), handle));
        }
        let (layer, handle) = self.layer()?;
        Ok((Dispatch::new(Elide::new(Registry::default().with(layer))), handle))
    }

    /// A layer to be put on a `tracing_subscriber` registry together with others.
    pub fn layer(self) -> Result<(LogLayer, LogHandle), LogError> {
        let terminal = self.sink.is_none() && is_terminal(self.config.output);
        let spelling = match (self.config.format, terminal) {
            (LogFormat::Json, _) | (LogFormat::Auto, false) => Spelling::json(&self.service),
            (LogFormat::Text, false) => Spelling::text(false),
            (LogFormat::Text | LogFormat::Auto, true) => {
                Spelling::text(std::env::var_os("NO_COLOR").is_none())
            }
        };
        let sink = self.sink.unwrap_or_else(|| open(self.config.output));
        let levels = Arc::new(LevelControl::new(self.config.level));
        let upkeep = Upkeep { levels: Arc::clone(&levels), spelling: spelling.clone() };
        let writer = Writer::start(self.config.buffer.as_usize(), sink, upkeep).map_err(LogError::Thread)?;
        let writer = Arc::new(writer);
        let handle = LogHandle { levels: Arc::clone(&levels), writer: Arc::clone(&writer) };
        Ok((LogLayer { spelling, levels, writer }, handle))
    }
}

fn is_terminal(output: LogOutput) -> bool {
    match output {
        LogOutput::Stdout => io::stdout().is_terminal(),
        LogOutput::Stderr => io::stderr().is_terminal(),
    }
}

/// The output as a file of its own: `io::stdout` would keep its lock while a write is blocked, and with it
/// every `println!` of the process.
#[cfg(unix)]
fn open(output: LogOutput) -> Box<dyn Write + Send> {
    use std::os::fd::AsFd;
    match output {
        LogOutput::Stdout => duplicate(io::stdout().as_fd().try_clone_to_owned(), io::stdout()),
        LogOutput::Stderr => duplicate(io::stderr().as_fd().try_clone_to_owned(), io::stderr()),
    }
}

#[cfg(windows)]
fn open(output: LogOutput) -> Box<dyn Write + Send> {
    use std::os::windows::io::AsHandle;
    match output {
        LogOutput::Stdout => duplicate(io::stdout().as_handle().try_clone_to_owned(), io::stdout()),
        LogOutput::Stderr => duplicate(io::stderr().as_handle().try_clone_to_owned(), io::stderr()),
    }
}

fn duplicate(own: io::Result<impl Into<File>>, shared: impl Write + Send + 'static) -> Box<dyn Write + Send> {
    own.map_or_else(|_| Box::new(shared) as Box<dyn Write + Send>, |own| Box::new(own.into()))
}

// === impl LogHandle ===

impl LogHandle {
    /// Changes which events are written: for good, or until `revert_after` from now.
    ///
    /// The way back needs no task of the caller's: the writer's thread takes it (late, if the output has
    /// blocked it).
    pub fn set_level(&self, directives: Directives, revert_after: Option<Duration>) {
        // A time too far off to be represented is as good as for ever, but not for good.
        let until = revert_after.map(|after| {
            let now = Instant::now();
            now.checked_add(after).unwrap_or_else(|| now + Duration::from_hours(24 * 365))
        });
        self.levels.set(directives, until);
        self.writer.nudge();
    }

    /// Which events are written now.
    pub fn level(&self) -> Directives {
        self.levels.active()
    }

    /// The time until the level changes back by itself, if it will.
    pub fn reverts_in(&self) -> Option<Duration> {
        self.levels.returns_in(Instant::now())
    }

    /// Waits until the lines so far have reached the output, at most `timeout`; whether they have.
    ///
    /// To be called before the process ends: lines in the buffer end with it. It blocks the thread.
    pub fn flush(&self, timeout: Duration) -> bool {
        self.writer.flush(timeout)
    }

    /// How many lines were written.
    pub fn written(&self) -> u64 {
        self.writer.written()
    }

    /// How many lines were dropped, because the buffer was full or the output failed.
    pub fn dropped(&self) -> u64 {
        self.writer.dropped()
    }
}

// === impl Upkeep ===

impl Duties for Upkeep {
    fn tick(&mut self, now: Instant) -> Option<Duration> {
        self.levels.return_if_due(now)
    }

    fn report(&mut self, line: &mut Vec<u8>, dropped: u64) {
        self.spelling.note(line, Level::WARN, "log lines were dropped", ("dropped", dropped));
    }
}
