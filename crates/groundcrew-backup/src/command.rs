use std::ffi::OsString;

use groundcrew_config::Secret;

use crate::report::Form;
use crate::{RestoreOptions, Which};

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
    pub(crate) what: What,
    pub(crate) form: Option<Form>,
}

#[derive(Debug, Clone)]
pub(crate) enum What {
    Backup { prune: bool },
    Restore { which: Which, options: RestoreOptions },
    List,
    Prune { dry_run: bool },
    Verify { which: Which },
}

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
        for (at, word) in rest.into_iter().enumerate() {
            let word = word.into().into_string();
            words.push(word.map_err(|_| format!("argument {} of {} is not UTF-8", at + 1, shown(name)))?);
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
            _ => return Err(format!("there is no command {}", shown(name))),
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

/// As much of a word that nobody understood as may be shown: a URL may hold a password, and what stands behind a `=`, a
/// `:` or a space the value of a secret, where `--set` was forgotten or mistyped.
fn shown(word: &str) -> &str {
    if word.contains("://") {
        return "a URL";
    }
    word.split(|c: char| c == '=' || c == ':' || c.is_whitespace()).next().unwrap_or_default()
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
                    return Err(format!("{name} takes {takes}, not {}", shown(&word)));
                }
            }
        }
        Ok(())
    }
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
    fn of_a_setting_in_the_wrong_place_the_value_is_not_repeated() {
        let words = problem("verify", &["latest", "database.password hunter2"]);
        assert_eq!(words, "verify takes NAME or latest, not database.password");
        assert_eq!(problem("list", &["password=hunter2"]), "list takes --json or --table, not password");
        assert_eq!(problem("password=hunter2", &[]), "there is no command password");
    }

    #[cfg(unix)]
    #[test]
    fn of_an_argument_that_is_not_utf8_only_the_place_is_told() {
        use std::os::unix::ffi::OsStringExt as _;
        let password = OsString::from_vec(b"database.password=p\xe4ss".to_vec());
        let words = Command::parse("list", [OsString::from("--json"), password]).unwrap_err();
        assert_eq!(words, "argument 2 of list is not UTF-8");
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
