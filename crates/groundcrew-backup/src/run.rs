//! A command from its start to its exit code.

use std::future::Future;
use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

use groundcrew_config::Environment;
use groundcrew_sql::ConnectError;

use crate::command::What;
use crate::report::{self, Form};
use crate::{BackupError, BackupSections, Backups, Command, RestoreError, StoreError, exit};

/// How a command ended: what it says, and its exit code.
type Ending = Result<String, (u8, String)>;

/// How long tidying up after a signal may take: an upload is aborted, a database dropped.
const TIDY: Duration = Duration::from_secs(30);

/// Runs a command for a service until it is done, or a signal ends it. Prints what it did: for people on a terminal,
/// as JSON in a pipe, unless `--json` or `--table` says.
///
/// The exit codes are those of [`exit`].
pub fn run(command: &Command, sections: BackupSections, service: &str, environment: Environment) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return said(exit::FAILED, &format!("cannot start the runtime: {error}")),
    };
    let backups = match Backups::open(sections, service, environment) {
        Ok(backups) => backups,
        Err(error) => return said(exit::CONFIG, &error.to_string()),
    };
    let ending = runtime.block_on(until_stopped(&backups, command));
    // What still blocks a thread does so in vain.
    runtime.shutdown_timeout(Duration::from_millis(100));
    match ending {
        Ok(words) => {
            println!("{words}");
            ExitCode::SUCCESS
        }
        Err((code, words)) => said(code, &words),
    }
}

fn said(code: u8, words: &str) -> ExitCode {
    eprintln!("{words}");
    ExitCode::from(code)
}

/// A signal stops the work, which then tidies up; a second one, or half a minute, ends that too.
async fn until_stopped(backups: &Backups, command: &Command) -> Ending {
    let work = with_progress(backups, execute(backups, command));
    tokio::pin!(work);
    tokio::select! {
        ending = &mut work => return ending,
        () = signal() => backups.stop(),
    }
    tokio::select! {
        ending = work => ending,
        () = signal() => Err((exit::STOPPED, "stopped twice; something may be left behind for `prune`".to_owned())),
        () = tokio::time::sleep(TIDY) => Err((exit::STOPPED, "stopped; tidying up took too long".to_owned())),
    }
}

#[cfg(unix)]
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) {
        (Ok(mut terminate), Ok(mut interrupt)) => {
            tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        }
        _ => std::future::pending().await,
    }
}

#[cfg(not(unix))]
async fn signal() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
}

/// On a terminal, a line that tells how far it is.
async fn with_progress<T>(backups: &Backups, work: impl Future<Output = T>) -> T {
    if !std::io::stderr().is_terminal() {
        return work.await;
    }
    let (progress, mut shown) = (backups.progress(), false);
    let mut ticks = tokio::time::interval(Duration::from_millis(250));
    tokio::pin!(work);
    let done = loop {
        tokio::select! {
            done = &mut work => break done,
            _ = ticks.tick() => if progress.bytes() > 0 {
                eprint!("\r{:<40}", report::size(progress.bytes()));
                shown = true;
            }
        }
    };
    if shown {
        eprint!("\r{:<40}\r", "");
    }
    done
}

async fn execute(backups: &Backups, command: &Command) -> Ending {
    let form = command
        .form
        .unwrap_or_else(|| if std::io::stdout().is_terminal() { Form::Table } else { Form::Json });
    match &command.what {
        What::Backup { prune } => {
            let manifest = backups.backup().await.map_err(|error| (of_backup(&error), error.to_string()))?;
            let words = report::backed_up(&manifest, &backups.place(), form);
            if !prune {
                return Ok(words);
            }
            match backups.prune(false).await {
                Ok(_) => Ok(words),
                Err(error) => {
                    println!("{words}");
                    Err((
                        exit::NOT_PRUNED,
                        format!("the backup is made, but old ones were not removed: {error}"),
                    ))
                }
            }
        }
        What::Restore { which, options } => {
            let restored = backups.restore(which, options).await.map_err(of_restore)?;
            Ok(report::restored(&restored, form))
        }
        What::List => Ok(report::list(&backups.list().await.map_err(of_store)?, form)),
        What::Prune { dry_run } => {
            Ok(report::pruned(&backups.prune(*dry_run).await.map_err(of_store)?, *dry_run, form))
        }
        What::Verify { which } => {
            Ok(report::verified(&backups.verify(which).await.map_err(of_restore)?, form))
        }
    }
}

fn of_backup(error: &BackupError) -> u8 {
    match error {
        BackupError::Stopped => exit::STOPPED,
        BackupError::Connect(ConnectError::Url(_)) => exit::CONFIG,
        _ => exit::FAILED,
    }
}

#[expect(clippy::needless_pass_by_value, reason = "as map_err hands it over")]
fn of_restore(error: RestoreError) -> (u8, String) {
    let code = match &error {
        RestoreError::Stopped => exit::STOPPED,
        RestoreError::Connect(ConnectError::Url(_)) => exit::CONFIG,
        error if error.is_about_the_backup() => exit::DAMAGED,
        _ => exit::FAILED,
    };
    (code, error.to_string())
}

#[expect(clippy::needless_pass_by_value, reason = "as map_err hands it over")]
fn of_store(error: StoreError) -> (u8, String) {
    (exit::FAILED, error.to_string())
}
