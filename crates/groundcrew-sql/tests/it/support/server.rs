//! A private Postgres that asks for a password.

use groundcrew_testkit::postgres::{Postgres, Setup};

pub(crate) const PASSWORD: &str = "hunter2-canary";

pub(crate) struct Server(Postgres);

// === impl Server ===

impl Server {
    /// Made, but not started.
    pub(crate) async fn prepare() -> Self {
        Self(setup().prepare().await.expect("a server"))
    }

    pub(crate) async fn start() -> Self {
        Self(setup().start().await.expect("it starts"))
    }

    pub(crate) async fn launch(&mut self) {
        self.0.restart().await.expect("it starts");
    }

    /// At once, as a crash does; `launch` brings it back.
    pub(crate) fn stop(&mut self) {
        self.0.kill().expect("it is ours");
    }

    pub(crate) fn url(&self, password: &str) -> String {
        let port = self.0.port().expect("it is ours");
        format!("postgres://postgres:{password}@127.0.0.1:{port}/postgres")
    }
}

fn setup() -> Setup {
    Postgres::setup().password(PASSWORD)
}
