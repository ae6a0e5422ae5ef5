//! Atom feeds (RFC 4287) of summaries: of all, of a server, of a channel.

use std::fmt::Write;

use groundcrew::auth::Principal;
use groundcrew::http::Problem;
use groundcrew::http::axum::extract::rejection::{PathRejection, QueryRejection};
use groundcrew::http::axum::extract::{Path, Query, State};
use groundcrew::http::axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use groundcrew::http::axum::http::{Extensions, HeaderMap, HeaderValue, StatusCode};
use groundcrew::http::axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::asked::invalid;
use super::cursor::Cursor;
use super::openapi::{later, problem};
use super::{App, SUMMARIES, asker, visible};
use crate::store::{Entry, Filter};

/// How many entries a page has.
const PAGE: u16 = 20;

pub(super) async fn all(
    State(app): State<App>,
    who: Principal,
    query: Result<Query<Vec<(String, String)>>, QueryRejection>,
    extensions: Extensions,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let filter = Filter { reader: asker(&extensions), ..Filter::default() };
    feed(&app, &who, "/api/v1/feeds/all.atom", "All summaries", filter, cursor(&query?.0)?, &headers).await
}

pub(super) async fn channel(
    State(app): State<App>,
    who: Principal,
    path: Result<Path<(String, String)>, PathRejection>,
    query: Result<Query<Vec<(String, String)>>, QueryRejection>,
    extensions: Extensions,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Path((guild, file)) = path?;
    let channel = file.strip_suffix(".atom").ok_or_else(not_found)?;
    if !is_id(&guild) || !(channel == "all" || is_id(channel)) {
        return Err(not_found());
    }
    let path = format!("/api/v1/feeds/{guild}/{file}");
    let (title, channel_id) = match channel {
        "all" => (format!("Summaries of server {guild}"), None),
        id => (format!("Summaries of channel {id}"), Some(id.to_owned())),
    };
    let filter =
        Filter { guild_id: Some(guild), channel_id, reader: asker(&extensions), ..Filter::default() };
    feed(&app, &who, &path, &title, filter, cursor(&query?.0)?, &headers).await
}

async fn feed(
    app: &App,
    who: &Principal,
    path: &str,
    title: &str,
    filter: Filter,
    cursor: Option<Cursor>,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let before = cursor.map(|cursor| cursor.0);
    let (entries, next) = visible::entries(app, who, &filter, before, PAGE).await?;
    let next = next.map(Cursor);
    let text = written(path, title, cursor, next, &entries);
    let digest = Sha256::digest(text.as_bytes());
    let etag = digest.iter().take(16).fold(String::from("\""), |tag, byte| format!("{tag}{byte:02x}")) + "\"";
    let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut known = known.flat_map(|value| value.split(','));
    let is_known = known.any(|tag| tag.trim() == "*" || tag.trim().trim_start_matches("W/") == etag);
    let tag = etag.parse::<HeaderValue>().map_err(|_| not_found())?;
    // Kept by the reader alone, who asks each time whether it is still so.
    let headers = [(ETAG, tag), (CACHE_CONTROL, HeaderValue::from_static("private, no-cache"))];
    if is_known {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    let atom = [(CONTENT_TYPE, "application/atom+xml")];
    Ok((headers, atom, text).into_response())
}

fn written(path: &str, title: &str, at: Option<Cursor>, next: Option<Cursor>, entries: &[Entry]) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n");
    text.push_str("<feed xmlns=\"http://www.w3.org/2005/Atom\">\n");
    // Of no time of its own: an empty feed was changed when there was nothing yet.
    let updated =
        entries.first().map_or_else(|| "1970-01-01T00:00:00Z".to_owned(), |it| it.created_at.to_string());
    let page = |cursor: Cursor| format!("{path}?cursor={cursor}");
    let of_this = at.map_or_else(|| path.to_owned(), page);
    let _infallible = write!(
        text,
        "  <id>urn:summary-bot:feed:{}</id>\n  <title>{}</title>\n  <updated>{updated}</updated>\n  \
         <author><name>Summary Bot</name></author>\n  <link rel=\"self\" href=\"{}\"/>\n",
        escaped(path.trim_start_matches('/')),
        escaped(title),
        escaped(&of_this),
    );
    if let Some(next) = next {
        let _infallible = writeln!(text, "  <link rel=\"next\" href=\"{}\"/>", escaped(&page(next)));
    }
    for entry in entries {
        let language = entry.language.as_deref().filter(|language| *language != "und");
        let language = language.map_or_else(String::new, |code| format!(" xml:lang=\"{}\"", escaped(code)));
        let _infallible = write!(
            text,
            "  <entry{language}>\n    <id>urn:uuid:{id}</id>\n    <title>{}</title>\n    \
             <updated>{made}</updated>\n    <published>{made}</published>\n    \
             <link rel=\"alternate\" type=\"text/html\" href=\"/#{id}\"/>\n    \
             <link rel=\"alternate\" type=\"application/json\" href=\"{SUMMARIES}/{id}\"/>\n    \
             <summary>{}</summary>\n  </entry>\n",
            escaped(&entry.title),
            escaped(&entry.excerpt),
            id = entry.id,
            made = entry.created_at,
        );
    }
    text.push_str("</feed>\n");
    text
}

