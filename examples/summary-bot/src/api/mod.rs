//! The API: `/api/v1/summaries`, its OpenAPI document, and what the page is made of.

mod asked;
mod asker;
mod codes;
mod compatible;
mod config;
mod conversation;
mod create;
mod cursor;
mod events;
mod feeds;
mod fields;
mod jobs;
mod list;
mod one;
pub(crate) mod openapi;
mod percent;
mod prefer;
mod repeats;
mod schedules;
mod schemas;
mod security;
mod settings;
mod unwrap;
mod usage;
mod visible;
mod webhooks;
mod wished;

use std::convert::Infallible;

use groundcrew::cache::Cache;
use groundcrew::http::axum::Router;
use groundcrew::http::axum::extract::{DefaultBodyLimit, Request, State};
use groundcrew::http::axum::http::header::CACHE_CONTROL;
use groundcrew::http::axum::http::{Method, StatusCode};
use groundcrew::http::axum::middleware::{self, Next};
use groundcrew::http::axum::response::{IntoResponse, Response};
use groundcrew::http::axum::routing::{MethodRouter, delete, get, patch, post};
use groundcrew::http::{Problem, RateLimit, RequestTimeout};
use groundcrew::limit::Limiter;

use crate::auth::{Access, Readers, guarded, key_routes, sign_in_routes, token_routes};
use crate::bot_metrics::{BotMetrics, Outcomes};
use crate::clerk::Clerk;
use crate::config::SummariesConfig;
use crate::discord::quotas::Quotas;
use crate::models::ModelNames;
use crate::order::Order;
use crate::plans::Plans;
use crate::replay::{self, Replays};
use crate::request::{Asking, Media};
use crate::scribe::off_the_workers;
use crate::settings::Settings;
use crate::store::Store;
use crate::webhooks::Webhooks;
use crate::workshop::Workshop;

pub(crate) use asked::invalid;
pub(crate) use asker::asker;
pub(crate) use compatible::{Channels, beside, origin_of};
pub use config::ApiConfig;
pub(crate) use events::Followers;
pub(crate) use visible::origin;

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

/// Where other summary bots have what `SUMMARIES` is here.
pub(crate) const SUMMARIZE: &str = "/summarize";
/// The same, beside the other paths.
pub(crate) const API_SUMMARIZE: &str = "/api/v1/summarize";

/// Where the feed of all summaries is.
pub(crate) const FEED: &str = "/api/v1/feeds/all.atom";
/// Where the feed of a server is.
pub(crate) const GUILD_FEED: &str = "/api/v1/feeds/{guild_id}/all.atom";
/// Where the feed of a channel is.
pub(crate) const CHANNEL_FEED: &str = "/api/v1/feeds/{guild_id}/{channel_id}.atom";
/// The same as the router reads it, which wants whole segments.
const CHANNEL_FEED_ROUTE: &str = "/api/v1/feeds/{guild_id}/{file}";

/// Where the settings of a server are.
pub(crate) const SETTINGS: &str = "/api/v1/guilds/{guild_id}/settings";

/// Where it stands what models did and cost.
pub(crate) const USAGE: &str = "/api/v1/usage";

/// What the handlers share.
#[derive(Clone)]
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
    pub(crate) channels: Channels,
    pub(crate) settings: Settings,
    pub(crate) quotas: Quotas,
    pub(crate) config: SummariesConfig,
    /// Who may read what.
    pub(crate) readers: Readers,
    /// The models that one may wish for.
    pub(crate) models: ModelNames,
}

