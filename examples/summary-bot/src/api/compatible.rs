//! `POST /summarize`: the fields that other summary bots have, also from tools that send them as a string.

use std::sync::Arc;

use bytes::Bytes;
use groundcrew::auth::Principal;
use groundcrew::http::Problem;
use groundcrew::http::axum::extract::{FromRequest, Request, State};
use groundcrew::http::axum::http::header::{CONTENT_TYPE, LOCATION};
use groundcrew::http::axum::http::{HeaderMap, StatusCode};
use groundcrew::http::axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use uuid::Uuid;

use super::fields::{Fields, Form};
use super::openapi::{later, problem, schema};
use super::prefer::prefers_async;
use super::{App, SUMMARIES, asker, conversation, jobs, one, unwrap, visible};
use crate::auth::{Deed, Reader, is_person, too_low};
use crate::discord::access::Level;
use crate::discord::gathered::Gathered;
use crate::discord::history::{self, ChannelHistory, History, Part, Wanted, Why};
use crate::order::{Order, Origin};
use crate::preferences::Resolved;
use crate::read::Moment;
use crate::replay::{self, Replayed};
use crate::request::{Asking, Media};
use crate::scribe::off_the_workers;
use crate::settings::{Effective, Settings};
use crate::store::Store;
use crate::webhooks::Event;
use crate::workshop::{Place, Reading, storage_problem};
use crate::{Document, Filter, Length, render};

/// Where channels are read, if the bot is connected to Discord.
pub(crate) type Channels = Option<Arc<dyn ChannelHistory>>;

pub(super) async fn create(State(app): State<App>, request: Request) -> Result<Response, Problem> {
    let headers = request.headers();
    require_json(headers)?;
    let asker = asker(request.extensions());
    let reader = Principal::of(request.extensions()).map(|who| app.readers.of(who));
    let target = request.uri().path_and_query().map_or("", |target| target.as_str());
    let repeat = replay::Asked::of(asker.as_deref(), request.method(), target, headers)?;
    let place = app.workshop.admit(super::create::expected(headers, app.config.body_limit.as_usize()))?;
    let preferred = prefers_async(headers);
    let body = Bytes::from_request(request, &()).await?;
    // What is wrong is said at once, also of what is made later.
    let sent = body.clone();
    let (unwrapped, form) = off_the_workers(move || {
        let unwrapped = unwrap::unwrap(&sent)?;
        let form = Fields::of(&unwrapped)?.check()?;
        Ok((Bytes::from(unwrapped.to_string()), form))
    })
    .await?;
    if form.channel_id.is_some() && app.channels.is_none() {
        return Err(discord_off());
    }
    if let Some(reader) = &reader {
        admit(&form, reader).await?;
    }
    let (replays, store, theirs) = (app.replays.clone(), app.store.clone(), reader.clone());
    let asking = Asking { media: Media::Compatible, query: Vec::new(), body: unwrapped, asker };
    let answered = replays
        .once(repeat, &body, move |id| answer(app, place, id, form, (asking, theirs), preferred))
        .await?;
    match (answered.extensions().get(), reader) {
        (Some(Replayed(id)), Some(reader)) if !may_still_read(&store, &reader, *id).await? => {
            Err(one::not_found())
        }
        _ => Ok(answered),
    }
}

/// An answer that is kept for a repeat has a summary in it that whoever asks may have lost meanwhile, if only by one of
/// the channels below the one that they name.
async fn may_still_read(store: &Store, reader: &Reader, id: Uuid) -> Result<bool, Problem> {
    match store.get(id).await.map_err(|error| storage_problem(&error))? {
        Some(json) => reader.may_read(&visible::origin(&json)?).await,
        None => Ok(true),
    }
}

/// Whether they may have this summarised.
async fn admit(form: &Form, reader: &Reader) -> Result<(), Problem> {
    // Whoever names a server spends its budget, and has its prompts.
    if let Some(guild) = &form.guild_id {
        let unseen = || too_low(Deed::Summarize.level(), Level::None);
        reader.admit(Deed::Summarize, Some(guild), unseen).await?;
    }
    match &form.channel_id {
        Some(channel) => reader.enter(form.guild_id.as_deref(), channel).await,
        None => Ok(()),
    }
}

async fn answer(
    app: App,
    place: Place,
    id: Uuid,
    form: Form,
    (asking, reader): (Asking, Option<Reader>),
    preferred: bool,
) -> Result<Response, Problem> {
    if let Some(url) = &form.webhook_url {
        app.webhooks.check_url("webhook_url", url)?;
    }
    if preferred || form.messages as u64 > app.config.sync_messages {
        app.clerk.take(id, asking).await?;
        return jobs::accepted(&app.store, id, preferred).await;
    }
    let (most, channels) = (app.config.max_messages, app.channels.clone());
    let reading = if form.channel_id.is_some() { Reading::FromDiscord } else { Reading::AtBench };
    let order = super::order(asking, most, app.models.clone(), channels, app.settings.clone());
    let (document, _) = app.workshop.make_as(id, place, reading, order).await?;
    // It may be that of an earlier attempt, which came to no answer.
    if let Some(reader) = reader
        && !reader.may_read(&document.origin).await?
    {
        return Err(one::not_found());
    }
    if let Some(url) = &form.webhook_url {
        app.webhooks.send_once(url, Event::Created { summary: document.id }).await?;
    }
    let location = format!("{SUMMARIES}/{}", document.id);
    let headers = [(LOCATION, location), (CONTENT_TYPE, "application/json".to_owned())];
    Ok((StatusCode::CREATED, headers, shown(document, &form).to_string()).into_response())
}

