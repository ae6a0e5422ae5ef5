//! The tables of webhooks and their deliveries, on either backend, which here understand the same SQL.

use groundcrew::config::Secret;
use groundcrew::jobs::Attempt;
use groundcrew::sql::Database;
use jiff::Timestamp;
use uuid::Uuid;

use super::{Store, refused};
use crate::webhooks::{Announce, Deliver, Delivery, DeliveryState, Event, Target, Webhook};

const INSERT: &str = "INSERT INTO webhooks (id, created_ms, owner, guild_id, url, description, events, secret) \
     SELECT $1, $2, $3, $4, $5, $6, $7, $8 WHERE (SELECT count(*) FROM webhooks) < $9";
const LIST: &str = "SELECT * FROM webhooks ORDER BY id";
const GET: &str = "SELECT * FROM webhooks WHERE id = $1";
const COUNT: &str = "SELECT count(*) FROM webhooks WHERE disabled IS NULL";
const DELETE: &str = "DELETE FROM webhooks WHERE id = $1";
const FORGET: &str = "DELETE FROM webhook_deliveries WHERE webhook_id = $1";
const ROTATE: &str =
    "UPDATE webhooks SET previous_secret = secret, previous_until_ms = $2, secret = $3 WHERE id = $1";
const ENABLE: &str = "UPDATE webhooks SET disabled = NULL, failing_since_ms = NULL WHERE id = $1";
const DISABLE: &str = "UPDATE webhooks SET disabled = $2 WHERE id = $1 AND disabled IS NULL";
const FAILING: &str = "UPDATE webhooks SET failing_since_ms = $2 WHERE id = $1 AND failing_since_ms IS NULL";
const REACHED: &str =
    "UPDATE webhooks SET failing_since_ms = NULL WHERE id = $1 AND failing_since_ms IS NOT NULL";
const SEND: &str = "INSERT INTO webhook_deliveries (id, webhook_id, url, created_ms, event, state) \
     VALUES ($1, $2, $3, $4, $5, 'pending') ON CONFLICT (id) DO NOTHING";
const DELIVERY: &str = "SELECT * FROM webhook_deliveries WHERE id = $1";
const DELIVERIES: &str =
    "SELECT * FROM webhook_deliveries WHERE webhook_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3";
const SETTLE: &str = "UPDATE webhook_deliveries SET state = $2, tries = $3 WHERE id = $1";
const REPLAY: &str = "UPDATE webhook_deliveries SET state = 'pending' \
     WHERE id = $1 AND webhook_id = $2 AND state <> 'pending'";
const PURGE: &str = "DELETE FROM webhook_deliveries WHERE created_ms < $1 AND state <> 'pending'";

#[derive(sqlx::FromRow)]
struct WebhookRow {
    id: String,
    created_ms: i64,
    owner: Option<String>,
    guild_id: Option<String>,
    url: String,
    description: String,
    events: String,
    secret: String,
    previous_secret: Option<String>,
    previous_until_ms: Option<i64>,
    failing_since_ms: Option<i64>,
    disabled: Option<String>,
}

#[derive(sqlx::FromRow)]
struct DeliveryRow {
    id: String,
    webhook_id: Option<String>,
    url: Option<String>,
    created_ms: i64,
    event: String,
    state: String,
    tries: String,
}

/// The columns of a new delivery.
struct NewDelivery {
    id: String,
    webhook_id: Option<String>,
    url: Option<String>,
    created_ms: i64,
    event: String,
}

// === impl Store ===

impl Store {
    /// Keeps a webhook, unless there are `most` already. Tells whether it does.
    pub(crate) async fn insert_webhook(&self, webhook: &Webhook, most: u32) -> sqlx::Result<bool> {
        let (id, created_ms) = (webhook.id.to_string(), webhook.created_at.as_millisecond());
        let (events, secret) = (webhook.events.join(","), webhook.secret.expose());
        let done = match &self.0 {
            Database::Sqlite(database) => {
                let insert = sqlx::query(INSERT).bind(id).bind(created_ms).bind(&webhook.owner);
                let insert = insert.bind(&webhook.guild_id).bind(&webhook.url).bind(&webhook.description);
                let insert = insert.bind(events).bind(secret).bind(i64::from(most));
                database.write().timed("insert_webhook", insert.execute(database)).await?.rows_affected()
            }
            Database::Postgres(database) => {
                let insert = sqlx::query(INSERT).bind(id).bind(created_ms).bind(&webhook.owner);
                let insert = insert.bind(&webhook.guild_id).bind(&webhook.url).bind(&webhook.description);
                let insert = insert.bind(events).bind(secret).bind(i64::from(most));
                let insert = insert.execute(database);
                database.connections().timed("insert_webhook", insert).await?.rows_affected()
            }
        };
        Ok(done > 0)
    }

