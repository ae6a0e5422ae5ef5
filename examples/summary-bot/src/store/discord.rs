//! What is remembered about Discord.

use groundcrew::jobs::{PlanError, PlanId, Timetable};
use groundcrew::sql::statement;
use uuid::Uuid;

use super::{NewRow, Store, refused};
use crate::discord::Answer;
use crate::document::Document;

/// An interaction that is not answered yet, or not to the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Open {
    pub(crate) received_ms: i64,
    /// The interaction as JSON.
    pub(crate) body: String,
    /// The summaries that were made for it already, none where something else was done; `None` while nothing is done.
    pub(crate) summaries: Option<Vec<Uuid>>,
    /// How many replies were sent after the first.
    pub(crate) said: usize,
}

/// Sessions that were begun lately.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Begun {
    pub(crate) count: i64,
    pub(crate) last_ms: Option<i64>,
}

const TAKE: &str = "INSERT INTO discord_interactions (id, received_ms, body) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING";
const OPEN: &str =
    "SELECT received_ms, body, summaries, said FROM discord_interactions WHERE id = $1 AND body IS NOT NULL";
const SUMMARISE: &str = "UPDATE discord_interactions SET summaries = $1 WHERE id = $2 AND summaries IS NULL";
const SAID: &str = "UPDATE discord_interactions SET said = $1 WHERE id = $2";
const CLOSE: &str = "UPDATE discord_interactions SET body = NULL WHERE id = $1";
const FORGET: &str = "DELETE FROM discord_interactions WHERE received_ms < $1";
const BEGIN: &str = "INSERT INTO discord_sessions (epoch, begun_ms) VALUES ($1, $2)";
const BEGUN: &str = "SELECT COUNT(*), MAX(begun_ms) FROM discord_sessions WHERE begun_ms > $1";
const FORGET_BEGUN: &str = "DELETE FROM discord_sessions WHERE begun_ms < $1";
const TOLD: &str = "SELECT told FROM discord_told WHERE about = $1";
const TELL: &str =
    "INSERT INTO discord_told (about, told) VALUES ($1, $2) ON CONFLICT (about) DO UPDATE SET told = $2";

// === impl Store ===

impl Store {
    /// Keeps an interaction and enqueues the job that answers it, both or neither. `false` if it is known already.
    pub(crate) async fn take_interaction(
        &self,
        id: &str,
        received_ms: i64,
        body: &str,
    ) -> sqlx::Result<bool> {
        let job = Answer { interaction: id.to_owned() };
        let take = async {
            let mut transaction = self.0.begin().await?;
            let take = statement(TAKE).bind(id).bind(received_ms).bind(body);
            let is_new = take.execute(&mut transaction).await? > 0;
            if is_new {
                self.1.enqueue_in(&mut transaction, &job).await.map_err(refused)?;
            }
            transaction.commit().await?;
            Ok(is_new)
        };
        self.0.write().timed("take_interaction", take).await
    }

    /// An interaction that waits for its answer; `None` when it has it.
    pub(crate) async fn open_interaction(&self, id: &str) -> sqlx::Result<Option<Open>> {
        type Row = (i64, String, Option<String>, i64);
        let select = statement(OPEN).bind(id).timed("select_interaction");
        let row: Option<Row> = select.fetch_optional(self.0.read()).await?;
        Ok(row.map(|(received_ms, body, summaries, said)| Open {
            received_ms,
            body,
            summaries: summaries.map(|ids| ids.split(' ').filter_map(|id| id.parse().ok()).collect()),
            said: usize::try_from(said).unwrap_or(0),
        }))
    }

