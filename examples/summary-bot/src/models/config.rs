//! What can be configured about language models.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use groundcrew::config::{FromConfig, Secret};

/// Language models: section `models`. Without one, and without a key, the offline engine summarises.
#[derive(Debug, Clone, FromConfig)]
#[config(default_impl)]
pub struct ModelsConfig {
    /// The models, each under a name of your choice. None: one for each key that is set, `openai` and `anthropic`.
    #[config(default)]
    pub named: BTreeMap<String, ModelConfig>,
    /// The names of the models in the order in which they are tried. Empty: all of them, by name; without `named`,
    /// `openai` before `anthropic`.
    #[config(default)]
    pub chain: Vec<String>,
    /// What happens when no model can summarise, unless it is for want of money: see `budget.when_spent`.
    #[config(default = "offline")]
    pub fallback: Fallback,
    /// A folder with prompts of your own: `summary.md`, `merge.md`, `perspectives.md`, and the same in
    /// `guilds/<id>/` for one server. What it does not have is as it comes with the bot.
    pub prompts: Option<PathBuf>,
    /// How many summaries models may work on at a time. They wait for a model, not for a core.
    #[config(default = 8, range = 1..=1000)]
    pub concurrency: usize,
    /// How many parts of one long conversation are summarised at a time.
    #[config(default = 4, range = 1..=64)]
    pub parallel: usize,
    /// How long a model may take for one answer.
    #[config(default = "60s")]
    pub timeout: Duration,
    /// How long a model that has begun to answer may be silent.
    #[config(default = "20s")]
    pub stall: Duration,
    /// How long all models together may take for a summary, parts and second attempts included. A request's own
    /// deadline is kept too: what remains of it is enough for the offline engine.
    #[config(default = "5m")]
    pub total: Duration,
    /// The longest pause that a provider may ask for with `Retry-After` before the next model is tried instead.
    #[config(default = "5s")]
    pub patience: Duration,
    /// The longest conversation that is sent to models, in tokens.
    #[config(default = 400_000, range = 1_000..=100_000_000)]
    pub max_input_tokens: u64,
    /// How long an answer is kept, so that the same question is not paid twice; `0s` for never.
    #[config(default = "7d")]
    pub keep: Duration,
}

/// A model: `models.named.<name>`.
#[derive(Debug, Clone, FromConfig)]
pub struct ModelConfig {
    /// Which protocol the server speaks.
    #[config(default = "openai")]
    pub provider: Provider,
    /// Where the server is, with the `/v1` where it has one. Unset: the provider's own.
    pub base_url: Option<String>,
    /// The key. Unset: that of the provider, if the server is the provider's own; else none.
    pub api_key: Option<Secret<String>>,
    /// What the server calls the model.
    pub model: String,
    /// How many tokens prompt and answer may have together. Unset: what is known of the model, else 8192.
    #[config(range = 1_024..=100_000_000)]
    pub context: Option<u64>,
    /// How many tokens an answer may have. A second attempt after a cut may have twice as many.
    #[config(default = 4_096, range = 64..=1_000_000)]
    pub max_output: u64,
    /// Dollars per million tokens of prompts. Unset: what is known of the provider's own models, else 0. Where a
    /// budget is set, a model at its provider's own address that nothing is known of has to have both prices.
    pub input_price: Option<f64>,
    /// Dollars per million tokens of answers. Unset: what is known of the provider's own models, else 0.
    pub output_price: Option<f64>,
    /// From 0, which is sober, to 2. Unset: the server's own default.
    pub temperature: Option<f64>,
}

/// Which protocol a model's server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, FromConfig)]
pub enum Provider {
    /// OpenAI's chat completions: OpenAI, OpenRouter, vLLM, llama.cpp, Ollama and many others.
    #[default]
    Openai,
    /// Anthropic's messages.
    Anthropic,
}

/// What happens when no model can summarise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, FromConfig)]
pub enum Fallback {
    /// The offline engine does, and the summary has a warning that says so.
    #[default]
    Offline,
    /// The request fails, and the problem says why.
    None,
}

/// OpenAI: section `openai`. A key, or a base URL, is enough for a model named `openai`.
#[derive(Debug, Clone, FromConfig)]
#[config(default_impl)]
pub struct OpenAiConfig {
    /// The key for the API.
    #[config(alias = "OPENAI_API_KEY")]
    pub api_key: Option<Secret<String>>,
    /// Another server with the same API, such as `http://127.0.0.1:11434/v1`. Unset: OpenAI's own.
    #[config(alias = "OPENAI_BASE_URL")]
    pub base_url: Option<String>,
    /// The model, where `models.named` names none.
    #[config(default = "gpt-4o-mini", alias = "OPENAI_MODEL")]
    pub model: String,
}

/// Anthropic: section `anthropic`. A key is enough for a model named `anthropic`.
#[derive(Debug, Clone, FromConfig)]
#[config(default_impl)]
pub struct AnthropicConfig {
    /// The key for the API.
    #[config(alias = "ANTHROPIC_API_KEY")]
    pub api_key: Option<Secret<String>>,
    /// Another server with the same API. Unset: Anthropic's own.
    #[config(alias = "ANTHROPIC_BASE_URL")]
    pub base_url: Option<String>,
    /// The model, where `models.named` names none.
    #[config(default = "claude-haiku-4-5", alias = "ANTHROPIC_MODEL")]
    pub model: String,
}

/// What may be spent on models: section `budget`. Days are those of UTC.
#[derive(Debug, Clone, FromConfig)]
#[config(default_impl)]
pub struct BudgetConfig {
    /// Dollars a day, all servers and the API together. Unset: no limit.
    #[config(alias = "BUDGET_DAILY")]
    pub daily: Option<f64>,
    /// Dollars a day and Discord server. Unset: no limit. A server may have its own (`guilds.<id>.daily_budget`);
    /// its admins may lower what is configured (`/config`), and not raise it.
    #[config(alias = "BUDGET_GUILD_DAILY")]
    pub guild_daily: Option<f64>,
    /// What happens to a summary that the budget does not cover, if no other model writes it; whatever
    /// `models.fallback` says.
    #[config(default = "offline")]
    pub when_spent: Fallback,
}
