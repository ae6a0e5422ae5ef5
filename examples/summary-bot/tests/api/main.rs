//! The API of the running service: every route, every refusal. Each answer is held against the OpenAPI document.

#[path = "../service/mod.rs"]
mod service;

mod codes;
mod compatible;
mod feeds;
mod jobs;
mod later;
mod load;
mod repeats;
mod replays;
mod schedules;
mod search;
mod settings;
mod summaries;
mod usage;
mod webhooks;
