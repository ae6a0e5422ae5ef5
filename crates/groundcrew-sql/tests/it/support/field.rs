//! A Postgres behind a proxy that breaks the network.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use groundcrew_runtime::Crew;
use groundcrew_sql::SqlConfig;
use groundcrew_testkit::postgres::Postgres;
use groundcrew_testkit::proxy::FaultProxy;
use sqlx::postgres::{PgPool, PgPoolOptions};

pub(crate) struct Field {
    pub(crate) server: Postgres,
    pub(crate) proxy: FaultProxy,
    pub(crate) crew: Crew,
}

impl Field {
    pub(crate) async fn start() -> Self {
        let server = Postgres::start().await.expect("a server");
        let port = server.port().expect("these tests need a server of their own: unset TEST_DATABASE_URL");
        let target = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let proxy = FaultProxy::to(target).await.expect("a proxy");
        Self { server, proxy, crew: super::crew() }
    }

    /// Through the proxy.
    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@{}/postgres", self.proxy.addr())
    }

    /// Through the proxy, and without a health check that would disturb.
    pub(crate) fn config(&self) -> SqlConfig {
        SqlConfig { check_period: Duration::from_secs(3600), ..SqlConfig::of(self.url()) }
    }

    /// Straight to the server.
    pub(crate) async fn watcher(&self) -> PgPool {
        PgPool::connect(self.server.url()).await.expect("connected")
    }

    /// The control: sqlx's own pool through the proxy.
    pub(crate) fn plain(&self, options: PgPoolOptions) -> PgPool {
        options.connect_lazy(&self.url()).expect("a pool")
    }
}
