//! `GET /api/v1/summaries`: the newest first, page by page.

use groundcrew::auth::Principal;
use groundcrew::http::axum::extract::rejection::QueryRejection;
use groundcrew::http::axum::extract::{Query, State};
use groundcrew::http::axum::http::Extensions;
use groundcrew::http::axum::http::header::LINK;
use groundcrew::http::axum::response::{IntoResponse, Response};
use groundcrew::http::{Json, Problem};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::asked::{self, invalid};
use super::cursor::Cursor;
use super::openapi::{answer, later, problem};
use super::{App, SUMMARIES, asker, percent, visible};
use crate::read::{Moment, parse_moment};
use crate::store::Filter;
use crate::words;

/// How many entries a page has, unless it is asked for otherwise.
pub(crate) const DEFAULT_LIMIT: u16 = 20;
/// How many entries a page may have.
pub(crate) const MAX_LIMIT: u16 = 100;
/// What may stand in the query.
const PARAMETERS: [&str; 10] = [
    "limit",
    "cursor",
    "q",
    "since",
    "until",
    "guild_id",
    "channel_id",
    "requested_by",
    "language",
    "engine",
];

/// Which page of which summaries.
#[derive(Debug, Default)]
struct Wanted {
    filter: Filter,
    limit: Option<u16>,
    cursor: Option<Cursor>,
}

pub(super) async fn list(
    State(app): State<App>,
    who: Principal,
    query: Result<Query<Vec<(String, String)>>, QueryRejection>,
    extensions: Extensions,
) -> Result<Response, Problem> {
    let Query(query) = query?;
    let mut wanted = Wanted::of(&query)?;
    wanted.filter.reader = asker(&extensions);
    let limit = wanted.limit.unwrap_or(DEFAULT_LIMIT);
    let before = wanted.cursor.map(|cursor| cursor.0);
    let (entries, next) = visible::entries(&app, &who, &wanted.filter, before, limit).await?;
    let next = next.map(|id| Cursor(id).to_string());
    let link =
        next.as_ref().map(|next| format!("<{SUMMARIES}?{}>; rel=\"next\"", go_on(&query, limit, next)));
    let body = Json(json!({"items": entries, "next_cursor": next}));
    Ok(match link {
        Some(link) => ([(LINK, link)], body).into_response(),
        None => body.into_response(),
    })
}

/// A page of a list that has no filters.
pub(super) fn page(query: &[(String, String)]) -> Result<(u16, Option<Cursor>), Problem> {
    let other = query.iter().find(|(name, _)| !["limit", "cursor"].contains(&name.as_str()));
    let words = "there is no such parameter; there are limit and cursor".to_owned();
    if let Some(problem) = other.and_then(|(name, _)| invalid(&[(name.clone(), words)])) {
        return Err(problem);
    }
    let wanted = Wanted::of(query)?;
    Ok((wanted.limit.unwrap_or(DEFAULT_LIMIT), wanted.cursor))
}

/// The same query for the next page.
fn go_on(query: &[(String, String)], limit: u16, next: &str) -> String {
    let filters =
        query.iter().filter(|(name, text)| !["limit", "cursor"].contains(&name.as_str()) && !text.is_empty());
    let limit = limit.to_string();
    let pages = [("limit", limit.as_str()), ("cursor", next)];
    let filters = filters.map(|(name, text)| (name.as_str(), text.as_str()));
    let pairs: Vec<String> =
        filters.chain(pages).map(|(name, text)| format!("{name}={}", percent::encode(text))).collect();
    pairs.join("&")
}

// === impl Wanted ===

impl Wanted {
    fn of(query: &[(String, String)]) -> Result<Self, Problem> {
        let (mut wanted, mut problems, mut names) = (Self::default(), Vec::new(), Vec::new());
        for (name, text) in query {
            let taken = if names.contains(&name) {
                Err("given more than once".to_owned())
            } else {
                wanted.take(name, text)
            };
            names.push(name);
            if let Err(words) = taken {
                problems.push((name.clone(), words));
            }
        }
        if let Some(problem) = invalid(&problems) {
            return Err(problem);
        }
        match (wanted.filter.since, wanted.filter.until) {
            (Some(since), Some(until)) if since >= until => Err(asked::empty_range("since", "until")),
            _ => Ok(wanted),
        }
    }

