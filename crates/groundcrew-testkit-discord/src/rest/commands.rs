//! Application commands: global ones and those of guilds.

use super::{App, Bot};
use crate::Snowflake;
use crate::error::{ApiError, Problems};
use crate::shared::State as Everything;
use crate::validate::command::{check, check_all, kind};
use crate::validate::message::Body;
use crate::world::application::Command;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

/// Whose commands: `/applications/{application}[/guilds/{guild}]/commands[/{command}]`.
#[derive(Debug, Deserialize)]
pub(crate) struct Place {
    application: Snowflake,
    guild: Option<Snowflake>,
    command: Option<Snowflake>,
}

type Answer<T> = Result<T, ApiError>;

pub(crate) fn routes() -> Router<App> {
    let one = || get(get_one).patch(change).delete(delete);
    let all = || get(list).post(create).put(replace);
    Router::new()
        .route("/applications/{application}/commands", all())
        .route("/applications/{application}/commands/{command}", one())
        .route("/applications/{application}/guilds/{guild}/commands", all())
        .route("/applications/{application}/guilds/{guild}/commands/{command}", one())
        .route(
            "/applications/{application}/guilds/{guild}/commands/permissions",
            get(|| async { Json(json!([])) }),
        )
}

async fn list(State(app): State<App>, _: Bot, Path(place): Path<Place>) -> Answer<Json<Value>> {
    let state = app.look();
    place.check(&state)?;
    let application = state.world.application.id;
    let commands = state.world.commands.iter().filter(|command| command.guild == place.guild);
    Ok(Json(commands.map(|command| command.json(application)).collect()))
}

async fn replace(
    State(app): State<App>,
    _: Bot,
    Path(place): Path<Place>,
    body: Body,
) -> Answer<Json<Value>> {
    let commands = body.json.as_array().ok_or_else(ApiError::bad_json)?;
    check_all(commands)?;
    app.change(|state| {
        place.check(state)?;
        // What keeps its name keeps its id.
        let before: Vec<Command> =
            state.world.commands.extract_if(.., |command| command.guild == place.guild).collect();
        for body in commands {
            let same = |old: &&Command| old.kind == kind(body) && body["name"] == old.name.as_str();
            let id = before.iter().find(same).map(|old| old.id);
            let command = command(state, place.guild, id, body);
            state.world.commands.push(command);
        }
        let application = state.world.application.id;
        let commands = state.world.commands.iter().filter(|command| command.guild == place.guild);
        Ok(Json(commands.map(|command| command.json(application)).collect()))
    })
}

async fn create(
    State(app): State<App>,
    _: Bot,
    Path(place): Path<Place>,
    body: Body,
) -> Answer<(StatusCode, Json<Value>)> {
    app.change(|state| {
        place.check(state)?;
        let same = |old: &Command| {
            old.guild == place.guild && old.kind == kind(&body.json) && body.json["name"] == old.name.as_str()
        };
        let at = state.world.commands.iter().position(same);
        let mut all: Vec<Value> = state
            .world
            .commands
            .iter()
            .filter(|old| old.guild == place.guild && !same(old))
            .map(|old| old.json(state.world.application.id))
            .collect();
        let mut problems = Problems::default();
        check(&mut problems, &[], &body.json);
        problems.check()?;
        all.push(body.json.clone());
        check_all(&all)?;
        let id = at.map(|at| state.world.commands.remove(at).id);
        let command = command(state, place.guild, id, &body.json);
        let json = command.json(state.world.application.id);
        state.world.commands.push(command);
        Ok((if at.is_some() { StatusCode::OK } else { StatusCode::CREATED }, Json(json)))
    })
}

async fn get_one(State(app): State<App>, _: Bot, Path(place): Path<Place>) -> Answer<Json<Value>> {
    let state = app.look();
    place.check(&state)?;
    let at = place.find(&state)?;
    Ok(Json(state.world.commands[at].json(state.world.application.id)))
}

async fn change(State(app): State<App>, _: Bot, Path(place): Path<Place>, body: Body) -> Answer<Json<Value>> {
    app.change(|state| {
        place.check(state)?;
        let at = place.find(state)?;
        let mut changed = state.world.commands[at].body.clone();
        for (key, value) in body.json.as_object().into_iter().flatten() {
            changed[key] = value.clone();
        }
        let mut problems = Problems::default();
        check(&mut problems, &[], &changed);
        problems.check()?;
        let id = state.world.commands[at].id;
        let command = command(state, place.guild, Some(id), &changed);
        let json = command.json(state.world.application.id);
        state.world.commands[at] = command;
        Ok(Json(json))
    })
}

async fn delete(State(app): State<App>, _: Bot, Path(place): Path<Place>) -> Answer<StatusCode> {
    app.change(|state| {
        place.check(state)?;
        let at = place.find(state)?;
        state.world.commands.remove(at);
        Ok(StatusCode::NO_CONTENT)
    })
}

fn command(state: &mut Everything, guild: Option<Snowflake>, id: Option<Snowflake>, body: &Value) -> Command {
    let version = state.world.ids.next();
    let name = body["name"].as_str().unwrap_or_default().to_owned();
    Command { id: id.unwrap_or(version), version, guild, kind: kind(body), name, body: body.clone() }
}

// === impl Place ===

impl Place {
    fn check(&self, state: &Everything) -> Answer<()> {
        let world = &state.world;
        if self.application != world.application.id {
            return Err(ApiError::new(
                403,
                20012,
                "You are not authorized to perform this action on this application",
            ));
        }
        let absent = |guild: Snowflake| {
            world.guilds.get(&guild).is_none_or(|guild| !guild.members.contains_key(&world.application.bot))
        };
        if self.guild.is_some_and(absent) { Err(ApiError::missing_access()) } else { Ok(()) }
    }

    fn find(&self, state: &Everything) -> Answer<usize> {
        let found = state
            .world
            .commands
            .iter()
            .position(|command| Some(command.id) == self.command && command.guild == self.guild);
        found.ok_or_else(|| ApiError::new(404, 10063, "Unknown application command"))
    }
}
