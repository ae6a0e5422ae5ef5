//! The rules of the house: what a server's settings say, under what somebody asks for.

use crate::discord::history::Wanted;
use crate::order::Wish;
use crate::settings::Effective;
use crate::{Asked, Length, Options, Perspective};

/// How somebody wants it summarised; what is left out is as the server has it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Said {
    pub(crate) length: Option<Length>,
    pub(crate) perspective: Option<Perspective>,
    pub(crate) min_messages: Option<u64>,
    /// Whether what programs wrote counts.
    pub(crate) include_bots: Option<bool>,
    pub(crate) wish: Wish,
}

/// What is read and how it is summarised, with nothing left open.
#[derive(Debug, Clone)]
pub(crate) struct Settled {
    pub(crate) wanted: Wanted,
    pub(crate) options: Options,
    /// The same as it is shown beside the summary.
    pub(crate) asked: Asked,
    pub(crate) wish: Wish,
}

// === impl Said ===

impl Said {
    /// Lays the settings of the server under it. Whom and which channels they leave out is left out whoever asks, and
    /// however; the rest holds where nothing was said.
    pub(crate) fn over(self, settings: &Effective, mut wanted: Wanted) -> Settled {
        unite(&mut wanted.exclude_users, settings.excluded_users());
        unite(&mut wanted.exclude_channels, settings.excluded_channels());
        wanted.only_channels = settings.enabled_channels();
        wanted.bots = self.include_bots.unwrap_or_else(|| settings.include_bots());
        let options = Options {
            length: self.length.unwrap_or_else(|| settings.length()),
            perspective: self.perspective.unwrap_or_else(|| settings.perspective()),
            min_messages: self.min_messages.unwrap_or_else(|| settings.min_messages()),
        };
        let asked = Asked {
            length: options.length.name().to_owned(),
            words: options.length.words(),
            perspective: options.perspective.name().to_owned(),
            since: wanted.since.map(|since| since.to_string()),
            until: wanted.until.map(|until| until.to_string()),
            exclude_users: wanted.exclude_users.clone(),
            include_bots: wanted.bots,
            min_messages: options.min_messages,
        };
        let Wish { model, temperature, custom_prompt, language } = self.wish;
        let wish = Wish {
            model: model.or_else(|| settings.model()),
            temperature: temperature.or_else(|| settings.temperature()),
            custom_prompt,
            language: language.or_else(|| settings.language()),
        };
        Settled { wanted, options, asked, wish }
    }
}

fn unite(ids: &mut Vec<String>, more: Vec<String>) {
    for id in more {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
}