/// Who is told of what becomes of a request, and how it is read.
pub(crate) fn beside(asking: &Asking) -> (Option<String>, Reading) {
    if asking.media != Media::Compatible {
        return (None, Reading::AtBench);
    }
    let payload: Value = serde_json::from_slice(&asking.body).unwrap_or_default();
    let reading = if payload["channel_id"].is_null() { Reading::AtBench } else { Reading::FromDiscord };
    (payload["webhook_url"].as_str().map(str::to_owned), reading)
}

/// Where what somebody asks for comes from, as far as the request says, and without who asked. What a person sends in
/// the name of a server is theirs alone, and so it is of no server here.
pub(crate) fn origin_of(asking: &Asking) -> Origin {
    if asking.media != Media::Compatible {
        return Origin::default();
    }
    let payload: Value = serde_json::from_slice(&asking.body).unwrap_or_default();
    let Ok(Form { guild_id, channel_id, .. }) = Fields::of(&payload).and_then(Fields::check) else {
        return Origin::default();
    };
    let is_theirs = channel_id.is_none() && asking.asker.as_deref().is_some_and(is_person);
    Origin { guild_id: guild_id.filter(|_| !is_theirs), channel_id, ..Origin::default() }
}

/// The summary, with what was not wanted left out, and beside it as it was wanted.
fn shown(mut document: Document, form: &Form) -> Value {
    if !form.technical_terms {
        document.summary.technical_terms.clear();
    }
    if !form.action_items {
        document.summary.action_items.clear();
    }
    let output = form.rendering.map(|rendering| render::render(&document.summary, rendering));
    let mut value = serde_json::to_value(&document).unwrap_or_default();
    value["output_format"] = form.output_format.into();
    value["output"] = output.into();
    value
}

/// Reads what was sent, or the channel that was named; under what is said lie the settings of the server.
pub(super) async fn order(
    asking: Asking,
    most: u64,
    channels: Channels,
    settings: &Settings,
) -> Result<Order, Problem> {
    let Asking { body, asker, .. } = asking;
    let (value, form) = off_the_workers(move || {
        let value: Value = serde_json::from_slice(&body).map_err(|error| Problem::from_json(&error, None))?;
        let form = Fields::of(&value)?.check()?;
        Ok((value, form))
    })
    .await?;
    // Programs may name a channel alone.
    let guild = match (&form.guild_id, &form.channel_id, &channels) {
        (None, Some(channel), Some(channels)) => Some(channels.guild_of(channel).await?),
        (guild, ..) => guild.clone(),
    };
    let settings = match &guild {
        Some(guild) => settings.effective(guild).await?,
        None => Effective::default(),
    };
    let wanted = Wanted {
        guild_id: guild.clone().unwrap_or_default(),
        channels: form.channel_id.iter().cloned().collect(),
        since: form.since,
        until: form.until,
        most: usize::try_from(most)
            .unwrap_or(usize::MAX)
            .min(channels.as_ref().map_or(usize::MAX, |it| it.most())),
        threads: form.threads,
        exclude_users: form.exclude_users,
        reader: asker.clone().filter(|asker| is_person(asker)),
        ..Wanted::default()
    };
    let Resolved { wanted, mut options, mut asked, wish } = form.preferences.over(&settings, wanted);
    if let Some(words) = form.most_words.filter(|most| *most < options.length.words()) {
        options.length = Length::Words(words);
        (asked.length, asked.words) = (options.length.name().to_owned(), words);
    }
    let filter = Filter {
        since: wanted.since.map(Moment::At),
        until: wanted.until.map(Moment::At),
        exclude: wanted.exclude_users.clone(),
        bots: wanted.bots,
    };
    // Of no channel: Discord cannot say who else may read what a person sends.
    let private = guild.is_some() && asker.as_deref().is_some_and(is_person);
    let of_server = Origin { guild_id: guild.clone(), private, ..Origin::default() };
    let (conversation, title, origin, warnings) = match (&form.channel_id, channels) {
        (None, _) => {
            let body = value.to_string();
            let read = off_the_workers(move || conversation::messages(body.as_bytes(), filter, most)).await?;
            (read, value["title"].as_str().map(str::to_owned), of_server, Vec::new())
        }
        (Some(_), None) => return Err(discord_off()),
        (Some(channel), Some(channels)) => {
            let parts = read(wanted, &*channels).await?;
            let title = parts.first().map(|part| format!("#{}", part.channel.name));
            let warnings = history::cut(&parts).into_iter().collect();
            let gathered = Gathered::below(channel, parts, filter);
            let origin = gathered.origin(guild);
            (gathered.conversation, title, origin, warnings)
        }
    };
    let origin = Origin { requested_by: asker, ..origin };
    Ok(Order { conversation, options, asked, title, origin, wish, warnings })
}

