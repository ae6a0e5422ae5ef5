use crate::Snowflake;
use serde_json::{Value, json};

/// An account: a person's or a bot's.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) id: Snowflake,
    pub(crate) name: String,
    pub(crate) global_name: Option<String>,
    pub(crate) bot: bool,
    pub(crate) system: bool,
    pub(crate) email: Option<String>,
    pub(crate) locale: String,
}

// === impl User ===

impl User {
    pub(crate) fn new(id: Snowflake, name: &str) -> Self {
        Self {
            id,
            name: name.to_owned(),
            global_name: None,
            bot: false,
            system: false,
            email: None,
            locale: "en-US".to_owned(),
        }
    }

    pub(crate) fn bot(mut self) -> Self {
        self.bot = true;
        self
    }

    /// As others see it.
    pub(crate) fn json(&self) -> Value {
        let mut user = json!({
            "id": self.id, "username": self.name, "discriminator": "0", "global_name": self.global_name,
            "avatar": null, "banner": null, "accent_color": null, "public_flags": 0, "flags": 0,
            "avatar_decoration_data": null, "collectibles": null, "primary_guild": null,
        });
        if self.bot {
            user["bot"] = true.into();
        }
        if self.system {
            user["system"] = true.into();
        }
        user
    }

    /// As the account itself sees it; the address only with the scope `email`.
    pub(crate) fn own_json(&self, email: bool) -> Value {
        let mut user = self.json();
        user["mfa_enabled"] = self.bot.into();
        user["locale"] = self.locale.clone().into();
        user["premium_type"] = 0.into();
        if email || self.bot {
            user["email"] = self.email.clone().into();
            user["verified"] = true.into();
        }
        user
    }
}
