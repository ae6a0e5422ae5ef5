//! REST, version 10: the routes and what they have in common.

mod body;
mod caller;
mod channels;
mod commands;
mod gate;
mod guilds;
mod interactions;
mod messages;
mod threads;
mod users;

pub(crate) use caller::{Bot, Caller};

use crate::error::ApiError;
use crate::shared::Shared;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, delete, get, patch, post, put};
use std::sync::Arc;

/// Ten files of 10 MiB, and what goes around them.
const LARGEST_BODY: usize = 110 * 1024 * 1024;

pub(crate) type App = Arc<Shared>;

/// All that the server answers.
pub(crate) fn routes(shared: &App) -> Router {
    let api = Router::new()
        .route("/gateway", get(users::gateway))
        .route("/gateway/bot", get(users::gateway_bot))
        .route("/users/@me", get(users::me))
        .route("/users/@me/guilds", get(users::guilds))
        .route("/users/@me/guilds/{guild}/member", get(users::guild_member))
        .route("/users/{user}", get(users::user))
        .route("/applications/@me", get(users::application).patch(users::change_application))
        .route("/oauth2/applications/@me", get(users::application))
        .merge(crate::oauth::routes())
        .merge(commands::routes())
        .route("/channels/{channel}", get(channels::get_one).delete(channels::delete))
        .route("/channels/{channel}/typing", post(channels::typing))
        .route("/channels/{channel}/messages", get(messages::page).post(messages::create))
        .route("/channels/{channel}/messages/bulk-delete", post(messages::delete_many))
        .route(
            "/channels/{channel}/messages/{message}",
            get(messages::get_one).patch(messages::edit).delete(messages::delete),
        )
        .route(
            "/channels/{channel}/messages/{message}/reactions/{emoji}/@me",
            put(messages::react).delete(messages::unreact),
        )
        .route("/channels/{channel}/messages/{message}/threads", post(threads::from_message))
        .route("/channels/{channel}/threads", post(threads::create))
        .route("/channels/{channel}/threads/archived/public", get(threads::archived_public))
        .route("/channels/{channel}/threads/archived/private", get(threads::archived_private))
        .route("/channels/{channel}/thread-members/@me", put(threads::join).delete(threads::leave))
        .route("/channels/{channel}/thread-members/{user}", get(threads::member))
        .route("/guilds/{guild}", get(guilds::get_one))
        .route("/guilds/{guild}/channels", get(guilds::channels))
        .route("/guilds/{guild}/roles", get(guilds::roles))
        .route("/guilds/{guild}/members", get(guilds::members))
        .route("/guilds/{guild}/members/{user}", get(guilds::member))
        .route("/guilds/{guild}/threads/active", get(threads::active))
        .route("/interactions/{id}/{token}/callback", post(interactions::callback))
        .route("/webhooks/{application}/{token}", post(interactions::follow_up))
        .route("/webhooks/{application}/{token}/messages/{message}", get(interactions::get_one))
        .route("/webhooks/{application}/{token}/messages/{message}", patch(interactions::edit))
        .route("/webhooks/{application}/{token}/messages/{message}", delete(interactions::delete))
        .fallback(|| async { ApiError::not_found() })
        .method_not_allowed_fallback(|| async { ApiError::new(405, 0, "405: Method Not Allowed") })
        .layer(axum::middleware::from_fn_with_state(Arc::clone(shared), gate::pass))
        .layer(DefaultBodyLimit::max(LARGEST_BODY));
    Router::new()
        .nest("/api/v10", api.clone())
        .nest("/api", api)
        .route("/oauth2/authorize", get(crate::oauth::authorize))
        .route("/attachments/{channel}/{attachment}/{filename}", get(attachment))
        .route("/", any(crate::gateway::upgrade))
        .route("/resume", any(crate::gateway::upgrade))
        .route("/resume/", any(crate::gateway::upgrade))
        .merge(crate::control::routes())
        .with_state(Arc::clone(shared))
}

/// A file of a message, as the addresses in messages name it.
async fn attachment(
    State(app): State<App>,
    Path((channel, id, _)): Path<(crate::Snowflake, crate::Snowflake, String)>,
) -> Response {
    let state = app.look();
    let messages =
        state.world.messages.get(&channel).into_iter().flat_map(std::collections::BTreeMap::values);
    let found = messages.flat_map(|message| &message.attachments).find(|attachment| attachment.id == id);
    match found {
        Some(found) => ([(CONTENT_TYPE, found.content_type.clone())], found.bytes.clone()).into_response(),
        None => ApiError::not_found().into_response(),
    }
}