    /// Stores the summaries that were made for an interaction, unless there are some already: then those are the answer.
    pub(crate) async fn keep_for_interaction(&self, id: &str, documents: &[Document]) -> sqlx::Result<bool> {
        let ids: Vec<String> = documents.iter().map(|document| document.id.to_string()).collect();
        let ids = ids.join(" ");
        let (mut rows, mut news) = (Vec::with_capacity(documents.len()), Vec::new());
        for document in documents {
            news.extend(self.created(document).await?);
            let json = serde_json::to_string(document).map_err(|error| sqlx::Error::Encode(error.into()))?;
            rows.push(NewRow::of(document, json));
        }
        let keep = async {
            let mut transaction = self.0.begin().await?;
            if statement(SUMMARISE).bind(ids).bind(id).execute(&mut transaction).await? == 0 {
                return Ok(false);
            }
            for row in rows {
                row.insert(&mut transaction).await?;
            }
            for announce in news {
                self.1.enqueue_in(&mut transaction, &announce).await.map_err(refused)?;
            }
            transaction.commit().await?;
            Ok(true)
        };
        self.0.write().timed("keep_for_interaction", keep).await
    }

    /// Enqueues a run of a plan for an interaction, once. `false` if that was done already.
    pub(crate) async fn run_for_interaction(
        &self,
        timetable: &Timetable,
        plan: PlanId,
        id: &str,
    ) -> Result<bool, PlanError> {
        let mut transaction = self.0.begin().await?;
        if statement(SUMMARISE).bind("").bind(id).execute(&mut transaction).await? == 0 {
            return Ok(false);
        }
        timetable.run_now_in(&mut transaction, plan).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Remembers how many replies followed the first.
    pub(crate) async fn said(&self, id: &str, replies: usize) -> sqlx::Result<()> {
        let replies = i64::try_from(replies).unwrap_or(i64::MAX);
        let update = statement(SAID).bind(replies).bind(id).timed("mark_interaction");
        update.execute(self.0.write()).await.map(drop)
    }

    /// The interaction is answered: what was said, and its token, go. Its id stays for a while, so that it is not
    /// answered again.
    pub(crate) async fn close_interaction(&self, id: &str) -> sqlx::Result<()> {
        statement(CLOSE).bind(id).timed("close_interaction").execute(self.0.write()).await.map(drop)
    }

    /// Lets go of interactions that were received before.
    pub(crate) async fn forget_interactions(&self, before_ms: i64) -> sqlx::Result<()> {
        let delete = statement(FORGET).bind(before_ms).timed("forget_interactions");
        delete.execute(self.0.write()).await.map(drop)
    }

    /// Remembers that a session is begun now.
    pub(crate) async fn begin_session(&self, epoch: u64, now_ms: i64) -> sqlx::Result<()> {
        let epoch = i64::try_from(epoch).unwrap_or(i64::MAX);
        let insert = statement(BEGIN).bind(epoch).bind(now_ms).timed("begin_session");
        insert.execute(self.0.write()).await.map(drop)
    }

    /// How many sessions were begun since, and when the last one.
    pub(crate) async fn sessions_begun(&self, since_ms: i64) -> sqlx::Result<Begun> {
        let select = statement(BEGUN).bind(since_ms).timed("select_sessions");
        let (count, last_ms) = select.fetch_one(self.0.read()).await?;
        Ok(Begun { count, last_ms })
    }

    /// Lets go of what was begun before.
    pub(crate) async fn forget_sessions(&self, before_ms: i64) -> sqlx::Result<()> {
        let delete = statement(FORGET_BEGUN).bind(before_ms).timed("forget_sessions");
        delete.execute(self.0.write()).await.map(drop)
    }

    /// What Discord was told about something.
    pub(crate) async fn told(&self, about: &str) -> sqlx::Result<Option<String>> {
        statement(TOLD).bind(about).timed("select_told").scalar().fetch_optional(self.0.read()).await
    }

    /// Remembers what Discord was told.
    pub(crate) async fn tell(&self, about: &str, told: &str) -> sqlx::Result<()> {
        let insert = statement(TELL).bind(about).bind(told).timed("insert_told");
        insert.execute(self.0.write()).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use groundcrew::sql::statement;
    use uuid::Uuid;

    use crate::testing::{ANNA, document, grounds, origin};

    #[tokio::test]
    async fn an_interaction_is_taken_once_and_forgotten_with_its_answer() {
        for ground in grounds().await {
            let (store, name) = (&ground.store, ground.name);
            assert!(store.take_interaction("1", 5, "{}").await.expect("taken"), "{name}");
            assert!(!store.take_interaction("1", 6, "{}").await.expect("known"), "{name}");
            let open = store.open_interaction("1").await.expect("read").expect("open");
            assert_eq!((open.received_ms, open.body.as_str(), open.said), (5, "{}", 0), "{name}");
            store.said("1", 2).await.expect("noted");
            assert_eq!(store.open_interaction("1").await.expect("read").expect("open").said, 2, "{name}");
            store.close_interaction("1").await.expect("closed");
            assert_eq!(store.open_interaction("1").await.expect("read"), None, "{name}");
            assert!(!store.take_interaction("1", 7, "{}").await.expect("still known"), "{name}");
            store.forget_interactions(6).await.expect("forgotten");
            assert!(store.take_interaction("1", 8, "{}").await.expect("taken"), "{name}");
        }
    }

    #[tokio::test]
    async fn the_summaries_of_an_interaction_are_those_of_the_first_who_made_some() {
        for ground in grounds().await {
            let (store, name) = (&ground.store, ground.name);
            let made = || {
                let mut document = document(origin("1", ANNA, false));
                document.id = Uuid::now_v7();
                document
            };
            let (first, second) = ([made(), made()], [made()]);
            assert!(store.take_interaction("1", 5, "{}").await.expect("taken"), "{name}");
            assert!(store.keep_for_interaction("1", &first).await.expect("kept"), "{name}");
            assert!(!store.keep_for_interaction("1", &second).await.expect("not kept"), "{name}");
            let open = store.open_interaction("1").await.expect("read").expect("open");
            assert_eq!(open.summaries, Some(vec![first[0].id, first[1].id]), "{name}");
            assert!(store.get(first[1].id).await.expect("read").is_some(), "{name}");
            assert!(store.get(second[0].id).await.expect("read").is_none(), "{name}");
        }
    }

    #[tokio::test]
    async fn for_an_interaction_a_plan_is_run_once() {
        const RUNS: &str = "SELECT COUNT(*) FROM groundcrew_jobs WHERE name = 'summarize_channels'";
        for ground in grounds().await {
            let (store, plans, name) = (&ground.store, &ground.plans, ground.name);
            let brief = serde_json::json!({
                "name": "the day", "guild_id": "300000000000000001", "channels": ["200000000000000001"],
                "timing": {"kind": "daily"}, "destinations": [{"channel": "200000000000000002"}],
            });
            let brief = serde_json::from_value(brief).expect("a brief");
            let plan = plans.create(brief, None, None).await.expect("a schedule").plan.id;
            assert!(store.take_interaction("1", 5, "{}").await.expect("taken"), "{name}");
            assert!(plans.run_for(plan, "1").await.expect("run"), "{name}");
            assert!(!plans.run_for(plan, "1").await.expect("run before"), "{name}");
            let open = store.open_interaction("1").await.expect("read").expect("open");
            assert_eq!(open.summaries, Some(Vec::new()), "{name}");
            let runs: i64 =
                statement(RUNS).scalar().fetch_one(ground.database.read()).await.expect("a count");
            assert_eq!(runs, 1, "{name}");
        }
    }

    #[tokio::test]
    async fn sessions_are_counted_until_they_are_old() {
        for ground in grounds().await {
            let store = &ground.store;
            for at in [10, 20, 30] {
                store.begin_session(1, at).await.expect("begun");
            }
            let begun = store.sessions_begun(10).await.expect("counted");
            assert_eq!((begun.count, begun.last_ms), (2, Some(30)), "{}", ground.name);
            store.forget_sessions(30).await.expect("forgotten");
            assert_eq!(store.sessions_begun(0).await.expect("counted").count, 1, "{}", ground.name);
            assert_eq!(store.sessions_begun(30).await.expect("counted").last_ms, None, "{}", ground.name);
        }
    }

    #[tokio::test]
    async fn what_discord_was_told_last_counts() {
        for ground in grounds().await {
            let store = &ground.store;
            assert_eq!(store.told("commands").await.expect("read"), None, "{}", ground.name);
            for told in ["one", "two"] {
                store.tell("commands", told).await.expect("kept");
                assert_eq!(
                    store.told("commands").await.expect("read").as_deref(),
                    Some(told),
                    "{}",
                    ground.name
                );
            }
        }
    }
}
