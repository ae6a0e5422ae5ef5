//! Servers that take long to start, and so are started once for all tests.

use crate::failure::Failure;
use groundcrew_testkit::rabbitmq::RabbitMq;
use std::cell::OnceCell;

/// Started when it is first asked for. It ends with this value, or with us however we end: a watcher of the test
/// kit's sees to that.
#[derive(Default)]
pub(crate) struct Shared {
    rabbitmq: OnceCell<RabbitMq>,
}

impl Shared {
    /// The variables that tell tests where it is; none where they say so already.
    pub(crate) fn environment(&self) -> Result<Vec<(&'static str, String)>, Failure> {
        if std::env::var_os("TEST_RABBITMQ_URL").is_some_and(|url| !url.is_empty()) {
            return Ok(Vec::new());
        }
        if let Some(rabbitmq) = self.rabbitmq.get() {
            return Ok(rabbitmq.environment());
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let rabbitmq = runtime.block_on(RabbitMq::private())?;
        Ok(self.rabbitmq.get_or_init(|| rabbitmq).environment())
    }
}

#[cfg(test)]
mod tests {
    use super::Shared;

    #[test]
    fn the_broker_is_started_once_and_not_where_there_is_one() {
        let shared = Shared::default();
        let first = shared.environment().expect("it starts");
        assert_eq!(shared.environment().expect("it runs"), first);
        let names: Vec<&str> = first.iter().map(|(name, _)| *name).collect();
        if std::env::var_os("TEST_RABBITMQ_URL").is_some_and(|url| !url.is_empty()) {
            assert!(names.is_empty());
        } else {
            assert_eq!(names, ["TEST_RABBITMQ_URL", "TEST_RABBITMQ_CONTROL"]);
        }
    }
}
