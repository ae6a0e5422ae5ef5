//! The command line of the benchmarks.

use crate::failure::Failure;
use crate::help;
use std::io::IsTerminal;
use std::str::FromStr;

/// What both benchmarks understand; each takes what concerns it.
#[derive(Debug, PartialEq)]
pub(crate) struct Options {
    /// How long each server is under load per round.
    pub(crate) seconds: f64,
    pub(crate) rounds: usize,
    pub(crate) json: bool,
    pub(crate) callgrind: bool,
    /// Whether clean builds are timed, which takes minutes.
    pub(crate) build: bool,
}

impl Options {
    pub(crate) fn parse(arguments: &[String]) -> Result<Self, Failure> {
        let json = !std::io::stdout().is_terminal();
        let mut options = Self { seconds: 3.0, rounds: 7, json, callgrind: false, build: false };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--seconds" => options.seconds = value(argument, arguments.next())?,
                "--rounds" => options.rounds = value(argument, arguments.next())?,
                "--json" => options.json = true,
                "--callgrind" => options.callgrind = true,
                "--build" => options.build = true,
                other => return Err(wrong(&format!("unknown option `{other}`"))),
            }
        }
        let sensible = options.rounds > 0 && options.seconds > 0.0;
        if sensible { Ok(options) } else { Err(wrong("rounds and seconds must be more than 0")) }
    }
}

fn value<T: FromStr>(option: &str, given: Option<&String>) -> Result<T, Failure> {
    let parsed = given.and_then(|given| given.parse().ok());
    parsed.ok_or_else(|| wrong(&format!("`{option}` needs a number")))
}

fn wrong(text: &str) -> Failure {
    Failure::Usage(format!("{text}\n\n{}", help::BENCH))
}

#[cfg(test)]
mod tests {
    use super::Options;

    fn parse(line: &str) -> Option<Options> {
        Options::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).ok()
    }

    #[test]
    fn every_option_is_understood() {
        let all = parse("--seconds 0.5 --rounds 2 --json --callgrind --build");
        let expected = Options { seconds: 0.5, rounds: 2, json: true, callgrind: true, build: true };
        assert_eq!(all, Some(expected));
    }

    #[test]
    fn what_makes_no_sense_is_wrong_usage() {
        for line in ["--rounds", "--rounds x", "--rounds 0", "--seconds 0", "--fast"] {
            assert_eq!(parse(line), None, "{line}");
        }
    }
}
