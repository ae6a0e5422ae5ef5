//! The table of deliveries to webhooks.

use groundcrew::jobs::Attempt;
use groundcrew::sql::{Statement, statement};
use jiff::Timestamp;
use uuid::Uuid;

use super::webhooks::{damaged_webhook as damaged, moment};
use super::{Store, refused};
use crate::webhooks::{Deliver, Delivery, DeliveryState, Target};

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
    /// Enqueues what is to be sent by itself; the same event to the same URL or webhook is sent once.
    pub(crate) async fn send_once(&self, delivery: &Delivery) -> sqlx::Result<()> {
        let (row, job) = (NewDelivery::of(delivery)?, Deliver { delivery: delivery.id.clone() });
        let send = async {
            let mut transaction = self.0.begin().await?;
            if row.insert().execute(&mut transaction).await? > 0 {
                self.1.enqueue_in(&mut transaction, &job).await.map_err(refused)?;
            }
            transaction.commit().await
        };
        self.0.write().timed("send_once", send).await
    }

    /// Makes the deliveries of an event and enqueues their jobs, once for each job that announces.
    pub(crate) async fn send_all(&self, attempt: &Attempt, deliveries: &[Delivery]) -> sqlx::Result<()> {
        let rows = deliveries.iter().map(NewDelivery::of).collect::<sqlx::Result<Vec<_>>>()?;
        let send = async {
            let Some(mut transaction) = attempt.begin_once(&self.0).await? else { return Ok(()) };
            for row in rows {
                let job = Deliver { delivery: row.id.clone() };
                // A schedule may have sent the same there.
                if row.insert().execute(&mut transaction).await? > 0 {
                    self.1.enqueue_in(&mut transaction, &job).await.map_err(refused)?;
                }
            }
            transaction.commit().await
        };
        self.0.write().timed("send_all", send).await
    }

    /// The delivery with this id.
    pub(crate) async fn delivery(&self, id: &str) -> sqlx::Result<Option<Delivery>> {
        let select = statement(DELIVERY).bind(id).timed("select_delivery");
        let row: Option<DeliveryRow> = select.fetch_optional(self.0.read()).await?;
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
        let select = statement(DELIVERIES).bind(webhook.to_string()).bind(before).bind(i64::from(limit));
        let rows: Vec<DeliveryRow> = select.timed("list_deliveries").fetch_all(self.0.read()).await?;
        rows.into_iter().map(Delivery::try_from).collect()
    }

    /// Keeps how it went.
    pub(crate) async fn settle_delivery(&self, delivery: &Delivery) -> sqlx::Result<()> {
        let tries =
            serde_json::to_string(&delivery.tries).map_err(|error| sqlx::Error::Encode(error.into()))?;
        let settle = statement(SETTLE).bind(&delivery.id).bind(delivery.state.name()).bind(tries);
        settle.timed("settle_delivery").execute(self.0.write()).await.map(drop)
    }

    /// Enqueues a delivery again that is over. Tells whether it was one.
    pub(crate) async fn replay_delivery(&self, webhook: Uuid, id: &str) -> sqlx::Result<bool> {
        let job = Deliver { delivery: id.to_owned() };
        let replay = async {
            let mut transaction = self.0.begin().await?;
            let update = statement(REPLAY).bind(id).bind(webhook.to_string());
            let over = update.execute(&mut transaction).await? > 0;
            if over {
                self.1.enqueue_in(&mut transaction, &job).await.map_err(refused)?;
            }
            transaction.commit().await.map(|()| over)
        };
        self.0.write().timed("replay_delivery", replay).await
    }

    /// Forgets deliveries that are over and older than that.
    pub(crate) async fn purge_deliveries(&self, before: Timestamp) -> sqlx::Result<()> {
        let purge = statement(PURGE).bind(before.as_millisecond()).timed("purge_deliveries");
        purge.execute(self.0.write()).await.map(drop)
    }
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

    fn insert(self) -> Statement<'static> {
        let insert = statement(SEND).bind(self.id).bind(self.webhook_id).bind(self.url);
        insert.bind(self.created_ms).bind(self.event)
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
