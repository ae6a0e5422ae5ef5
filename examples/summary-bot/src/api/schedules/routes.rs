use groundcrew::auth::Principal;
use groundcrew::http::axum::extract::rejection::{PathRejection, QueryRejection};
use groundcrew::http::axum::extract::{Path, Query, State};
use groundcrew::http::axum::http::header::{LINK, LOCATION};
use groundcrew::http::axum::http::{Extensions, StatusCode};
use groundcrew::http::axum::response::{IntoResponse, Response};
use groundcrew::http::axum::routing::{MethodRouter, delete, get, patch, post};
use groundcrew::http::{Json, Problem};
use groundcrew::jobs::PlanId;
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{PAUSE, RESUME, RUN, SCHEDULE, SCHEDULES};
use crate::api::asked::invalid;
use crate::api::cursor::Cursor;
use crate::api::list::{DEFAULT_LIMIT, MAX_LIMIT};
use crate::api::{App, asker, visible};
use crate::auth::{Deed, Reader, too_low};
use crate::discord::access::Level;
use crate::plans::{Brief, Destination, Schedule, not_found};
use crate::replay::Makes;
use crate::workshop::storage_problem;

/// The routes, each counted.
pub(in crate::api) fn all(
    counted: impl Fn(&str, MethodRouter<App>) -> MethodRouter<App>,
) -> [(&'static str, MethodRouter<App>); 5] {
    let schedules = counted("create_schedule", post(create)).merge(counted("list_schedules", get(list)));
    let schedule = counted("get_schedule", get(read))
        .merge(counted("update_schedule", patch(update)))
        .merge(counted("delete_schedule", delete(remove)));
    [
        (SCHEDULES, schedules),
        (SCHEDULE, schedule),
        (PAUSE, counted("pause_schedule", post(pause))),
        (RESUME, counted("resume_schedule", post(resume))),
        (RUN, counted("run_schedule", post(run))),
    ]
}

async fn create(
    State(app): State<App>,
    who: Principal,
    extensions: Extensions,
    Json(brief): Json<Brief>,
) -> Result<Response, Problem> {
    let reader = app.readers.of(&who);
    let unseen = || too_low(Deed::ChangeSchedules.level(), Level::None);
    reader.admit(Deed::ChangeSchedules, Some(&brief.guild_id), unseen).await?;
    brief.check()?;
    reaches(&app, &reader, &brief).await?;
    let sight = reader.person().map(str::to_owned);
    let id = extensions.get::<Makes>().map_or_else(PlanId::random, |made| PlanId::from(made.0));
    let schedule = app.plans.create_as(id, brief, asker(&extensions), sight).await?;
    let location = format!("{SCHEDULES}/{}", schedule.plan.id);
    Ok((StatusCode::CREATED, [(LOCATION, location)], shown(&schedule)).into_response())
}

async fn list(
    State(app): State<App>,
    who: Principal,
    query: Result<Query<Vec<(String, String)>>, QueryRejection>,
) -> Result<Response, Problem> {
    let Wanted { guild, limit, after } = Wanted::of(&query?.0)?;
    let named = guild.as_deref();
    app.readers.of(&who).admit(Deed::SeeSchedules, named, || visible::hidden(named)).await?;
    let (schedules, next) = app.plans.list(guild.as_deref(), after, limit).await?;
    let now = Timestamp::now();
    let items: Vec<Value> = schedules.iter().map(|schedule| schedule.to_json(now)).collect();
    let next = next.map(|plan| Cursor(*plan.as_uuid()).to_string());
    let guild = guild.map(|guild| format!("&guild_id={guild}")).unwrap_or_default();
    let link =
        next.as_ref().map(|next| format!("<{SCHEDULES}?limit={limit}{guild}&cursor={next}>; rel=\"next\""));
    let body = Json(json!({"items": items, "next_cursor": next}));
    Ok(match link {
        Some(link) => ([(LINK, link)], body).into_response(),
        None => body.into_response(),
    })
}

async fn read(
    State(app): State<App>,
    who: Principal,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<Value>, Problem> {
    Ok(shown(&found(&app, &who, id(path)?, Deed::SeeSchedules).await?))
}

async fn update(
    State(app): State<App>,
    who: Principal,
    path: Result<Path<String>, PathRejection>,
    Json(change): Json<Value>,
) -> Result<Json<Value>, Problem> {
    let schedule = found(&app, &who, id(path)?, Deed::ChangeSchedules).await?;
    if !change.is_object() {
        return Err(wrong("schedule", "expected an object with what is to be another"));
    }
    let brief = schedule.patched(&change)?;
    let reader = app.readers.of(&who);
    reaches(&app, &reader, &brief).await?;
    Ok(shown(&app.plans.change(schedule, brief, reader.person()).await?))
}

async fn remove(
    State(app): State<App>,
    who: Principal,
    path: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Problem> {
    app.plans.delete(found(&app, &who, id(path)?, Deed::ChangeSchedules).await?.plan.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn pause(
    State(app): State<App>,
    who: Principal,
    path: Result<Path<String>, PathRejection>,
    extensions: Extensions,
) -> Result<Json<Value>, Problem> {
    let id = found(&app, &who, id(path)?, Deed::ChangeSchedules).await?.plan.id;
    let by = asker(&extensions).map_or_else(|| "over the API".to_owned(), |asker| format!("by {asker}"));
    Ok(shown(&app.plans.pause(id, &by).await?))
}

async fn resume(
    State(app): State<App>,
    who: Principal,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<Value>, Problem> {
    let id = found(&app, &who, id(path)?, Deed::ChangeSchedules).await?.plan.id;
    Ok(shown(&app.plans.resume(id).await?))
}

/// It is enqueued: how it went stands in the schedule. Of people's it counts, as in Discord.
async fn run(
    State(app): State<App>,
    who: Principal,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let schedule = found(&app, &who, id(path)?, Deed::RunSchedules).await?;
    if let Some(person) = app.readers.of(&who).person() {
        app.quotas.take(person, Some(&schedule.job.brief.guild_id)).await?;
    }
    let id = schedule.plan.id;
    app.plans.run_now(id).await?;
    let schedule = app.plans.get(id).await?;
    Ok((StatusCode::ACCEPTED, shown(&schedule)).into_response())
}

fn shown(schedule: &Schedule) -> Json<Value> {
    Json(schedule.to_json(Timestamp::now()))
}

/// The schedule, for those who may do this with it.
pub(in crate::api) async fn found(
    app: &App,
    who: &Principal,
    id: PlanId,
    deed: Deed,
) -> Result<Schedule, Problem> {
    let schedule = app.plans.get(id).await?;
    app.readers.of(who).admit(deed, Some(&schedule.job.brief.guild_id), not_found).await?;
    Ok(schedule)
}

/// Whether they may have it read from there and sent there: people only what they can see and say in Discord themselves,
/// and what belongs to this server.
async fn reaches(app: &App, reader: &Reader, brief: &Brief) -> Result<(), Problem> {
    if reader.person().is_none() {
        return Ok(());
    }
    let guild = brief.guild_id.as_str();
    for channel in &brief.channels {
        reader.enter(Some(guild), channel).await?;
    }
    for (index, destination) in brief.destinations.iter().enumerate() {
        match destination {
            Destination::Channel(channel) => reader.post_in(guild, channel).await?,
            Destination::Webhook(id) => {
                let webhook = app.store.webhook(*id).await.map_err(|error| storage_problem(&error))?;
                if webhook.is_none_or(|webhook| webhook.guild_id.as_deref() != Some(guild)) {
                    return Err(wrong(&format!("destinations[{index}]"), "this server has no such webhook"));
                }
            }
            Destination::WebhookUrl(_) | Destination::Email(_) => {}
        }
    }
    Ok(())
}

/// What is no id is the id of nothing.
fn id(path: Result<Path<String>, PathRejection>) -> Result<PlanId, Problem> {
    let Path(text) = path?;
    Uuid::try_parse(&text).map(PlanId::from).map_err(|_| not_found())
}

fn wrong(field: &str, words: &str) -> Problem {
    invalid(&[(field.to_owned(), words.to_owned())])
        .unwrap_or_else(|| Problem::new(StatusCode::BAD_REQUEST, "INVALID_REQUEST"))
}

/// Which schedules are to be listed.
struct Wanted {
    guild: Option<String>,
    limit: u16,
    after: Option<PlanId>,
}

// === impl Wanted ===

impl Wanted {
    fn of(query: &[(String, String)]) -> Result<Self, Problem> {
        let (mut guild, mut limit, mut cursor, mut problems) = (None, None, None, Vec::new());
        for (name, text) in query {
            let fits = match name.as_str() {
                "guild_id" if guild.is_none() => {
                    guild = Some(text.clone()).filter(|id| crate::plans::is_id(id));
                    guild.is_some().then_some(()).ok_or("expected Discord's id of a server".to_owned())
                }
                "limit" if limit.is_none() => {
                    limit = text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
                    limit.is_some().then_some(()).ok_or(format!("expected a number from 1 to {MAX_LIMIT}"))
                }
                "cursor" if cursor.is_none() => {
                    cursor = Cursor::parse(text);
                    let words = "expected a `next_cursor` of an earlier answer".to_owned();
                    cursor.is_some().then_some(()).ok_or(words)
                }
                "guild_id" | "limit" | "cursor" => Err("given more than once".to_owned()),
                _ => Err("there is no such parameter; there are guild_id, limit and cursor".to_owned()),
            };
            if let Err(words) = fits {
                problems.push((name.clone(), words));
            }
        }
        match invalid(&problems) {
            Some(problem) => Err(problem),
            None => Ok(Self {
                guild,
                limit: limit.unwrap_or(DEFAULT_LIMIT),
                after: cursor.map(|cursor| PlanId::from(cursor.0)),
            }),
        }
    }
}
