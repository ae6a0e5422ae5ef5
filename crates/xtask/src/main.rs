#![doc = include_str!("../README.md")]

mod bench;
mod bot;
mod cargo;
mod counts;
mod deploy;
mod failure;
mod features;
mod fuzz;
mod help;
mod python;
mod rabbitmq4;
mod score;
mod shared;
mod steps;
mod stream;
mod style;
mod test;
mod tools;

use crate::failure::Failure;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn dispatch(arguments: &[String]) -> Result<(), Failure> {
    let Some((command, rest)) = arguments.split_first() else {
        return Err(Failure::Usage(format!("no command given\n\n{}", help::OVERVIEW)));
    };
    if rest.iter().any(|argument| argument == "--help" || argument == "-h") {
        return help::print(Some(command));
    }
    match command.as_str() {
        "test" => test::run(rest),
        "bench" => bench::run(rest),
        "rabbitmq4" => rabbitmq4::run(rest),
        "score" => score::run(rest),
        "help" | "--help" | "-h" => help::print(rest.first().map(String::as_str)),
        other => Err(Failure::Usage(format!("unknown command `{other}`\n\n{}", help::OVERVIEW))),
    }
}
