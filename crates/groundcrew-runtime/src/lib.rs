#![doc = include_str!("../README.md")]

mod backoff;
mod check;
mod config;
mod crew;
mod gate;
mod health;
mod hook;
mod landing;
mod metrics;
mod phase;
mod reason;
mod receipt;
mod signals;
mod stop;
mod supervise;
mod task;
mod watchdog;
mod worker_threads;

pub use backoff::Backoff;
pub use check::{CheckGuard, CheckPolicy, Impact};
pub use config::{KUBERNETES_LAME_DUCK, ShutdownConfig, ShutdownConfigError};
pub use crew::{Crew, CrewBuilder};
pub use gate::Gate;
pub use health::{CheckReport, CheckStatus, Readiness};
pub use hook::{CUT_GRACE, PhaseScope};
pub use phase::Phase;
pub use reason::Reason;
pub use receipt::{Entry, Outcome, PhaseReceipt, Receipt};
pub use signals::Signals;
pub use stop::Stop;
pub use supervise::{Landed, supervise};
pub use task::{Restart, TaskReport, TaskResult, TaskState, panic_message};
pub use watchdog::{Liveness, STALL_THRESHOLD};
pub use worker_threads::RuntimeConfig;
