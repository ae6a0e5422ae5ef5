//! The Summary Bot's binary.

use std::process::ExitCode;

use groundcrew::Service;

fn main() -> ExitCode {
    Service::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
        .command("summarize", |arguments| summary_bot::cli::summarize(arguments.into_iter()))
        .operation("keys", "API keys of the running service: create, list, revoke, scopes")
        .migrations(summary_bot::MIGRATIONS)
        .run(summary_bot::start)
}