    /// All webhooks, the oldest first: there are not many.
    pub(crate) async fn webhooks(&self) -> sqlx::Result<Vec<Webhook>> {
        let rows: Vec<WebhookRow> = match &self.0 {
            Database::Sqlite(database) => {
                let select = sqlx::query_as(LIST).fetch_all(database.read());
                database.read().timed("list_webhooks", select).await?
            }
            Database::Postgres(database) => {
                let select = sqlx::query_as(LIST).fetch_all(database);
                database.connections().timed("list_webhooks", select).await?
            }
        };
        rows.into_iter().map(Webhook::try_from).collect()
    }

    /// The webhook with this id.
    pub(crate) async fn webhook(&self, id: Uuid) -> sqlx::Result<Option<Webhook>> {
        let id = id.to_string();
        let row: Option<WebhookRow> = match &self.0 {
            Database::Sqlite(database) => {
                let select = sqlx::query_as(GET).bind(id).fetch_optional(database.read());
                database.read().timed("select_webhook", select).await?
            }
            Database::Postgres(database) => {
                let select = sqlx::query_as(GET).bind(id).fetch_optional(database);
                database.connections().timed("select_webhook", select).await?
            }
        };
        row.map(Webhook::try_from).transpose()
    }

    /// Whether there was one with this id; now there is none, nor what was to be sent to it.
    pub(crate) async fn delete_webhook(&self, id: Uuid) -> sqlx::Result<bool> {
        let id = id.to_string();
        let deleted = self.change(DELETE, &id, None, None).await?;
        self.change(FORGET, &id, None, None).await?;
        Ok(deleted)
    }

    /// Gives it another secret; the one before is signed with, too, until then.
    pub(crate) async fn rotate_webhook(
        &self,
        id: Uuid,
        secret: &str,
        until: Timestamp,
    ) -> sqlx::Result<bool> {
        self.change(ROTATE, &id.to_string(), Some(until.as_millisecond()), Some(secret)).await
    }

    /// Lets it be told again.
    pub(crate) async fn enable_webhook(&self, id: Uuid) -> sqlx::Result<bool> {
        self.change(ENABLE, &id.to_string(), None, None).await
    }

    /// Ends its being told. Tells whether that is news.
    pub(crate) async fn disable_webhook(&self, id: Uuid, why: &str) -> sqlx::Result<bool> {
        self.change(DISABLE, &id.to_string(), None, Some(why)).await
    }

    /// Notes whether it could be reached now.
    pub(crate) async fn note_webhook(&self, id: Uuid, reached: bool, now: Timestamp) -> sqlx::Result<()> {
        let (sql, since) = if reached { (REACHED, None) } else { (FAILING, Some(now.as_millisecond())) };
        self.change(sql, &id.to_string(), since, None).await.map(drop)
    }

    /// Enqueues what is to be sent once to a URL; the same event to the same URL is sent once.
    pub(crate) async fn send_once(&self, delivery: &Delivery) -> sqlx::Result<()> {
        let (row, job) = (NewDelivery::of(delivery)?, Deliver { delivery: delivery.id.clone() });
        match &self.0 {
            Database::Sqlite(database) => {
                let send = async {
                    let mut transaction = database.begin().await?;
                    let insert = sqlx::query(SEND).bind(row.id).bind(row.webhook_id).bind(row.url);
                    let insert = insert.bind(row.created_ms).bind(row.event);
                    if insert.execute(&mut *transaction).await?.rows_affected() > 0 {
                        self.1.enqueue_in(&mut transaction, &job).await.map_err(refused)?;
                    }
                    transaction.commit().await
                };
                database.write().timed("send_once", send).await
            }
            Database::Postgres(database) => {
                let send = async {
                    let mut transaction = database.begin().await?;
                    let insert = sqlx::query(SEND).bind(row.id).bind(row.webhook_id).bind(row.url);
                    let insert = insert.bind(row.created_ms).bind(row.event);
                    if insert.execute(&mut *transaction).await?.rows_affected() > 0 {
                        self.1.enqueue_in(&mut transaction, &job).await.map_err(refused)?;
                    }
                    transaction.commit().await
                };
                database.connections().timed("send_once", send).await
            }
        }
    }

