//! What may be spent: money is set aside before a model is asked, and what it cost is booked when it has answered.

use std::pin::Pin;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use uuid::Uuid;

use super::config::{BudgetConfig, Fallback};
use super::model;
use super::price::{Price, dollars, micros};
use super::say::Failure;
use crate::discord::costs::{Costs, Spending, Spent};
use crate::settings::Settings;
use crate::store::{Covered, Limit, Outlay, Store};
use crate::workshop::storage_problem;

/// The budgets. Clones share them, and so do all replicas.
#[derive(Debug, Clone)]
pub(crate) struct Purse {
    store: Store,
    settings: Settings,
    config: BudgetConfig,
}

/// Money that is set aside, or at least a place where to book what is spent.
#[derive(Debug, Clone)]
pub(crate) struct Reserved {
    id: Uuid,
    day: String,
    guild: Option<String>,
    model: String,
}

/// What a model did, and how it ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bill {
    pub(crate) outcome: &'static str,
    pub(crate) requests: u64,
    pub(crate) input: u64,
    pub(crate) output: u64,
    pub(crate) cost: u64,
}

/// How much longer than the answer may take money is set aside.
const GRACE: Duration = Duration::from_secs(60);

// === impl Purse ===

impl Purse {
    pub(crate) fn new(store: Store, settings: Settings, config: BudgetConfig) -> Self {
        Self { store, settings, config }
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    pub(crate) fn when_spent(&self) -> Fallback {
        self.config.when_spent
    }

    /// Sets `amount` millionths of a dollar aside for an answer that comes `within` this time.
    ///
    /// A database that does not answer covers nothing.
    pub(crate) async fn reserve(
        &self,
        guild: Option<&str>,
        model: &str,
        amount: u64,
        within: Duration,
    ) -> Result<Reserved, Failure> {
        let (id, now) = (Uuid::now_v7(), Timestamp::now());
        let day = now.to_zoned(TimeZone::UTC).date().to_string();
        let reserved = Reserved { id, day, guild: guild.map(str::to_owned), model: model.to_owned() };
        if amount == 0 {
            return Ok(reserved);
        }
        let away = |()| Failure::Unavailable("the database that keeps the budget does not answer".to_owned());
        let limits = self.limits(guild).await.map_err(away)?;
        if limits.is_empty() {
            return Ok(reserved);
        }
        let within = i64::try_from((within + GRACE).as_millis()).unwrap_or(i64::MAX / 2);
        let expires = now.as_millisecond().saturating_add(within);
        match self.store.set_aside(id, &reserved.day, amount, &limits, expires).await {
            Ok(Covered::Yes) => Ok(reserved),
            Ok(Covered::No { scope, taken }) => Err(refusal(&scope, taken, amount, &limits)),
            Err(error) => {
                tracing::error!(%error, "money for a model could not be set aside");
                Err(away(()))
            }
        }
    }

    /// Books what was spent. That a summary is not booked is no reason to lose it.
    pub(crate) async fn book(&self, reserved: Reserved, bill: Bill) {
        let Reserved { id, day, guild, model } = reserved;
        let Bill { outcome, requests, input, output, cost } = bill;
        let outlay = Outlay { id, day, guild, model, outcome, requests, input, output, cost };
        if let Err(error) = self.store.book(&outlay).await {
            tracing::error!(%error, model.name = outlay.model, model.cost = cost, "what a model cost is not booked");
        }
    }

    /// Everybody's limit first: the order is the same for all.
    async fn limits(&self, guild: Option<&str>) -> Result<Vec<Limit>, ()> {
        let mut limits = Vec::new();
        if let Some(daily) = self.config.daily {
            limits.push(Limit { scope: crate::store::ALL.to_owned(), amount: micros(daily) });
        }
        if let Some(guild) = guild {
            let own = self.settings.effective(guild).await.map_err(drop)?.daily_budget();
            if let Some(daily) = own.or(self.config.guild_daily) {
                limits.push(Limit { scope: crate::store::of_guild(guild), amount: micros(daily) });
            }
        }
        Ok(limits)
    }
}

// === impl Bill ===

impl Bill {
    /// For an answer that was there already.
    pub(crate) const KEPT: Self = Self { outcome: "kept", requests: 0, input: 0, output: 0, cost: 0 };

