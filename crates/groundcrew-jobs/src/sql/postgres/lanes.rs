use std::sync::atomic::{AtomicBool, Ordering};

use groundcrew_sql::sqlx::Error;
use groundcrew_sql::{Postgres, SqlProblem};

use super::super::rows::DeliveryRow;
use super::{NAME, reserve};
use crate::Ask;

/// The two ways in which jobs are taken: those without limits, and those whose name or key has one.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    /// They take turns with which goes first, so that neither starves the other.
    limited_first: AtomicBool,
    /// It was said that one of them fails while the other goes on.
    is_told: AtomicBool,
}

#[derive(Debug, Clone, Copy)]
enum Lane {
    Plain,
    Limited,
}

// === impl Lanes ===

impl Lanes {
    pub(super) async fn reserve(&self, postgres: &Postgres, ask: &Ask) -> Result<Vec<DeliveryRow>, Error> {
        let limited_first = self.limited_first.fetch_xor(true, Ordering::Relaxed);
        let lanes = if limited_first { [Lane::Limited, Lane::Plain] } else { [Lane::Plain, Lane::Limited] };
        let (mut rows, mut failed) = (Vec::new(), None);
        for lane in lanes {
            if rows.len() >= ask.max {
                break;
            }
            match lane.reserve(postgres, ask, ask.max - rows.len()).await {
                Ok(more) => rows.extend(more),
                Err(error) => {
                    let is_away = SqlProblem::of(&error).is_unavailable();
                    failed = failed.or(Some(error));
                    if is_away {
                        break;
                    }
                }
            }
        }
        match failed {
            Some(error) if rows.is_empty() => return Err(error),
            // What is reserved already must not be lost over this.
            Some(error) => self.tell(&error),
            // Both were looked at.
            None if rows.len() < ask.max => self.is_told.store(false, Ordering::Relaxed),
            None => {}
        }
        Ok(rows)
    }

    fn tell(&self, error: &Error) {
        if !self.is_told.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                jobs.backend = NAME,
                %error,
                "jobs with limits cannot be fetched, or only those: the others go on"
            );
        }
    }
}

// === impl Lane ===

impl Lane {
    async fn reserve(self, postgres: &Postgres, ask: &Ask, max: usize) -> Result<Vec<DeliveryRow>, Error> {
        match self {
            Self::Plain => reserve::plain(postgres, ask, max).await,
            Self::Limited => reserve::limited(postgres, ask, max).await,
        }
    }
}
