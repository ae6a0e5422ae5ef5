#![doc = include_str!("../README.md")]

mod api;
mod bot_metrics;
mod clean;
pub mod cli;
mod collect;
mod config;
mod conversation;
mod document;
mod engine;
mod fluency;
mod hash;
mod lang;
mod options;
mod page;
mod progress;
pub mod read;
pub mod render;
mod sentences;
mod service;
mod sketch;
mod store;
mod summary;
mod welcome;
mod workshop;

pub use bot_metrics::GENERATION_BUCKETS;
pub use collect::{Collector, Conversation, Counts, Filter, Item, Person};
pub use config::{Config, DiscordConfig, OpenAiConfig, RabbitMqConfig, RedisConfig, SummariesConfig};
pub use conversation::{Author, Kind, Message, When};
pub use document::{Asked, Citation, Document};
pub use engine::summarize;
pub use options::{Length, Options, Perspective};
pub use page::POLICY;
pub use service::{launch, start};
pub use store::MIGRATIONS;
pub use summary::{ActionItem, Metadata, Participant, Point, Priority, Summary, Term, Warning};
