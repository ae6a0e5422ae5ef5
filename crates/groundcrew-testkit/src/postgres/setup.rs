use super::binaries::Binaries;
use super::server::Server;
use super::{Error, Postgres};
use std::fmt;
use std::sync::Arc;

/// A private server that is not the usual one.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use groundcrew_testkit::postgres::Postgres;
///
/// let setup = Postgres::setup().password("not a secret").setting("max_connections", "30");
/// let postgres = setup.start().await?;
/// assert!(postgres.url().contains("not%20a%20secret"));
/// # Ok(())
/// # }
/// ```
#[derive(Default)]
#[must_use]
pub struct Setup {
    pub(super) password: Option<String>,
    pub(super) settings: Vec<(String, String)>,
}

impl Setup {
    /// The superuser must prove that it knows this, by SCRAM-SHA-256; without it, everybody is let in.
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.password = Some(password.into());
        self
    }

    /// A setting as in `postgresql.conf`; it wins over the kit's own.
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.push((name.into(), value.into()));
        self
    }

    /// Starts it.
    ///
    /// # Errors
    /// As [`Postgres::private`].
    pub async fn start(self) -> Result<Postgres, Error> {
        let mut postgres = self.prepare().await?;
        postgres.server()?.start().await?;
        postgres.url = postgres.server()?.url("postgres");
        Ok(postgres)
    }

    /// A server with its data and its port that does not run: [`Postgres::restart`] starts it. For services that
    /// start before their database.
    ///
    /// # Errors
    /// As [`Postgres::private`].
    pub async fn prepare(self) -> Result<Postgres, Error> {
        let binaries = Arc::new(Binaries::find()?);
        let server = Server::prepare(Arc::clone(&binaries), self).await?;
        Ok(Postgres { binaries, url: server.url("postgres"), server: Some(server) })
    }
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// A password as it is written in a URL.
pub(super) fn encoded(password: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let encode = |byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    password.bytes().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use super::{Setup, encoded};

    #[test]
    fn a_password_is_safe_in_a_url_and_is_not_shown() {
        assert_eq!(encoded("p@ss/é1"), "p%40ss%2F%C3%A91");
        let shown = format!("{:?}", Setup::default().password("canary").setting("a", "b"));
        assert!(!shown.contains("canary"), "{shown}");
    }
}
