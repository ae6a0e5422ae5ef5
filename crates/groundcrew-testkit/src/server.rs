//! What all real servers share: a process with its children, a folder that goes away, a port of its own.

mod error;
mod family;
mod folder;
mod running;
#[cfg(any(feature = "pgbouncer", feature = "rabbitmq", feature = "redis"))]
mod url;
mod watcher;

pub use error::Error;
pub(crate) use family::Family;
pub(crate) use folder::Folder;
pub(crate) use running::Running;
#[cfg(any(feature = "pgbouncer", feature = "rabbitmq", feature = "redis"))]
pub(crate) use url::Url;

use crate::port::Port;
#[cfg(feature = "postgres")]
use std::io;
#[cfg(any(feature = "pgbouncer", feature = "rabbitmq", feature = "redis"))]
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Where folders are made: the path of a Unix socket may not be long.
pub(crate) const TEMPORARY: &str = "/tmp";

/// How long a server may take to start: RabbitMQ takes seconds on a quiet machine, and minutes beside a build.
pub(crate) const START: Duration = Duration::from_mins(3);

/// How often a condition that nothing announces is looked at.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Somebody who does not ask the kit may take the port between our choice and the server's start.
pub(crate) const ATTEMPTS: usize = 5;

/// A variable, where it is set to something.
pub(crate) fn given(variable: &str) -> Option<String> {
    std::env::var(variable).ok().filter(|value| !value.is_empty())
}

/// A program, by a variable that names it or on `PATH`.
#[cfg(any(feature = "pgbouncer", feature = "rabbitmq", feature = "redis"))]
pub(crate) fn program(variable: &str, names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = || {
        let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
        let files = folders.iter().flat_map(|folder| names.iter().map(|name| folder.join(name)));
        files.into_iter().find(|file| file.is_file())
    };
    given(variable).map(PathBuf::from).or_else(on_path)
}

/// A port for as long as the server is there, also while it is down.
pub(crate) fn free_port() -> Result<Port, Error> {
    Port::free().map_err(Error::system("find a free port"))
}

/// Whether the server did not start because somebody was faster with its port.
pub(crate) fn port_was_taken(error: &Error) -> bool {
    let says_so =
        |log: &str| log.to_ascii_lowercase().contains("already in use") || log.contains("eaddrinuse");
    matches!(error, Error::NotReady { log, .. } if says_so(log))
}

/// A name that no other process and no other call uses: letters, digits and underscores.
pub(crate) fn unique_name() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("test_{}_{}_{number}", std::process::id(), now.as_nanos() % 1_000_000_000)
}

/// Runs something that blocks without blocking the test's other tasks.
#[cfg(feature = "postgres")]
pub(crate) async fn blocking<T: Send + 'static>(
    run: impl FnOnce() -> io::Result<T> + Send + 'static,
    what: &'static str,
) -> Result<T, Error> {
    let ran = tokio::task::spawn_blocking(run).await.map_err(io::Error::other);
    ran.and_then(|ran| ran).map_err(Error::system(what))
}

#[cfg(test)]
mod tests {
    use super::unique_name;

    #[test]
    fn no_name_is_given_twice() {
        assert_ne!(unique_name(), unique_name());
    }
}
