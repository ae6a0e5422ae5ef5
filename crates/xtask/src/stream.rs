//! A child process whose output is passed on as it comes, and read on the way.

use anyhow::Context;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};

/// Runs `command` without standard input, passes on both outputs line by line and shows each line to `observe`.
pub(crate) fn run(command: &mut Command, observe: impl FnMut(&str) + Send) -> anyhow::Result<ExitStatus> {
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {program}"))?;
    let observe = Mutex::new(observe);
    let show = |line: &str| (observe.lock().unwrap_or_else(PoisonError::into_inner))(line);
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    std::thread::scope(|scope| {
        scope.spawn(|| stdout.map(|from| pass_on(from, std::io::stdout(), show)));
        scope.spawn(|| stderr.map(|from| pass_on(from, std::io::stderr(), show)));
    });
    child.wait().with_context(|| format!("cannot wait for {program}"))
}

/// Reads to the end even when nobody listens any more, so that the child never blocks on a full pipe.
fn pass_on(from: impl Read, mut to: impl Write, show: impl Fn(&str)) {
    let mut reader = BufReader::new(from);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        let _ = to.write_all(&line).and_then(|()| to.flush());
        show(&String::from_utf8_lossy(&line));
        line.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::run;
    use std::process::Command;

    #[test]
    fn lines_of_both_outputs_are_seen_and_the_status_is_kept() {
        let mut lines = Vec::new();
        let mut command = Command::new("sh");
        command.args(["-c", "echo out; echo err >&2; exit 3"]);
        let status = run(&mut command, |line| lines.push(line.trim().to_owned())).expect("sh starts");
        lines.sort();
        assert_eq!((lines, status.code()), (vec!["err".to_owned(), "out".to_owned()], Some(3)));
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let error = run(&mut Command::new("no-such-program"), |_| {}).expect_err("it cannot start");
        assert_eq!(error.to_string(), "cannot start no-such-program");
    }
}
