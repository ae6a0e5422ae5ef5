mod acks;
mod held;
mod inbox;
mod options;
mod session;
mod stopping;
mod subscription;
mod supervisor;
mod workers;

pub use held::Held;
pub use options::ConsumerOptions;
pub use subscription::Subscription;
pub(crate) use supervisor::Problem;
