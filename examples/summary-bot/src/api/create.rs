//! `POST /api/v1/summaries`: a conversation in, a stored summary out.

use bytes::Bytes;
use groundcrew::http::Problem;
use groundcrew::http::axum::extract::rejection::QueryRejection;
use groundcrew::http::axum::extract::{FromRequest, Query, Request, State};
use groundcrew::http::axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use groundcrew::http::axum::http::{HeaderMap, StatusCode};
use groundcrew::http::axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use uuid::Uuid;

use super::asked::{Given, MAX_WORDS};
use super::openapi::{later, problem, schema};
use super::prefer::{RESPOND_ASYNC, prefers_async};
use super::{App, SUMMARIES, asker, conversation, jobs, wished};
use crate::models::ModelNames;
use crate::order::{Order, Origin};
use crate::replay;
use crate::request::{Asking, Media};
use crate::scribe::off_the_workers;
use crate::workshop::{Place, Reading};

/// No message takes fewer bytes: a name, a colon, a letter and a line end.
const LEAST_MESSAGE: u64 = 4;

pub(super) async fn create(
    State(app): State<App>,
    query: Result<Query<Vec<(String, String)>>, QueryRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let Query(query) = query?;
    let headers = request.headers();
    let media = media(headers)?;
    let asker = asker(request.extensions());
    let target = request.uri().path_and_query().map_or("", |target| target.as_str());
    let repeat = replay::Asked::of(asker.as_deref(), request.method(), target, headers)?;
    let place = app.workshop.admit(expected(headers, app.config.body_limit.as_usize()))?;
    let preferred = prefers_async(headers);
    let body = Bytes::from_request(request, &()).await?;
    let asking = Asking { media, query, body: body.clone(), asker };
    let replays = app.replays.clone();
    replays.once(repeat, &body, move |id| answer(app, place, id, asking, preferred)).await
}

/// Summarises at once, or later where that is preferred or takes long.
async fn answer(
    app: App,
    place: Place,
    id: Uuid,
    asking: Asking,
    preferred: bool,
) -> Result<Response, Problem> {
    if is_for_later(&app, &asking, preferred).await? {
        app.clerk.take(id, asking).await?;
        return jobs::accepted(&app.store, id, preferred).await;
    }
    let (most, models) = (app.config.max_messages, app.models.clone());
    let order = off_the_workers(move || order(asking, most, &models));
    let (document, json) = app.workshop.make_as(id, place, Reading::AtBench, order).await?;
    let location = format!("{SUMMARIES}/{}", document.id);
    let headers = [(LOCATION, location), (CONTENT_TYPE, "application/json".to_owned())];
    Ok((StatusCode::CREATED, headers, json).into_response())
}

/// Whether that is preferred, or it has more messages than are summarised while the client waits. What does not read
/// is refused at once.
async fn is_for_later(app: &App, asking: &Asking, preferred: bool) -> Result<bool, Problem> {
    let (small, most) = (app.config.sync_messages, app.config.max_messages);
    if !preferred && asking.body.len() as u64 / LEAST_MESSAGE <= small {
        return Ok(false);
    }
    let Asking { media, mut query, body, .. } = asking.clone();
    let models = app.models.clone();
    off_the_workers(move || {
        let envelope = conversation::envelope(&body, media == Media::Json)?;
        take_title(&mut query);
        Given::in_body(envelope.options).and(Given::in_query(query)).check(&models)?;
        Ok(conversation::count(&body, most)? > small || preferred)
    })
    .await
}

/// How much memory the body will take: what the client announces, or else as much as may come.
pub(super) fn expected(headers: &HeaderMap, limit: usize) -> usize {
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    announced.map_or(limit, |announced: usize| announced.min(limit))
}

fn media(headers: &HeaderMap) -> Result<Media, Problem> {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "application/json" => Ok(Media::Json),
        "text/plain" => Ok(Media::Text),
        _ => Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE").detail(
            "send `content-type: application/json` with messages or an export, or `text/plain` with a chat log",
        )),
    }
}

/// Reads what was sent; not for a worker.
pub(super) fn order(asking: Asking, most: u64, models: &ModelNames) -> Result<Order, Problem> {
    let Asking { media, mut query, body, asker } = asking;
    let envelope = conversation::envelope(&body, media == Media::Json)?;
    let title = take_title(&mut query).or(envelope.title);
    let wanted = Given::in_body(envelope.options).and(Given::in_query(query)).check(models)?;
    let conversation = conversation::messages(&body, wanted.filter.clone(), most)?;
    let origin = Origin { requested_by: asker, ..Origin::default() };
    let super::asked::Wanted { options, asked, wish, .. } = wanted;
    Ok(Order { conversation, options, asked, title, origin, wish, warnings: Vec::new() })
}

fn take_title(query: &mut Vec<(String, String)>) -> Option<String> {
    let at = query.iter().position(|(name, _)| name == "title")?;
    Some(query.remove(at).1)
}

/// An example that is long enough to be summarised.
const LOG: &str = "[14:03] <anna> The ARM build is broken since the compiler update.\n\
    [14:04] <ben> Which version of the compiler is on the build machine?\n\
    [14:05] <anna> It is 14.2, and the linker refuses the new relocations.\n\
    [14:07] <cleo> Then we pin the old compiler until the release is out.\n\
    [14:08] <ben> I will pin it and rebuild the ARM packages by Friday.\n";

