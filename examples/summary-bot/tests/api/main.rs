//! The API of the running service: every route, every refusal. Each answer is held against the OpenAPI document.

#[path = "../service/mod.rs"]
mod service;

mod codes;
mod jobs;
mod later;
mod replays;
mod schedules;
mod summaries;