    fn take(&mut self, name: &str, text: &str) -> Result<(), String> {
        let filter = &mut self.filter;
        match name {
            "limit" => {
                self.limit = text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
                self.limit.map(drop).ok_or(format!("expected a number from 1 to {MAX_LIMIT}"))
            }
            "cursor" => {
                self.cursor = Cursor::parse(text);
                self.cursor.map(drop).ok_or("expected a `next_cursor` of an earlier answer".to_owned())
            }
            // An empty form field is none.
            _ if text.is_empty() && PARAMETERS.contains(&name) => Ok(()),
            "q" => words::Query::parse(text).map(|query| filter.query = Some(query)),
            "since" => instant(text, false).map(|since| filter.since = Some(since)),
            "until" => instant(text, true).map(|until| filter.until = Some(until)),
            "guild_id" => exactly(text, &mut filter.guild_id),
            "channel_id" => exactly(text, &mut filter.channel_id),
            "requested_by" => exactly(text, &mut filter.requested_by),
            "language" => exactly(text, &mut filter.language),
            "engine" => exactly(text, &mut filter.engine),
            _ => Err(format!("there is no such parameter; there are {}", PARAMETERS.join(", "))),
        }
    }
}

/// Postgres has no text with U+0000, and so nothing that would fit.
fn exactly(text: &str, filter: &mut Option<String>) -> Result<(), String> {
    if text.len() > 200 || text.contains(char::is_control) {
        return Err("expected at most 200 bytes of visible text".to_owned());
    }
    *filter = Some(text.to_owned());
    Ok(())
}

/// A point in time; a day is its beginning, or as an upper bound its end.
fn instant(text: &str, upper: bool) -> Result<Timestamp, String> {
    let expected = || format!("expected a time such as 2026-03-01T14:03:00Z or 2026-03-01, found {text:?}");
    match parse_moment(text).map_err(|_| expected())? {
        Moment::At(time) => Ok(time),
        Moment::Day(day) => {
            let day = if upper { day.tomorrow() } else { Ok(day) };
            let begins = day.and_then(|day| day.to_zoned(TimeZone::UTC)).map(|zoned| zoned.timestamp());
            Ok(begins.unwrap_or(if upper { Timestamp::MAX } else { Timestamp::MIN }))
        }
        Moment::Clock(_) => Err(expected()),
    }
}

/// What the OpenAPI document says of `GET` on the list.
pub(super) fn operation() -> Value {
    let parameter = |name: &str, schema: Value, description: &str| json!({"name": name, "in": "query", "required": false, "schema": schema, "description": description});
    let text = |name: &str, description: &str| parameter(name, json!({"type": "string"}), description);
    let time = |name: &str, description: &str| {
        let formats = json!([
            {"type": "string", "format": "date-time"},
            {"type": "string", "format": "date"},
            {"type": "string", "maxLength": 0},
        ]);
        parameter(name, json!({"anyOf": formats}), description)
    };
    json!({
        "operationId": "list_summaries",
        "tags": ["summaries"],
        "summary": "List summaries, the newest first",
        "description": "Pages are stable: what is added or deleted meanwhile neither repeats nor hides an entry. All \
            filters must fit.",
        "parameters": [
            {"name": "limit", "in": "query", "required": false, "description": "Entries per page.",
                "schema": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}},
            {"name": "cursor", "in": "query", "required": false,
                "description": "`next_cursor` of the page before.", "schema": {"type": "string", "pattern": "^[0-9a-f]{32}$"}},
            text("q", "Words that the summary has, all of them, in any order; `\"a phrase\"`, `begin*`, `-without`."),
            time("since", "Made at this time or later: `2026-03-01T14:03:00Z` or `2026-03-01`."),
            time("until", "Made before this time, or by the end of this day."),
            text("guild_id", "Of this Discord server."),
            text("channel_id", "With something of this Discord channel or thread in it, alone or with others."),
            text("requested_by", "Asked for by this one."),
            text("language", "Of a conversation in this language, such as `de`; `und` if unknown."),
            text("engine", "Written by this engine or model, as `metadata.engine` names it."),
        ],
        "responses": {
            "200": answer("A page; the header `Link` names the next one.", "Page"),
            "400": problem("`INVALID_REQUEST`: with the parameter in `field`. `INVALID_TIME_RANGE`."),
            "403": problem("`CROSS_SITE`."),
            "429": later("`RATE_LIMITED`."),
            "503": later("`STORAGE_UNAVAILABLE`, `STARTING`, `SHUTTING_DOWN`."),
        },
    })
}
