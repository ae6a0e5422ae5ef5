//! Against a real RabbitMQ. `TEST_RABBITMQ_URL` and `TEST_RABBITMQ_CONTROL` let the tests that need no faults of the
//! broker share one; the others start their own.

mod consuming;
mod publishing;
mod recovery;
mod support;
#[cfg(feature = "tls")]
mod tls;
mod topology;
