use std::collections::HashMap;

use jiff::Timestamp;

use super::after;
use crate::{Envelope, JobId};

/// Who has which unique key of which name.
#[derive(Debug, Default)]
pub(super) struct Holders(HashMap<(String, String), Holder>);

/// Who has a unique key, and until when if it is over.
#[derive(Debug)]
struct Holder {
    id: JobId,
    until: Option<Timestamp>,
}

// === impl Holders ===

impl Holders {
    /// Takes the unique key of this job for it, if it has one and nobody has it.
    ///
    /// # Errors
    ///
    /// Who has it.
    pub(super) fn claim(
        &mut self,
        envelope: &Envelope,
        now: Timestamp,
        lives: impl Fn(&JobId) -> bool,
    ) -> Result<(), JobId> {
        let Some(unique) = &envelope.unique else { return Ok(()) };
        let place = (envelope.name.clone(), unique.key.clone());
        if let Some(held) = self.0.get(&place).filter(|held| lives(&held.id) || held.lasts(now)) {
            return Err(held.id);
        }
        let until = unique.window.map(|window| after(now, window));
        self.0.insert(place, Holder { id: envelope.id, until });
        Ok(())
    }

    /// Forgets those that are over, but for the time of their windows.
    pub(super) fn sweep(&mut self, now: Timestamp, is_there: impl Fn(&JobId) -> bool) {
        self.0.retain(|_, held| is_there(&held.id) || held.lasts(now));
    }
}

// === impl Holder ===

impl Holder {
    fn lasts(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until > now)
    }
}
