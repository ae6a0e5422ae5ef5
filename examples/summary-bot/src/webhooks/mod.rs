//! Outgoing webhooks: who is told of summaries, and that they are told.
//!
//! An event is announced by a job that is committed with what it is about; the announcement makes a delivery for each
//! webhook that wants it, and each delivery is a job of its own, retried until the receiver has it or it is given up.

mod announce;
mod config;
mod deliver;
mod delivery;
mod event;
mod sender;
mod webhook;

use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use groundcrew::Crew;
use groundcrew::auth::standard_webhooks::{Signer, WebhookSecret};
use groundcrew::client::{Client, ClientConfig};
use groundcrew::config::{ByteSize, Secret};
use groundcrew::http::Problem;
use groundcrew::http::axum::http::StatusCode;
use groundcrew::telemetry::prometheus::IntCounter;
use jiff::Timestamp;
use uuid::Uuid;

pub(crate) use self::announce::Announce;
pub use self::config::WebhooksConfig;
pub(crate) use self::deliver::Deliver;
pub(crate) use self::delivery::{Delivery, State as DeliveryState, Target};
pub(crate) use self::event::{Event, NAMES as EVENTS};
use self::sender::Sent;
pub(crate) use self::webhook::Webhook;
use crate::store::Store;
use crate::workshop::storage_problem;

/// The longest URL that is taken.
const LONGEST_URL: usize = 2048;

/// Keeps webhooks and sends to them. Clones share everything.
#[derive(Debug, Clone)]
pub(crate) struct Webhooks {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    config: WebhooksConfig,
    client: Client,
    store: Store,
    /// Signs what goes to the `webhook_url` of a request.
    signer: Option<Signer>,
    delivered: IntCounter,
    failed: IntCounter,
}

/// What somebody says who wants to be told.
#[derive(Debug)]
pub(crate) struct NewWebhook {
    pub(crate) url: String,
    pub(crate) description: String,
    pub(crate) guild_id: Option<String>,
    pub(crate) events: Vec<String>,
    pub(crate) owner: Option<String>,
}

// === impl Webhooks ===

