use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::time::Instant;
use url::Url;

use crate::ClientConfig;
use crate::breaker::Breaker;
use crate::budget::RetryBudget;
use crate::metrics::{ClientMetrics, HostMetrics};

/// What is remembered of the hosts that were called, bounded in number.
#[derive(Debug)]
pub(crate) struct Hosts {
    config: ClientConfig,
    metrics: ClientMetrics,
    known: Mutex<HashMap<Box<str>, Known>>,
}

#[derive(Debug)]
struct Known {
    host: Arc<Host>,
    used_at: Instant,
}

/// One host: its failures, its retries, its metrics.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) name: Box<str>,
    pub(crate) breaker: Arc<Breaker>,
    pub(crate) budget: RetryBudget,
    pub(crate) metrics: HostMetrics,
}

// === impl Hosts ===

impl Hosts {
    pub(crate) fn new(config: ClientConfig, metrics: ClientMetrics) -> Self {
        Self { config, metrics, known: Mutex::default() }
    }

    /// The host of this name; made if it is new, in the place of the one that was not used for longest.
    pub(crate) fn get(&self, name: &str) -> Arc<Host> {
        let mut known = self.known.lock();
        let used_at = Instant::now();
        if let Some(entry) = known.get_mut(name) {
            entry.used_at = used_at;
            return Arc::clone(&entry.host);
        }
        if known.len() >= self.config.max_hosts as usize {
            forget_one(&mut known);
        }
        let host = Arc::new(Host {
            name: name.into(),
            breaker: Arc::new(Breaker::new(self.config.breaker_failures, self.config.breaker_pause)),
            budget: RetryBudget::new(self.config.retry_percent, self.config.retry_floor),
            metrics: self.metrics.host(name),
        });
        known.insert(name.into(), Known { host: Arc::clone(&host), used_at });
        host
    }

    /// The names of the hosts for which `is` holds.
    pub(crate) fn which(&self, is: impl Fn(&Host) -> bool) -> Vec<String> {
        let known = self.known.lock();
        let mut names: Vec<_> = known.values().filter(|entry| is(&entry.host)).collect();
        names.sort_by(|a, b| a.host.name.cmp(&b.host.name));
        names.into_iter().map(|entry| entry.host.name.to_string()).collect()
    }
}

/// Forgets the host that was not used for longest, one without trouble if there is one: whoever calls many
/// addresses must not make us forget that one of them is dead.
fn forget_one(known: &mut HashMap<Box<str>, Known>) {
    let oldest = known.iter().min_by_key(|(_, entry)| (!entry.host.breaker.is_calm(), entry.used_at));
    let Some(name) = oldest.map(|(name, _)| name.clone()) else { return };
    if let Some(entry) = known.remove(&name) {
        entry.host.metrics.forgotten();
    }
}

/// The host of a URL as it stands in metrics, logs and errors: with a port that is not the usual one.
pub(crate) fn name_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}