    /// Makes the deliveries of an event and enqueues their jobs, once for each job that announces.
    pub(crate) async fn send_all(&self, attempt: &Attempt, deliveries: &[Delivery]) -> sqlx::Result<()> {
        let rows = deliveries.iter().map(NewDelivery::of).collect::<sqlx::Result<Vec<_>>>()?;
        match &self.0 {
            Database::Sqlite(database) => {
                let send = async {
                    let Some(mut transaction) = attempt.begin_once(database).await? else { return Ok(()) };
                    for row in rows {
                        let job = Deliver { delivery: row.id.clone() };
                        let insert = sqlx::query(SEND).bind(row.id).bind(row.webhook_id).bind(row.url);
                        let insert = insert.bind(row.created_ms).bind(row.event);
                        insert.execute(&mut *transaction).await?;
                        self.1.enqueue_in(&mut transaction, &job).await.map_err(refused)?;
                    }
                    transaction.commit().await
                };
                database.write().timed("send_all", send).await
            }
            Database::Postgres(database) => {
                let send = async {
                    let Some(mut transaction) = attempt.begin_once(database).await? else { return Ok(()) };
                    for row in rows {
                        let job = Deliver { delivery: row.id.clone() };
                        let insert = sqlx::query(SEND).bind(row.id).bind(row.webhook_id).bind(row.url);
                        let insert = insert.bind(row.created_ms).bind(row.event);
                        insert.execute(&mut *transaction).await?;
                        self.1.enqueue_in(&mut transaction, &job).await.map_err(refused)?;
                    }
                    transaction.commit().await
                };
                database.connections().timed("send_all", send).await
            }
        }
    }

    /// The delivery with this id.
    pub(crate) async fn delivery(&self, id: &str) -> sqlx::Result<Option<Delivery>> {
        let row: Option<DeliveryRow> = match &self.0 {
            Database::Sqlite(database) => {
                let select = sqlx::query_as(DELIVERY).bind(id).fetch_optional(database.read());
                database.read().timed("select_delivery", select).await?
            }
            Database::Postgres(database) => {
                let select = sqlx::query_as(DELIVERY).bind(id).fetch_optional(database);
                database.connections().timed("select_delivery", select).await?
            }
        };
        row.map(Delivery::try_from).transpose()
    }

    /// A webhook's deliveries, the newest first, or those before that one.
    pub(crate) async fn deliveries(
        &self,
        webhook: Uuid,
        before: Option<Uuid>,
        limit: u16,
    ) -> sqlx::Result<Vec<Delivery>> {
        // Sorts after every UUID.
        let before = before.map_or_else(|| "g".to_owned(), |id| id.to_string());
        let (webhook, limit) = (webhook.to_string(), i64::from(limit));
        let rows: Vec<DeliveryRow> = match &self.0 {
            Database::Sqlite(database) => {
                let select = sqlx::query_as(DELIVERIES).bind(webhook).bind(before).bind(limit);
                database.read().timed("list_deliveries", select.fetch_all(database.read())).await?
            }
            Database::Postgres(database) => {
                let select = sqlx::query_as(DELIVERIES).bind(webhook).bind(before).bind(limit);
                database.connections().timed("list_deliveries", select.fetch_all(database)).await?
            }
        };
        rows.into_iter().map(Delivery::try_from).collect()
    }

    /// Keeps how it went.
    pub(crate) async fn settle_delivery(&self, delivery: &Delivery) -> sqlx::Result<()> {
        let tries =
            serde_json::to_string(&delivery.tries).map_err(|error| sqlx::Error::Encode(error.into()))?;
        let (id, state) = (&delivery.id, delivery.state.name());
        match &self.0 {
            Database::Sqlite(database) => {
                let update = sqlx::query(SETTLE).bind(id).bind(state).bind(tries).execute(database);
                database.write().timed("settle_delivery", update).await.map(drop)
            }
            Database::Postgres(database) => {
                let update = sqlx::query(SETTLE).bind(id).bind(state).bind(tries).execute(database);
                database.connections().timed("settle_delivery", update).await.map(drop)
            }
        }
    }

    /// Enqueues a delivery again that is over. Tells whether it was one.
    pub(crate) async fn replay_delivery(&self, webhook: Uuid, id: &str) -> sqlx::Result<bool> {
        let (webhook, job) = (webhook.to_string(), Deliver { delivery: id.to_owned() });
        match &self.0 {
            Database::Sqlite(database) => {
                let replay = async {
                    let mut transaction = database.begin().await?;
                    let update = sqlx::query(REPLAY).bind(id).bind(webhook).execute(&mut *transaction);
                    let over = update.await?.rows_affected() > 0;
                    if over {
                        self.1.enqueue_in(&mut transaction, &job).await.map_err(refused)?;
                    }
                    transaction.commit().await.map(|()| over)
                };
                database.write().timed("replay_delivery", replay).await
            }
            Database::Postgres(database) => {
                let replay = async {
                    let mut transaction = database.begin().await?;
                    let update = sqlx::query(REPLAY).bind(id).bind(webhook).execute(&mut *transaction);
                    let over = update.await?.rows_affected() > 0;
                    if over {
                        self.1.enqueue_in(&mut transaction, &job).await.map_err(refused)?;
                    }
                    transaction.commit().await.map(|()| over)
                };
                database.connections().timed("replay_delivery", replay).await
            }
        }
    }