/// Every route of the API.
pub(crate) fn routes(app: &App, access: Access, metrics: &BotMetrics, limiter: Limiter) -> Router {
    let counted = |operation: &str, route: MethodRouter<App>| {
        let route = guarded(operation, repeats::around(operation, route, app));
        match metrics.requests(operation) {
            Some(outcomes) => route.route_layer(middleware::from_fn_with_state(outcomes, count)),
            None => route,
        }
    };
    let own = |route: MethodRouter<App>| {
        route.route_layer(middleware::from_fn_with_state(app.clone(), visible::own_job))
    };
    // The server's own limit is for small bodies; here whole exports are sent.
    let create = post(create::create)
        .layer::<_, Infallible>(DefaultBodyLimit::max(app.config.body_limit.as_usize()))
        .layer(RequestTimeout::new(app.config.timeout));
    let summaries = counted("create_summary", create).merge(counted("list_summaries", get(list::list)));
    let summary =
        counted("get_summary", get(one::read)).merge(counted("delete_summary", delete(one::delete)));
    let timeout = app.config.timeout;
    let summarize = || post(compatible::create).layer::<_, Infallible>(RequestTimeout::new(timeout));
    let webhooks = webhooks::routes(counted);
    let settings = counted("get_settings", get(settings::read))
        .merge(counted("change_settings", patch(settings::change)))
        .merge(counted("reset_settings", delete(settings::reset)));
    let job =
        counted("get_job", own(get(jobs::read))).merge(counted("cancel_job", own(delete(jobs::cancel))));
    let schedules = schedules::all(counted).into_iter();
    let router = webhooks
        .into_iter()
        .chain(schedules)
        .fold(Router::new(), |router, (path, route)| router.route(path, route));
    // The guard is outside, so that other sites' pages use up nobody's quota.
    router
        .route(SUMMARIES, summaries)
        .route(SUMMARY, summary)
        .route(JOB, job)
        .route(SUMMARIZE, counted("summarize", summarize()))
        .route(API_SUMMARIZE, counted("summarize_channel", summarize()))
        .route(SETTINGS, settings)
        .route(USAGE, counted("get_usage", get(usage::read)))
        .route(FEED, counted("feed_all", get(feeds::all)))
        .route(CHANNEL_FEED_ROUTE, counted("feed_channel", get(feeds::channel)))
        .route(JOB_EVENTS, counted("follow_job", own(get(events::follow))))
        .with_state(app.clone())
        .merge(key_routes(access.clone()).route_layer(middleware::from_fn(replay::refuse)))
        .merge(token_routes(access.clone()))
        .merge(sign_in_routes(access.clone()))
        // Within the limit, so that guessing is limited, too.
        .route_layer(access.auth)
        .route_layer(RateLimit::new(limiter))
        .layer(middleware::from_fn(guard))
        .merge(openapi::routes())
}

/// What a request asks for, read from what was sent; where it names a channel, from there.
pub(crate) async fn order(
    asking: Asking,
    most: u64,
    models: ModelNames,
    channels: Channels,
    settings: Settings,
) -> Result<Order, Problem> {
    match asking.media {
        Media::Compatible => compatible::order(asking, most, channels, &settings).await,
        Media::Json | Media::Text => off_the_workers(move || create::order(asking, most, &models)).await,
    }
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
///
/// Who comes back from signing in comes from another site, and asks for nothing but a page.
async fn guard(request: Request, next: Next) -> Response {
    if is_foreign(&request) {
        return Problem::new(StatusCode::FORBIDDEN, "CROSS_SITE")
            .detail("a browser sent this for a page of another site")
            .into_response();
    }
    let mut response = next.run(request).await;
    response.headers_mut().entry(CACHE_CONTROL).or_insert_with(no_store);
    response
}

fn is_foreign(request: &Request) -> bool {
    let said = |name: &str, value: &str| request.headers().get(name).is_some_and(|said| said == value);
    let is_page = request.method() == Method::GET && request.uri().path().starts_with("/auth/");
    let is_visit = is_page && said("sec-fetch-mode", "navigate");
    said("sec-fetch-site", "cross-site") && !is_visit
}

fn no_store() -> groundcrew::http::axum::http::HeaderValue {
    groundcrew::http::axum::http::HeaderValue::from_static("no-store")
}