    pub(crate) fn of(outcome: &'static str, spent: model::Spent, price: Price) -> Self {
        let model::Spent { requests, input, output, .. } = spent;
        Self { outcome, requests, input, output, cost: price.cost(input, output) }
    }
}

fn refusal(scope: &str, taken: u64, amount: u64, limits: &[Limit]) -> Failure {
    let limit = limits.iter().find(|limit| limit.scope == scope).map_or(0, |limit| limit.amount);
    let whose = if scope == crate::store::ALL { "all servers together" } else { "this server" };
    Failure::BudgetSpent(format!(
        "the budget of {whose} for today (UTC) is {}, of which {} is spent or set aside, and this summary may cost {}",
        dollars(limit),
        dollars(taken),
        dollars(amount)
    ))
}

impl Costs for Purse {
    fn spent<'a>(&'a self, guild: &'a str, since: Timestamp) -> Spending<'a> {
        let spent = async move {
            let (tokens, cost) =
                self.store.spent(guild, since).await.map_err(|error| storage_problem(&error))?;
            let tokens = u64::try_from(tokens).unwrap_or(0);
            Ok((tokens > 0).then(|| Spent { tokens, cost: cost as f64 / 1e6, currency: "USD".to_owned() }))
        };
        Pin::from(Box::new(spent))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use groundcrew::Crew;
    use groundcrew::cache::CacheConfig;
    use groundcrew::jobs::{Jobs, JobsConfig};
    use groundcrew::sql::SqlConfig;

    use super::*;
    use crate::GuildConfig;
    use crate::store::MIGRATIONS;

    const MINUTE: Duration = Duration::from_secs(60);

    /// A replica of its own on this database.
    async fn replica(url: &str, budget: BudgetConfig) -> Purse {
        let crew = Crew::builder("summary-bot", "1.0.0").in_kubernetes(false).build();
        let database = SqlConfig::of(url).connect(&crew).await.expect("a database");
        database.migrate(&crew, MIGRATIONS).await.expect("tables");
        let jobs: Jobs<()> = JobsConfig::default().connect(&crew, &database).await.expect("jobs");
        let store = Store::new(database, jobs.publisher());
        let cache = CacheConfig::default().named("guilds").build(&crew).expect("a cache");
        let own = Some(groundcrew::config::Sourced::new(0.001, groundcrew::config::Origin::Set));
        let own = GuildConfig { daily_budget: own, ..GuildConfig::default() };
        let guilds = BTreeMap::from([("7".to_owned(), own)]);
        let settings = Settings::new(store.clone(), cache, GuildConfig::default(), guilds);
        Purse::new(store, settings.with_guild_daily(budget.guild_daily), budget)
    }

    fn budget(daily: Option<f64>, guild_daily: Option<f64>) -> BudgetConfig {
        BudgetConfig { daily, guild_daily, ..BudgetConfig::default() }
    }

    fn bill(cost: u64) -> Bill {
        Bill { outcome: "written", requests: 1, input: 10, output: 5, cost }
    }

    /// Two replicas, forty askers, room for ten: of each other they know only what the database says.
    async fn ten_of_forty(url: &str) {
        let replicas =
            [replica(url, budget(Some(0.01), None)).await, replica(url, budget(Some(0.01), None)).await];
        let mut askers = tokio::task::JoinSet::new();
        for number in 0..40 {
            let purse = replicas[number % 2].clone();
            askers.spawn(async move { purse.reserve(None, "main", 1000, MINUTE).await });
        }
        let reserved: Vec<_> = askers.join_all().await.into_iter().filter_map(Result::ok).collect();
        assert_eq!(reserved.len(), 10);
        // What was not spent is there again.
        for reserved in reserved {
            replicas[0].book(reserved, bill(500)).await;
        }
        let mut more = 0;
        while replicas[1].reserve(None, "main", 1000, MINUTE).await.is_ok() {
            more += 1;
        }
        assert_eq!(more, 5);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn replicas_together_set_no_more_aside_than_there_is() {
        let folder = tempfile::TempDir::new().expect("a folder");
        ten_of_forty(&format!("sqlite:{}", folder.path().join("bot.db").display())).await;
    }

    #[cfg(unix)]
    #[tokio::test(flavor = "multi_thread")]
    async fn so_do_replicas_on_postgres() {
        let postgres = groundcrew_testkit::postgres::Postgres::start().await.expect("a server");
        let database = postgres.database().await.expect("a database");
        ten_of_forty(database.url()).await;
    }

    #[tokio::test]
    async fn each_server_has_its_own_budget_and_all_have_one_together() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let url = format!("sqlite:{}", folder.path().join("bot.db").display());
        let purse = replica(&url, budget(Some(0.005), Some(0.002))).await;
        let refused = async |guild, amount| match purse.reserve(guild, "main", amount, MINUTE).await {
            Ok(_) => None,
            Err(failure) => Some(failure.to_string()),
        };
        assert_eq!(refused(Some("7"), 1000).await, None);
        let words = refused(Some("7"), 1).await.expect("its own budget is 0.001");
        assert!(words.contains("this server") && words.contains("$0.0010"), "{words}");
        assert_eq!(refused(Some("8"), 2000).await, None);
        assert!(refused(Some("8"), 1).await.is_some_and(|words| words.contains("this server")));
        assert_eq!(refused(None, 2000).await, None);
        let words = refused(Some("9"), 1).await.expect("nothing is left for all together");
        assert!(words.contains("all servers together"), "{words}");
        assert_eq!(refused(Some("9"), 0).await, None, "what costs nothing needs no budget");
    }

    #[tokio::test]
    async fn what_a_process_left_behind_comes_back_when_it_expires() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let url = format!("sqlite:{}", folder.path().join("bot.db").display());
        let purse = replica(&url, budget(Some(0.001), None)).await;
        purse.reserve(None, "main", 1000, MINUTE).await.expect("there is enough");
        assert!(purse.reserve(None, "main", 1000, MINUTE).await.is_err());
        let database = sqlx::SqlitePool::connect(&url).await.expect("the file");
        sqlx::query("UPDATE model_reservations SET expires_ms = 1")
            .execute(&database)
            .await
            .expect("an update");
        database.close().await;
        purse.reserve(None, "main", 1000, MINUTE).await.expect("it has expired");
    }

