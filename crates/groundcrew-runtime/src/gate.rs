use std::sync::Arc;

use crate::health::Health;

/// Keeps the service unready until it is opened.
///
/// One gate for each initialisation: a cache that is being warmed, migrations that run. The service is ready
/// only when every gate is open. A gate that is dropped without [`open`](Self::open) stays closed, since what it
/// stands for is not there: an early return, a panic. The log and the readiness name it, until a new gate of its name
/// takes its place.
#[must_use = "a gate that is dropped stays closed; call `open()` when the initialisation is done"]
#[derive(Debug)]
pub struct Gate {
    health: Arc<Health>,
    id: u64,
    opened: bool,
}

impl Gate {
    pub(crate) fn close(health: Arc<Health>, name: String) -> Self {
        let id = health.gate_closed(name);
        Self { health, id, opened: false }
    }

    /// Opens the gate: this initialisation is done.
    pub fn open(mut self) {
        self.opened = true;
        self.health.gate_opened(self.id);
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        if self.opened {
            return;
        }
        // Whoever catches the panic has its words.
        if let Some(name) = self.health.gate_failed(self.id).filter(|_| !std::thread::panicking()) {
            report_failed(&name);
        }
    }
}

pub(crate) fn report_failed(gate: &str) {
    tracing::error!(gate, "an initialisation ended without opening its gate: the service stays unready");
}
