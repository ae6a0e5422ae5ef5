use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use groundcrew_runtime::{CheckPolicy, Crew};
use tokio::sync::Semaphore;

use crate::client::Inner;
use crate::guard::{Checked, Guard, Resolve, System};
use crate::hosts::Hosts;
use crate::metrics::ClientMetrics;
use crate::rate::Rate;
use crate::{BuildError, Client, ClientConfig};

/// For how long a failure is remembered that nobody has tried to repeat.
const MEMORY: Duration = Duration::from_secs(300);

/// A client in the making; from [`ClientConfig::named`].
#[must_use = "nothing is called before `build`"]
pub struct Builder {
    config: ClientConfig,
    name: String,
    guard: Option<Guard>,
    check: Option<String>,
    trace: Option<bool>,
    resolver: Arc<dyn Resolve>,
    authorities: Option<Vec<u8>>,
    http1: bool,
}

// === impl Builder ===

impl Builder {
    pub(crate) fn new(config: ClientConfig, name: String) -> Self {
        let (guard, check, trace, authorities) = (None, None, None, None);
        Self { config, name, guard, check, trace, resolver: Arc::new(System), authorities, http1: false }
    }

    /// For URLs that come from strangers: only `https`, only hosts with a name that leads to public addresses, no
    /// redirects, no proxy from the environment, no trace headers.
    ///
    /// The addresses are checked by the resolver that the connection is made with, so that a name cannot mean another
    /// address at the next look.
    pub fn public_only(mut self) -> Self {
        self.guard.get_or_insert_default();
        self
    }

    /// Allows `http` too. It implies [`public_only`](Self::public_only), as the next two do.
    pub fn allow_http(mut self) -> Self {
        self.guard.get_or_insert_default().http = true;
        self
    }

    /// Allows no other ports than these.
    pub fn only_ports(mut self, ports: impl IntoIterator<Item = u16>) -> Self {
        self.guard.get_or_insert_default().ports = Some(ports.into_iter().collect());
        self
    }

    /// Lets these hosts through wherever they lead, by `http` too: a receiver of your own inside, for instance. They
    /// must stand in the URL just so.
    pub fn exempt<H: Into<String>>(mut self, hosts: impl IntoIterator<Item = H>) -> Self {
        let hosts = hosts.into_iter().map(|host| host.into().to_ascii_lowercase());
        self.guard.get_or_insert_default().exempt.extend(hosts.collect::<HashSet<_>>());
        self
    }

    /// Shows in `/ready`, under this name, whether a host is left alone because it failed: `degraded`, never unready.
    ///
    /// It looks at what calls have shown and makes none itself. After five minutes without any it gives a host the
    /// benefit of the doubt.
    pub fn check(mut self, name: impl Into<String>) -> Self {
        self.check = Some(name.into());
        self
    }

    /// Whether `traceparent`, `tracestate` and `x-request-id` of the current request go along. By default they do, but
    /// not to strangers.
    pub fn trace(mut self, trace: bool) -> Self {
        self.trace = Some(trace);
        self
    }

    /// Another resolver than that of the operating system. A guard looks at its answers too.
    pub fn resolver(mut self, resolver: impl Resolve) -> Self {
        self.resolver = Arc::new(resolver);
        self
    }

    /// Trusts these authorities (certificates in PEM) and none of the system's: for a service with an authority of its
    /// own, such as the API server of Kubernetes.
    pub fn authorities(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.authorities = Some(pem.into());
        self
    }

    /// Speaks HTTP/1.1 only. A call that gets no answer then closes its connection, and the next one makes another;
    /// over HTTP/2 both share one, and it takes 25 s until a connection is given up whose other side is silent.
    pub fn http1_only(mut self) -> Self {
        self.http1 = true;
        self
    }

