use std::ffi::OsString;
use std::path::PathBuf;

/// A command line, taken apart: our options, then a command with its own arguments.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Arguments {
    pub(crate) config: Option<PathBuf>,
    pub(crate) set: Vec<String>,
    pub(crate) help: bool,
    pub(crate) version: bool,
    pub(crate) command: Option<String>,
    pub(crate) rest: Vec<OsString>,
}

impl Arguments {
    /// Our options may stand before and after one of our commands; everything behind a command of the
    /// service's own is the service's.
    pub(crate) fn parse(
        arguments: impl IntoIterator<Item = OsString>,
        own_commands: &[&'static str],
    ) -> Result<Self, String> {
        let mut parsed = Self::default();
        let mut arguments = arguments.into_iter().enumerate();
        while let Some((at, argument)) = arguments.next() {
            let text = argument.to_str().ok_or_else(|| format!("argument {} is not UTF-8", at + 1))?;
            let (name, inline) = match text.split_once('=') {
                Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
                _ => (text, None),
            };
            let mut value = || match inline.clone() {
                Some(value) => Ok(value),
                None => arguments
                    .next()
                    .and_then(|(_, value)| value.into_string().ok())
                    .ok_or_else(|| format!("{name} needs a value")),
            };
            match name {
                "--config" => parsed.config = Some(value()?.into()),
                "--set" => parsed.set.push(pair(value()?)?),
                "--help" | "-h" => parsed.help = true,
                "--version" | "-V" => parsed.version = true,
                _ if parsed.command.is_some() => parsed.rest.push(argument),
                option if option.starts_with('-') => return Err(format!("unknown option {}", shown(text))),
                command => {
                    parsed.command = Some(command.to_owned());
                    if own_commands.contains(&command) {
                        parsed.rest = arguments.map(|(_, argument)| argument).collect();
                        break;
                    }
                }
            }
        }
        Ok(parsed)
    }
}

/// As much of a word that nobody understood as may be shown. What stands behind a `=`, a `:` or a space may be the
/// value of a secret, where `--set` was forgotten or mistyped.
pub(crate) fn shown(word: &str) -> String {
    let secret = |c: char| c == '=' || c == ':' || c.is_whitespace();
    let name = word.split(secret).next().unwrap_or_default();
    if word.contains('=') { format!("{name} (did you mean `--set KEY=VALUE`?)") } else { name.to_owned() }
}

/// A setting that reads as one. Of another one nothing is shown, and nothing that follows is taken for a command: either
/// may be a secret.
fn pair(setting: String) -> Result<String, String> {
    let words = "--set takes one word, key=value, as in `--set http.port=5000`";
    if setting.contains('=') { Ok(setting) } else { Err(words.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments, String> {
        Arguments::parse(line.split_whitespace().map(OsString::from), &["summarize"])
    }

    #[test]
    fn options_may_stand_on_both_sides_of_a_standard_command() {
        let parsed = parse("--set a=1 explain-config --set=b=2 --config x.toml --json").unwrap();
        assert_eq!(parsed.set, ["a=1", "b=2"]);
        assert_eq!(parsed.config, Some("x.toml".into()));
        assert_eq!(parsed.command.as_deref(), Some("explain-config"));
        assert_eq!(parsed.rest, ["--json"]);
    }

    #[test]
    fn what_follows_a_command_of_the_service_is_the_services() {
        let parsed = parse("summarize --set x --help chat.json").unwrap();
        assert_eq!(parsed.rest, ["--set", "x", "--help", "chat.json"]);
        assert!(!parsed.help);
    }

    #[test]
    fn a_setting_in_two_words_is_refused_without_either() {
        for line in ["--set auth.secret hunter2", "--set hunter2", "--set=hunter2 check-config"] {
            let words = parse(line).unwrap_err();
            assert!(words.contains("key=value") && !words.contains("hunter2"), "{words}");
        }
    }

    #[test]
    fn of_a_mistyped_setting_the_value_is_not_shown() {
        let words = parse("-set=auth.secret=hunter2").unwrap_err();
        assert_eq!(words, "unknown option -set (did you mean `--set KEY=VALUE`?)");
        assert_eq!(parse("-s:hunter2").unwrap_err(), "unknown option -s");
        assert_eq!(shown("auth.secret hunter2"), "auth.secret");
    }

    #[cfg(unix)]
    #[test]
    fn of_an_argument_that_is_not_utf8_only_the_place_is_shown() {
        use std::os::unix::ffi::OsStringExt as _;
        let password = OsString::from_vec(b"--set=auth.secret=p\xe4ss".to_vec());
        let words = Arguments::parse([OsString::from("check-config"), password], &[]).unwrap_err();
        assert_eq!(words, "argument 2 is not UTF-8");
    }

    #[test]
    fn an_unknown_option_and_a_missing_value_are_named() {
        assert_eq!(parse("--frobnicate").unwrap_err(), "unknown option --frobnicate");
        assert_eq!(parse("--set").unwrap_err(), "--set needs a value");
    }
}
