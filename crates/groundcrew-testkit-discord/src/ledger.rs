use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

/// So many requests are kept; older ones are only counted.
const KEPT: usize = 20_000;
/// Discord's period for invalid requests.
const INVALID_PERIOD: Duration = Duration::from_secs(600);

/// One REST request that came.
#[derive(Debug, Clone, Serialize)]
pub struct Request {
    /// Milliseconds since the server began.
    pub at_ms: u64,
    /// The method.
    pub method: String,
    /// The path below `/api/v10`, with its query.
    pub path: String,
    /// The path with `*` for ids and tokens.
    pub route: String,
    /// What was answered; 0 when the connection was cut instead.
    pub status: u16,
    /// A JSON body, if it was one of at most 64 KiB.
    pub body: Option<Value>,
}

/// What happened so far.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// REST requests.
    pub requests: u64,
    /// By status.
    pub by_status: BTreeMap<u16, u64>,
    /// By method and route.
    pub by_route: BTreeMap<String, u64>,
    /// 401, 403 and 429 (the shared kind apart) of the last 10 minutes: at 10 000 Discord stops answering.
    pub invalid_requests: u64,
    /// Sessions that began.
    pub identifies: u64,
    /// Sessions that were refused since another had begun less than `identify_every` before.
    pub too_soon: u64,
    /// Sessions that went on.
    pub resumes: u64,
    /// Sessions of this moment.
    pub connected: usize,
    /// Interactions that users began.
    pub interactions: usize,
    /// Those that a connected session received, or the HTTP endpoint.
    pub delivered: usize,
    /// Those acknowledged in time.
    pub acknowledged: usize,
    /// Those acknowledged and answered to the end.
    pub answered: usize,
    /// Those answered to the end by one original response, without a second attempt that had to be refused.
    pub answered_once: usize,
    /// Acknowledgements that were refused, because another was first or it was too late.
    pub refused: usize,
    /// Delivered, but not acknowledged in time: their users saw "did not respond".
    pub failed: Vec<crate::Snowflake>,
    /// Whether the token was reset, since the sessions of a day were used up.
    pub token_reset: bool,
}

#[derive(Debug)]
pub(crate) struct Ledger {
    began: Instant,
    requests: VecDeque<Request>,
    pub(crate) count: u64,
    pub(crate) by_status: BTreeMap<u16, u64>,
    pub(crate) by_route: BTreeMap<String, u64>,
    invalid: VecDeque<Instant>,
    pub(crate) identifies: u64,
    pub(crate) too_soon: u64,
    pub(crate) resumes: u64,
}

// === impl Ledger ===

impl Ledger {
    pub(crate) fn new() -> Self {
        Self {
            began: Instant::now(),
            requests: VecDeque::new(),
            count: 0,
            by_status: BTreeMap::new(),
            by_route: BTreeMap::new(),
            invalid: VecDeque::new(),
            identifies: 0,
            too_soon: 0,
            resumes: 0,
        }
    }

    pub(crate) fn at_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    pub(crate) fn enter(&mut self, request: Request, invalid: bool) {
        self.count += 1;
        *self.by_status.entry(request.status).or_default() += 1;
        *self.by_route.entry(format!("{} {}", request.method, request.route)).or_default() += 1;
        if invalid {
            self.invalid.push_back(Instant::now());
        }
        if self.requests.len() == KEPT {
            self.requests.pop_front();
        }
        self.requests.push_back(request);
    }

    pub(crate) fn requests(&self) -> impl Iterator<Item = &Request> {
        self.requests.iter()
    }

    /// Of the last 10 minutes.
    pub(crate) fn invalid(&mut self) -> u64 {
        let now = Instant::now();
        while self.invalid.front().is_some_and(|at| now.duration_since(*at) > INVALID_PERIOD) {
            self.invalid.pop_front();
        }
        self.invalid.len() as u64
    }
}
