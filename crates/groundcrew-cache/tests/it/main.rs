//! The cache as its callers see it: in paused time, and with a store that does what it is told.

mod configuration;
mod memory;
mod order;
mod shared;
mod support;
