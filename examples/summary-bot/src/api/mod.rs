//! The API: `/api/v1/summaries`, its OpenAPI document, and what the page is made of.

mod asked;
mod asker;
mod codes;
mod config;
mod conversation;
mod create;
mod cursor;
mod events;
mod jobs;
mod list;
mod one;
mod openapi;
mod prefer;
mod schedules;
mod schemas;
mod webhooks;

use std::convert::Infallible;

use groundcrew::cache::Cache;
use groundcrew::http::axum::Router;
use groundcrew::http::axum::extract::{DefaultBodyLimit, Request, State};
use groundcrew::http::axum::http::StatusCode;
use groundcrew::http::axum::http::header::CACHE_CONTROL;
use groundcrew::http::axum::middleware::{self, Next};
use groundcrew::http::axum::response::{IntoResponse, Response};
use groundcrew::http::axum::routing::{MethodRouter, delete, get, post};
use groundcrew::http::{Problem, RateLimit, RequestTimeout};
use groundcrew::limit::Limiter;

use crate::bot_metrics::{BotMetrics, Outcomes};
use crate::clerk::Clerk;
use crate::config::SummariesConfig;
use crate::plans::Plans;
use crate::replay::Replays;
use crate::store::Store;
use crate::webhooks::Webhooks;
use crate::workshop::Workshop;

pub(crate) use asked::invalid;
pub(crate) use asker::asker;
pub use config::ApiConfig;
pub(crate) use create::order;
pub(crate) use events::Followers;

/// Where summaries are.
pub(crate) const SUMMARIES: &str = "/api/v1/summaries";
/// Where one summary is.
pub(crate) const SUMMARY: &str = "/api/v1/summaries/{id}";

/// Where jobs are.
pub(crate) const JOBS: &str = "/api/v1/jobs";
/// Where one job is.
pub(crate) const JOB: &str = "/api/v1/jobs/{id}";
/// Where what happens to it is told.
pub(crate) const JOB_EVENTS: &str = "/api/v1/jobs/{id}/events";

/// What the handlers share.
#[derive(Debug, Clone)]
pub(crate) struct App {
    pub(crate) store: Store,
    /// Summaries as they are answered, by id.
    pub(crate) documents: Cache<Option<String>>,
    pub(crate) clerk: Clerk,
    pub(crate) workshop: Workshop,
    pub(crate) webhooks: Webhooks,
    pub(crate) replays: Replays,
    pub(crate) plans: Plans,
    pub(crate) followers: Followers,
    pub(crate) config: SummariesConfig,
}

/// Every route of the API.
pub(crate) fn routes(app: App, metrics: &BotMetrics, limiter: Limiter) -> Router {
    let counted = |operation: &str, route: MethodRouter<App>| match metrics.requests(operation) {
        Some(outcomes) => route.route_layer(middleware::from_fn_with_state(outcomes, count)),
        None => route,
    };
    // The server's own limit is for small bodies; here whole exports are sent.
    let create = post(create::create)
        .layer::<_, Infallible>(DefaultBodyLimit::max(app.config.body_limit.as_usize()))
        .layer(RequestTimeout::new(app.config.timeout));
    let summaries = counted("create_summary", create).merge(counted("list_summaries", get(list::list)));
    let summary =
        counted("get_summary", get(one::read)).merge(counted("delete_summary", delete(one::delete)));
    let webhooks = webhooks::routes(counted);
    let job = counted("get_job", get(jobs::read)).merge(counted("cancel_job", delete(jobs::cancel)));
    let schedules = schedules::all(counted).into_iter();
    // The guard is outside, so that other sites' pages use up nobody's quota.
    let router = webhooks
        .into_iter()
        .chain(schedules)
        .fold(Router::new(), |router, (path, route)| router.route(path, route));
    router
        .route(SUMMARIES, summaries)
        .route(SUMMARY, summary)
        .route(JOB, job)
        .route(JOB_EVENTS, counted("follow_job", get(events::follow)))
        .route_layer(RateLimit::new(limiter))
        .layer(middleware::from_fn(guard))
        .with_state(app)
        .merge(openapi::routes())
}

/// Counts how a request ended; one that was given up (a timeout, a client gone) ended in an error.
async fn count(State(outcomes): State<Outcomes>, request: Request, next: Next) -> Response {
    struct Counting(Outcomes, bool);
    impl Drop for Counting {
        fn drop(&mut self) {
            if self.1 { self.0.success.inc() } else { self.0.error.inc() }
        }
    }
    let mut counting = Counting(outcomes, false);
    let response = next.run(request).await;
    counting.1 = response.status().as_u16() < 400;
    response
}

/// Answers nothing to other sites' pages, and lets nobody cache what was said in a conversation.
async fn guard(request: Request, next: Next) -> Response {
    let site = request.headers().get("sec-fetch-site");
    if site.is_some_and(|site| site == "cross-site") {
        return Problem::new(StatusCode::FORBIDDEN, "CROSS_SITE")
            .detail("a browser sent this for a page of another site")
            .into_response();
    }
    let mut response = next.run(request).await;
    response.headers_mut().insert(CACHE_CONTROL, no_store());
    response
}

fn no_store() -> groundcrew::http::axum::http::HeaderValue {
    groundcrew::http::axum::http::HeaderValue::from_static("no-store")
}
