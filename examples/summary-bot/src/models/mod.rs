//! Language models: asked for summaries in their order, believed only where they cite what was said.

mod answers;
mod anthropic;
mod catalogue;
mod chain;
mod check;
mod claims;
mod config;
mod dialect;
mod events;
mod finish;
mod material;
mod metrics;
mod model;
mod names;
mod openai;
mod parts;
mod price;
mod prompts;
mod purse;
mod reading;
mod say;
mod schema;
mod study;
mod support;
mod tokens;
mod writer;

pub(crate) use answers::cache;
pub(crate) use chain::Answer;
pub(crate) use chain::{Chain, Failed, Given};
pub use config::{
    AnthropicConfig, BudgetConfig, Fallback, ModelConfig, ModelsConfig, OpenAiConfig, Provider,
};
pub(crate) use finish::summary;
pub(crate) use names::ModelNames;
pub(crate) use prompts::{LONGEST_WISH, Prompts, language_code};
pub(crate) use purse::Purse;
pub(crate) use say::Failure;
pub(crate) use study::Study;

/// Whether there is a model to ask.
pub(crate) fn configured(config: &crate::Config) -> bool {
    catalogue::models(config).is_ok_and(|models| !models.is_empty())
}