/// As XML has it: no markup, and none of the characters that it has no place for.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\t' | '\n' | '\r' => safe.push(' '),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {}
            letter => safe.push(letter),
        }
    }
    safe
}

fn cursor(query: &[(String, String)]) -> Result<Option<Cursor>, Problem> {
    let (mut cursor, mut problems) = (None, Vec::new());
    for (name, text) in query {
        if name != "cursor" || cursor.is_some() {
            problems.push((
                name.clone(),
                "there is no such parameter, or it is there twice; there is cursor".to_owned(),
            ));
            continue;
        }
        cursor = Cursor::parse(text);
        if cursor.is_none() {
            problems.push((name.clone(), "expected the one of a link to the next page".to_owned()));
        }
    }
    invalid(&problems).map_or(Ok(cursor), Err)
}

fn is_id(text: &str) -> bool {
    (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "NOT_FOUND")
        .detail("there is no feed here: ids are digits, and names end in .atom")
}

/// What the OpenAPI document says of a feed.
pub(super) fn operation(name: &str, ids: &[&str]) -> Value {
    let mut parameters: Vec<Value> = ids
        .iter()
        .map(|name| {
            json!({
                "name": name, "in": "path", "required": true, "description": "Discord's id.",
                "schema": {"type": "string", "pattern": "^[0-9]{1,20}$"},
            })
        })
        .collect();
    parameters.push(json!({
        "name": "cursor", "in": "query", "required": false, "description": "As in the link to the next page.",
        "schema": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
    }));
    parameters.push(json!({
        "name": "If-None-Match", "in": "header", "required": false, "schema": {"type": "string"},
        "description": "The `ETag` of what is known already.",
    }));
    let etag = json!({"ETag": {"description": "Changes with the feed.", "schema": {"type": "string"}}});
    json!({
        "operationId": name,
        "tags": ["feeds"],
        "summary": "Summaries as an Atom feed, the newest first",
        "parameters": parameters,
        "responses": {
            "200": {
                "description": "A page of the feed.",
                "headers": etag,
                "content": {"application/atom+xml": {"schema": {"type": "string"}}},
            },
            "304": {"description": "It is as it was.", "headers": etag},
            "400": problem("`INVALID_REQUEST`."),
            "403": problem("`CROSS_SITE`."),
            "404": problem("`NOT_FOUND`."),
            "429": later("`RATE_LIMITED`."),
            "503": later("`STORAGE_UNAVAILABLE`, `STARTING`, `SHUTTING_DOWN`."),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn no_text_becomes_markup() {
        assert_eq!(escaped("a<b>&\"c\u{0}\u{b}\nd"), "a&lt;b&gt;&amp;&quot;c d");
    }
}
