use std::process::ExitCode;

/// The exit codes of every service.
///
/// | code | meaning |
/// |---|---|
/// | 0 | orderly end |
/// | 1 | the start failed, or a critical task ended; also `healthcheck`: unhealthy |
/// | 2 | the command line was not understood |
/// | 78 | the configuration is wrong (`EX_CONFIG` of `sysexits.h`) |
/// | 130 | a third signal cut the shutdown short, or its time did while every thread was blocked |
///
/// `backup` and `restore` have two of their own, 3 and 4; see `groundcrew_backup::exit`.
pub(crate) const FAILED: u8 = 1;
pub(crate) const USAGE: u8 = 2;
pub(crate) const CONFIG: u8 = 78;

/// Says what went wrong on standard error.
pub(crate) fn with(code: u8, words: &str) -> ExitCode {
    eprintln!("{words}");
    ExitCode::from(code)
}
