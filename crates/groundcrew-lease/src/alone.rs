use std::time::Duration;

use tokio::time::Instant;

use crate::candidate::{Asking, Candidate, Held, Won};

/// The only replica there is: it always leads.
#[derive(Debug, Default)]
pub(crate) struct Alone {
    terms: u64,
}

struct Always;

impl Candidate for Alone {
    fn ask(&mut self) -> Asking<'_, Option<Won>> {
        self.terms += 1;
        let won =
            Won { held: Box::new(Always), epoch: self.terms, asked: Instant::now(), grace: Duration::ZERO };
        Box::pin(std::future::ready(Ok(Some(won))))
    }
}

impl Held for Always {
    fn can_be_lost(&self) -> bool {
        false
    }

    fn beat(&mut self) -> Asking<'_, Instant> {
        Box::pin(std::future::ready(Ok(Instant::now())))
    }

    fn release(self: Box<Self>) -> Asking<'static, ()> {
        Box::pin(std::future::ready(Ok(())))
    }
}
