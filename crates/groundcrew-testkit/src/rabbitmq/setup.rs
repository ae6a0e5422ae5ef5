use super::RabbitMq;
use super::server::Server;
use crate::server::Error;

/// A private broker that is not the usual one.
///
/// ```no_run
/// # async fn tls() -> Result<(), Box<dyn std::error::Error>> {
/// use groundcrew_testkit::rabbitmq::RabbitMq;
///
/// let setup = RabbitMq::setup()
///     .setting("heartbeat", "5")
///     .setting("management.tcp.port", "15672")
///     .plugin("rabbitmq_management");
/// let rabbitmq = setup.start().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
#[must_use]
pub struct Setup {
    settings: Vec<(String, String)>,
    plugins: Vec<String>,
}

impl Setup {
    /// A setting as in `rabbitmq.conf`; it wins over the kit's own.
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.push((name.into(), value.into()));
        self
    }

    /// Enables a plugin that comes with the broker, and those that it needs.
    pub fn plugin(mut self, name: impl Into<String>) -> Self {
        self.plugins.push(name.into());
        self
    }

    /// Starts it.
    ///
    /// # Errors
    /// As [`RabbitMq::private`].
    pub async fn start(self) -> Result<RabbitMq, Error> {
        let server = Server::start(self).await?;
        Ok(RabbitMq { url: server.url(), broker: server.broker(), server: Some(server) })
    }

    /// The contents of `rabbitmq.conf`: the last of several settings of the same name counts.
    pub(super) fn configuration(&self, ours: &str) -> String {
        let theirs = self.settings.iter().map(|(name, value)| format!("{name} = {value}\n"));
        ours.to_owned() + &theirs.collect::<String>()
    }

    /// The contents of `enabled_plugins`.
    pub(super) fn plugins(&self) -> String {
        format!("[{}].\n", self.plugins.join(","))
    }
}
