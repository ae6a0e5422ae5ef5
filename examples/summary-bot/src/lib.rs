#![doc = include_str!("../README.md")]

mod api;
mod benches;
mod bot_metrics;
mod clean;
mod clerk;
pub mod cli;
mod collect;
mod config;
mod conversation;
mod document;
mod engine;
mod fluency;
mod hash;
mod lang;
mod models;
mod options;
mod order;
mod page;
mod perspective;
mod progress;
pub mod read;
pub mod render;
mod request;
mod scribe;
mod sentences;
mod service;
mod sketch;
mod store;
mod summary;
mod welcome;
mod workshop;

pub use bot_metrics::GENERATION_BUCKETS;
pub use collect::{Collector, Conversation, Counts, Filter, Item, Person};
pub use config::{Config, DiscordConfig, SummariesConfig};
pub use conversation::{Author, Kind, Message, When};
pub use document::{Asked, Citation, Document};
pub use engine::summarize;
pub use models::{
    AnthropicConfig, BudgetConfig, Fallback, ModelConfig, ModelsConfig, OpenAiConfig, Provider,
};
pub use options::{Length, Options};
pub use order::Origin;
pub use page::POLICY;
pub use perspective::Perspective;
pub use service::{launch, start};
pub use store::MIGRATIONS;
pub use summary::{ActionItem, Metadata, ModelUse, Participant, Point, Priority, Summary, Term, Warning};
