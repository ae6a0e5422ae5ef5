//! Jobs, behaviour by behaviour; what holds for every backend is in `conformance` and `engine`.

mod conformance;
mod engine;
mod memory;
mod stage;
