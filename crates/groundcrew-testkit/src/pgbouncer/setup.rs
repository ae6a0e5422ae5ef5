use super::PgBouncer;
use super::server::Server;
use crate::postgres::Postgres;
use crate::server::{Error, Url};

/// A PgBouncer that is not the usual one.
#[derive(Debug, Default)]
#[must_use]
pub struct Setup {
    pub(super) settings: Vec<(String, String)>,
}

impl Setup {
    /// A setting of the section `[pgbouncer]` of `pgbouncer.ini`; it wins over the kit's own.
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.push((name.into(), value.into()));
        self
    }

    /// Starts it.
    ///
    /// # Errors
    /// As [`PgBouncer::in_front_of`].
    pub async fn in_front_of(self, postgres: &Postgres) -> Result<PgBouncer, Error> {
        let problem = "it is no postgres:// URL with a host";
        let target =
            Url::parse(postgres.url()).ok_or(Error::Given { variable: "TEST_DATABASE_URL", problem })?;
        Ok(PgBouncer { server: Server::start(target, self).await? })
    }
}
