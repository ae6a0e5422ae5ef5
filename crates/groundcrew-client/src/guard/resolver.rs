use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name};

use super::{Guard, Refusal, is_public};

/// The addresses of a name, when they are known.
pub type Resolving = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Where names lead. Any closure from a name to [`Resolving`] is one.
///
/// It is asked for each new connection, by what then connects: nobody asks twice and gets two answers.
pub trait Resolve: Send + Sync + 'static {
    /// The addresses of `host`.
    fn resolve(&self, host: String) -> Resolving;
}

/// The resolver of the operating system.
#[derive(Debug, Clone, Copy)]
pub(crate) struct System;

/// A resolver whose answers a guard looks at before anybody connects to them.
#[derive(Clone)]
pub(crate) struct Checked {
    pub(crate) inner: Arc<dyn Resolve>,
    /// None: everything is let through.
    pub(crate) guard: Option<Arc<Guard>>,
}

// === impl Resolve ===

impl<F> Resolve for F
where
    F: Fn(String) -> Resolving + Send + Sync + 'static,
{
    fn resolve(&self, host: String) -> Resolving {
        self(host)
    }
}

impl Resolve for System {
    fn resolve(&self, host: String) -> Resolving {
        Box::pin(async move {
            let addresses = tokio::net::lookup_host((host, 0)).await?;
            Ok(addresses.map(|address| address.ip()).collect())
        })
    }
}

// === impl Checked ===

impl reqwest::dns::Resolve for Checked {
    fn resolve(&self, name: Name) -> reqwest::dns::Resolving {
        let host = name.as_str().to_owned();
        let (guard, resolving) = (self.guard.clone(), self.inner.resolve(host.clone()));
        Box::pin(async move {
            let addresses = resolving.await?;
            if let Some(guard) = guard {
                check(&guard, &host, &addresses)?;
            }
            let addresses: Addrs = Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(addresses)
        })
    }
}

/// One address that is not public refuses the name: an answer that mixes them is an attempt at something.
fn check(guard: &Guard, host: &str, addresses: &[IpAddr]) -> Result<(), Refusal> {
    if guard.is_exempt(host) {
        return Ok(());
    }
    match addresses.iter().find(|address| !is_public(**address)) {
        Some(address) => Err(Refusal::Private(*address)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_with_one_private_address_is_refused_as_a_whole() {
        let guard = Guard::default();
        let addresses = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<_>>();
        assert_eq!(check(&guard, "a.example", &addresses(&["93.184.216.34"])), Ok(()));
        let mixed = addresses(&["93.184.216.34", "10.0.0.1"]);
        assert_eq!(check(&guard, "a.example", &mixed), Err(Refusal::Private(mixed[1])));
    }
}
