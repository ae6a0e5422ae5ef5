//! `GET /api/v1/summaries`: the newest first, page by page.

use groundcrew::http::axum::extract::rejection::QueryRejection;
use groundcrew::http::axum::extract::{Query, State};
use groundcrew::http::axum::http::header::LINK;
use groundcrew::http::axum::response::{IntoResponse, Response};
use groundcrew::http::{Json, Problem};
use serde_json::{Value, json};

use super::asked::invalid;
use super::cursor::Cursor;
use super::openapi::{answer, later, problem};
use super::{App, SUMMARIES};
use crate::workshop::storage_problem;

/// How many entries a page has, unless it is asked for otherwise.
pub(crate) const DEFAULT_LIMIT: u16 = 20;
/// How many entries a page may have.
pub(crate) const MAX_LIMIT: u16 = 100;

pub(super) async fn list(
    State(app): State<App>,
    query: Result<Query<Vec<(String, String)>>, QueryRejection>,
) -> Result<Response, Problem> {
    let (limit, cursor) = page(&query?.0)?;
    // One more than is shown tells whether there is a next page.
    let before = cursor.map(|cursor| cursor.0);
    let mut entries = app.store.list(before, limit + 1).await.map_err(|error| storage_problem(&error))?;
    let more = entries.len() > usize::from(limit);
    entries.truncate(limit.into());
    let next = entries.last().filter(|_| more).map(|entry| Cursor(entry.id).to_string());
    let link = next.as_ref().map(|next| format!("<{SUMMARIES}?limit={limit}&cursor={next}>; rel=\"next\""));
    let body = Json(json!({"items": entries, "next_cursor": next}));
    Ok(match link {
        Some(link) => ([(LINK, link)], body).into_response(),
        None => body.into_response(),
    })
}

pub(super) fn page(query: &[(String, String)]) -> Result<(u16, Option<Cursor>), Problem> {
    let (mut limit, mut cursor, mut problems) = (None, None, Vec::new());
    for (name, text) in query {
        let fits = match name.as_str() {
            "limit" if limit.is_none() => {
                limit = text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
                limit.is_some().then_some(()).ok_or(format!("expected a number from 1 to {MAX_LIMIT}"))
            }
            "cursor" if cursor.is_none() => {
                cursor = Cursor::parse(text);
                cursor
                    .is_some()
                    .then_some(())
                    .ok_or("expected a `next_cursor` of an earlier answer".to_owned())
            }
            "limit" | "cursor" => Err("given more than once".to_owned()),
            _ => Err("there is no such parameter; there are limit and cursor".to_owned()),
        };
        if let Err(words) = fits {
            problems.push((name.clone(), words));
        }
    }
    match invalid(&problems) {
        Some(problem) => Err(problem),
        None => Ok((limit.unwrap_or(DEFAULT_LIMIT), cursor)),
    }
}

/// What the OpenAPI document says of `GET` on the list.
pub(super) fn operation() -> Value {
    json!({
        "operationId": "list_summaries",
        "tags": ["summaries"],
        "summary": "List summaries, the newest first",
        "description": "Pages are stable: what is added or deleted meanwhile neither repeats nor hides an entry.",
        "parameters": [
            {"name": "limit", "in": "query", "required": false, "description": "Entries per page.",
                "schema": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}},
            {"name": "cursor", "in": "query", "required": false,
                "description": "`next_cursor` of the page before.", "schema": {"type": "string", "pattern": "^[0-9a-f]{32}$"}},
        ],
        "responses": {
            "200": answer("A page; the header `Link` names the next one.", "Page"),
            "400": problem("`INVALID_REQUEST`: with the parameter in `field`."),
            "403": problem("`CROSS_SITE`."),
            "429": later("`RATE_LIMITED`."),
            "503": later("`STORAGE_UNAVAILABLE`, `STARTING`, `SHUTTING_DOWN`."),
        },
    })
}
