//! Which commands may not run on a connection that others use at the same time.

use deadpool_redis::redis::{Arg, Cmd, ErrorKind, Pipeline, RedisError};

/// They block the connection, or change what it is.
const UNSHARABLE: [&str; 21] = [
    "BLMOVE",
    "BLMPOP",
    "BLPOP",
    "BRPOP",
    "BRPOPLPUSH",
    "BZMPOP",
    "BZPOPMAX",
    "BZPOPMIN",
    "MONITOR",
    "MULTI",
    "EXEC",
    "DISCARD",
    "PSUBSCRIBE",
    "QUIT",
    "RESET",
    "SELECT",
    "SSUBSCRIBE",
    "SUBSCRIBE",
    "WAIT",
    "WAITAOF",
    "WATCH",
];

/// Refuses a command that belongs on a connection of its own.
pub(crate) fn check(command: &Cmd) -> Result<(), RedisError> {
    let mut words = command.args_iter().filter_map(|word| match word {
        Arg::Simple(bytes) => Some(bytes),
        _ => None,
    });
    let is = |word: &[u8], name: &str| word.eq_ignore_ascii_case(name.as_bytes());
    let Some(name) = words.next() else { return Ok(()) };
    let blocks = (is(name, "XREAD") || is(name, "XREADGROUP")) && words.any(|word| is(word, "BLOCK"));
    match UNSHARABLE.iter().find(|unsharable| is(name, unsharable)) {
        Some(name) => Err(refused(name)),
        None if blocks => Err(refused("BLOCK")),
        None => Ok(()),
    }
}

/// As [`check`], for all commands of a pipeline. An atomic one begins and ends within itself, which is well.
pub(crate) fn check_all(pipeline: &Pipeline) -> Result<(), RedisError> {
    pipeline.cmd_iter().try_for_each(check)
}

fn refused(name: &str) -> RedisError {
    let what = "not on a shared connection: take one with Redis::get";
    RedisError::from((ErrorKind::Client, what, name.to_owned()))
}
