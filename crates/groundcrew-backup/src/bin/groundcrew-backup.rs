//! Backups of a service's database, from an image of their own: the service's has no `pg_dump`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use groundcrew_backup::{BackupSections, COMMANDS, Command, exit, run};
use groundcrew_config::{FromConfig, Loader};

/// A command line, taken apart.
#[derive(Default)]
struct Arguments {
    service: Option<String>,
    config: Option<PathBuf>,
    set: Vec<String>,
    command: Option<String>,
    rest: Vec<OsString>,
}

fn main() -> ExitCode {
    let arguments = match parse(std::env::args_os().skip(1)) {
        Ok(arguments) => arguments,
        Err(words) => return said(exit::USAGE, &format!("{words}; try groundcrew-backup --help")),
    };
    let command = match arguments.command.as_deref() {
        None | Some("--help") => {
            print!("{}", help());
            return ExitCode::SUCCESS;
        }
        Some("--version") => {
            println!("groundcrew-backup {}", env!("CARGO_PKG_VERSION"));
            return ExitCode::SUCCESS;
        }
        Some(name) => match Command::parse(name, arguments.rest) {
            Ok(command) => command,
            Err(words) => return said(exit::USAGE, &format!("{words}; try groundcrew-backup --help")),
        },
    };
    let named = arguments.service.or_else(|| std::env::var("SERVICE_NAME").ok());
    let Some(service) = named.filter(|name| !name.is_empty()) else {
        return said(exit::USAGE, "whose backups? name the service with --service NAME or SERVICE_NAME");
    };
    // The service's own variables are none of ours, and would be unknown keys.
    let prefix = format!("{}__", service.to_uppercase().replace(|c: char| !c.is_ascii_alphanumeric(), "_"));
    let ours = ["BACKUP", "DATABASE", "ENVIRONMENT"];
    let variables = std::env::vars_os().filter(|(name, _)| {
        let rest = name.to_str().and_then(|name| name.strip_prefix(&prefix));
        rest.is_none_or(|rest| ours.iter().any(|section| rest.starts_with(section)))
    });
    let mut loader = Loader::new(service.as_str()).variables(variables);
    if let Some(path) = arguments.config {
        loader = loader.config_path(path);
    }
    let read = arguments.set.into_iter().fold(loader, Loader::set).load(&BackupSections::shape());
    match read.and_then(|loaded| Ok((loaded.read()?, loaded.environment()))) {
        Ok((sections, environment)) => run(&command, sections, &service, environment),
        Err(problems) => said(exit::CONFIG, &problems.to_string()),
    }
}

fn said(code: u8, words: &str) -> ExitCode {
    eprintln!("{words}");
    ExitCode::from(code)
}

/// Options stand before the command; what follows it is the command's.
fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Arguments, String> {
    let mut parsed = Arguments::default();
    let mut arguments = arguments.into_iter().enumerate();
    while let Some((at, argument)) = arguments.next() {
        let text = argument.into_string().map_err(|_| format!("argument {} is not UTF-8", at + 1))?;
        let (name, inline) = match text.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name.to_owned(), Some(value.to_owned())),
            _ => (text, None),
        };
        let mut value = || {
            let next = || arguments.next().and_then(|(_, value)| value.into_string().ok());
            inline.clone().or_else(next).ok_or_else(|| format!("{name} needs a value"))
        };
        match name.as_str() {
            "--service" => parsed.service = Some(value()?),
            "--config" => parsed.config = Some(value()?.into()),
            "--set" => parsed.set.push(value()?),
            "--help" | "-h" => parsed.command = Some("--help".to_owned()),
            "--version" | "-V" => parsed.command = Some("--version".to_owned()),
            option if option.starts_with('-') => {
                // What follows may be the value of a secret, where `--set` was mistyped.
                let option = option.split(['=', ':']).next().unwrap_or_default();
                return Err(format!("unknown option {option}"));
            }
            _ => {
                parsed.command = Some(name);
                parsed.rest = arguments.map(|(_, argument)| argument).collect();
                break;
            }
        }
    }
    Ok(parsed)
}

fn help() -> String {
    let mut text = format!(
        "groundcrew-backup {}\n\nUsage: groundcrew-backup --service NAME [--config PATH] [--set KEY=VALUE]... COMMAND\n\n\
         Commands:\n",
        env!("CARGO_PKG_VERSION")
    );
    for (command, words) in COMMANDS {
        text.push_str(&format!("  {command:<9} {words}\n"));
    }
    text.push_str(
        "\nAll take --json (the default in a pipe) or --table.\n\nOptions:\n  \
         --service NAME     whose backups; or SERVICE_NAME\n  \
         --config PATH      a file with the sections database and backup, or a folder with one file per key\n  \
         --set KEY=VALUE    sets one key, over everything else\n  --version, --help\n\n\
         Variables: DATABASE_URL, DATABASE_PASSWORD, DATABASE_DIRECT_URL, STORAGE_BACKEND, BACKUP_FOLDER,\n\
         S3_BUCKET_NAME, S3_REGION, S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY, S3_ENDPOINT, S3_PREFIX, PG_BIN\n",
    );
    text
}
