use super::{Code, Consent};
use crate::Snowflake;
use crate::error::ApiError;
use crate::random;
use crate::rest::App;
use axum::extract::{OriginalUri, Query, State};
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;
use std::fmt::Write;
use std::time::Instant;
use url::Url;

const SCOPES: &[&str] =
    &["identify", "email", "guilds", "guilds.members.read", "bot", "applications.commands", "openid"];

#[derive(Debug, Deserialize)]
pub(crate) struct Wish {
    client_id: Option<String>,
    response_type: Option<String>,
    redirect_uri: Option<String>,
    scope: Option<String>,
    state: Option<String>,
    code_challenge: Option<String>,
    code_challenge_method: Option<String>,
    /// Not Discord's: who clicks, on the page that this server shows when no test has said so.
    local_user: Option<String>,
}

/// The consent page: it redirects at once when a test has said who agrees; otherwise it asks.
pub(crate) async fn authorize(
    State(app): State<App>,
    OriginalUri(uri): OriginalUri,
    Query(wish): Query<Wish>,
) -> Result<Response, ApiError> {
    let scopes: Vec<String> =
        wish.scope.as_deref().unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    let redirect = check(&app, &wish, &scopes)?;
    let chosen = match wish.local_user.as_deref() {
        Some("refuse") => Some(Consent::Refuses),
        Some(id) => id.parse().ok().map(Consent::Agrees),
        None => app.look().oauth.answer,
    };
    let answer = match chosen {
        None => return Ok(Html(page(&app, &uri.to_string())).into_response()),
        Some(Consent::Refuses) => {
            vec![
                ("error", "access_denied".to_owned()),
                (
                    "error_description",
                    "The resource owner or authorization server denied the request".to_owned(),
                ),
            ]
        }
        Some(Consent::Agrees(user)) => vec![("code", issue(&app, user, scopes, &wish)?)],
    };
    let mut target = redirect;
    target.query_pairs_mut().extend_pairs(answer);
    if let Some(state) = &wish.state {
        target.query_pairs_mut().append_pair("state", state);
    }
    Ok((StatusCode::FOUND, [(LOCATION, target.to_string())]).into_response())
}

fn check(app: &App, wish: &Wish, scopes: &[String]) -> Result<Url, ApiError> {
    let state = app.look();
    let application = &state.world.application;
    if wish.client_id.as_deref() != Some(application.id.to_string().as_str()) {
        return Err(ApiError::form("client_id", "NUMBER_TYPE_COERCE", "Unknown application."));
    }
    if wish.response_type.as_deref() != Some("code") {
        return Err(ApiError::form("response_type", "BASE_TYPE_CHOICES", "Value must be one of ('code',)."));
    }
    let known = |scope: &String| SCOPES.contains(&scope.as_str());
    if scopes.is_empty() || !scopes.iter().all(known) {
        return Err(ApiError::form(
            "scope",
            "INVALID_SCOPE",
            "The requested scope is invalid, unknown, or malformed.",
        ));
    }
    if wish.code_challenge_method.as_deref().is_some_and(|method| method != "S256" && method != "plain") {
        return Err(ApiError::form(
            "code_challenge_method",
            "BASE_TYPE_CHOICES",
            "Value must be one of ('S256', 'plain').",
        ));
    }
    let invalid = || ApiError::form("redirect_uri", "INVALID_REDIRECT_URI", "Invalid OAuth2 redirect_uri");
    let given = wish.redirect_uri.as_deref().ok_or_else(invalid)?;
    let url = Url::parse(given).map_err(|_| invalid())?;
    let local = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    let listed = application.redirect_uris.iter().any(|uri| uri == given);
    if listed || (application.redirect_uris.is_empty() && local) { Ok(url) } else { Err(invalid()) }
}

fn issue(app: &App, user: Snowflake, scopes: Vec<String>, wish: &Wish) -> Result<String, ApiError> {
    let code = random::hex(15);
    let method = wish.code_challenge_method.clone().unwrap_or_else(|| "plain".to_owned());
    let challenge = wish.code_challenge.clone().map(|challenge| (method, challenge));
    let redirect_uri = wish.redirect_uri.clone().unwrap_or_default();
    let entry = Code { user, scopes, redirect_uri, challenge, made: Instant::now() };
    app.change(|state| {
        if !state.world.users.contains_key(&user) {
            return Err(ApiError::new(404, 10013, "Unknown User"));
        }
        state.oauth.codes.insert(code.clone(), entry);
        Ok(code)
    })
}

/// Who is it to be?
fn page(app: &App, uri: &str) -> String {
    let state = app.look();
    let mut page = String::from("<!doctype html><title>Local Discord</title><h1>Sign in as</h1><ul>");
    let here = escape(uri);
    for user in state.world.users.values().filter(|user| !user.bot) {
        let _ = write!(page, "<li><a href=\"{here}&amp;local_user={}\">{}</a>", user.id, escape(&user.name));
    }
    let _ = write!(page, "<li><a href=\"{here}&amp;local_user=refuse\">refuse</a></ul>");
    page
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}
