use std::process::ExitCode;

use groundcrew_config::{FromConfig, Shape};
use groundcrew_runtime::{Crew, RuntimeConfig};
use groundcrew_sql::{MigrationProgress, MigrationStatus, SqlConfig};

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
    let (loaded, target) = match service.part::<Target>(arguments, shape) {
        Ok(part) => part,
        Err(problems) => return exit::with(exit::CONFIG, &problems.to_string()),
    };
    let runtime = match RuntimeConfig::default().build() {
        Ok(runtime) => runtime,
        Err(error) => return exit::with(exit::FAILED, &format!("cannot start the runtime: {error}")),
    };
    let work = async {
        let crew = Crew::builder(service.name, service.version).environment(loaded.environment()).build();
        let database = match mode {
            Mode::Apply => target.database.connect(&crew).await.map(Some),
            Mode::Plan | Mode::Check => target.database.connect_existing(&crew).await,
        };
        let status = match (mode, database.map_err(|error| error.to_string())?) {
            (Mode::Apply, Some(database)) => database.apply_migrations_telling(migrations, &mut tell).await,
            (_, Some(database)) => database.migration_status(migrations).await,
            (_, None) => migrations.for_a_new_sqlite_file(),
        };
        crew.land().await;
        status.map_err(|error| error.to_string())
    };
    match runtime.block_on(work) {
        Ok(status) => report(&status, mode),
        Err(words) => exit::with(exit::FAILED, &words),
    }
}

/// One line for each step, as it happens.
fn tell(progress: MigrationProgress<'_>) {
    match progress {
        MigrationProgress::Waiting(patience) => {
            println!("another process migrates; waiting for it, at most for {patience:?}");
        }
        MigrationProgress::Applying(migration) => {
            println!("applying {} {}", migration.version, migration.description);
        }
        MigrationProgress::Applied(migration, took) => {
            println!("applied  {} {} in {took:.1?}", migration.version, migration.description);
        }
        _ => {}
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

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use groundcrew_sql::Migrations;
    use groundcrew_sql::sqlx::migrate::Migrator;

    use super::*;
    use crate::service::beside::Wrong;

    static NONE: Migrator = Migrator::DEFAULT;

    #[test]
    fn what_is_wrong_with_other_sections_is_no_matter_of_migrations() {
        let set = vec!["database.url=sqlite:/nonexistent/parcels.db".to_owned()];
        let arguments = Arguments { set, rest: vec!["--check".into()], ..Arguments::default() };
        let service = Service::new("test", "1.0.0").migrations(Migrations::sqlite(&NONE));
        let shape = Shape::merge(&[Target::shape(), Wrong::shape()]);
        assert!(service.load(&arguments, &shape).is_err());
        assert_eq!(run(&service, &arguments, &shape), ExitCode::SUCCESS);
    }
}
