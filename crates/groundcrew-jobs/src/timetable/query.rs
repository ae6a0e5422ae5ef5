use super::{Plan, PlanId};

/// The most plans of one page.
const MOST: u32 = 1_000;

/// Which plans are listed, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanQuery {
    pub(super) owner: Option<String>,
    pub(super) job: Option<String>,
    pub(super) after: Option<PlanId>,
    pub(super) limit: u32,
}

/// A page of plans.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PlanPage {
    /// The plans.
    pub plans: Vec<Plan>,
    /// Hand this to [`PlanQuery::after`] for the next page; `None` on the last.
    pub next: Option<PlanId>,
}

// === impl PlanQuery ===

impl Default for PlanQuery {
    /// Of all owners, 100 on a page.
    fn default() -> Self {
        Self { owner: None, job: None, after: None, limit: 100 }
    }
}

impl PlanQuery {
    /// Only of this owner.
    pub fn owner(self, owner: impl Into<String>) -> Self {
        Self { owner: Some(owner.into()), ..self }
    }

    /// Only of this [`Job::NAME`](crate::Job::NAME).
    pub fn job(self, name: impl Into<String>) -> Self {
        Self { job: Some(name.into()), ..self }
    }

    /// Only those that come after this one: [`PlanPage::next`].
    pub fn after(self, plan: PlanId) -> Self {
        Self { after: Some(plan), ..self }
    }

    /// So many on a page, from 1 to 1000.
    pub fn limit(self, limit: u32) -> Self {
        Self { limit: limit.clamp(1, MOST), ..self }
    }
}
