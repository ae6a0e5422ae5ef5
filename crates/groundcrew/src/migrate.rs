use std::process::ExitCode;

use groundcrew_config::{FromConfig, Shape};
use groundcrew_runtime::{Crew, RuntimeConfig};
use groundcrew_sql::{MigrationStatus, SqlConfig};

use crate::arguments::Arguments;
use crate::{Service, exit};

/// The section that services with a database have.
#[derive(Debug, FromConfig)]
struct Target {
    database: SqlConfig,
}

/// What is asked of the command.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Apply,
    Plan,
    Check,
}

/// `migrate` applies, `migrate --plan` lists what would be, `migrate --check` fails while something is pending.
pub(crate) fn run(service: &Service, arguments: &Arguments, shape: &Shape) -> ExitCode {
    let options: Vec<_> = arguments.rest.iter().filter_map(|option| option.to_str()).collect();
    let mode = match options.as_slice() {
        [] => Mode::Apply,
        ["--plan"] => Mode::Plan,
        ["--check"] => Mode::Check,
        _ => return exit::with(exit::USAGE, "migrate takes --plan or --check, or nothing"),
    };
    let Some(migrations) = service.migrations else {
        return exit::with(exit::FAILED, &format!("{} has no migrations", service.name));
    };
    let loaded = match service.load(arguments, shape) {
        Ok(loaded) => loaded,
        Err(problems) => return exit::with(exit::CONFIG, &problems.to_string()),
    };
    let target: Target = match loaded.read() {
        Ok(target) => target,
        Err(problems) => return exit::with(exit::CONFIG, &problems.to_string()),
    };
    let runtime = match RuntimeConfig::default().build() {
        Ok(runtime) => runtime,
        Err(error) => return exit::with(exit::FAILED, &format!("cannot start the runtime: {error}")),
    };
    let work = async {
        let crew = Crew::builder(service.name, service.version).environment(loaded.environment()).build();
        let database = target.database.connect(&crew).await.map_err(|error| error.to_string())?;
        let status = match mode {
            Mode::Apply => database.apply_migrations(migrations).await,
            Mode::Plan | Mode::Check => database.migration_status(migrations).await,
        };
        crew.land().await;
        status.map_err(|error| error.to_string())
    };
    match runtime.block_on(work) {
        Ok(status) => report(&status, mode),
        Err(words) => exit::with(exit::FAILED, &words),
    }
}

fn report(status: &MigrationStatus, mode: Mode) -> ExitCode {
    for migration in &status.pending {
        println!("pending  {} {}", migration.version, migration.description);
    }
    let (applied, pending) = (status.applied.len(), status.pending.len());
    let newer = match status.newer.len() {
        0 => String::new(),
        newer => format!(", {newer} by a newer version of the service"),
    };
    println!("{applied} applied, {pending} pending{newer}");
    if mode == Mode::Check && pending > 0 { ExitCode::from(exit::FAILED) } else { ExitCode::SUCCESS }
}
