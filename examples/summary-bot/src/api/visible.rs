//! What of the summaries and jobs somebody may see. What they may not is not there for them: 404.

use std::collections::BTreeSet;

use groundcrew::auth::Principal;
use groundcrew::http::Problem;
use groundcrew::http::axum::extract::rejection::PathRejection;
use groundcrew::http::axum::extract::{Path, Request, State};
use groundcrew::http::axum::http::StatusCode;
use groundcrew::http::axum::middleware::Next;
use groundcrew::http::axum::response::{IntoResponse, Response};
use serde::Deserialize;
use uuid::Uuid;

use super::{App, invalid, jobs};
use crate::Origin;
use crate::store::{Entry, Filter, Place};
use crate::workshop::storage_problem;

/// So often is looked for what somebody may see. Each time leaves out the places that have turned out to be closed: were
/// they gone through entry by entry, where a search ends would tell that something in them fits.
const ROUNDS: usize = 20;
/// How far is looked at least, when the first look was not enough.
const FAR: u16 = 200;

/// The part of a document that says who may read it.
#[derive(Deserialize)]
struct Marked {
    #[serde(default)]
    origin: Origin,
}

/// Where a stored document comes from.
pub(crate) fn origin(json: &str) -> Result<Origin, Problem> {
    let marked = serde_json::from_str::<Marked>(json);
    Ok(marked.map_err(|error| storage_problem(&sqlx::Error::Decode(error.into())))?.origin)
}

/// Up to `limit` entries that they may read, older than `before`; and whether there may be more, behind this id.
pub(super) async fn entries(
    app: &App,
    who: &Principal,
    filter: &Filter,
    mut before: Option<Uuid>,
    limit: u16,
) -> Result<(Vec<Entry>, Option<Uuid>), Problem> {
    let reader = app.readers.of(who);
    let mut filter = Filter { person: reader.person().map(str::to_owned), ..filter.clone() };
    let mut found: Vec<Entry> = Vec::new();
    let mut look = limit + 1;
    for _ in 0..ROUNDS {
        let page = app.store.list(&filter, before, look).await.map_err(|error| storage_problem(&error))?;
        let last = page.last().map(|entry| entry.id).filter(|_| page.len() == usize::from(look));
        let mut closed: BTreeSet<Place> = page.iter().filter_map(Place::of).collect();
        let page = reader.readable(page, Entry::origin).await?;
        for open in page.iter().filter_map(Place::of) {
            closed.remove(&open);
        }
        filter.hidden.append(&mut closed);
        found.extend(page);
        // One more than is shown tells that there is a next page.
        if found.len() > usize::from(limit) {
            found.truncate(limit.into());
            let next = found.last().map(|entry| entry.id);
            return Ok((found, next));
        }
        let Some(last) = last else { return Ok((found, None)) };
        before = Some(last);
        look = look.max(FAR);
    }
    Ok((found, before))
}

/// There is no such server for whoever asks.
pub(super) fn no_server() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "NOT_FOUND")
        .detail("there is no such server, or it shows you nothing")
}

/// People say which server they mean.
pub(super) fn which_server() -> Problem {
    let words = "say of which server: you may not see all of them".to_owned();
    invalid(&[("guild_id".to_owned(), words)]).unwrap_or_else(no_server)
}

/// What is answered where a server that may be named shows nothing.
pub(super) fn hidden(guild: Option<&str>) -> Problem {
    if guild.is_some() { no_server() } else { which_server() }
}

/// Around routes about one job: of people it shows them their own.
pub(super) async fn own_job(
    State(app): State<App>,
    who: Principal,
    path: Result<Path<String>, PathRejection>,
    request: Request,
    next: Next,
) -> Response {
    let judged = async {
        let id = jobs::id(path)?;
        let asker = app.store.asker(id).await.map_err(|error| storage_problem(&error))?;
        if app.readers.of(&who).may_follow(asker.as_deref()) { Ok(()) } else { Err(jobs::not_found()) }
    };
    match judged.await {
        Ok(()) => next.run(request).await,
        Err(problem) => Problem::into_response(problem),
    }
}
