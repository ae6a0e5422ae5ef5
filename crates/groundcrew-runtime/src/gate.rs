use std::sync::Arc;

use crate::health::Health;

/// Keeps the service unready until it is opened or dropped.
///
/// One gate for each initialisation: a cache that is being warmed, migrations that run. The service is ready
/// only when every gate is open. A gate that is dropped is open, so an early return cannot keep a service
/// unready for ever; a failed start ends the process anyway.
#[must_use = "a gate that is dropped at once is open at once"]
#[derive(Debug)]
pub struct Gate {
    health: Arc<Health>,
    name: String,
}

impl Gate {
    pub(crate) fn close(health: Arc<Health>, name: String) -> Self {
        health.gate_closed(&name);
        Self { health, name }
    }

    /// Opens the gate: this initialisation is done.
    pub fn open(self) {}
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.health.gate_opened(&self.name);
    }
}
