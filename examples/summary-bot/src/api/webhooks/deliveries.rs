//! The log of a webhook's deliveries, and their replay.

use groundcrew::auth::Principal;
use groundcrew::http::axum::extract::rejection::{PathRejection, QueryRejection};
use groundcrew::http::axum::extract::{Path, Query, State};
use groundcrew::http::axum::http::StatusCode;
use groundcrew::http::axum::http::header::LINK;
use groundcrew::http::axum::response::{IntoResponse, Response};
use groundcrew::http::{Json, Problem};
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::cursor::Cursor;
use super::super::list::page;
use super::super::{App, SUMMARIES};
use super::{WEBHOOKS, found, id};
use crate::webhooks::{Delivery, Event, Target};
use crate::workshop::storage_problem;

pub(super) async fn list(
    State(app): State<App>,
    who: Principal,
    path: Result<Path<String>, PathRejection>,
    query: Result<Query<Vec<(String, String)>>, QueryRejection>,
) -> Result<Response, Problem> {
    let (limit, cursor) = page(&query?.0)?;
    let webhook = found(&app, &who, id(path)?).await?.id;
    // One more than is shown tells whether there is a next page.
    let before = cursor.map(|cursor| cursor.0);
    let deliveries = app.store.deliveries(webhook, before, limit + 1).await;
    let mut deliveries = deliveries.map_err(|error| storage_problem(&error))?;
    let more = deliveries.len() > usize::from(limit);
    deliveries.truncate(limit.into());
    let last = deliveries.last().filter(|_| more).and_then(|last| Uuid::try_parse(&last.id).ok());
    let next = last.map(|id| Cursor(id).to_string());
    let items: Vec<Value> = deliveries.iter().map(shown).collect();
    let body = Json(json!({"items": items, "next_cursor": next}));
    let link = next
        .map(|next| format!("<{WEBHOOKS}/{webhook}/deliveries?limit={limit}&cursor={next}>; rel=\"next\""));
    Ok(match link {
        Some(link) => ([(LINK, link)], body).into_response(),
        None => body.into_response(),
    })
}

pub(super) async fn replay(
    State(app): State<App>,
    who: Principal,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<Response, Problem> {
    let Path((webhook, delivery)) = path?;
    let webhook = found(&app, &who, id(Ok(Path(webhook)))?).await?;
    if let Some(why) = &webhook.disabled {
        return Err(Problem::new(StatusCode::CONFLICT, "WEBHOOK_DISABLED")
            .detail(format!("the webhook is disabled ({why}); enable it first")));
    }
    let failed = |error| storage_problem(&error);
    let ours = |delivery: &Delivery| matches!(delivery.target, Target::Webhook(id) if id == webhook.id);
    let known = app.store.delivery(&delivery).await.map_err(failed)?.filter(ours);
    let known = known.ok_or_else(|| {
        Problem::new(StatusCode::NOT_FOUND, "NOT_FOUND").detail("the webhook has no delivery with this id")
    })?;
    if !app.store.replay_delivery(webhook.id, &known.id).await.map_err(failed)? {
        return Err(Problem::new(StatusCode::CONFLICT, "DELIVERY_PENDING")
            .detail("the delivery is not over yet: it is tried again by itself"));
    }
    let again = app.store.delivery(&known.id).await.map_err(failed)?.unwrap_or(known);
    Ok((StatusCode::ACCEPTED, Json(shown(&again))).into_response())
}

/// A delivery as it is answered.
fn shown(delivery: &Delivery) -> Value {
    let subject = delivery.event.subject();
    let (summary, job) = match &delivery.event {
        Event::Created { .. } => (Some(format!("{SUMMARIES}/{subject}")), None),
        Event::Failed { .. } => (None, Some(format!("{}/{subject}", super::super::JOBS))),
    };
    json!({
        "id": delivery.id,
        "event": delivery.event.name(),
        "state": delivery.state.name(),
        "created_at": delivery.created_at,
        "summary": summary,
        "job": job,
        "attempts": delivery.tries,
    })
}
