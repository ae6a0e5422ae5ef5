//! The help texts.

use crate::failure::Failure;

pub(crate) const OVERVIEW: &str = "\
Usage: cargo xtask COMMAND

  test [--long] [STEP…] [--list]   everything that must hold, or only the steps named
  bench http|start|jobs|bot        ours beside bare axum, raw lapin, Celery and others
  score DIR                        score summaries against the human ones in DIR
  rabbitmq4 [DIR]                  install a RabbitMQ 4 beside the system's, for tests
  help [COMMAND]                   more about one command

Exit codes: 0 all is well, 1 a check failed, 2 wrong usage, 3 a tool is missing";

pub(crate) const TEST: &str = "\
Usage: cargo xtask test [--long] [STEP…] [--list]

Runs every step (or only those named), prints what each one prints, and ends with a table of
the steps. The last line is `N passed, N failed`: the tests, counted from the runner's output.
A step that fails does not keep the later ones from running.

  --long   also run the tests marked #[ignore], which take minutes, and the fuzzer for ten
  --list   print the steps and stop

Exit codes: 0 every step passed, 1 one failed, 2 wrong usage, 3 only tools are missing";

pub(crate) const BENCH: &str = "\
Usage: cargo xtask bench http [--seconds N] [--rounds N] [--callgrind] [--json]
       cargo xtask bench start [--rounds N] [--build] [--json]
       cargo xtask bench jobs [--seconds N] [--rounds N] [--json]
       cargo xtask bench bot [--seconds N] [--rounds N] [--json]

http   requests per second of bare hyper, bare axum, axum assembled by hand and ours, in turn,
       the server on one core and the client on another; each round is compared with bare axum's;
       the time on the processor per request says the same where others use the machine too
start  start to ready, idle memory, crates in the tree
jobs   jobs per second from publish to done, and the time on the processor of publisher and worker
       together: raw lapin, ours over RabbitMQ, Postgres and SQLite, and Celery, on real servers

bot    the Summary Bot: how long 50 and 200 messages take, messages per minute, 50 requests at once
       beside two at a time, and the most memory it has taken, large conversations included

  --seconds N  load per server and round (3); for jobs, 10 000 jobs for each
  --rounds N   rounds; the median counts (7)
  --callgrind  also count user instructions per request (needs valgrind)
  --build      also time clean builds, which takes minutes
  --json       JSON also on a terminal; a pipe always gets it

Exit codes: 0 every target is met, 1 one is missed, 2 wrong usage, 3 a tool is missing";

pub(crate) const SCORE: &str = "\
Usage: cargo xtask score DIR

Builds summary-bot (release), makes a Python environment in the target folder (once per version
of crates/xtask/score/requirements.txt) and scores the bot's summaries of the conversations in
DIR against the human ones. Needs python3 with its venv module, and the network the first time.

Exit codes: 0 scored, 1 it failed, 2 wrong usage, 3 python3 is missing";

pub(crate) const RABBITMQ4: &str = "\
Usage: cargo xtask rabbitmq4 [DIR]

Installs Debian trixie's RabbitMQ 4 under DIR (target/rabbitmq4), with debootstrap and as root,
and prints the command that runs the tests against it. The system's own RabbitMQ stays as it is.

Exit codes: 0 it is there, 1 it failed, 2 wrong usage, 3 debootstrap is missing, or you are not root";

pub(crate) fn print(command: Option<&str>) -> Result<(), Failure> {
    let text = match command {
        None | Some("help" | "--help" | "-h") => OVERVIEW,
        Some("test") => TEST,
        Some("bench") => BENCH,
        Some("rabbitmq4") => RABBITMQ4,
        Some("score") => SCORE,
        Some(other) => return Err(Failure::Usage(format!("unknown command `{other}`\n\n{OVERVIEW}"))),
    };
    println!("{text}");
    Ok(())
}
