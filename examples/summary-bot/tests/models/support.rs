//! A bot with a model.

use std::collections::HashSet;
use std::time::Duration;

use groundcrew::config::Secret;
use groundcrew_testkit::models::{Models, Reply};
use serde_json::{Value, json};
use summary_bot::{Config, ModelConfig, Provider};

use crate::service::{Fixture, conversation};

/// A bot whose models are on a local server.
pub(crate) struct Told {
    pub(crate) bot: Fixture,
    pub(crate) models: Models,
}

pub(crate) fn model(models: &Models, name: &str) -> ModelConfig {
    ModelConfig {
        provider: Provider::Openai,
        base_url: Some(models.url()),
        api_key: Some(Secret::new("sk-canary".to_owned())),
        model: name.to_owned(),
        context: Some(32_000),
        max_output: 1000,
        input_price: Some(1.0),
        output_price: Some(4.0),
        temperature: None,
    }
}

/// Has the model speak this protocol.
pub(crate) fn speak(config: &mut Config, provider: Provider) {
    config.models.named.get_mut("main").expect("the model").provider = provider;
}

impl Told {
    /// With one model, `main`.
    pub(crate) async fn start() -> Self {
        Self::with(|_, _| {}).await
    }

    /// With one model, whose answers are kept.
    pub(crate) async fn keeping(change: impl FnOnce(&mut Config)) -> Self {
        Self::with(|config, _| {
            config.models.keep = Duration::from_secs(3600);
            change(config);
        })
        .await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Config, &Models)) -> Self {
        let models = Models::start().await.expect("a port");
        let bot = Fixture::with(|config| {
            config.models.named.insert("main".to_owned(), model(&models, "large"));
            // Most tests ask the same again, and want another answer.
            config.models.keep = Duration::ZERO;
            change(config, &models);
        });
        Self { bot: bot.await, models }
    }

    /// With two models, of which `main` is tried first.
    pub(crate) async fn with_two(change: impl FnOnce(&mut Config)) -> Self {
        Self::with(|config, models| {
            config.models.named.insert("spare".to_owned(), model(models, "small"));
            config.models.chain = vec!["main".to_owned(), "spare".to_owned()];
            change(config);
        })
        .await
    }

    /// The summary of a small conversation, after the model was told what to say.
    pub(crate) fn summary(&self, replies: impl IntoIterator<Item = Reply>) -> Value {
        self.models.script(replies);
        let answer = self.bot.post("", &conversation(&json!({})));
        assert_eq!(answer.status, 201, "{}", answer.body);
        let summary = answer.json();
        holds(&summary);
        summary
    }
}

/// Every point cites messages that there are, whoever wrote it.
pub(crate) fn holds(summary: &Value) {
    let cited: HashSet<&str> =
        summary["citations"].as_array().expect("a list").iter().filter_map(|it| it["id"].as_str()).collect();
    for list in ["sentences", "key_points", "decisions", "action_items", "open_questions"] {
        for point in summary[list].as_array().expect("a list") {
            let ids = point["messages"].as_array().expect("ids");
            assert!(!ids.is_empty(), "{list}: {point}");
            assert!(ids.iter().all(|id| cited.contains(id.as_str().expect("an id"))), "{list}: {point}");
        }
    }
    let words = summary["summary_text"].as_str().expect("a text").split_whitespace().count();
    assert!(words as u64 <= summary["options"]["words"].as_u64().expect("a number"), "{summary:#}");
}

/// The codes of a summary's warnings.
pub(crate) fn warnings(summary: &Value) -> Vec<&str> {
    let warnings = summary["metadata"]["warnings"].as_array().expect("a list");
    warnings.iter().filter_map(|warning| warning["code"].as_str()).collect()
}

/// An answer by the schema, with this summary.
pub(crate) fn says(summary: &[(&str, &[&str])]) -> Reply {
    let summary: Vec<Value> =
        summary.iter().map(|(text, ids)| json!({"text": text, "messages": ids})).collect();
    Reply::Text(json!({"summary": summary}).to_string())
}
