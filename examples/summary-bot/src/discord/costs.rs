//! What language models have cost a server.

use std::pin::Pin;

use groundcrew::http::Problem;
use jiff::Timestamp;

/// Knows what was spent.
pub(crate) trait Costs: Send + Sync + std::fmt::Debug {
    /// What was spent in a server since then; `None` where nothing costs anything.
    fn spent<'a>(&'a self, guild: &'a str, since: Timestamp) -> Spending<'a>;
}

/// What [`Costs::spent`] returns.
pub(crate) type Spending<'a> = Pin<Box<dyn Future<Output = Result<Option<Spent>, Problem>> + Send + 'a>>;

/// What was spent.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Spent {
    pub(crate) tokens: u64,
    pub(crate) cost: f64,
    pub(crate) currency: String,
}

/// Where no language model is configured: the offline engine is free.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Free;

// === impl Free ===

impl Costs for Free {
    fn spent<'a>(&'a self, _guild: &'a str, _since: Timestamp) -> Spending<'a> {
        Box::pin(std::future::ready(Ok(None)))
    }
}
