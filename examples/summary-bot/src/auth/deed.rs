//! What people do with a server, and the level there that it takes: in Discord and over the API alike.

use groundcrew::http::Problem;
use groundcrew::http::axum::http::StatusCode;

use super::Reader;
use crate::discord::access::Level;
use crate::plans::is_id;

/// Something that concerns a whole server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    SeeUsage,
    SeeSchedules,
    Summarize,
    RunSchedules,
    ChangeSchedules,
    ManageSettings,
    ManageWebhooks,
}

// === impl Deed ===

impl Deed {
    /// What it takes.
    pub(crate) fn level(self) -> Level {
        match self {
            Self::SeeUsage | Self::SeeSchedules => Level::Read,
            Self::Summarize | Self::RunSchedules => Level::Summarize,
            Self::ChangeSchedules | Self::ManageSettings | Self::ManageWebhooks => Level::Admin,
        }
    }

    /// What an operation of the API does, by its name; `None` where no server is concerned.
    pub(crate) fn of(operation: &str) -> Option<Self> {
        Some(match operation {
            "get_usage" => Self::SeeUsage,
            "get_schedule" | "list_schedules" => Self::SeeSchedules,
            "summarize" | "summarize_channel" => Self::Summarize,
            "run_schedule" => Self::RunSchedules,
            operation if operation.ends_with("_schedule") => Self::ChangeSchedules,
            operation if operation.ends_with("_settings") => Self::ManageSettings,
            "list_webhooks" | "list_deliveries" | "replay_delivery" => Self::ManageWebhooks,
            operation if operation.ends_with("_webhook") => Self::ManageWebhooks,
            _ => return None,
        })
    }
}

// === impl Reader ===

impl Reader {
    /// Lets them do something with a server, or with all of them where none is named: people by their level there,
    /// programs of the operator's and admins anything that their scopes allow. To whom the server shows nothing,
    /// `hidden` is answered.
    ///
    /// # Errors
    ///
    /// `hidden`; `FORBIDDEN`; and when Discord cannot be asked.
    pub(crate) async fn admit(
        &self,
        deed: Deed,
        guild: Option<&str>,
        hidden: impl FnOnce() -> Problem + Send,
    ) -> Result<(), Problem> {
        if self.is_operator() {
            return Ok(());
        }
        // It becomes part of a path.
        let Some(guild) = guild.filter(|guild| is_id(guild)) else { return Err(hidden()) };
        let (needed, level) = (deed.level(), self.level(guild).await?);
        match level {
            Level::None => Err(hidden()),
            level if level < needed => Err(too_low(needed, level)),
            _ => Ok(()),
        }
    }
}

/// What somebody is told who may see that it is there, and no more.
pub(crate) fn too_low(needed: Level, level: Level) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "FORBIDDEN").detail(format!(
        "that takes the permission “{}” here, and yours is “{}”; whoever manages this server can change it with \
         /config permissions",
        needed.name(),
        level.name()
    ))
}
