#![doc = include_str!("../README.md")]

mod amqp;
mod config;
mod consumer;
mod delivery;
mod error;
mod field;
mod line;
mod link;
mod message;
mod metrics;
mod publisher;
mod target;
mod topology;

pub use amqp::Amqp;
pub use config::{AmqpConfig, AmqpImpact};
pub use consumer::{ConsumerOptions, Held, Subscription};
pub use delivery::{Delivery, Verdict};
pub use error::{ConnectError, PublishError, TopologyError, UrlError};
pub use field::Field;
pub use lapin;
pub use message::Message;
pub use metrics::names;
pub use publisher::{Pending, Publisher};
pub use topology::{Exchange, Queue, Topology};
