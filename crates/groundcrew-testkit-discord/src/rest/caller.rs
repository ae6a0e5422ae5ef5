use super::App;
use crate::Snowflake;
use crate::error::ApiError;
use crate::shared::State;
use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Caller {
    /// The bot, by its token.
    Bot,
    /// A user who signed in, by what OAuth gave.
    User { user: Snowflake, scopes: Vec<String> },
}

/// The bot, and nobody else.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bot;

// === impl Caller ===

impl Caller {
    /// Who holds this `Authorization`.
    pub(crate) fn of(state: &State, authorization: Option<&str>) -> Result<Self, ApiError> {
        let given = authorization.ok_or_else(ApiError::unauthorized)?;
        if let Some(token) = given.strip_prefix("Bot ") {
            let right = !state.token_reset && token == state.world.application.token;
            return if right { Ok(Self::Bot) } else { Err(ApiError::unauthorized()) };
        }
        let token = given.strip_prefix("Bearer ").ok_or_else(ApiError::unauthorized)?;
        let (user, scopes) = state.oauth.holder(token).ok_or_else(ApiError::unauthorized)?;
        Ok(Self::User { user, scopes })
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let authorization = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        Self::of(&app.look(), authorization)
    }
}

impl FromRequestParts<App> for Bot {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        match Caller::from_request_parts(parts, app).await? {
            Caller::Bot => Ok(Self),
            Caller::User { .. } => Err(ApiError::new(403, 20002, "Only bots can use this endpoint")),
        }
    }
}
