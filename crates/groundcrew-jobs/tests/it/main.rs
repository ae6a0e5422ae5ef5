//! Jobs, behaviour by behaviour; what holds for every backend is in `conformance` and `engine`.

#[cfg(feature = "amqp")]
mod amqp;
mod conformance;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod database;
mod engine;
#[cfg(all(feature = "sqlite", feature = "postgres"))]
mod lanes;
mod memory;
mod outage;
#[cfg(feature = "postgres")]
mod replica;
mod schedules;
#[cfg(all(feature = "sqlite", feature = "postgres"))]
mod sql;
mod stage;
mod states;
#[cfg(all(feature = "sqlite", feature = "postgres"))]
mod sweep;
#[cfg(all(feature = "sqlite", feature = "postgres"))]
mod timetable;
#[cfg(feature = "sqlite")]
mod writer;
