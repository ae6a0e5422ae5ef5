use super::{ACCESS_LIFETIME, CODE_LIFETIME, Code, Grant};
use crate::random;
use crate::rest::App;
use crate::shared::State as Everything;
use axum::extract::State;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Form, Json};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::time::Instant;

#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    grant_type: Option<String>,
    code: Option<String>,
    redirect_uri: Option<String>,
    code_verifier: Option<String>,
    refresh_token: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
    /// Of a revocation.
    token: Option<String>,
}

/// What RFC 6749 calls an error.
struct Refused(u16, &'static str, &'static str);

pub(crate) async fn token(
    State(app): State<App>,
    headers: HeaderMap,
    Form(asked): Form<Asked>,
) -> Result<Response, Response> {
    let answer = app.change(|state| {
        authenticate(state, &headers, &asked)?;
        match asked.grant_type.as_deref() {
            Some("authorization_code") => redeem(state, &asked),
            Some("refresh_token") => renew(state, &asked),
            _ => Err(Refused(400, "unsupported_grant_type", "Grant type None is not supported")),
        }
    });
    let (access, refresh, scopes) = answer.map_err(IntoResponse::into_response)?;
    let body = json!({
        "token_type": "Bearer", "access_token": access, "expires_in": ACCESS_LIFETIME.as_secs(),
        "refresh_token": refresh, "scope": scopes.join(" "),
    });
    Ok(Json(body).into_response())
}

pub(crate) async fn revoke(
    State(app): State<App>,
    headers: HeaderMap,
    Form(asked): Form<Asked>,
) -> Result<Response, Response> {
    app.change(|state| {
        authenticate(state, &headers, &asked)?;
        let token = asked.token.as_deref().unwrap_or_default();
        let oauth = &mut state.oauth;
        if let Some(grant) = oauth.access.remove(token).or_else(|| oauth.refresh.remove(token)) {
            oauth.access.remove(&grant.partner);
            oauth.refresh.remove(&grant.partner);
        }
        Ok(Json(json!({})).into_response())
    })
    .map_err(|refused: Refused| refused.into_response())
}

/// The application's id and secret: as Basic, or in the form.
fn authenticate(state: &Everything, headers: &HeaderMap, asked: &Asked) -> Result<(), Refused> {
    let basic = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Basic "));
    let basic = basic.and_then(|text| String::from_utf8(STANDARD.decode(text).ok()?).ok());
    let application = &state.world.application;
    let id = application.id.to_string();
    let given = match &basic {
        Some(pair) => pair.split_once(':'),
        None => asked.client_id.as_deref().zip(asked.client_secret.as_deref()),
    };
    if given == Some((id.as_str(), application.client_secret.as_str())) {
        Ok(())
    } else {
        Err(Refused(401, "invalid_client", ""))
    }
}

type Pair = (String, String, Vec<String>);

fn redeem(state: &mut Everything, asked: &Asked) -> Result<Pair, Refused> {
    let invalid = || Refused(400, "invalid_grant", "Invalid \"code\" in request.");
    // Taken whatever comes of it: a code is good once.
    let code = state.oauth.codes.remove(asked.code.as_deref().unwrap_or_default()).ok_or_else(invalid)?;
    if code.made.elapsed() > CODE_LIFETIME {
        return Err(invalid());
    }
    if asked.redirect_uri.as_deref() != Some(code.redirect_uri.as_str()) {
        return Err(Refused(400, "invalid_grant", "Invalid \"redirect_uri\" in request."));
    }
    if !verified(&code, asked.code_verifier.as_deref()) {
        return Err(Refused(400, "invalid_grant", "Invalid \"code_verifier\" in request."));
    }
    Ok(issue(state, code.user, code.scopes))
}

fn renew(state: &mut Everything, asked: &Asked) -> Result<Pair, Refused> {
    let token = asked.refresh_token.as_deref().unwrap_or_default();
    let grant = state.oauth.refresh.remove(token).ok_or(Refused(400, "invalid_grant", ""))?;
    state.oauth.access.remove(&grant.partner);
    Ok(issue(state, grant.user, grant.scopes))
}

fn issue(state: &mut Everything, user: crate::Snowflake, scopes: Vec<String>) -> Pair {
    let (access, refresh) = (random::hex(15), random::hex(15));
    let grant = |partner: &String| Grant {
        user,
        scopes: scopes.clone(),
        made: Instant::now(),
        partner: partner.clone(),
    };
    state.oauth.access.insert(access.clone(), grant(&refresh));
    state.oauth.refresh.insert(refresh.clone(), grant(&access));
    (access, refresh, scopes)
}

fn verified(code: &Code, verifier: Option<&str>) -> bool {
    match (&code.challenge, verifier) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some((method, challenge)), Some(verifier)) if method == "S256" => {
            URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())) == *challenge
        }
        (Some((_, challenge)), Some(verifier)) => challenge == verifier,
    }
}

// === impl Refused ===

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0).unwrap_or(StatusCode::BAD_REQUEST);
        let mut body = json!({"error": self.1});
        if !self.2.is_empty() {
            body["error_description"] = self.2.into();
        }
        (status, Json(body)).into_response()
    }
}