    /// Forgets deliveries that are over and older than that.
    pub(crate) async fn purge_deliveries(&self, before: Timestamp) -> sqlx::Result<()> {
        let before = before.as_millisecond();
        match &self.0 {
            Database::Sqlite(database) => {
                let purge = sqlx::query(PURGE).bind(before).execute(database);
                database.write().timed("purge_deliveries", purge).await.map(drop)
            }
            Database::Postgres(database) => {
                let purge = sqlx::query(PURGE).bind(before).execute(database);
                database.connections().timed("purge_deliveries", purge).await.map(drop)
            }
        }
    }

    /// The job that tells of an event, if there is anybody to tell.
    pub(super) async fn announcement(
        &self,
        event: Event,
        guild_id: Option<&str>,
    ) -> sqlx::Result<Option<Announce>> {
        let listeners: i64 = match &self.0 {
            Database::Sqlite(database) => {
                let count = sqlx::query_scalar(COUNT).fetch_one(database.read());
                database.read().timed("count_webhooks", count).await?
            }
            Database::Postgres(database) => {
                let count = sqlx::query_scalar(COUNT).fetch_one(database);
                database.connections().timed("count_webhooks", count).await?
            }
        };
        Ok((listeners > 0).then(|| Announce { event, guild_id: guild_id.map(str::to_owned) }))
    }

    /// Changes one row by its id, a number and a text. Tells whether there was one.
    async fn change(
        &self,
        sql: &'static str,
        id: &str,
        number: Option<i64>,
        text: Option<&str>,
    ) -> sqlx::Result<bool> {
        let done = match &self.0 {
            Database::Sqlite(database) => {
                let mut change = sqlx::query(sql).bind(id);
                change = if number.is_some() { change.bind(number) } else { change };
                change = if text.is_some() { change.bind(text) } else { change };
                database.write().timed("change_webhook", change.execute(database)).await?.rows_affected()
            }
            Database::Postgres(database) => {
                let mut change = sqlx::query(sql).bind(id);
                change = if number.is_some() { change.bind(number) } else { change };
                change = if text.is_some() { change.bind(text) } else { change };
                let change = change.execute(database);
                database.connections().timed("change_webhook", change).await?.rows_affected()
            }
        };
        Ok(done > 0)
    }
}

fn damaged(what: &str) -> sqlx::Error {
    sqlx::Error::Decode(format!("{what} does not read").into())
}

fn moment(ms: i64) -> sqlx::Result<Timestamp> {
    Timestamp::from_millisecond(ms).map_err(|_| damaged("a time of a webhook"))
}

// === impl NewDelivery ===

impl NewDelivery {
    fn of(delivery: &Delivery) -> sqlx::Result<Self> {
        let (webhook_id, url) = match &delivery.target {
            Target::Webhook(id) => (Some(id.to_string()), None),
            Target::Url(url) => (None, Some(url.clone())),
        };
        let event =
            serde_json::to_string(&delivery.event).map_err(|error| sqlx::Error::Encode(error.into()))?;
        let created_ms = delivery.created_at.as_millisecond();
        Ok(Self { id: delivery.id.clone(), webhook_id, url, created_ms, event })
    }
}

// === impl Webhook ===

impl TryFrom<WebhookRow> for Webhook {
    type Error = sqlx::Error;

    fn try_from(row: WebhookRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.id.parse().map_err(|_| damaged("webhooks.id"))?,
            created_at: moment(row.created_ms)?,
            url: row.url,
            description: row.description,
            guild_id: row.guild_id,
            events: row.events.split(',').map(str::to_owned).collect(),
            disabled: row.disabled,
            failing_since: row.failing_since_ms.map(moment).transpose()?,
            previous_secret_until: row.previous_until_ms.map(moment).transpose()?,
            owner: row.owner,
            secret: Secret::new(row.secret),
            previous_secret: row.previous_secret.map(Secret::new),
        })
    }
}

// === impl Delivery ===

impl TryFrom<DeliveryRow> for Delivery {
    type Error = sqlx::Error;

    fn try_from(row: DeliveryRow) -> sqlx::Result<Self> {
        let target = match (row.webhook_id, row.url) {
            (Some(id), _) => {
                Target::Webhook(id.parse().map_err(|_| damaged("webhook_deliveries.webhook_id"))?)
            }
            (None, Some(url)) => Target::Url(url),
            (None, None) => return Err(damaged("webhook_deliveries.url")),
        };
        Ok(Self {
            id: row.id,
            target,
            created_at: moment(row.created_ms)?,
            event: serde_json::from_str(&row.event).map_err(|_| damaged("webhook_deliveries.event"))?,
            state: DeliveryState::of_name(&row.state).ok_or_else(|| damaged("webhook_deliveries.state"))?,
            tries: serde_json::from_str(&row.tries).map_err(|_| damaged("webhook_deliveries.tries"))?,
        })
    }
}
