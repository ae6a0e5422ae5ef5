use super::control::Control;
use super::management::Management;
use super::queue::Queue;
use crate::server::{Error, given};
use std::io;
use std::sync::Arc;

const TEST_RABBITMQ_CONTROL: &str = "TEST_RABBITMQ_CONTROL";
const TEST_RABBITMQ_MANAGEMENT_URL: &str = "TEST_RABBITMQ_MANAGEMENT_URL";

/// A broker that can be asked, ours or not.
#[derive(Debug, Clone)]
pub(super) struct Broker(Arc<dyn Ask>);

/// What can be asked of a broker. All of it blocks, so that a `Drop` can ask.
pub(super) trait Ask: std::fmt::Debug + Send + Sync {
    /// With a user of the same name.
    fn create_vhost(&self, name: &str, password: &str) -> Result<(), Error>;
    fn delete_vhost(&self, name: &str) -> Result<(), Error>;
    fn queues(&self, vhost: &str) -> Result<Vec<Queue>, Error>;
    fn queue(&self, vhost: &str, queue: &str) -> Result<Option<Queue>, Error>;
    fn delete_queue(&self, vhost: &str, queue: &str) -> Result<bool, Error>;
    /// No queue of the virtual host holds many more than so many.
    fn limit_queues(&self, vhost: &str, most: u64) -> Result<(), Error>;
    /// Those of one virtual host, or all.
    fn close_connections(&self, vhost: Option<&str>) -> Result<u64, Error>;
    fn memory_alarm(&self, on: bool) -> Result<(), Error>;
}

impl Broker {
    pub(super) fn ours(control: Control) -> Self {
        Self(Arc::new(control))
    }

    /// One of another process's, or one that has the management plugin.
    pub(super) fn given() -> Result<Self, Error> {
        if let Some(value) = given(TEST_RABBITMQ_CONTROL) {
            let problem = "it is not what RabbitMq::environment says";
            let control = Control::from_variable(&value);
            return control.map(Self::ours).ok_or(Error::Given { variable: TEST_RABBITMQ_CONTROL, problem });
        }
        let variable = TEST_RABBITMQ_MANAGEMENT_URL;
        let problem =
            "beside TEST_RABBITMQ_URL it must be the management API's, as http://user:password@host:15672";
        let management = given(variable).and_then(|url| Management::at(&url));
        management.map(|management| Self(Arc::new(management))).ok_or(Error::Given { variable, problem })
    }

    /// The variable by which other processes find it.
    pub(super) fn environment(control: &Control) -> (&'static str, String) {
        (TEST_RABBITMQ_CONTROL, control.to_variable())
    }

    /// Asks without blocking the test's other tasks.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&dyn Ask) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let broker = Arc::clone(&self.0);
        let asked = tokio::task::spawn_blocking(move || question(&*broker)).await;
        asked.unwrap_or_else(|error| Err(Error::system("ask RabbitMQ")(io::Error::other(error))))
    }

    /// Blocks: a `Drop` calls it.
    pub(super) fn delete_vhost(&self, name: &str) -> Result<(), Error> {
        self.0.delete_vhost(name)
    }
}
