//! Which commands may not run on a connection that others use at the same time.

use deadpool_redis::redis::{Arg, Cmd, ErrorKind, Pipeline, RedisError};

/// They block the connection, or mean the commands around them.
const UNSHARABLE: [&str; 14] = [
    "BLMOVE",
    "BLMPOP",
    "BLPOP",
    "BRPOP",
    "BRPOPLPUSH",
    "BZMPOP",
    "BZPOPMAX",
    "BZPOPMIN",
    "MULTI",
    "EXEC",
    "DISCARD",
    "WAIT",
    "WAITAOF",
    "WATCH",
];

/// They change what the connection is for whoever uses it next; some only with one of these words behind them.
/// `WATCH` and `MULTI` are not among them: the pool undoes the one, and does not take back what is inside the other.
const CHANGING: [(&str, &[&str]); 14] = [
    ("AUTH", &[]),
    ("CLIENT", &["CACHING", "NO-EVICT", "NO-TOUCH", "REPLY", "SETINFO", "SETNAME", "TRACKING"]),
    ("HELLO", &[]),
    ("MONITOR", &[]),
    ("PSUBSCRIBE", &[]),
    ("PSYNC", &[]),
    ("QUIT", &[]),
    ("READONLY", &[]),
    ("RESET", &[]),
    ("SCRIPT", &["DEBUG"]),
    ("SELECT", &[]),
    ("SSUBSCRIBE", &[]),
    ("SUBSCRIBE", &[]),
    ("SYNC", &[]),
];

/// Refuses a command that belongs on a connection of its own.
pub(crate) fn check(command: &Cmd) -> Result<(), RedisError> {
    let mut words = words(command);
    let Some(name) = words.next() else { return Ok(()) };
    let blocks = (is(name, "XREAD") || is(name, "XREADGROUP")) && words.any(|word| is(word, "BLOCK"));
    match UNSHARABLE.iter().find(|unsharable| is(name, unsharable)) {
        Some(name) => Err(refused(name)),
        None if blocks => Err(refused("BLOCK")),
        None if changes(command) => Err(refused(&String::from_utf8_lossy(name))),
        None => Ok(()),
    }
}

/// Whether a connection is another one after this command.
pub(crate) fn changes(command: &Cmd) -> bool {
    let mut words = words(command);
    let Some(name) = words.next() else { return false };
    let second = words.next().unwrap_or_default();
    CHANGING.iter().any(|(changing, seconds)| {
        is(name, changing) && (seconds.is_empty() || seconds.iter().any(|word| is(second, word)))
    })
}

fn words(command: &Cmd) -> impl Iterator<Item = &[u8]> {
    command.args_iter().filter_map(|word| match word {
        Arg::Simple(bytes) => Some(bytes),
        _ => None,
    })
}

fn is(word: &[u8], name: &str) -> bool {
    word.eq_ignore_ascii_case(name.as_bytes())
}

/// As [`check`], for all commands of a pipeline. An atomic one begins and ends within itself, which is well.
pub(crate) fn check_all(pipeline: &Pipeline) -> Result<(), RedisError> {
    pipeline.cmd_iter().try_for_each(check)
}

fn refused(name: &str) -> RedisError {
    let what = "not on a shared connection: take one with Redis::get";
    RedisError::from((ErrorKind::Client, what, name.to_owned()))
}

#[cfg(test)]
mod tests {
    use deadpool_redis::redis::cmd;

    use super::*;

    #[test]
    fn a_connection_is_changed_by_what_it_keeps_and_not_by_what_it_is_asked() {
        assert!(changes(&cmd("select")) && changes(cmd("Client").arg("reply").arg("OFF")));
        assert!(!changes(cmd("CLIENT").arg("ID")) && !changes(cmd("SET").arg("SELECT").arg(1)));
        assert!(!changes(&cmd("WATCH")), "undone when the pool lends it again");
    }
}
