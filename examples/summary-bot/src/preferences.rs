//! How somebody prefers a summary, over what the settings of a server say.

use crate::discord::gathered::Gathered;
use crate::discord::history::{self, Part, Wanted};
use crate::order::{Order, Wish};
use crate::settings::Effective;
use crate::{Asked, Filter, Length, Options, Perspective};

/// How somebody wants it summarised; what is left out is as the server has it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Preferences {
    pub(crate) length: Option<Length>,
    pub(crate) perspective: Option<Perspective>,
    pub(crate) min_messages: Option<u64>,
    /// Whether what programs wrote counts.
    pub(crate) include_bots: Option<bool>,
    pub(crate) wish: Wish,
}

/// What is read and how it is summarised, with nothing left open.
#[derive(Debug, Clone)]
pub(crate) struct Resolved {
    pub(crate) wanted: Wanted,
    pub(crate) options: Options,
    /// The same as it is shown beside the summary.
    pub(crate) asked: Asked,
    pub(crate) wish: Wish,
}

// === impl Preferences ===

impl Preferences {
    /// Lays the settings of the server under it. Whom and which channels they leave out is left out whoever asks, and
    /// however; the rest holds where nothing was said.
    pub(crate) fn over(self, settings: &Effective, mut wanted: Wanted) -> Resolved {
        unite(&mut wanted.exclude_users, settings.excluded_users());
        unite(&mut wanted.exclude_channels, settings.excluded_channels());
        wanted.only_channels = settings.enabled_channels();
        wanted.bots = self.include_bots.unwrap_or_else(|| settings.include_bots());
        let options = Options {
            length: self.length.unwrap_or_else(|| settings.length()),
            perspective: self.perspective.unwrap_or_else(|| settings.perspective()),
            min_messages: self.min_messages.unwrap_or_else(|| settings.min_messages()),
        };
        let language = self.wish.language.or_else(|| settings.language());
        let asked = Asked {
            length: options.length.name().to_owned(),
            words: options.length.words(),
            perspective: options.perspective.name().to_owned(),
            language: language.clone(),
            since: wanted.since.map(|since| since.to_string()),
            until: wanted.until.map(|until| until.to_string()),
            exclude_users: wanted.exclude_users.clone(),
            include_bots: wanted.bots,
            min_messages: options.min_messages,
        };
        let Wish { model, temperature, custom_prompt, .. } = self.wish;
        let wish = Wish {
            model: model.or_else(|| settings.model()),
            temperature: temperature.or_else(|| settings.temperature()),
            custom_prompt,
            language,
        };
        Resolved { wanted, options, asked, wish }
    }
}

// === impl Resolved ===

impl Resolved {
    /// What is to be summarised of that which was read by it; for nobody in particular yet.
    pub(crate) fn order(self, title: String, parts: Vec<Part>) -> Order {
        let Self { wanted, options, asked, wish } = self;
        let warnings = history::cut(&parts).into_iter().collect();
        // The history is filtered already.
        let gathered = Gathered::of(parts, Filter { bots: true, ..Filter::default() });
        let origin = gathered.origin(Some(wanted.guild_id));
        Order {
            conversation: gathered.conversation,
            options,
            asked,
            title: Some(title),
            origin,
            wish,
            warnings,
        }
    }
}

fn unite(ids: &mut Vec<String>, more: Vec<String>) {
    for id in more {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
}
