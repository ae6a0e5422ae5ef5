use std::ffi::OsString;
use std::io::IsTerminal;
use std::process::ExitCode;

use groundcrew_config::{FromConfig, Problems, Shape, reference};

use crate::arguments::Arguments;
use crate::reserved::Reserved;
use crate::{Service, exit};

/// The commands of every service, with what `--help` says of them.
const STANDARD: &[(&str, &str)] = &[
    ("check-config", "read the configuration and say everything that is wrong with it (exit code 78)"),
    (
        "explain-config",
        "every value, where it came from and what it shadowed; --json (the default in a pipe) or --table",
    ),
    ("config-reference", "the reference of the configuration: --format toml, markdown or json-schema"),
    #[cfg(feature = "http")]
    ("healthcheck", "ask the running service's /health; exit code 0 or 1, for containers without curl"),
    #[cfg(feature = "http")]
    ("operate", "ask the running service for one of its operations; without words, list them"),
    #[cfg(feature = "jobs")]
    ("jobs", "the dead jobs of the running service: list, show, requeue, discard"),
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    ("migrate", "apply the pending migrations; --plan lists them, --check fails while there are some"),
    #[cfg(feature = "backup")]
    (
        "backup",
        "back up the database, then prune (--no-prune); also backup list, backup verify, backup prune",
    ),
    #[cfg(feature = "backup")]
    ("restore", "restore NAME or the latest backup; --into URL, --force overwrites, --owners"),
];

/// What `--help` prints.
pub(crate) fn help(service: &Service) -> String {
    let name = service.name;
    let mut text = format!(
        "{name} {}\n\nUsage: {name} [--config PATH] [--set KEY=VALUE]... [COMMAND]\n\n\
         Without a command the service runs until SIGTERM or SIGINT.\n\nCommands:\n",
        service.version
    );
    for (command, _) in &service.commands {
        text.push_str(&format!("  {command:<18} of this service; see {name} {command} --help\n"));
    }
    #[cfg(feature = "http")]
    for (command, words) in &service.operations {
        text.push_str(&format!("  {command:<18} {words}\n"));
    }
    for (command, words) in STANDARD {
        text.push_str(&format!("  {command:<18} {words}\n"));
    }
    text.push_str(
        "\nOptions:\n  --config PATH      a configuration file, or a folder with config.* and one file per key\n  \
         --set KEY=VALUE    sets one key, over everything else\n  --version, --help\n",
    );
    text
}

/// Runs one of the standard commands.
pub(crate) fn standard<C: FromConfig>(
    service: &Service,
    command: &str,
    arguments: &Arguments,
    shape: &Shape,
) -> ExitCode {
    if let Some(words) = misunderstood(command, &arguments.rest) {
        return exit::with(exit::USAGE, &words);
    }
    match command {
        "check-config" => or_problems(check::<C>(service, arguments, shape)),
        "explain-config" => or_problems(explain(service, arguments, shape)),
        "config-reference" => print_reference(service, arguments, shape),
        #[cfg(feature = "http")]
        "healthcheck" => crate::healthcheck::run(service, arguments, shape),
        #[cfg(feature = "http")]
        "operate" => crate::operate::run(service, arguments, shape, None),
        #[cfg(feature = "jobs")]
        "jobs" => crate::operate::run(service, arguments, shape, Some("jobs")),
        #[cfg(any(feature = "sqlite", feature = "postgres"))]
        "migrate" => crate::migrate::run(service, arguments, shape),
        #[cfg(feature = "backup")]
        "backup" | "restore" => crate::backups::run(service, command, arguments, shape),
        unknown => {
            let words =
                format!("{}: there is no command {unknown}; try {} --help", service.name, service.name);
            exit::with(exit::USAGE, &words)
        }
    }
}

/// What is wrong with the arguments of a command that takes few or none.
fn misunderstood(command: &str, rest: &[OsString]) -> Option<String> {
    let known: &[&str] = match command {
        "check-config" | "healthcheck" => &[],
        "explain-config" => &["--json", "--table"],
        _ => return None,
    };
    let stray = rest.iter().find(|argument| !known.iter().any(|known| argument.as_os_str() == *known))?;
    let takes = if known.is_empty() { "no arguments".to_owned() } else { known.join(" or ") };
    Some(format!("{command} takes {takes}, not {}", stray.display()))
}

fn or_problems(result: Result<(), Problems>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(problems) => exit::with(exit::CONFIG, &problems.to_string()),
    }
}

fn check<C: FromConfig>(service: &Service, arguments: &Arguments, shape: &Shape) -> Result<(), Problems> {
    let loaded = service.load(arguments, shape)?;
    let reserved: Reserved = loaded.read()?;
    loaded.read::<C>()?;
    for warning in loaded.warnings() {
        eprintln!("warning: {warning}");
    }
    let in_kubernetes = std::env::var_os("KUBERNETES_SERVICE_HOST").is_some();
    if let Err(error) = reserved.shutdown.validate(in_kubernetes) {
        eprintln!("warning: {error}");
    }
    #[cfg(feature = "http")]
    for warning in crate::healthcheck::warnings(&loaded) {
        eprintln!("warning: {warning}");
    }
    println!("the configuration is right ({})", loaded.environment());
    Ok(())
}

fn explain(service: &Service, arguments: &Arguments, shape: &Shape) -> Result<(), Problems> {
    let explanation = service.load(arguments, shape)?.explain();
    let json = arguments.rest.iter().any(|argument| argument == "--json");
    if json
        || !std::io::stdout().is_terminal() && !arguments.rest.iter().any(|argument| argument == "--table")
    {
        println!("{}", explanation.to_json());
    } else {
        print!("{explanation}");
    }
    Ok(())
}

fn print_reference(service: &Service, arguments: &Arguments, shape: &Shape) -> ExitCode {
    let reference = reference(shape, service.name);
    let format = arguments.rest.iter().filter_map(|argument| argument.to_str()).collect::<Vec<_>>();
    let text = match format.as_slice() {
        [] | ["--format", "toml"] | ["--format=toml"] => reference.toml(),
        ["--format", "markdown"] | ["--format=markdown"] => reference.markdown(),
        ["--format", "json-schema"] | ["--format=json-schema"] => reference.json_schema(),
        _ => {
            return exit::with(exit::USAGE, "config-reference takes --format toml, markdown or json-schema");
        }
    };
    print!("{text}");
    ExitCode::SUCCESS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stray(command: &str, argument: &str) -> Option<String> {
        misunderstood(command, &[OsString::from(argument)])
    }

    #[test]
    fn a_standard_command_refuses_an_argument_that_it_would_ignore() {
        assert_eq!(stray("check-config", "x.toml").unwrap(), "check-config takes no arguments, not x.toml");
        assert_eq!(
            stray("explain-config", "--tabel").unwrap(),
            "explain-config takes --json or --table, not --tabel"
        );
    }

    #[test]
    fn what_a_command_knows_is_understood() {
        assert_eq!(stray("explain-config", "--table"), None);
        assert_eq!(stray("migrate", "--plan"), None);
    }
}
