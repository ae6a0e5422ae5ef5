use std::net::TcpListener;
use std::sync::{Mutex, OnceLock, PoisonError};

use listenfd::ListenFd;

/// What a process was handed at its start. File descriptors belong to the process, so this is the one place
/// where state of the process is kept.
static HANDED: OnceLock<Mutex<Handed>> = OnceLock::new();

struct Handed {
    descriptors: ListenFd,
    names: Vec<String>,
}

/// The TCP listener that systemd socket activation (`LISTEN_FDS`, `LISTEN_PID`, `LISTEN_FDNAMES`) hands to
/// this section: the one of the section's name, or the first where none has a name.
///
/// Source: `sd_listen_fds(3)`.
pub(crate) fn take(section: &str) -> Option<TcpListener> {
    // Read before `ListenFd` clears the variables.
    let handed = HANDED.get_or_init(|| {
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let names = names.split(':').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        Mutex::new(Handed { descriptors: ListenFd::from_env(), names })
    });
    let mut handed = handed.lock().unwrap_or_else(PoisonError::into_inner);
    let index = position(&handed.names, handed.descriptors.len(), section)?;
    match handed.descriptors.take_tcp_listener(index) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::warn!(%error, section, "the descriptor that was handed over is no TCP listener");
            None
        }
    }
}

fn position(names: &[String], count: usize, section: &str) -> Option<usize> {
    if let Some(index) = names.iter().position(|name| name == section) {
        return Some(index);
    }
    // systemd names a socket `name.socket` or `unknown` where nothing else is said.
    let unnamed = !names.iter().any(|name| name == "http" || name == "admin");
    (count > 0 && unnamed && section == "http").then_some(0)
}

#[cfg(test)]
mod tests {
    use super::position;

    #[test]
    fn a_named_descriptor_goes_to_its_section() {
        let names = ["admin".to_owned(), "http".to_owned()];
        assert_eq!(position(&names, 2, "http"), Some(1));
        assert_eq!(position(&names, 2, "admin"), Some(0));
    }

    #[test]
    fn the_first_unnamed_descriptor_is_the_public_listener() {
        assert_eq!(position(&[], 1, "http"), Some(0));
        assert_eq!(position(&[], 1, "admin"), None);
        assert_eq!(position(&["parcels.socket".to_owned()], 1, "http"), Some(0));
    }

    #[test]
    fn without_descriptors_nothing_is_taken() {
        assert_eq!(position(&[], 0, "http"), None);
    }
}
