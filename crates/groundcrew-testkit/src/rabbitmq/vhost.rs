use super::broker::Broker;
use super::queue::Queue;
use crate::server::{Error, unique_name};
use std::fmt;

/// An empty virtual host for one test, with a user of its own. On a broker that is not ours it is deleted with this
/// value.
pub struct Vhost {
    name: String,
    url: String,
    broker: Broker,
    borrowed: bool,
}

impl Vhost {
    pub(super) async fn create(broker: Broker, server: &str, borrowed: bool) -> Result<Self, Error> {
        let (name, password) = (unique_name(), unique_name());
        let url = with_vhost(server, &name, &password);
        let vhost = name.clone();
        broker.ask(move |broker| broker.create_vhost(&vhost, &password)).await?;
        Ok(Self { name, url, broker, borrowed })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The URL to connect to it, with the password of its user.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// All its queues.
    ///
    /// # Errors
    /// When the broker does not answer, or a queue has no leader at this moment.
    pub async fn queues(&self) -> Result<Vec<Queue>, Error> {
        let vhost = self.name.clone();
        self.broker.ask(move |broker| broker.queues(&vhost)).await
    }

    /// A queue by its name; `None` when there is none.
    ///
    /// # Errors
    /// As [`Self::queues`].
    pub async fn queue(&self, name: &str) -> Result<Option<Queue>, Error> {
        let (vhost, name) = (self.name.clone(), name.to_owned());
        self.broker.ask(move |broker| broker.queue(&vhost, &name)).await
    }

    /// How many messages a queue holds, waiting and delivered; zero when there is no such queue.
    ///
    /// # Errors
    /// As [`Self::queues`].
    pub async fn queue_depth(&self, name: &str) -> Result<u64, Error> {
        Ok(self.queue(name).await?.map_or(0, |queue| queue.depth()))
    }

    /// Deletes a queue with all that is in it, whoever consumes from it: they are told by a cancel. False when
    /// there was none.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub async fn delete_queue(&self, name: &str) -> Result<bool, Error> {
        let (vhost, name) = (self.name.clone(), name.to_owned());
        self.broker.ask(move |broker| broker.delete_queue(&vhost, &name)).await
    }

    /// Lets no queue hold many more messages than this: a full one refuses what is published to it until some are gone.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub async fn limit_queues(&self, most: u64) -> Result<(), Error> {
        let vhost = self.name.clone();
        self.broker.ask(move |broker| broker.limit_queues(&vhost, most)).await
    }

    /// Closes the connections to this virtual host as an administrator does (`CONNECTION_FORCED`), and returns how
    /// many there were. Allowed on a broker that others use too.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub async fn close_connections(&self) -> Result<u64, Error> {
        let vhost = self.name.clone();
        self.broker.ask(move |broker| broker.close_connections(Some(&vhost))).await
    }
}

impl Drop for Vhost {
    fn drop(&mut self) {
        if self.borrowed {
            let _ = self.broker.delete_vhost(&self.name);
        }
    }
}

impl fmt::Debug for Vhost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vhost").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The same server with another user, password and virtual host; the query stays.
fn with_vhost(url: &str, name: &str, password: &str) -> String {
    let (base, query) =
        url.split_once('?').map_or((url, String::new()), |(base, query)| (base, format!("?{query}")));
    let (scheme, rest) = base.split_once("://").unwrap_or(("amqp", base));
    let authority = rest.split('/').next().unwrap_or(rest);
    let address = authority.rsplit('@').next().unwrap_or(authority);
    format!("{scheme}://{name}:{password}@{address}/{name}{query}")
}

#[cfg(test)]
mod tests {
    use super::with_vhost;

    #[test]
    fn user_and_virtual_host_of_a_url_are_exchanged_and_the_rest_stays() {
        assert_eq!(with_vhost("amqps://u:p@h:1/%2f?heartbeat=1", "v", "s"), "amqps://v:s@h:1/v?heartbeat=1");
        assert_eq!(with_vhost("amqp://h", "v", "s"), "amqp://v:s@h/v");
    }
}
