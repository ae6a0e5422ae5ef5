//! Which models there are: those that are configured, completed by what is known of the providers' own.

use std::sync::Arc;

use groundcrew::config::{FromConfig, Secret};

use super::config::{ModelConfig, Provider};
use super::price::Price;
use crate::config::Config;

/// A model, with everything that is needed to ask it.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    /// As the configuration calls it.
    pub(crate) name: Arc<str>,
    pub(crate) provider: Provider,
    /// Without a slash at the end.
    pub(crate) base_url: String,
    pub(crate) api_key: Option<Secret<String>>,
    /// As the server calls it.
    pub(crate) model: String,
    pub(crate) context: u64,
    pub(crate) max_output: u64,
    pub(crate) price: Price,
    /// The price is known or configured, or it is the operator's own server.
    pub(crate) priced: bool,
    pub(crate) temperature: Option<f32>,
}

/// Why the models cannot be used as they are configured.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CatalogueError {
    #[error("models.chain names {name:?}, and there is no models.named.{name}; there are: {there}")]
    Unknown { name: String, there: String },
    #[error("{key} is {url:?}, expected a URL such as http://127.0.0.1:11434/v1")]
    Url { key: String, url: String },
    #[error(
        "nothing is known of what the model {model:?} ({name}) costs at its provider, so that no budget can limit \
         it; set models.named.{name}.input_price and models.named.{name}.output_price (dollars per million tokens as \
         the provider's price list has them, or 0), beside models.named.{name}.provider = {provider:?} and \
         models.named.{name}.model = {model:?}; where one model is named there, no other is used that is not"
    )]
    Unpriced { name: String, provider: String, model: String },
}

/// What a model takes and costs at its provider's own address: context, dollars per million tokens in and out.
const OWN: [(&str, u64, f64, f64); 10] = [
    ("gpt-4o-mini", 128_000, 0.15, 0.60),
    ("gpt-4o", 128_000, 2.50, 10.00),
    ("gpt-4.1-nano", 1_000_000, 0.10, 0.40),
    ("gpt-4.1-mini", 1_000_000, 0.40, 1.60),
    ("gpt-4.1", 1_000_000, 2.00, 8.00),
    ("gpt-5-mini", 272_000, 0.25, 2.00),
    ("gpt-5", 272_000, 1.25, 10.00),
    ("claude-haiku-4-5", 200_000, 1.00, 5.00),
    ("claude-sonnet-4-5", 200_000, 3.00, 15.00),
    ("claude-opus-4-5", 200_000, 5.00, 25.00),
];

/// What is taken for the context of a model that nothing is known of.
const CAUTIOUS: u64 = 8_192;

/// The models in the order in which they are tried; none if none is configured.
pub(crate) fn models(config: &Config) -> Result<Vec<Known>, CatalogueError> {
    let models = &config.models;
    let mut known = Vec::new();
    for (name, model) in &models.named {
        known.push(complete(config, name, &format!("models.named.{name}.base_url"), model)?);
    }
    if known.is_empty() {
        if config.openai.api_key.is_some() || config.openai.base_url.is_some() {
            let model = usual(Provider::Openai, &config.openai.model);
            known.push(complete(config, "openai", "openai.base_url", &model)?);
        }
        if config.anthropic.api_key.is_some() {
            let model = usual(Provider::Anthropic, &config.anthropic.model);
            known.push(complete(config, "anthropic", "anthropic.base_url", &model)?);
        }
    }
    if models.chain.is_empty() {
        return Ok(known);
    }
    let find = |name: &String| {
        let found = known.iter().find(|known| *known.name == **name).cloned();
        found.ok_or_else(|| CatalogueError::Unknown {
            name: name.clone(),
            there: known.iter().map(|it| it.name.to_string()).collect::<Vec<_>>().join(", "),
        })
    };
    models.chain.iter().map(find).collect()
}

/// Refuses a model that no budget limits though there is one, since what it costs is not known.
pub(crate) fn check_prices(known: &[Known], config: &Config) -> Result<(), CatalogueError> {
    for Known { name, provider, model, .. } in known.iter().filter(|known| !known.priced) {
        if has_budget(config) {
            let (name, model) = (name.to_string(), model.clone());
            let provider = provider.to_text().unwrap_or_default();
            return Err(CatalogueError::Unpriced { name, provider, model });
        }
        tracing::warn!(
            model.name = %name,
            "nothing is known of what {model:?} costs at its provider: it counts as free until \
             models.named.{name}.input_price and output_price are set"
        );
    }
    Ok(())
}

fn has_budget(config: &Config) -> bool {
    let mut guilds = config.guilds.values().chain([&config.guild_defaults]);
    let all = config.budget.daily.or(config.budget.guild_daily);
    all.is_some() || guilds.any(|guild| guild.daily_budget.is_some())
}

fn usual(provider: Provider, model: &str) -> ModelConfig {
    ModelConfig {
        provider,
        base_url: None,
        api_key: None,
        model: model.to_owned(),
        context: None,
        max_output: 4096,
        input_price: None,
        output_price: None,
        temperature: None,
    }
}

