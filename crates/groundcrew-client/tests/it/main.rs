//! The client against real servers, some of which misbehave, beside what the bare library does.

mod bodies;
mod breaker;
mod context;
mod deadlines;
mod guard;
mod limits;
mod metrics;
mod retries;
mod secrets;
mod support;
mod tls;
