use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use groundcrew_runtime::{Crew, Gate, Phase};
use tokio_util::sync::CancellationToken;

use crate::listener::{BindError, Listener};
use crate::probes::Probes;
use crate::routes::Routes;
use crate::shared::{Shared, Stage};
use crate::{AdminConfig, HttpConfig, accept, drain, sweeper};

/// A listener that already answers its probes, and 503 to everything else until it is given routes. Where it was
/// handed over to us, everything else waits for the routes instead, as it would have waited in the backlog.
#[derive(Debug)]
pub struct Http {
    shared: Arc<Shared>,
    local_addr: Option<SocketAddr>,
    routes: Gate,
    #[cfg(feature = "cors")]
    cors: Option<tower_http::cors::CorsLayer>,
}

// === impl HttpConfig ===

impl HttpConfig {
    /// Binds the public listener. Probes answer from here on: alive, and not ready before [`Http::serve`].
    #[expect(clippy::unused_async, reason = "I/O is async by contract, whether it waits today or not")]
    pub async fn bind(self, crew: &Crew) -> Result<Http, BindError> {
        let listener = match &self.socket {
            #[cfg(unix)]
            Some(path) => Listener::unix("http", path)?,
            _ => Listener::tcp("http", self.address())?,
        };
        let probes = Probes::new(crew, self.probes.clone(), self.metrics && crew.metrics().is_enabled());
        #[cfg(feature = "cors")]
        let cors = self.cors.as_ref().map(crate::cors::layer).transpose()?;
        let shared = Shared::try_new("http", crew, self, probes, listener.is_handed_over())?;
        Ok(Http {
            #[cfg(feature = "cors")]
            cors,
            ..Http::start(listener, shared)
        })
    }
}

impl AdminConfig {
    /// Binds the admin listener: probes and metrics, and what an operator is offered by the routes that it serves.
    ///
    /// It serves until the very end of the drain, so that the last scrape sees what happened.
    #[expect(clippy::unused_async, reason = "I/O is async by contract, whether it waits today or not")]
    pub async fn bind(self, crew: &Crew) -> Result<Http, BindError> {
        let listener = Listener::tcp("admin", self.address())?;
        let probes = Probes::new(crew, crate::ProbesConfig::default(), crew.metrics().is_enabled());
        // What scrapers ask is not traffic: no access log.
        let config = HttpConfig { access_log: 0.0, ..HttpConfig::default() };
        let shared = Shared::try_new("admin", crew, config, probes, listener.is_handed_over())?;
        // The first phase in which everything else is drained.
        Ok(Http::start_until(Phase::Flush, listener, shared))
    }
}

// === impl Http ===

impl Http {
    pub(crate) fn start(listener: Listener, shared: Arc<Shared>) -> Self {
        Self::start_until(Phase::Drain, listener, shared)
    }

    /// Accepts until the stop, or, where it drains in a later phase, until that one.
    fn start_until(drains: Phase, listener: Listener, shared: Arc<Shared>) -> Self {
        let crew = shared.crew.clone();
        let local_addr = listener.local_addr();
        let section = shared.section;
        let leave = CancellationToken::new();
        crew.critical(section, {
            let (shared, leave) = (shared.clone(), leave.clone());
            |stop| async move {
                let mut serving = Box::pin(serve_until(leave.clone(), listener, shared));
                if stop.unless(&mut serving).await.is_some() {
                    return;
                }
                if drains > Phase::Drain {
                    // No task any more: the drain waits for all of those, and this is to outlive it.
                    drop(tokio::spawn(serving));
                } else {
                    leave.cancel();
                    serving.await;
                }
            }
        });
        crew.on_shutdown(drains, format!("{section} connections"), {
            let shared = shared.clone();
            move |scope| {
                leave.cancel();
                drain::run(shared, scope)
            }
        });
        Self {
            routes: crew.gate(format!("{section} routes")),
            shared,
            local_addr,
            #[cfg(feature = "cors")]
            cors: None,
        }
    }

    /// Where it listens; `None` for a Unix socket. Tests bind port 0 and ask here.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.local_addr
    }

    /// Serves these routes from now on.
    ///
    /// Layers of your own go onto the router; they run inside ours: request id, trace context, span,
    /// deadline, panic guard, metrics, security headers and access log are around them.
    pub fn serve(self, routes: Router) {
        if let Some(address) = self.local_addr {
            tracing::info!(listener = self.shared.section, url = %format_args!("http://{address}"), "listening");
        }
        #[cfg(feature = "compression")]
        let routes = compressed(routes, self.shared.config.compression);
        #[cfg(feature = "cors")]
        let routes = crate::cors::apply(routes, self.cors);
        // There is one `Http` for each listener and it is consumed here, so this is the first and only time.
        let _first = self.shared.routes.set(Routes::new(routes));
        self.shared.serving.cancel();
        self.routes.open();
    }
}

/// Takes connections and watches over them until it is to leave.
async fn serve_until(leave: CancellationToken, listener: Listener, shared: Arc<Shared>) {
    let sweeper = sweeper::run(shared.clone(), leave.clone());
    let lame_duck = lame_duck(shared.clone());
    tokio::join!(accept::run(listener, shared, leave), sweeper, lame_duck);
}

/// From the first sign of the shutdown every answer says `connection: close`.
async fn lame_duck(shared: Arc<Shared>) {
    shared.crew.shutdown_requested().await;
    shared.enter(Stage::LameDuck);
}

/// Bodies that are worth it, for clients that accept it; event streams are left alone.
#[cfg(feature = "compression")]
fn compressed(routes: Router, on: bool) -> Router {
    if on { routes.layer(tower_http::compression::CompressionLayer::new()) } else { routes }
}
