//! The Summary Bot's binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    match arguments.next() {
        Some(command) if command == "summarize" => summary_bot::cli::summarize(arguments),
        _ => {
            eprintln!("Usage: summary-bot summarize [OPTIONS] [FILE]...");
            ExitCode::from(2)
        }
    }
}
