use std::sync::Arc;

use groundcrew_amqp::{Amqp, TopologyError};
use groundcrew_runtime::Crew;

use super::{AmqpJobs, NAME, unavailable};
use crate::{Backend, BackendError, ConnectError, Jobs, JobsConfig};

// === impl JobsConfig ===

impl JobsConfig {
    /// Jobs in RabbitMQ, in queues that begin with the service's name. Without a database beside it there is no
    /// outbox and no mark of effects: see `connect_through`.
    ///
    /// # Errors
    ///
    /// When the broker has other queues of these names, when the configuration cannot work, or when the service has
    /// jobs already. A broker that is not there is no error: jobs wait until it is.
    pub async fn connect_amqp<C>(&self, crew: &Crew, amqp: &Amqp) -> Result<Jobs<C>, ConnectError>
    where
        C: Clone + Send + Sync + 'static,
    {
        let config = self.over_a_broker();
        let backend = config.amqp_backend(crew, amqp).await?;
        config.connect_shared(crew, backend)
    }

    /// Jobs in RabbitMQ where there is one, with this database beside it for the outbox
    /// ([`Publisher::enqueue_in`](crate::Publisher::enqueue_in)) and the marks of effects
    /// ([`Attempt::begin_once`](crate::Attempt::begin_once)); otherwise in this database.
    ///
    /// ```no_run
    /// # use groundcrew_amqp::AmqpConfig;
    /// # use groundcrew_jobs::{Jobs, JobsConfig};
    /// # use groundcrew_runtime::Crew;
    /// # use groundcrew_sql::Database;
    /// # async fn start(crew: Crew, database: Database) -> Result<(), Box<dyn std::error::Error>> {
    /// let amqp = AmqpConfig::default().connect_if_configured(&crew).await?; // RABBITMQ_URL
    /// let jobs: Jobs<()> = JobsConfig::default().connect_through(&crew, amqp.as_ref(), &database).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`connect_amqp`](Self::connect_amqp) and [`connect`](Self::connect).
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub async fn connect_through<C>(
        &self,
        crew: &Crew,
        amqp: Option<&Amqp>,
        database: &(impl Clone + Into<groundcrew_sql::Database>),
    ) -> Result<Jobs<C>, ConnectError>
    where
        C: Clone + Send + Sync + 'static,
    {
        match amqp {
            Some(amqp) => {
                let config = self.over_a_broker();
                let backend = config.amqp_backend(crew, amqp).await?;
                config.connect_beside(crew, backend, database).await
            }
            None => self.connect(crew, database).await,
        }
    }

    /// What came back once may have been somebody else's crash. It makes a job suspect, and one on trial must not be over
    /// the limit with that.
    fn over_a_broker(&self) -> Self {
        Self { crash_limit: self.crash_limit.max(2), ..self.clone() }
    }

    async fn amqp_backend(&self, crew: &Crew, amqp: &Amqp) -> Result<Arc<dyn Backend>, ConnectError> {
        let jobs = AmqpJobs::new(amqp, crew.service(), self.crash_limit);
        let declared = amqp.declare(jobs.inner.names.shared()).await;
        declared.map_err(|error| match error {
            TopologyError::Interrupted { .. } => unavailable("declare the queues of jobs", &error),
            _ => BackendError::Refused { backend: NAME, cause: error.to_string() },
        })?;
        Ok(Arc::new(jobs))
    }
}
