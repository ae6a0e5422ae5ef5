//! The table of webhooks.

use groundcrew::config::Secret;
use groundcrew::sql::statement;
use jiff::Timestamp;
use uuid::Uuid;

use super::Store;
use super::replays::ABOUT;
use crate::webhooks::{Announce, Event, Webhook};

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

// === impl Store ===

impl Store {
    /// Keeps a webhook, unless there are `most` already. Tells whether it does.
    pub(crate) async fn insert_webhook(&self, webhook: &Webhook, most: u32) -> sqlx::Result<bool> {
        let (id, created_ms) = (webhook.id.to_string(), webhook.created_at.as_millisecond());
        let insert = statement(INSERT).bind(id).bind(created_ms).bind(&webhook.owner).bind(&webhook.guild_id);
        let insert = insert.bind(&webhook.url).bind(&webhook.description).bind(webhook.events.join(","));
        let insert = insert.bind(webhook.secret.expose()).bind(most).timed("insert_webhook");
        Ok(insert.execute(self.0.write()).await? > 0)
    }

    /// All webhooks, the oldest first: there are not many.
    pub(crate) async fn webhooks(&self) -> sqlx::Result<Vec<Webhook>> {
        let rows: Vec<WebhookRow> = statement(LIST).timed("list_webhooks").fetch_all(self.0.read()).await?;
        rows.into_iter().map(Webhook::try_from).collect()
    }

    /// The webhook with this id.
    pub(crate) async fn webhook(&self, id: Uuid) -> sqlx::Result<Option<Webhook>> {
        let select = statement(GET).bind(id.to_string()).timed("select_webhook");
        let row: Option<WebhookRow> = select.fetch_optional(self.0.read()).await?;
        row.map(Webhook::try_from).transpose()
    }

    /// Whether there was one with this id; now there is none, nor what was to be sent to it.
    pub(crate) async fn delete_webhook(&self, id: Uuid) -> sqlx::Result<bool> {
        let id = id.to_string();
        let delete = async {
            let mut transaction = self.0.begin().await?;
            let deleted = statement(DELETE).bind(&id).execute(&mut transaction).await? > 0;
            statement(FORGET).bind(&id).execute(&mut transaction).await?;
            statement(ABOUT).bind(&id).execute(&mut transaction).await?;
            transaction.commit().await.map(|()| deleted)
        };
        self.0.write().timed("delete_webhook", delete).await
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

    /// The job that tells of an event, if there is anybody to tell.
    pub(super) async fn announcement(
        &self,
        event: Event,
        guild_id: Option<&str>,
    ) -> sqlx::Result<Option<Announce>> {
        let count = statement(COUNT).timed("count_webhooks").scalar();
        let listeners: i64 = count.fetch_one(self.0.read()).await?;
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
        let mut change = statement(sql).bind(id).timed("change_webhook");
        change = if number.is_some() { change.bind(number) } else { change };
        change = if text.is_some() { change.bind(text) } else { change };
        Ok(change.execute(self.0.write()).await? > 0)
    }
}

pub(super) fn damaged_webhook(what: &str) -> sqlx::Error {
    sqlx::Error::Decode(format!("{what} does not read").into())
}

pub(super) fn moment(ms: i64) -> sqlx::Result<Timestamp> {
    Timestamp::from_millisecond(ms).map_err(|_| damaged_webhook("a time of a webhook"))
}

// === impl Webhook ===

impl TryFrom<WebhookRow> for Webhook {
    type Error = sqlx::Error;

    fn try_from(row: WebhookRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.id.parse().map_err(|_| damaged_webhook("webhooks.id"))?,
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
