//! `cargo xtask test`: runs the steps, then says how each of them went.

use crate::cargo::{self, Workspace};
use crate::counts::Counts;
use crate::failure::Failure;
use crate::help;
use crate::shared::Shared;
use crate::steps::{Context, Outcome, STEPS, Step};
use crate::style::Style;
use std::process::Stdio;
use std::time::{Duration, Instant};

pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let options = Options::parse(arguments)?;
    if options.list {
        for step in STEPS {
            println!("{:<10} {}", step.name, step.what);
        }
        return Ok(());
    }
    let style = Style::detect();
    let context = Context {
        workspace: Workspace::load()?,
        style,
        nextest: nextest_is_installed(),
        long: options.long,
        shared: Shared::default(),
    };
    let mut counts = Counts::default();
    let mut rows = Vec::new();
    for (index, step) in options.steps.iter().enumerate() {
        let position = format!("[{}/{}]", index + 1, options.steps.len());
        println!("\n{}", style.bold(&format!("{position} {}: {}", step.name, step.what)));
        rows.push(Row::of(step, &context, &mut counts));
    }
    summarise(&rows, style);
    // Machines read this line: it is the last one, and nothing else is on it.
    println!("{counts}");
    verdict(&rows)
}

/// The command line of `cargo xtask test`.
struct Options {
    steps: Vec<&'static Step>,
    long: bool,
    list: bool,
}

impl Options {
    fn parse(arguments: &[String]) -> Result<Self, Failure> {
        let mut options = Self { steps: Vec::new(), long: false, list: false };
        let mut names = Vec::new();
        for argument in arguments {
            match argument.as_str() {
                "--long" => options.long = true,
                "--list" => options.list = true,
                name if STEPS.iter().any(|step| step.name == name) => names.push(name),
                other => return Err(unknown(other)),
            }
        }
        options.steps = STEPS.iter().filter(|step| names.is_empty() || names.contains(&step.name)).collect();
        Ok(options)
    }
}

/// One line of the closing table.
struct Row {
    name: &'static str,
    result: Result<Outcome, Failure>,
    took: Duration,
}

impl Row {
    fn of(step: &'static Step, context: &Context, counts: &mut Counts) -> Self {
        let start = Instant::now();
        let result = (step.run)(context, counts);
        if let Err(failure) = &result {
            failure.report();
        }
        Self { name: step.name, result, took: start.elapsed() }
    }

    fn verdict(&self, style: Style) -> String {
        match &self.result {
            Ok(Outcome::Passed) => style.green("passed"),
            Ok(Outcome::Skipped(why)) => format!("skipped: {why}"),
            Ok(Outcome::Failed) => style.red("FAILED"),
            Err(Failure::MissingTool(_)) => style.red("FAILED: a tool is missing"),
            Err(_) => style.red("FAILED: could not run"),
        }
    }

    fn failed(&self) -> bool {
        matches!(self.result, Ok(Outcome::Failed) | Err(_))
    }
}

fn summarise(rows: &[Row], style: Style) {
    println!("\n{}", style.bold(&format!("{:<10} {:>9}  result", "step", "seconds")));
    for row in rows {
        println!("{:<10} {:>9.1}  {}", row.name, row.took.as_secs_f64(), row.verdict(style));
    }
    let total: Duration = rows.iter().map(|row| row.took).sum();
    println!("{:<10} {:>9.1}\n", "total", total.as_secs_f64());
}

/// Missing tools have their own exit code, but only where nothing else went wrong.
fn verdict(rows: &[Row]) -> Result<(), Failure> {
    let mut failed = rows.iter().filter(|row| row.failed()).peekable();
    if failed.peek().is_none() {
        return Ok(());
    }
    if failed.all(|row| matches!(row.result, Err(Failure::MissingTool(_)))) {
        return Err(Failure::MissingTool("see the step `tools` above".to_owned()));
    }
    Err(Failure::Checks)
}

fn unknown(argument: &str) -> Failure {
    let names: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
    Failure::Usage(format!(
        "unknown step or option `{argument}`; steps: {}\n\n{}",
        names.join(", "),
        help::TEST
    ))
}

fn nextest_is_installed() -> bool {
    let mut command = cargo::command(Style::detect());
    command.args(["nextest", "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::{Duration, Failure, Options, Outcome, Row, verdict};

    fn parse(arguments: &[&str]) -> Result<Options, Failure> {
        Options::parse(&arguments.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    fn row(result: Result<Outcome, Failure>) -> Row {
        Row { name: "step", result, took: Duration::ZERO }
    }

    #[test]
    fn without_names_every_step_runs() {
        assert_eq!(parse(&["--long"]).map(|options| options.steps.len()).ok(), Some(super::STEPS.len()));
    }

    #[test]
    fn named_steps_run_in_their_own_order() {
        let options = parse(&["tests", "fmt"]).expect("both exist");
        let names: Vec<&str> = options.steps.iter().map(|step| step.name).collect();
        assert_eq!(names, ["fmt", "tests"]);
    }

    #[test]
    fn a_step_that_does_not_exist_is_wrong_usage() {
        let failure = parse(&["fmtt"]).err().expect("there is no such step");
        assert_eq!(failure.code(), 2);
    }

    #[test]
    fn one_failed_step_fails_the_run() {
        let failure = verdict(&[row(Ok(Outcome::Passed)), row(Ok(Outcome::Failed))]).expect_err("one failed");
        assert_eq!(failure.code(), 1);
    }

    #[test]
    fn missing_tools_alone_have_their_own_exit_code() {
        let missing = || row(Err(Failure::MissingTool(String::new())));
        assert_eq!(verdict(&[row(Ok(Outcome::Passed)), missing()]).map_err(|f| f.code()), Err(3));
        assert_eq!(verdict(&[row(Ok(Outcome::Failed)), missing()]).map_err(|f| f.code()), Err(1));
    }

    #[test]
    fn skipped_steps_do_not_fail_the_run() {
        assert!(verdict(&[row(Ok(Outcome::Skipped("because")))]).is_ok());
    }
}
