//! Summaries by language models, from a local server that is right, wrong, slow or down as told.

#[path = "../service/mod.rs"]
mod service;

mod answers;
mod budget;
mod faults;
mod injection;
mod long;
mod servers;
mod support;
mod wishes;
