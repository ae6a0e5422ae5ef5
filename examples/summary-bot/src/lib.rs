#![doc = include_str!("../README.md")]

mod api;
mod benches;
mod bot_metrics;
mod caretaker;
mod clean;
mod clerk;
pub mod cli;
mod collect;
mod config;
mod conversation;
mod discord;
mod document;
mod engine;
mod erasure;
mod fluency;
mod hash;
mod headway;
mod janitor;
mod lang;
mod models;
mod options;
mod order;
mod page;
mod perspective;
mod plans;
mod progress;
pub mod read;
pub mod render;
mod replay;
mod request;
mod retention;
mod scribe;
mod sentences;
mod service;
mod settings;
mod sketch;
mod store;
mod summary;
#[cfg(test)]
mod testing;
mod webhooks;
mod welcome;
mod words;
mod workshop;

pub use api::ApiConfig;
pub use bot_metrics::GENERATION_BUCKETS;
pub use collect::{Collector, Conversation, Counts, Filter, Item, Person};
pub use config::{Config, SummariesConfig};
pub use conversation::{Author, Kind, Message, When};
pub use discord::{DiscordConfig, DiscordMode, QuotaConfig};
pub use document::{Asked, Citation, Document};
pub use engine::summarize;
pub use models::{
    AnthropicConfig, BudgetConfig, Fallback, ModelConfig, ModelsConfig, OpenAiConfig, Provider,
};
pub use options::{Length, Options};
pub use order::Origin;
pub use page::POLICY;
pub use perspective::Perspective;
pub use plans::{MailConfig, SchedulesConfig};
pub use retention::RetentionConfig;
pub use service::{launch, start};
pub use settings::{DefaultLength, DefaultPerspective, GuildConfig, Language, Snowflake};
pub use store::MIGRATIONS;
pub use summary::{ActionItem, Metadata, ModelUse, Participant, Point, Priority, Summary, Term, Warning};
pub use webhooks::WebhooksConfig;
