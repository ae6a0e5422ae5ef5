//! The steps of `cargo xtask test`, in an order in which each finds what the earlier ones have built.

use crate::cargo::{self, JOBS, Workspace};
use crate::counts::Counts;
use crate::failure::Failure;
use crate::shared::Shared;
use crate::style::Style;
use crate::{deploy, features, fuzz, stream, tools};
use std::process::Command;

/// What a step needs to know.
pub(crate) struct Context {
    pub(crate) workspace: Workspace,
    pub(crate) style: Style,
    /// Whether `cargo nextest` runs the tests.
    pub(crate) nextest: bool,
    /// Whether tests marked `#[ignore]` run too.
    pub(crate) long: bool,
    pub(crate) shared: Shared,
}

/// What came of a step.
pub(crate) enum Outcome {
    Passed,
    Failed,
    Skipped(&'static str),
}

/// A named thing that must hold.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    pub(crate) run: fn(&Context, &mut Counts) -> Result<Outcome, Failure>,
}

/// Clippy and rustdoc share the metadata of the dependencies, tests and doctests their code.
pub(crate) const STEPS: &[Step] = &[
    Step { name: "fmt", what: "rustfmt has nothing to change", run: fmt },
    Step { name: "tools", what: "the programs that tests start are installed", run: ensure_tools },
    Step { name: "clippy", what: "no warning from the compiler or clippy", run: clippy },
    Step { name: "docs", what: "no warning from rustdoc", run: docs },
    Step { name: "tests", what: "every test of every crate", run: tests },
    Step {
        name: "fuzz",
        what: "the bot answers every request as its OpenAPI document says",
        run: fuzz_the_bot,
    },
    Step { name: "deploy", what: "the image and the compose files are as they should be", run: deploy_files },
    Step { name: "doctests", what: "every example in the documentation", run: doctests },
    Step { name: "features", what: "each library with each feature alone", run: each_feature },
];

fn fmt(context: &Context, _: &mut Counts) -> Result<Outcome, Failure> {
    plain_run(cargo_in(context, &["fmt", "--all", "--check"]))
}

fn ensure_tools(context: &Context, _: &mut Counts) -> Result<Outcome, Failure> {
    tools::ensure(&context.workspace).map(|()| Outcome::Passed)
}

fn clippy(context: &Context, _: &mut Counts) -> Result<Outcome, Failure> {
    let mut command =
        cargo_in(context, &["clippy", "--workspace", "--all-targets", "--all-features", "-j", JOBS]);
    command.args(["--", "-D", "warnings"]);
    plain_run(command)
}

fn docs(context: &Context, _: &mut Counts) -> Result<Outcome, Failure> {
    let mut command = cargo_in(context, &["doc", "--workspace", "--no-deps", "--all-features", "-j", JOBS]);
    command.env("RUSTDOCFLAGS", "-D warnings");
    plain_run(command)
}

fn tests(context: &Context, counts: &mut Counts) -> Result<Outcome, Failure> {
    let mut command = if context.nextest {
        let mut command =
            cargo_in(context, &["nextest", "run", "--workspace", "--all-features", "--no-fail-fast"]);
        command.args(["--no-tests", "pass", "--build-jobs", JOBS, "--test-threads", JOBS]);
        if context.long {
            command.args(["--run-ignored", "all"]);
        }
        command
    } else {
        let mut command =
            cargo_in(context, &["test", "--workspace", "--all-features", "--no-fail-fast", "-j", JOBS]);
        command.args(["--", "--test-threads", JOBS]);
        if context.long {
            command.arg("--include-ignored");
        }
        command
    };
    counted_run(command.envs(context.shared.environment()?), counts)
}

fn doctests(context: &Context, counts: &mut Counts) -> Result<Outcome, Failure> {
    if !context.nextest {
        return Ok(Outcome::Skipped("cargo test has run them"));
    }
    let arguments = ["test", "--doc", "--workspace", "--all-features", "--no-fail-fast", "-j", JOBS];
    let mut command = cargo_in(context, &arguments);
    counted_run(command.envs(context.shared.environment()?), counts)
}

/// Not counted: how many requests are made up depends on the machine.
fn fuzz_the_bot(context: &Context, _: &mut Counts) -> Result<Outcome, Failure> {
    Ok(outcome(fuzz::run(&context.workspace, context.long)?))
}

fn deploy_files(context: &Context, _: &mut Counts) -> Result<Outcome, Failure> {
    Ok(outcome(deploy::check(&context.workspace)?))
}

fn each_feature(context: &Context, _: &mut Counts) -> Result<Outcome, Failure> {
    Ok(outcome(features::check(&context.workspace, context.style)?))
}

fn cargo_in(context: &Context, arguments: &[&str]) -> Command {
    let mut command = cargo::command(context.style);
    command.current_dir(&context.workspace.root).args(arguments);
    command
}

fn plain_run(mut command: Command) -> Result<Outcome, Failure> {
    Ok(outcome(stream::run(&mut command, |_| {})?.success()))
}

fn counted_run(command: &mut Command, total: &mut Counts) -> Result<Outcome, Failure> {
    let mut counts = Counts::default();
    let status = stream::run(command, |line| counts += Counts::from_line(line))?;
    let counts = counts.settled(status.success());
    *total += counts;
    Ok(outcome(counts.failed == 0))
}

fn outcome(passed: bool) -> Outcome {
    if passed { Outcome::Passed } else { Outcome::Failed }
}
