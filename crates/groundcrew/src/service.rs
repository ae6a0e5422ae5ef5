use std::ffi::OsString;
use std::future::Future;
use std::io::IsTerminal;
use std::process::ExitCode;

use groundcrew_config::{FromConfig, Loaded, Loader, Problems, Shape};
use groundcrew_runtime::{BLOCKING_GRACE, Crew, Landed, Outcome, Phase, Signals, TaskResult, supervise};
use groundcrew_telemetry::{Build, LogHandle, Logging, Metrics};

use crate::arguments::Arguments;
use crate::reserved::Reserved;
use crate::{commands, exit};

/// A command of the service's own: it gets the arguments behind its name.
pub type Command = fn(Vec<OsString>) -> ExitCode;

/// A whole service: its configuration, its commands, its start and its end.
///
/// ```no_run
/// use groundcrew::{Crew, Service, config::FromConfig};
///
/// #[derive(FromConfig)]
/// struct Config {
///     /// Whom to greet.
///     #[config(default = "world")]
///     name: String,
/// }
///
/// async fn start(config: Config, crew: Crew) -> Result<(), std::io::Error> {
///     crew.critical("greeter", move |stop| async move {
///         println!("hello, {}", config.name);
///         stop.requested().await;
///     });
///     Ok(())
/// }
///
/// fn main() -> std::process::ExitCode {
///     Service::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION")).run(start)
/// }
/// ```
#[derive(Debug)]
pub struct Service {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    pub(crate) commands: Vec<(&'static str, Command)>,
    #[cfg(feature = "http")]
    pub(crate) operations: Vec<(&'static str, &'static str)>,
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(crate) migrations: Option<groundcrew_sql::Migrations>,
}

// === impl Service ===

impl Service {
    /// A service of this name and version; the name is the prefix of its variables and the label of its
    /// metrics.
    pub fn new(name: &'static str, version: &'static str) -> Self {
        Self {
            name,
            version,
            commands: Vec::new(),
            #[cfg(feature = "http")]
            operations: Vec::new(),
            #[cfg(any(feature = "sqlite", feature = "postgres"))]
            migrations: None,
        }
    }

    /// Gives the command `migrate` its migrations, for the database in section `database`.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub fn migrations(mut self, migrations: impl Into<groundcrew_sql::Migrations>) -> Self {
        self.migrations = Some(migrations.into());
        self
    }

    /// Adds a command of the service's own besides the standard ones.
    pub fn command(mut self, name: &'static str, command: Command) -> Self {
        self.commands.push((name, command));
        self
    }

    /// Makes a command of an operation that the service offers ([`Crew::operation`]): it asks the service that runs
    /// beside it, over the admin listener, as `jobs` does. `help` is one line for people.
    #[cfg(feature = "http")]
    pub fn operation(mut self, name: &'static str, help: &'static str) -> Self {
        self.operations.push((name, help));
        self
    }

    /// Does what the command line says: a command, or running `start` and watching over what it built.
    ///
    /// The exit codes: 0 orderly end, 1 the start failed or a critical task ended, 2 the command line was
    /// not understood, 78 the configuration is wrong, 130 a third signal cut the shutdown short, or its time did while
    /// every thread was blocked.
    pub fn run<C, Fut>(self, start: impl FnOnce(C, Crew) -> Fut) -> ExitCode
    where
        C: FromConfig,
        Fut: Future<Output: TaskResult>,
    {
        let own = self.commands.iter().map(|(name, _)| *name);
        #[cfg(feature = "http")]
        let own = own.chain(self.operations.iter().map(|(name, _)| *name));
        let own: Vec<&'static str> = own.collect();
        let arguments = match Arguments::parse(std::env::args_os().skip(1), &own) {
            Ok(arguments) => arguments,
            Err(words) => return exit::with(exit::USAGE, &format!("{words}; try {} --help", self.name)),
        };
        if arguments.version {
            println!("{} {}", self.name, self.version);
            return ExitCode::SUCCESS;
        }
        if arguments.help {
            print!("{}", commands::help(&self));
            return ExitCode::SUCCESS;
        }
        let shape = Shape::merge(&[Reserved::shape(), C::shape()]);
        match arguments.command.as_deref() {
            None => self.fly(&arguments, &shape, start),
            Some(command) => match self.commands.iter().find(|(name, _)| *name == command) {
                Some((_, own)) => own(arguments.rest),
                #[cfg(feature = "http")]
                None if self.operations.iter().any(|(name, _)| *name == command) => {
                    crate::operate::run(&self, &arguments, &shape, Some(command))
                }
                None => commands::standard::<C>(&self, command, &arguments, &shape),
            },
        }
    }

