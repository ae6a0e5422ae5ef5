use std::ffi::OsString;
use std::future::Future;
use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

use groundcrew_config::{Environment, Secret};
use groundcrew_sql::ConnectError;

use crate::report::{self, Form};
use crate::{BackupError, BackupSections, Backups, RestoreError, RestoreOptions, StoreError, Which};

/// The commands with what `--help` says of them.
pub const COMMANDS: &[(&str, &str)] = &[
    (
        "backup",
        "back up the database, then prune; --no-prune. `backup list`, `backup prune` … are the others",
    ),
    (
        "restore",
        "restore NAME or the latest; --into URL, --force overwrites, --owners with owners and grants",
    ),
    ("list", "the backups that there are"),
    ("prune", "remove what backup.keep and backup.keep_for let go; --dry-run only says"),
    ("verify", "restore NAME or the latest beside the database, count, and remove it again"),
];

/// The exit codes of the commands.
///
/// | code | meaning |
/// |---|---|
/// | 0 | done |
/// | 1 | it failed; nothing was changed |
/// | 2 | the command line was not understood |
/// | 3 | the backup is damaged or does not hold what it should |
/// | 4 | the backup is made, but old ones could not be removed |
/// | 78 | the configuration is wrong |
/// | 130 | stopped by a signal; nothing was changed |
pub mod exit {
    /// It failed.
    pub const FAILED: u8 = 1;
    /// The command line was not understood.
    pub const USAGE: u8 = 2;
    /// The backup is damaged.
    pub const DAMAGED: u8 = 3;
    /// The backup is made, but not pruned.
    pub const NOT_PRUNED: u8 = 4;
    /// The configuration is wrong.
    pub const CONFIG: u8 = 78;
    /// Stopped by a signal.
    pub const STOPPED: u8 = 130;
}

/// One of the commands, with its arguments.
#[derive(Debug, Clone)]
pub struct Command {
    what: What,
    form: Option<Form>,
}

#[derive(Debug, Clone)]
enum What {
    Backup { prune: bool },
    Restore { which: Which, options: RestoreOptions },
    List,
    Prune { dry_run: bool },
    Verify { which: Which },
}

/// How a command ended: what it says, and its exit code.
type Ending = Result<String, (u8, String)>;

/// How long tidying up after a signal may take: an upload is aborted, a database dropped.
const TIDY: Duration = Duration::from_secs(30);

// === impl Command ===

impl Command {
    /// Reads the arguments behind the name of a command. `backup list` is `list`, and so are the others, for a
    /// service that has other commands of these names.
    ///
    /// # Errors
    ///
    /// What was not understood, in words.
    ///
    /// ```
    /// use groundcrew_backup::Command;
    ///
    /// assert!(Command::parse("restore", ["latest", "--force"]).is_ok());
    /// assert_eq!(
    ///     Command::parse("verify", ["--force"]).unwrap_err(),
    ///     "verify takes NAME or latest, not --force"
    /// );
    /// ```
    pub fn parse<A: Into<OsString>>(name: &str, rest: impl IntoIterator<Item = A>) -> Result<Self, String> {
        let mut words = Vec::new();
        for word in rest {
            words.push(word.into().into_string().map_err(|word| format!("{} is not UTF-8", word.display()))?);
        }
        if name == "backup" && words.first().is_some_and(|word| COMMANDS.iter().any(|(name, _)| name == word))
        {
            let name = words.remove(0);
            return Self::of(&name, words);
        }
        Self::of(name, words)
    }

    fn of(name: &str, words: Vec<String>) -> Result<Self, String> {
        let mut arguments = Arguments::default();
        let takes = match name {
            "backup" => &["--no-prune"][..],
            "restore" => &["NAME or latest", "--into URL", "--force", "--owners"],
            "list" => &[],
            "prune" => &["--dry-run"],
            "verify" => &["NAME or latest"],
            _ => return Err(format!("there is no command {name}")),
        };
        arguments.read(name, takes, words)?;
        let Arguments { flags, which, into, form } = arguments;
        let has = |flag: &str| flags.iter().any(|given| given == flag);
        let which = which.unwrap_or(Which::Latest);
        let what = match name {
            "backup" => What::Backup { prune: !has("--no-prune") },
            "list" => What::List,
            "prune" => What::Prune { dry_run: has("--dry-run") },
            "verify" => What::Verify { which },
            _ => {
                let options = RestoreOptions { into, force: has("--force"), owners: has("--owners") };
                What::Restore { which, options }
            }
        };
        Ok(Self { what, form })
    }
}

#[derive(Default)]
struct Arguments {
    flags: Vec<String>,
    which: Option<Which>,
    into: Option<Secret<String>>,
    form: Option<Form>,
}

impl Arguments {
    fn read(&mut self, name: &str, takes: &[&str], words: Vec<String>) -> Result<(), String> {
        let named = takes.contains(&"NAME or latest");
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            match word.split_once('=') {
                _ if word == "--json" => self.form = Some(Form::Json),
                _ if word == "--table" => self.form = Some(Form::Table),
                _ if takes.contains(&word.as_str()) => self.flags.push(word),
                Some(("--into", url)) if named && takes.len() > 1 => {
                    self.into = Some(Secret::new(url.to_owned()));
                }
                None if word == "--into" && named && takes.len() > 1 => {
                    self.into = Some(Secret::new(words.next().ok_or("--into needs a URL")?));
                }
                None if named && self.which.is_none() && !word.starts_with('-') => {
                    let Ok(which) = word.parse();
                    self.which = Some(which);
                }
                _ => {
                    let takes = if takes.is_empty() { "--json or --table".into() } else { takes.join(", ") };
                    // A word with `://` may hold a password.
                    let word = if word.contains("://") { "a URL" } else { word.as_str() };
                    return Err(format!("{name} takes {takes}, not {word}"));
                }
            }
        }
        Ok(())
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(name: &str, rest: &[&str]) -> String {
        Command::parse(name, rest.iter().copied()).unwrap_err()
    }

    #[test]
    fn an_argument_that_would_be_ignored_is_refused() {
        assert_eq!(problem("list", &["x"]), "list takes --json or --table, not x");
        assert_eq!(problem("backup", &["prune", "now"]), "prune takes --dry-run, not now");
        assert_eq!(problem("restore", &["--into"]), "--into needs a URL");
    }

    #[test]
    fn a_url_in_the_wrong_place_is_not_repeated() {
        let words = problem("verify", &["--into=postgres://u:hunter2@h/d"]);
        assert!(!words.contains("hunter2"), "{words}");
    }

    #[test]
    fn restore_reads_its_name_and_options_in_any_order() {
        let command =
            Command::parse("restore", ["--force", "latest", "--into=sqlite:x.db", "--json"]).expect("ok");
        let What::Restore { which, options } = command.what else { panic!("not a restore") };
        assert_eq!(which, Which::Latest);
        assert!(options.force && !options.owners);
        assert_eq!(options.into.expect("a URL").expose(), "sqlite:x.db");
        assert_eq!(command.form, Some(Form::Json));
    }

    #[test]
    fn no_debug_output_shows_where_a_restore_goes() {
        let command = Command::parse("restore", ["--into=postgres://u:hunter2@h/d"]).expect("ok");
        assert!(!format!("{command:?}").contains("hunter2"));
    }
}