    #[tokio::test]
    async fn usage_is_told_by_day_and_model_and_for_a_server() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let url = format!("sqlite:{}", folder.path().join("bot.db").display());
        let purse = replica(&url, BudgetConfig::default()).await;
        for (guild, model, bill) in [
            (Some("7"), "main", bill(500)),
            (Some("7"), "main", Bill::KEPT),
            (Some("7"), "spare", Bill { outcome: "failed", ..bill(20) }),
            (None, "main", bill(1000)),
        ] {
            let reserved = purse.reserve(guild, model, bill.cost, MINUTE).await.expect("no limit");
            purse.book(reserved, bill).await;
        }
        let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
        let yesterday = today.yesterday().expect("a day");
        let of_guild = purse.store.usage(Some("7"), yesterday, today).await.expect("usage");
        let lines: Vec<_> =
            of_guild.days.iter().map(|line| (line.model.as_str(), line.total.cost_microdollars)).collect();
        assert_eq!(lines, [("main", 500), ("spare", 20)]);
        let total = of_guild.total;
        assert_eq!((total.summaries, total.kept, total.failed, total.input_tokens), (1, 1, 1, 20));
        let all = purse.store.usage(None, today, today).await.expect("usage");
        assert_eq!(all.total.cost_microdollars, 1520);
        let before = purse.store.usage(None, yesterday, yesterday).await.expect("usage");
        assert_eq!(before, crate::store::Usage::default());
        let spent = purse.spent("7", Timestamp::UNIX_EPOCH).await.expect("costs").expect("some");
        assert_eq!((spent.tokens, spent.cost), (30, 0.00052));
    }
}
