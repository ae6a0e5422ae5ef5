#![doc = include_str!("../README.md")]

#[cfg(feature = "amqp")]
mod amqp;
mod attempt;
mod backend;
mod choose;
mod config;
mod dead;
mod debts;
mod enqueue;
mod envelope;
mod error;
mod job;
mod job_error;
mod jobs;
mod memory;
mod metrics;
mod operation;
mod policy;
mod publisher;
mod rate;
mod schedule;
mod schedules;
mod settlement;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod sql;
mod stat;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod timetable;
mod watch;
mod worker;

pub use attempt::Attempt;
pub use backend::{Ask, Backend, BackendError, Beat, Delivery, Enqueued, Known, Retention, Unsettled};
pub use config::JobsConfig;
pub use dead::{DeadJob, DeadQuery, DeadSet, Selection};
pub use enqueue::{Enqueue, MAX_PAYLOAD};
pub use envelope::{Envelope, Failure, FailureKind, JobId, NewJob, Unique, When};
pub use error::{ConnectError, EnqueueError};
pub use job::Job;
pub use job_error::JobError;
pub use jobs::Jobs;
pub use memory::Memory;
pub use metrics::{JOB_BUCKETS, names};
pub use policy::{Policy, Priority};
pub use publisher::Publisher;
pub use rate::JobRate;
pub use schedule::{Misfire, Schedule, ScheduleError, Timing};
pub use schedules::{Schedules, SchedulesError, schedule_names};
pub use settlement::{Ending, Fate, Settlement};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use sql::{Effects, Within, migrate};
pub use stat::{QueueStat, State};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use timetable::{
    NewPlan, Plan, PlanChange, PlanError, PlanId, PlanPage, PlanQuery, PlanRows, Planned, Timetable,
    TimetableConfig, TimetableError, timetable_names,
};