    pub(crate) fn loader(&self, arguments: &Arguments) -> Loader {
        let mut loader = Loader::new(self.name).variables(std::env::vars_os());
        if let Some(path) = &arguments.config {
            loader = loader.config_path(path);
        }
        arguments.set.iter().fold(loader, Loader::set)
    }

    pub(crate) fn load(&self, arguments: &Arguments, shape: &Shape) -> Result<Loaded, Problems> {
        self.loader(arguments).load(shape)
    }

    /// What a command needs that asks no more than sections of its own: what is wrong with the others does not concern
    /// it. A probe may know less of the environment than the service that it asks.
    #[cfg(any(feature = "http", feature = "sqlite", feature = "postgres", feature = "backup"))]
    pub(crate) fn part<T: FromConfig>(
        &self,
        arguments: &Arguments,
        shape: &Shape,
    ) -> Result<(Loaded, T), Problems> {
        let loaded = self.load(arguments, &shape.clone().unjudged())?;
        let part = loaded.read()?;
        Ok((loaded, part))
    }

    fn fly<C, Fut>(self, arguments: &Arguments, shape: &Shape, start: impl FnOnce(C, Crew) -> Fut) -> ExitCode
    where
        C: FromConfig,
        Fut: Future<Output: TaskResult>,
    {
        let (loaded, reserved, config) = match self.read::<C>(arguments, shape) {
            Ok(read) => read,
            Err(words) => return exit::with(exit::CONFIG, &words),
        };
        let runtime = match reserved.runtime.build() {
            Ok(runtime) => runtime,
            Err(error) => return exit::with(exit::FAILED, &format!("cannot start the runtime: {error}")),
        };
        let landed = runtime.block_on(self.supervised(&loaded, reserved, |crew| start(config, crew)));
        // What still blocks a thread had its time in the drain.
        runtime.shutdown_timeout(BLOCKING_GRACE);
        match landed {
            Ok(landed) => {
                show_receipt(&landed);
                ExitCode::from(landed.exit_code())
            }
            Err(words) => exit::with(exit::FAILED, &words),
        }
    }

    /// Everything that the service starts with, or the words that say what is wrong with it.
    pub(crate) fn read<C: FromConfig>(
        &self,
        arguments: &Arguments,
        shape: &Shape,
    ) -> Result<(Loaded, Reserved, C), String> {
        let words = |problems: Problems| problems.to_string();
        let loaded = self.load(arguments, shape).map_err(words)?;
        let reserved: Reserved = loaded.read().map_err(words)?;
        let config = loaded.read().map_err(words)?;
        let in_kubernetes = std::env::var_os("KUBERNETES_SERVICE_HOST").is_some();
        let plan = reserved.shutdown.validate(in_kubernetes);
        plan.map_err(|error| format!("1 problem in the configuration:\n  {error}"))?;
        Ok((loaded, reserved, config))
    }

    async fn supervised<Fut>(
        &self,
        loaded: &Loaded,
        reserved: Reserved,
        start: impl FnOnce(Crew) -> Fut,
    ) -> Result<Landed, String>
    where
        Fut: Future<Output: TaskResult>,
    {
        // Before anything slow: process 1 of a container ignores SIGTERM until there is a handler.
        let signals = Signals::install().map_err(|error| format!("cannot listen to signals: {error}"))?;
        let logging = Logging::new(self.name, reserved.log.clone());
        #[cfg(feature = "otlp")]
        let (logging, traces) = crate::traces::export(logging, self.name, &reserved)?;
        let log = logging.install().map_err(|error| error.to_string())?;
        for warning in loaded.warnings() {
            tracing::warn!(target: "groundcrew::config", "{warning}");
        }
        let crew = self.crew(loaded, &reserved, &log)?;
        #[cfg(feature = "otlp")]
        crate::traces::flush_at_the_end(&crew, traces);
        let landed = supervise(&crew, signals, async {
            admin(&crew, &reserved, &log).await?;
            start(crew.clone()).await.failure().map_or(Ok(()), Err)
        })
        .await;
        Ok(landed)
    }

    fn crew(&self, loaded: &Loaded, reserved: &Reserved, log: &LogHandle) -> Result<Crew, String> {
        let metrics = Metrics::with(&Build::new(self.name, self.version), &reserved.metrics);
        let watched =
            metrics.watch_runtime(&tokio::runtime::Handle::current()).and_then(|()| metrics.watch_log(log));
        watched.map_err(|error| error.to_string())?;
        let crew = Crew::builder(self.name, self.version)
            .environment(loaded.environment())
            .metrics(metrics)
            .shutdown(reserved.shutdown.clone())
            .build();
        let log = log.clone();
        crew.on_shutdown(Phase::Telemetry, "log", |scope| async move {
            let remaining = scope.remaining();
            let flushed = tokio::task::spawn_blocking(move || log.flush(remaining)).await.unwrap_or(false);
            if flushed { Outcome::finished("") } else { Outcome::cut("lines were left") }
        });
        Ok(crew)
    }
}