    /// The client. Needs a tokio runtime, if a [`check`](Self::check) was asked for.
    ///
    /// # Errors
    /// If TLS cannot be set up, a value of the configuration cannot be used, or the service has a client of this name.
    pub fn build(self, crew: &Crew) -> Result<Client, BuildError> {
        let http = self.http(crew)?;
        let registry = crew.metrics();
        let taken = |source| BuildError::Metrics { client: self.name.clone(), source };
        let metrics = ClientMetrics::register(registry, &self.name, self.config.max_hosts).map_err(taken)?;
        let all = self.config.max_in_flight as usize;
        let places = Arc::new(Semaphore::new(all));
        ClientMetrics::in_flight(registry, &self.name, Arc::clone(&places), all).map_err(taken)?;
        let hosts = Arc::new(Hosts::new(self.config.clone(), metrics));
        if let Some(check) = self.check {
            let hosts = Arc::clone(&hosts);
            let policy = CheckPolicy::degraded().fail_after(1).period(Duration::from_secs(1));
            crew.check(check, policy, move || std::future::ready(left_alone(&hosts))).keep();
        }
        let inner = Inner {
            http,
            hosts,
            places,
            waiting: Arc::new(Semaphore::new(all + self.config.max_waiting as usize)),
            rate: self.config.rate.map(|rate| {
                let burst = self.config.rate_burst.unwrap_or(rate / 10);
                Rate::new(rate, self.config.rate_window, burst)
            }),
            trace: self.trace.unwrap_or(self.guard.is_none()),
            guard: self.guard,
            name: self.name,
            config: self.config,
        };
        Ok(Client::new(inner))
    }

    fn http(&self, crew: &Crew) -> Result<reqwest::Client, BuildError> {
        let problem = |problem: String| BuildError::Config { client: self.name.clone(), problem };
        if self.config.rate == Some(0) || self.config.rate_window.is_zero() {
            return Err(problem(
                "`rate` and `rate_window` must be more than 0; leave `rate` out for no limit".into(),
            ));
        }
        let agent = self.config.user_agent.clone().unwrap_or_else(|| {
            let service: String = crew.service().chars().filter(char::is_ascii_graphic).collect();
            format!("{service} groundcrew-client/{}", env!("CARGO_PKG_VERSION"))
        });
        let agent = http::HeaderValue::try_from(agent)
            .map_err(|_| problem("`user_agent` must be of visible ASCII characters".into()))?;
        let guarded = self.guard.is_some();
        let redirects = if guarded { 0 } else { self.config.redirects as usize };
        let redirect = match redirects {
            0 => reqwest::redirect::Policy::none(),
            most => reqwest::redirect::Policy::limited(most),
        };
        let resolver = Checked { inner: Arc::clone(&self.resolver), guard: self.guard.clone().map(Arc::new) };
        let mut http = reqwest::Client::builder()
            // Somebody else in the build may have given reqwest another TLS besides.
            .tls_backend_rustls()
            .user_agent(agent)
            .redirect(redirect)
            .referer(false)
            .dns_resolver(resolver)
            .connect_timeout(self.config.connect_timeout)
            .pool_idle_timeout(self.config.idle_timeout)
            .tcp_nodelay(true)
            // A connection whose other side is gone must not keep swallowing requests.
            .http2_keep_alive_interval(Duration::from_secs(15))
            .http2_keep_alive_timeout(Duration::from_secs(10));
        if guarded {
            http = http.no_proxy();
        }
        if self.http1 {
            http = http.http1_only();
        }
        if let Some(pem) = &self.authorities {
            let authorities = reqwest::Certificate::from_pem_bundle(pem).unwrap_or_default();
            if authorities.is_empty() {
                return Err(problem("its `authorities` hold no certificate in PEM".into()));
            }
            http = http.tls_certs_only(authorities);
        }
        http.build().map_err(|error| BuildError::Setup {
            client: self.name.clone(),
            cause: crate::verdict::words(&error),
        })
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("name", &self.name)
            .field("guard", &self.guard)
            .finish_non_exhaustive()
    }
}

/// What the health check says.
fn left_alone(hosts: &Hosts) -> Result<(), String> {
    let failing = hosts.which(|host| host.breaker.is_failing(MEMORY));
    if failing.is_empty() { Ok(()) } else { Err(format!("calls to {} fail", failing.join(", "))) }
}