/// What the OpenAPI document says of `POST`.
pub(super) fn operation() -> Value {
    json!({
        "operationId": "create_summary",
        "tags": ["summaries"],
        "summary": "Summarise a conversation",
        "description": "Takes messages or an export as JSON, or a chat log (`[14:03] <name> text`, `name: text`) as \
            text, and answers with the summary, which is stored. Options stand in the body or in the query.",
        "parameters": parameters(),
        "requestBody": {
            "required": true,
            "content": {
                "application/json": {
                    "schema": schema("Conversation"),
                    "example": {
                        "messages": [
                            {"author": "anna", "content": "The ARM build is broken since the compiler update."},
                            {"author": "ben", "content": "I will pin the old compiler by Friday."},
                        ],
                        "options": {"length": "brief", "min_messages": 2},
                    },
                },
                "text/plain": {"schema": {"type": "string"}, "example": LOG},
            },
        },
        "responses": {
            "201": {
                "description": "The summary; `Location` is where it stays.",
                "headers": {"Location": {"description": "The summary's path.", "schema": {"type": "string"}}},
                "content": {"application/json": {"schema": schema("Summary")}},
            },
            "202": accepted_answer(),
            "400": problem("`INVALID_JSON`, `INVALID_REQUEST`: with the line, column or field. `INVALID_TIME_RANGE`. `BODY_CUT`."),
            "403": problem("`CROSS_SITE`: a browser sent this for another site's page."),
            "409": later("`IDEMPOTENCY_KEY_IN_USE`: a request with this key is under way."),
            "413": problem("`BODY_TOO_LARGE`: `summaries.body_limit` says how much is read."),
            "415": problem("`UNSUPPORTED_MEDIA_TYPE`: send `application/json` or `text/plain`."),
            "422": problem("`INSUFFICIENT_CONTENT`: too little to summarise. `TOO_MANY_MESSAGES`. \
                `IDEMPOTENCY_KEY_REUSED`: the key came with another request. Without the offline engine as a fallback \
                `PROMPT_TOO_LONG`, `TOKEN_LIMIT_EXCEEDED`."),
            "429": later("`RATE_LIMITED`. Without a fallback `QUOTA_EXCEEDED`: the budget for models is spent."),
            "503": later("`QUEUE_FULL`, `STORAGE_UNAVAILABLE`, `STARTING`, `SHUTTING_DOWN`. Without a fallback \
                `MODEL_UNAVAILABLE`, `API_RATE_LIMIT`."),
            "504": problem("`REQUEST_TIMEOUT`: it took too long; the summary may be in the list all the same. Without \
                a fallback `API_TIMEOUT`: no language model answered in time."),
        },
    })
}

fn parameters() -> Value {
    let parameter = |name: &str, schema: Value, description: &str| json!({"name": name, "in": "query", "required": false, "schema": schema, "description": description});
    let perspectives = crate::Perspective::ALL.map(|(name, _)| name);
    let Value::Array(mut parameters) = headers() else { return Value::Null };
    let Value::Array(options) = json!([
        parameter("title", json!({"type": "string"}), "What to call the conversation."),
        parameter(
            "length",
            json!({"type": "string", "enum": ["brief", "detailed", "comprehensive"]}),
            "80, 180 or 400 words."
        ),
        parameter(
            "words",
            json!({"type": "integer", "minimum": 1, "maximum": MAX_WORDS}),
            "At most so many words, instead of `length`."
        ),
        parameter(
            "perspective",
            json!({"type": "string", "enum": perspectives}),
            "Whose interests weigh more."
        ),
        parameter("since", moment(), "Leave out what was written before."),
        parameter("until", moment(), "Leave out what was written after."),
        parameter(
            "exclude_users",
            json!({"type": "array", "items": {"type": "string"}}),
            "Leave out these people; several times, or separated by commas."
        ),
        parameter("include_bots", json!({"type": "boolean"}), "Count what programs wrote, too."),
        parameter(
            "min_messages",
            json!({"type": "integer", "minimum": 0, "maximum": 1_000_000}),
            "With fewer messages there is no summary."
        ),
    ]) else {
        return Value::Null;
    };
    parameters.extend(options);
    parameters.extend(wished::schemas().map(|(name, schema, words)| parameter(name, schema, words)));
    parameters.into()
}

/// A bound of the time of messages; empty is not given.
fn moment() -> Value {
    json!({"anyOf": [
        {"type": "string", "format": "date-time"},
        {"type": "string", "format": "date"},
        {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"},
        {"type": "string", "maxLength": 0},
    ]})
}

/// The headers that requests for a summary may have.
pub(super) fn headers() -> Value {
    json!([
        super::openapi::idempotency_key(),
        {
            "name": "Prefer", "in": "header", "required": false,
            "schema": {"type": "string"},
            "example": RESPOND_ASYNC,
            "description": "`respond-async`: answer 202 at once, and summarise later (RFC 7240).",
        },
    ])
}

/// What the OpenAPI document says of 202.
pub(super) fn accepted_answer() -> Value {
    json!({
        "description": "It has more than `summaries.sync_messages` messages, or there was `Prefer: respond-async`: it \
            is kept and will be summarised; `Location` tells how far it is.",
        "headers": {
            "Location": {"description": "The job's path.", "schema": {"type": "string"}},
            "Preference-Applied": {
                "description": "`respond-async`, if that was preferred.",
                "required": false,
                "schema": {"type": "string"},
            },
        },
        "content": {"application/json": {"schema": schema("Job")}},
    })
}
