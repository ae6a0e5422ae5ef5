use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use groundcrew_runtime::panic_message;
use jiff::Timestamp;

use super::error::Trouble;
use super::id;
use crate::{Enqueue, Publisher, Schedule};

type Make = Box<dyn Fn(&Publisher, Timestamp) -> Enqueue + Send + Sync>;

/// A schedule with its job.
pub(super) struct Entry {
    pub(super) name: &'static str,
    pub(super) schedule: Schedule,
    pub(super) make: Make,
}

// === impl Entry ===

impl Entry {
    /// The job of this moment, with the id that it has whoever makes it.
    pub(super) fn job(
        &self,
        service: &str,
        publisher: &Publisher,
        due: Timestamp,
    ) -> Result<Enqueue, Trouble> {
        let made = catch_unwind(AssertUnwindSafe(|| (self.make)(publisher, due)));
        let panicked = |panic: Box<dyn Any + Send>| {
            Trouble::new(format_args!("making the job of {due} panicked: {}", panic_message(&*panic)))
        };
        Ok(made.map_err(panicked)?.identified(id::of(service, self.name, due)))
    }
}
