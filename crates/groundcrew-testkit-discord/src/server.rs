use crate::Snowflake;
use crate::error::Error;
use crate::fault::Faults;
use crate::gateway::Sessions;
use crate::interaction::Interactions;
use crate::ledger::Ledger;
use crate::limit::Buckets;
use crate::oauth::OAuth;
use crate::options::Options;
use crate::random;
use crate::rest;
use crate::shared::{Shared, State};
use crate::signing::Signer;
use crate::world::World;
use crate::world::application::Application;
use std::sync::Arc;
use tokio::net::TcpListener;

/// Ends the server when the last handle is gone.
#[derive(Debug)]
pub(crate) struct Server {
    shared: Arc<Shared>,
}

/// Binds, and serves until the guard is dropped.
pub(crate) async fn start(options: Options) -> Result<(Arc<Shared>, Server), Error> {
    let bind = |cause| Error::Bind { address: options.listen.to_string(), cause };
    let listener = TcpListener::bind(options.listen).await.map_err(bind)?;
    let address = listener.local_addr().map_err(bind)?;
    let signer = Signer::new().map_err(|_| Error::Key)?;
    let application = Application {
        id: Snowflake::default(),
        bot: Snowflake::default(),
        owner: Snowflake::default(),
        name: options.name.clone(),
        token: options.token.clone().unwrap_or_else(token),
        client_secret: random::hex(16),
        public_key: signer.public_key(),
        redirect_uris: options.redirect_uris.clone(),
        interactions_endpoint: None,
        privileged: options.privileged,
    };
    let state = State {
        world: World::new(application),
        sessions: Sessions::new(options.identify_budget),
        interactions: Interactions::default(),
        ledger: Ledger::new(),
        faults: Faults::default(),
        buckets: Buckets::new(options.limits.clone()),
        oauth: OAuth::default(),
        token_reset: false,
        base: format!("http://{address}"),
    };
    let shared = Arc::new(Shared::new(state, address, options, signer));
    let routes = rest::routes(&shared);
    let own = Arc::clone(&shared);
    tokio::spawn(async move {
        tokio::select! {
            // Serving ends only by being dropped; accept errors are waited out.
            _ = async { axum::serve(listener, routes).await } => {}
            () = own.stopped() => {}
        }
    });
    Ok((Arc::clone(&shared), Server { shared }))
}

/// Of the shape that libraries check: three parts with dots between them.
fn token() -> String {
    format!("{}.{}.{}", random::hex(12), random::hex(3), random::hex(14))
}

// === impl Server ===

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stop();
    }
}
