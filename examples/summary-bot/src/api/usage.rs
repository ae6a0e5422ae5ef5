//! `GET /api/v1/usage`: what models did, and what it cost.

use groundcrew::auth::Principal;
use groundcrew::http::axum::extract::rejection::QueryRejection;
use groundcrew::http::axum::extract::{Query, State};
use groundcrew::http::{Json, Problem};
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan, tz::TimeZone};
use serde_json::{Value, json};

use super::openapi::{answer, later, problem};
use super::{App, invalid, visible};
use crate::auth::Deed;
use crate::store::Usage;
use crate::workshop::storage_problem;

/// Days that are shown at once, at most.
const LONGEST: i32 = 366;

/// A period, both days included.
struct Period {
    guild: Option<String>,
    from: Date,
    to: Date,
}

pub(super) async fn read(
    State(app): State<App>,
    who: Principal,
    query: Result<Query<Vec<(String, String)>>, QueryRejection>,
) -> Result<Json<Usage>, Problem> {
    let Query(query) = query?;
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let Period { guild, from, to } = period(query, today)?;
    let named = guild.as_deref();
    app.readers.of(&who).admit(Deed::SeeUsage, named, || visible::hidden(named)).await?;
    let usage = app.store.usage(guild.as_deref(), from, to).await;
    usage.map(Json).map_err(|error| storage_problem(&error))
}

/// What was asked for, or all that is wrong with it.
fn period(query: Vec<(String, String)>, today: Date) -> Result<Period, Problem> {
    let (mut guild, mut from, mut to, mut wrong) = (None, None, None, Vec::new());
    for (name, value) in query {
        match name.as_str() {
            "guild_id"
                if value.bytes().all(|byte| byte.is_ascii_digit()) && (1..=20).contains(&value.len()) =>
            {
                guild = Some(value);
            }
            "guild_id" => wrong.push((name, "expected digits, at most 20".to_owned())),
            "from" | "to" => match value.parse::<Date>() {
                Ok(day) if name == "from" => from = Some(day),
                Ok(day) => to = Some(day),
                Err(_) => wrong.push((name, "expected a day such as 2026-03-01".to_owned())),
            },
            _ => wrong.push((name, "there is no such parameter; there are guild_id, from, to".to_owned())),
        }
    }
    let to = to.unwrap_or(today);
    let from = from.unwrap_or_else(|| to.saturating_sub(29.days()));
    let days = from.until(to).map_or(LONGEST, |span| span.get_days());
    if wrong.is_empty() && !(0..LONGEST).contains(&days) {
        wrong.push(("from".to_owned(), format!("expected a day before `to`, by at most {LONGEST} days")));
    }
    match invalid(&wrong) {
        Some(problem) => Err(problem),
        None => Ok(Period { guild, from, to }),
    }
}

/// What the OpenAPI document says of it.
pub(super) fn operation() -> Value {
    let day = |name: &str, description: &str| {
        json!({
            "name": name, "in": "query", "required": false, "description": description,
            "schema": {"type": "string", "format": "date"},
        })
    };
    json!({
        "operationId": "get_usage",
        "tags": ["servers"],
        "summary": "What models did, and what it cost",
        "parameters": [
            {
                "name": "guild_id", "in": "query", "required": false,
                "description": "Of this server only; by default of all, and of uploads. People name one of theirs.",
                "schema": {"type": "string", "pattern": "^[0-9]{1,20}$"},
            },
            day("from", "The first day (UTC); by default 29 days before the last."),
            day("to", "The last day (UTC), by default today; at most 366 days in all."),
        ],
        "responses": {
            "200": answer("A line for each day and model, and all of them together.", "Usage"),
            "400": problem("`INVALID_REQUEST`."),
            "403": problem("`CROSS_SITE`."),
            "404": problem("`NOT_FOUND`: no server of theirs."),
            "429": later("`RATE_LIMITED`."),
            "503": later("`STORAGE_UNAVAILABLE`, `STARTING`, `SHUTTING_DOWN`."),
            "504": problem("`REQUEST_TIMEOUT`."),
        },
    })
}

/// The schemas that only usage has.
pub(super) fn schemas() -> Value {
    let count = |description: &str| json!({"type": "integer", "description": description});
    let total = json!({
        "summaries": count("Summaries that a model wrote."),
        "kept": count("Summaries whose answer was there already."),
        "failed": count("Summaries that a model could not write."),
        "requests": count("Requests that were made."),
        "input_tokens": count("Tokens that were sent."),
        "output_tokens": count("Tokens that came back."),
        "cost_microdollars": count("Millionths of a dollar."),
    });
    let mut line = total.clone();
    line["day"] = json!({"type": "string", "format": "date", "description": "The day, in UTC."});
    line["model"] = json!({"type": "string", "description": "The model, as the configuration calls it."});
    json!({
        "Usage": super::schemas::object("What models did in a period.", &json!({
            "days": {"type": "array", "items": super::openapi::schema("UsageLine"), "description": "By day and model."},
            "total": super::openapi::schema("UsageTotal"),
        })),
        "UsageLine": super::schemas::object("What a model did on a day.", &line),
        "UsageTotal": super::schemas::object("What it came to.", &total),
    })
}
