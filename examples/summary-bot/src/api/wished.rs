//! The options that are wishes for a language model.

use groundcrew::http::Problem;
use groundcrew::http::axum::http::StatusCode;
use serde_json::{Value, json};

use super::asked::Given;
use super::fields::LONGEST_PROMPT;
use crate::models::{ModelNames, language_code};
use crate::order::Wish;

/// Their names.
pub(super) const WISHES: [&str; 4] = ["model", "temperature", "custom_prompt", "language"];

// === impl Given ===

impl Given {
    /// What they say; what is wrong with them is noted.
    pub(super) fn wish(&mut self, models: &ModelNames) -> Wish {
        let model = self.text("model");
        if let Some(name) = model.as_deref().filter(|name| !models.has(name)) {
            let words = match name.len() {
                0..=60 => format!("{}; found {}", models.expected(), json!(name)),
                _ => models.expected(),
            };
            self.wrong("model", words);
        }
        let language = self.text("language");
        if language.as_deref().is_some_and(|code| language_code(code).is_none()) {
            self.wrong("language", "expected a code such as `de` or `pt-BR`");
        }
        let custom_prompt = self.text("custom_prompt");
        Wish { model, temperature: self.temperature(), custom_prompt, language }
    }

    fn text(&mut self, name: &str) -> Option<String> {
        let value = self.value(name)?;
        let text = value.as_str().map(str::to_owned);
        if text.is_none() {
            self.wrong(name, "expected a string");
        }
        text
    }

    fn temperature(&mut self) -> Option<f32> {
        let value = self.value("temperature")?;
        let number = value.as_f64().filter(|number| (0.0..=2.0).contains(number));
        if number.is_none() {
            self.wrong("temperature", "expected a number from 0 to 2");
        }
        #[expect(clippy::cast_possible_truncation, reason = "a temperature needs no more")]
        number.map(|number| number as f32)
    }
}

/// Refuses a prompt that is longer than one may be.
pub(super) fn not_too_long(field: &'static str, prompt: Option<&str>) -> Result<(), Problem> {
    let length = prompt.unwrap_or_default().chars().count();
    if length <= LONGEST_PROMPT {
        return Ok(());
    }
    Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "PROMPT_TOO_LONG")
        .detail(format!("`custom_prompt` has {length} characters, and at most {LONGEST_PROMPT} may be"))
        .with("field", field)
        .with("maximum", LONGEST_PROMPT))
}

/// What the OpenAPI document says of them.
pub(super) fn schemas() -> [(&'static str, Value, &'static str); 4] {
    [
        (
            "model",
            json!({"type": "string"}),
            "The language model to ask first, by its name in the configuration or at its server.",
        ),
        ("temperature", json!({"type": "number", "minimum": 0, "maximum": 2}), "0 is sober."),
        (
            "custom_prompt",
            json!({"type": "string", "maxLength": LONGEST_PROMPT}),
            "What to stress and how to put it, for language models.",
        ),
        (
            "language",
            json!({"type": "string", "pattern": "^[A-Za-z0-9-]{2,16}$"}),
            "The language that models write in, as a code; by default the conversation's own.",
        ),
    ]
}