async fn read(wanted: Wanted, channels: &dyn ChannelHistory) -> Result<Vec<Part>, Problem> {
    let History { parts, skipped } = channels.read(wanted).await?;
    if parts.is_empty()
        && let Some(skipped) = skipped.iter().find(|skipped| skipped.why != Why::Quiet)
    {
        let words = format!("channel {} {}", skipped.channel.id, skipped.why.words());
        return Err(match skipped.why {
            Why::NoMessages => Problem::new(StatusCode::NOT_FOUND, "NOT_FOUND").detail(words),
            _ => Problem::new(StatusCode::FORBIDDEN, "CHANNEL_ACCESS_DENIED").detail(words),
        });
    }
    Ok(parts)
}

fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    // Some tools send JSON and call it text.
    if ["application/json", "text/plain"].contains(&essence.as_str()) {
        return Ok(());
    }
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE")
        .detail("send `content-type: application/json`"))
}

fn discord_off() -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "DISCORD_OFF")
        .detail("this bot is not connected to Discord and reads no channels: send the `messages` themselves")
}

/// What the OpenAPI document says of it.
pub(super) fn operation(name: &str) -> Value {
    json!({
        "operationId": name,
        "tags": ["compatible"],
        "summary": "Summarise a channel or messages, with the fields of other summary bots",
        "description": "The payload may also be a string that holds it, or stand as a string or an object under \
            `body`, `payload` or `data`, as automation tools send it. Other members are ignored.",
        "parameters": super::create::headers(),
        "requestBody": {
            "required": true,
            "content": {"application/json": {
                "schema": schema("CompatibleRequest"),
                "example": {
                    "messages": [
                        {"author": "anna", "content": "The ARM build is broken since the compiler update."},
                        {"author": "ben", "content": "I will pin the old compiler by Friday."},
                    ],
                    "summary_type": "brief", "output_format": "markdown", "min_messages": 2,
                },
            }},
        },
        "responses": {
            "201": {
                "description": "The summary; `Location` is where it stays.",
                "headers": {"Location": {"description": "The summary's path.", "schema": {"type": "string"}}},
                "content": {"application/json": {"schema": schema("CompatibleSummary")}},
            },
            "202": super::create::accepted_answer(),
            "400": problem("`INVALID_JSON`, `INVALID_REQUEST`, `INVALID_TIME_RANGE`, `BODY_CUT`."),
            "403": problem("`CROSS_SITE`. `CHANNEL_ACCESS_DENIED`: who asks, or the bot, may not read \
                the channel, or the server's settings leave it out."),
            "404": problem("`NOT_FOUND`: there is no such channel; or what the `Idempotency-Key` has made \
                before is not there any more for whoever asks."),
            "409": later("`IDEMPOTENCY_KEY_IN_USE`: a request with this key is under way."),
            "413": problem("`BODY_TOO_LARGE`."),
            "415": problem("`UNSUPPORTED_MEDIA_TYPE`."),
            "422": problem("`INSUFFICIENT_CONTENT`, `TOO_MANY_MESSAGES`, `PROMPT_TOO_LONG`, `DISCORD_OFF`, \
                `IDEMPOTENCY_KEY_REUSED`."),
            "429": later("`RATE_LIMITED`."),
            "502": problem("`DISCORD_REFUSED`: Discord did not accept what the bot asked."),
            "503": later("`DISCORD_UNAVAILABLE`, `QUEUE_FULL`, `STORAGE_UNAVAILABLE`, `STARTING`, `SHUTTING_DOWN`."),
            "504": problem("`REQUEST_TIMEOUT`."),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_request_is_of_is_read_from_it_and_a_persons_upload_is_of_no_server() {
        let (ada, program) = ("100000000000000001", "the backup");
        let (upload, channel) =
            (json!({"guild_id": 7, "messages": []}), json!({"guild_id": "7", "channel_id": "8"}));
        for (media, asker, body, guild, channel) in [
            (Media::Compatible, program, &upload, Some("7"), None),
            (Media::Compatible, ada, &upload, None, None),
            (Media::Compatible, ada, &channel, Some("7"), Some("8")),
            (Media::Json, program, &upload, None, None),
        ] {
            let (body, asker) = (Bytes::from(body.to_string()), Some(asker.to_owned()));
            let origin = origin_of(&Asking { media, query: Vec::new(), body, asker });
            assert_eq!((origin.guild_id.as_deref(), origin.channel_id.as_deref()), (guild, channel));
            assert_eq!(origin.requested_by, None, "who asked stands with the request");
        }
    }
}