fn complete(config: &Config, name: &str, key: &str, model: &ModelConfig) -> Result<Known, CatalogueError> {
    let (own, section_url, section_key) = match model.provider {
        Provider::Openai => ("https://api.openai.com/v1", &config.openai.base_url, &config.openai.api_key),
        Provider::Anthropic => {
            ("https://api.anthropic.com/v1", &config.anthropic.base_url, &config.anthropic.api_key)
        }
    };
    let section_url = section_url.as_deref().unwrap_or(own).trim_end_matches('/');
    let base_url = model.base_url.as_deref().unwrap_or(section_url).trim_end_matches('/').to_owned();
    if !(base_url.starts_with("http://") || base_url.starts_with("https://")) {
        return Err(CatalogueError::Url { key: key.to_owned(), url: base_url });
    }
    // A provider's key goes to the server that it was given for, and to no other.
    let provided = || section_key.clone().filter(|_| base_url == section_url);
    let at_home = OWN.iter().find(|(known, ..)| base_url == own && is_of(&model.model, known));
    let (context, input, output) =
        at_home.map_or((CAUTIOUS, 0.0, 0.0), |(_, context, input, output)| (*context, *input, *output));
    let configured = model.input_price.is_some() && model.output_price.is_some();
    let priced = base_url != own || at_home.is_some() || configured;
    #[allow(clippy::cast_possible_truncation)] // Between 0 and 2, one digit behind the point.
    let temperature = model.temperature.map(|it| it.clamp(0.0, 2.0) as f32);
    Ok(Known {
        name: name.into(),
        provider: model.provider,
        api_key: model.api_key.clone().or_else(provided),
        base_url,
        model: model.model.clone(),
        context: model.context.unwrap_or(context),
        max_output: model.max_output,
        priced,
        price: Price::of_dollars(model.input_price.unwrap_or(input), model.output_price.unwrap_or(output)),
        temperature,
    })
}

/// The model itself, or a dated version of it.
fn is_of(model: &str, known: &str) -> bool {
    model.strip_prefix(known).is_some_and(|rest| {
        rest.is_empty() || rest.strip_prefix('-').is_some_and(|date| date.starts_with("20"))
    })
}

// === impl Known ===

impl Known {
    pub(crate) fn is_openais_own(&self) -> bool {
        self.base_url.starts_with("https://api.openai.com/")
    }

    /// How a stored summary names it.
    pub(crate) fn engine(&self) -> String {
        let provider = match self.provider {
            Provider::Openai => "openai",
            Provider::Anthropic => "anthropic",
        };
        format!("{provider}/{}", self.model)
    }
}

#[cfg(test)]
mod tests {
    use groundcrew::config::{Origin, Sourced};

    use super::*;
    use crate::settings::GuildConfig;

    fn config() -> Config {
        let mut config = Config::default();
        config.openai.api_key = Some(Secret::new("sk-1".to_owned()));
        config
    }

    #[test]
    fn a_key_is_enough() {
        assert!(models(&Config::default()).expect("none").is_empty());
        let known = models(&config()).expect("one");
        assert_eq!((known.len(), known[0].base_url.as_str()), (1, "https://api.openai.com/v1"));
        assert_eq!((known[0].context, known[0].price.input), (128_000, 150_000));
    }

    /// A server with a budget of its own.
    fn limited() -> GuildConfig {
        GuildConfig { daily_budget: Some(Sourced::new(5.0, Origin::Set)), ..GuildConfig::default() }
    }

    #[test]
    fn wherever_a_budget_stands_it_wants_the_price_of_a_model_that_is_not_known() {
        type Set = fn(&mut Config);
        let places: [(&str, Set); 4] = [
            ("budget.daily", |config| config.budget.daily = Some(5.0)),
            ("budget.guild_daily", |config| config.budget.guild_daily = Some(5.0)),
            ("guild_defaults", |config| config.guild_defaults = limited()),
            ("guilds", |config| config.guilds = [("7".to_owned(), limited())].into()),
        ];
        let checked = |set: Set, model: &str| {
            let mut config = config();
            config.openai.model = model.to_owned();
            set(&mut config);
            check_prices(&models(&config).expect("one"), &config)
        };
        for (place, set) in places {
            let refused = checked(set, "gpt-7").expect_err(place).to_string();
            assert!(refused.contains("models.named.openai.input_price"), "{refused}");
            // The controls: what one of the list costs is known, and so is that of a version of it.
            checked(set, "gpt-4o").expect(place);
            checked(set, "gpt-4o-2026-01-31").expect(place);
        }
        checked(|_| {}, "gpt-7").expect("there is no budget");
    }

    #[test]
    fn a_key_goes_to_the_server_that_it_was_given_for_and_to_no_other() {
        let mut config = config();
        let mut other = usual(Provider::Openai, "gpt-4o-mini");
        other.base_url = Some("https://models.example/v1".to_owned());
        config.models.named =
            [("own".to_owned(), usual(Provider::Openai, "x")), ("other".to_owned(), other)].into();
        config.models.chain = vec!["own".to_owned(), "other".to_owned()];
        let known = models(&config).expect("two");
        assert_eq!(known.iter().map(|it| it.api_key.is_some()).collect::<Vec<_>>(), [true, false]);
        assert!(known[1].price.is_free(), "the price list is that of the provider");
        config.models.chain.push("third".to_owned());
        assert!(models(&config).expect_err("there is no third").to_string().contains("other, own"));
    }
}
