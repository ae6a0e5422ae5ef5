//! The summaries of a server, and what readers thought of them.

use groundcrew::sql::statement;
use jiff::Timestamp;
use uuid::Uuid;

use super::{Store, several};
use crate::Origin;

/// A summary of a server, as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Made {
    pub(crate) id: Uuid,
    pub(crate) at: Timestamp,
    pub(crate) title: String,
    pub(crate) excerpt: String,
    pub(crate) messages: i64,
    pub(crate) channel_id: Option<String>,
    pub(crate) channels: Vec<String>,
    pub(crate) requested_by: Option<String>,
    pub(crate) private: bool,
}

/// How much was made in a server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Amount {
    pub(crate) summaries: i64,
    pub(crate) messages: i64,
}

/// What readers thought of a summary.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Opinions {
    pub(crate) good: i64,
    pub(crate) bad: i64,
}

type MadeRow = (String, i64, String, String, i64, Option<String>, Option<String>, bool, Option<String>);

const LIST: &str = "SELECT id, created_ms, title, excerpt, messages, channel_id, requested_by, private, channels \
     FROM summaries WHERE guild_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3";
const LIST_OF_CHANNEL: &str = "SELECT id, created_ms, title, excerpt, messages, channel_id, requested_by, private, \
     channels FROM summaries WHERE guild_id = $1 AND id < $2 AND (channel_id = $4 OR channels LIKE $5) \
     ORDER BY id DESC LIMIT $3";
const AMOUNT: &str = "SELECT COUNT(*), CAST(COALESCE(SUM(messages), 0) AS BIGINT) FROM summaries \
     WHERE guild_id = $1 AND created_ms >= $2";
const RATE: &str = "INSERT INTO feedback (summary_id, user_id, good, created_ms) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (summary_id, user_id) DO UPDATE SET good = excluded.good, created_ms = excluded.created_ms";
const OPINIONS: &str = "SELECT COALESCE(SUM(CASE WHEN good THEN 1 ELSE 0 END), 0), \
     COALESCE(SUM(CASE WHEN good THEN 0 ELSE 1 END), 0) FROM feedback WHERE summary_id = $1";

// === impl Store ===

impl Store {
    /// The newest summaries of a server, or of one of its channels, before the one with the id `before`.
    pub(crate) async fn made_in(
        &self,
        guild: &str,
        channel: Option<&str>,
        before: Option<Uuid>,
        limit: u16,
    ) -> sqlx::Result<Vec<Made>> {
        let before = before.map_or_else(|| "g".to_owned(), |id| id.to_string());
        let text = if channel.is_some() { LIST_OF_CHANNEL } else { LIST };
        let mut select = statement(text).bind(guild).bind(before).bind(i64::from(limit)).timed("list_guild");
        if let Some(channel) = channel {
            // Of several channels a summary names all: a list of ids as JSON.
            select = select.bind(channel).bind(format!("%\"{channel}\"%"));
        }
        let rows: Vec<MadeRow> = select.fetch_all(self.0.read()).await?;
        rows.into_iter().map(Made::try_from).collect()
    }

    /// How much was made in a server since then.
    pub(crate) async fn amount(&self, guild: &str, since: Timestamp) -> sqlx::Result<Amount> {
        let select = statement(AMOUNT).bind(guild).bind(since.as_millisecond()).timed("count_guild");
        let (summaries, messages) = select.fetch_one(self.0.read()).await?;
        Ok(Amount { summaries, messages })
    }

    /// Keeps what somebody thinks of a summary; the last word counts.
    pub(crate) async fn rate(&self, summary: Uuid, user: &str, good: bool) -> sqlx::Result<Opinions> {
        let (summary, now) = (summary.to_string(), Timestamp::now().as_millisecond());
        let rate = async {
            let rate = statement(RATE).bind(&summary).bind(user).bind(good).bind(now);
            rate.execute(self.0.write()).await?;
            statement(OPINIONS).bind(&summary).fetch_one(self.0.write()).await
        };
        let (good, bad) = self.0.write().timed("rate_summary", rate).await?;
        Ok(Opinions { good, bad })
    }
}

// === impl Made ===

impl Made {
    /// Where it comes from: who may read it depends on that.
    pub(crate) fn origin(&self, guild: &str) -> Origin {
        Origin {
            guild_id: Some(guild.to_owned()),
            channel_id: self.channel_id.clone(),
            channels: self.channels.clone(),
            requested_by: self.requested_by.clone(),
            private: self.private,
        }
    }
}

impl TryFrom<MadeRow> for Made {
    type Error = sqlx::Error;

    fn try_from(row: MadeRow) -> sqlx::Result<Self> {
        let (id, at, title, excerpt, messages, channel_id, requested_by, private, channels) = row;
        let damaged = |error: String| sqlx::Error::Decode(error.into());
        Ok(Self {
            id: id.parse().map_err(|error| damaged(format!("summaries.id: {error}")))?,
            at: Timestamp::from_millisecond(at)
                .map_err(|error| damaged(format!("summaries.created_ms: {error}")))?,
            title,
            excerpt,
            messages,
            channel_id,
            channels: several(channels.as_deref())?,
            requested_by,
            private,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Filter;
    use crate::testing::{ANNA, grounds, origin};

    #[tokio::test(flavor = "multi_thread")]
    async fn lists_know_all_channels_of_a_summary() {
        for ground in grounds().await {
            let one = origin("1", ANNA, false);
            let channels = vec!["7".to_owned(), "8".to_owned()];
            let several = Origin { channel_id: None, channels, ..one.clone() };
            for origin in [&one, &several] {
                ground.made(origin.clone()).await;
            }
            let made = ground.store.made_in("1", None, None, 10).await.expect("a list");
            let origins: Vec<Origin> = made.iter().map(|made| made.origin("1")).collect();
            assert_eq!(origins, [several.clone(), one.clone()], "{}", ground.name);
            let listed = ground.store.list(&Filter::default(), None, 10).await.expect("a list");
            let origins: Vec<Origin> = listed.iter().map(crate::store::Entry::origin).collect();
            assert_eq!(origins, [several, one], "{}", ground.name);
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn lists_of_a_channel_have_all_that_holds_something_of_it() {
        for ground in grounds().await {
            let one = origin("1", ANNA, false);
            let with = |home: Option<&str>, channels: [&str; 2]| Origin {
                channel_id: home.map(str::to_owned),
                channels: channels.map(str::to_owned).to_vec(),
                ..one.clone()
            };
            let (several, below) = (with(None, ["7", "8"]), with(Some("9"), ["9", "10"]));
            for origin in [&one, &several, &below] {
                ground.made(origin.clone()).await;
            }
            let home = one.channel_id.clone().expect("a channel");
            for (channel, expected) in [
                ("7", vec![&several]),
                ("8", vec![&several]),
                ("9", vec![&below]),
                ("10", vec![&below]),
                (&*home, vec![&one]),
                ("1", vec![]),
                ("%", vec![]),
            ] {
                let filter = Filter { channel_id: Some(channel.to_owned()), ..Filter::default() };
                let listed = ground.store.list(&filter, None, 10).await.expect("a list");
                let origins: Vec<Origin> = listed.iter().map(crate::store::Entry::origin).collect();
                assert_eq!(origins.iter().collect::<Vec<_>>(), expected, "{} {channel}", ground.name);
            }
        }
    }
}