impl Webhooks {
    /// What the configuration says, with a client that strangers' URLs may be given to.
    pub(crate) fn build(
        config: &WebhooksConfig,
        client: &ClientConfig,
        crew: &Crew,
        store: Store,
    ) -> anyhow::Result<Self> {
        if config.allow_private && crew.environment().is_production() {
            bail!(
                "webhooks.allow_private is true, and ENVIRONMENT is production: anybody who may make a webhook could \
                 call what is behind this machine; name your own receivers in webhooks.private_hosts instead"
            );
        }
        // Jobs try again, with longer pauses and with every attempt in the log.
        let one_attempt =
            ClientConfig { max_retries: 0, redirects: 0, max_response: ByteSize(64 << 10), ..client.clone() };
        let builder = one_attempt.named("webhooks").trace(false);
        let client = if config.allow_private {
            builder.build(crew)?
        } else {
            builder.public_only().exempt(config.private_hosts.iter().cloned()).build(crew)?
        };
        let signer = match &config.secret {
            Some(secret) => match WebhookSecret::parse(secret.expose()) {
                Ok(secret) => Some(Signer::new(&secret)),
                Err(error) => bail!("webhooks.secret (WEBHOOK_SECRET) cannot be used: {error}"),
            },
            None => None,
        };
        let outcomes = crew.metrics().counters(
            "webhook_deliveries_total",
            "Attempts to deliver an event to a webhook.",
            ["status"],
        )?;
        let (delivered, failed) = (outcomes.handle(["success"]), outcomes.handle(["error"]));
        let inner = Inner { config: config.clone(), client, store, signer, delivered, failed };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Keeps a webhook. Its secret is shown now and never again.
    pub(crate) async fn create(&self, new: NewWebhook) -> Result<(Webhook, WebhookSecret), Problem> {
        self.check_url("url", &new.url)?;
        let secret = WebhookSecret::generate();
        let webhook = Webhook {
            id: Uuid::now_v7(),
            created_at: delivery::now(),
            url: new.url,
            description: new.description,
            guild_id: new.guild_id,
            events: new.events,
            disabled: None,
            failing_since: None,
            previous_secret_until: None,
            owner: new.owner,
            secret: Secret::new(secret.expose()),
            previous_secret: None,
        };
        let most = self.inner.config.max;
        let kept = self.inner.store.insert_webhook(&webhook, most).await;
        if !kept.map_err(|error| storage_problem(&error))? {
            return Err(Problem::new(StatusCode::CONFLICT, "TOO_MANY_WEBHOOKS")
                .detail(format!("there are {most} webhooks already (webhooks.max); delete one first"))
                .with("maximum", most));
        }
        Ok((webhook, secret))
    }

    /// Gives a webhook another secret; the one before is signed with, too, for a while. `None` if there is no such.
    pub(crate) async fn rotate(&self, id: Uuid) -> Result<Option<(Webhook, WebhookSecret)>, Problem> {
        let secret = WebhookSecret::generate();
        let until = Timestamp::now().checked_add(self.inner.config.rotation).unwrap_or(Timestamp::MAX);
        let failed = |error| storage_problem(&error);
        self.inner.store.rotate_webhook(id, &secret.expose(), until).await.map_err(failed)?;
        let webhook = self.inner.store.webhook(id).await.map_err(failed)?;
        Ok(webhook.map(|webhook| (webhook, secret)))
    }

    /// Enqueues an event for a URL that belongs to one request. The same event goes to the same URL once, however
    /// often this is called.
    ///
    /// # Errors
    /// When the URL is refused, or the database does not do its part.
    pub(crate) async fn send_once(&self, url: &str, event: Event) -> Result<(), Problem> {
        self.check_url("webhook_url", url)?;
        let delivery = Delivery::new(Target::Url(url.to_owned()), event);
        self.inner.store.send_once(&delivery).await.map_err(|error| storage_problem(&error))
    }

    /// Whether a URL is one that would be called, as far as it tells by itself; `field` is where it was given.
    pub(crate) fn check_url(&self, field: &'static str, url: &str) -> Result<(), Problem> {
        let words = match self.inner.client.check_url(url) {
            _ if url.len() > LONGEST_URL => format!("it is longer than {LONGEST_URL} characters"),
            Ok(()) => return Ok(()),
            Err(error) => error.to_string(),
        };
        Err(invalid(field, &words))
    }

    /// Sends to a webhook, signed with its secrets.
    async fn send(&self, id: &str, webhook: &Webhook, body: String) -> Sent {
        let signer = webhook.signer(Timestamp::now());
        if let Err(error) = &signer {
            tracing::error!(webhook.id = %webhook.id, %error, "a webhook's secret is damaged: nothing is signed");
        }
        self.attempt(id, &webhook.url, signer.ok().as_ref(), body).await
    }

    /// Sends to a URL that belongs to one request.
    async fn send_to(&self, id: &str, url: &str, body: String) -> Sent {
        self.attempt(id, url, self.inner.signer.as_ref(), body).await
    }

    async fn attempt(&self, id: &str, url: &str, signer: Option<&Signer>, body: String) -> Sent {
        let timeout = self.inner.config.timeout.min(Duration::from_secs(60));
        let sent = sender::send(&self.inner.client, url, signer, id, body, timeout).await;
        let counter = if sent.reached() { &self.inner.delivered } else { &self.inner.failed };
        counter.inc();
        sent
    }

    /// How often a delivery is tried.
    fn attempts(&self) -> u32 {
        self.inner.config.attempts
    }

    /// The pause after this attempt, after which the receiver may have asked for one.
    fn pause(&self, number: u32, asked: Option<Duration>) -> Duration {
        let own = groundcrew::runtime::jittered(self.inner.config.pause(number), 10);
        own.max(config::granted(asked))
    }

    /// After how long a webhook that only fails is disabled.
    fn disable_after(&self) -> Duration {
        self.inner.config.disable_after
    }

    /// How long deliveries that are over are kept.
    fn keeps(&self) -> Duration {
        self.inner.config.keep
    }
}

/// A problem with one member of a request.
pub(crate) fn invalid(field: &'static str, words: &str) -> Problem {
    let errors = serde_json::json!([{"field": field, "detail": words}]);
    Problem::new(StatusCode::BAD_REQUEST, "INVALID_REQUEST")
        .detail(format!("`{field}`: {words}"))
        .with("field", field)
        .with("errors", errors)
}