#[cfg(feature = "http")]
async fn admin(crew: &Crew, reserved: &Reserved, log: &LogHandle) -> Result<(), String> {
    if !reserved.admin.enabled {
        return Ok(());
    }
    let admin = reserved.admin.clone().bind(crew).await.map_err(|error| error.to_string())?;
    admin.serve(crate::admin::routes(crew.clone(), log.clone(), reserved.admin.token.clone()));
    Ok(())
}

#[cfg(not(feature = "http"))]
#[expect(clippy::unused_async, reason = "its twin binds a listener")]
async fn admin(_crew: &Crew, _reserved: &Reserved, _log: &LogHandle) -> Result<(), String> {
    Ok(())
}

/// A person at a terminal reads the block; the log has the same as one event.
fn show_receipt(landed: &Landed) {
    if let Some(receipt) = &landed.receipt
        && std::io::stderr().is_terminal()
    {
        eprint!("\n{receipt}");
    }
}

/// What a service may have beside the sections that a command reads.
#[cfg(all(test, any(feature = "http", feature = "sqlite", feature = "backup")))]
pub(crate) mod beside {
    use groundcrew_config::FromConfig;

    /// A section that is wrong where nothing is set.
    #[derive(Debug, FromConfig)]
    #[config(validate = refuse)]
    pub(crate) struct Wrong {}

    fn refuse(_wrong: &Wrong) -> Result<(), &'static str> {
        Err("nothing is right here")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use groundcrew_runtime::Reason;

    use super::*;

    #[derive(Debug, FromConfig)]
    struct Nothing {}

    fn shape() -> Shape {
        Shape::merge(&[Reserved::shape(), Nothing::shape()])
    }

    fn with_a_budget_of(budget: &str) -> Arguments {
        Arguments { set: vec![format!("shutdown.budget={budget}")], ..Arguments::default() }
    }

    #[test]
    fn a_shutdown_that_the_platform_would_interrupt_is_a_wrong_configuration() {
        let service = Service::new("test", "1.0.0");
        let words = service.read::<Nothing>(&with_a_budget_of("40s"), &shape()).unwrap_err();
        assert!(words.contains("1 problem") && words.contains("terminationGracePeriodSeconds"), "{words}");
        assert!(service.read::<Nothing>(&with_a_budget_of("20s"), &shape()).is_ok());
    }

    #[test]
    fn the_start_and_the_commands_end_with_78_when_the_configuration_is_wrong() {
        for wrong in ["40s", "soon"] {
            let (arguments, shape) = (with_a_budget_of(wrong), shape());
            let start = |_: Nothing, _| async { Err::<(), _>(std::io::Error::other("it was started")) };
            for command in ["check-config", "explain-config"] {
                let service = Service::new("test", "1.0.0");
                let code = commands::standard::<Nothing>(&service, command, &arguments, &shape);
                assert_eq!(code, ExitCode::from(exit::CONFIG), "{command} {wrong}");
            }
            let code = Service::new("test", "1.0.0").fly(&arguments, &shape, start);
            assert_eq!(code, ExitCode::from(exit::CONFIG), "start {wrong}");
        }
    }

    #[test]
    fn a_thread_that_still_blocks_does_not_hold_up_the_exit() {
        let (ended, end) = std::sync::mpsc::channel();
        let start = |_: Nothing, crew: Crew| async move {
            let (begun, begins) = tokio::sync::oneshot::channel();
            let _still_blocks = tokio::task::spawn_blocking(move || {
                begun.send(()).expect("the start waits");
                std::thread::sleep(Duration::from_secs(3_600));
            });
            begins.await.expect("it blocks");
            crew.request_shutdown(Reason::Requested("a test".to_owned()));
        };
        std::thread::spawn(move || {
            let admin = cfg!(feature = "http").then(|| "admin.enabled=false".to_owned());
            let arguments = Arguments { set: admin.into_iter().collect(), ..Arguments::default() };
            ended.send(Service::new("test", "1.0.0").fly(&arguments, &shape(), start))
        });
        let code = end.recv_timeout(Duration::from_secs(30)).expect("it ends");
        assert_eq!(code, ExitCode::SUCCESS);
    }
}
