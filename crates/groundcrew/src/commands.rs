use std::ffi::OsString;
use std::io::IsTerminal;
use std::process::ExitCode;

use groundcrew_config::{FromConfig, Shape, reference};

use crate::arguments::{Arguments, shown};
use crate::{Service, exit};

/// The commands of every service, with what `--help` says of them.
const STANDARD: &[(&str, &str)] = &[
    ("check-config", "read the configuration and say everything that does not read (exit code 78)"),
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
        "check-config" => check::<C>(service, arguments, shape),
        "explain-config" => explain::<C>(service, arguments, shape),
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
        unknown => exit::with(exit::USAGE, &unheard_of(service.name, unknown)),
    }
}

fn unheard_of(service: &str, command: &str) -> String {
    format!("{service}: there is no command {}; try {service} --help", shown(command))
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
    Some(format!("{command} takes {takes}, not {}", shown(&stray.to_string_lossy())))
}

fn check<C: FromConfig>(service: &Service, arguments: &Arguments, shape: &Shape) -> ExitCode {
    let loaded = match service.read::<C>(arguments, shape) {
        Ok((loaded, _reserved, _config)) => loaded,
        Err(words) => return exit::with(exit::CONFIG, &words),
    };
    for warning in loaded.warnings() {
        eprintln!("warning: {warning}");
    }
    #[cfg(feature = "http")]
    for warning in crate::healthcheck::warnings(&loaded) {
        eprintln!("warning: {warning}");
    }
    println!("the configuration is right ({})", loaded.environment());
    ExitCode::SUCCESS
}

/// The values on standard output, also when some are wrong: that is when one asks. What is wrong with them follows on
/// standard error.
fn explain<C: FromConfig>(service: &Service, arguments: &Arguments, shape: &Shape) -> ExitCode {
    print!("{}", explained(service, arguments, shape));
    match service.read::<C>(arguments, shape) {
        Ok(_right) => ExitCode::SUCCESS,
        Err(words) => exit::with(exit::CONFIG, &words),
    }
}

fn explained(service: &Service, arguments: &Arguments, shape: &Shape) -> String {
    let (explanation, _problems) = service.loader(arguments).explain(shape);
    let asks_for = |format: &str| arguments.rest.iter().any(|argument| argument == format);
    if asks_for("--json") || !std::io::stdout().is_terminal() && !asks_for("--table") {
        format!("{}\n", explanation.to_json())
    } else {
        explanation.to_string()
    }
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
    fn of_a_setting_without_its_option_the_value_is_not_shown() {
        let setting = "auth.secret=hunter2";
        let meant = "auth.secret (did you mean `--set KEY=VALUE`?)";
        let words = unheard_of("test", setting);
        assert_eq!(words, format!("test: there is no command {meant}; try test --help"));
        let words = stray("check-config", setting).unwrap();
        assert_eq!(words, format!("check-config takes no arguments, not {meant}"));
    }

    #[test]
    fn a_wrong_configuration_is_explained_with_the_value_that_is_wrong() {
        let shape = crate::reserved::Reserved::shape();
        let set = ["shutdown.budget=soon", "log.level=debug", "log.levle=debug"].map(str::to_owned);
        let arguments = Arguments { set: set.into(), rest: vec!["--table".into()], ..Arguments::default() };
        let table = explained(&Service::new("test", "1.0.0"), &arguments, &shape);
        let origin = |key: &str, value: &str| {
            table.lines().any(|line| line.split_whitespace().eq([key, value, "--set"]))
        };
        assert!(origin("shutdown.budget", "soon") && origin("log.level", "debug"), "{table}");
    }

    #[test]
    fn what_a_command_knows_is_understood() {
        assert_eq!(stray("explain-config", "--table"), None);
        assert_eq!(stray("migrate", "--plan"), None);
    }
}
