//! What models did and cost.

use groundcrew::sql::statement;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use super::Store;

/// What models did in a period: a line for each day and model, and all of them together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Usage {
    pub(crate) days: Vec<UsageLine>,
    pub(crate) total: UsageTotal,
}

/// What a model did on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct UsageLine {
    /// `YYYY-MM-DD`, in UTC.
    pub(crate) day: String,
    /// As the configuration calls it.
    pub(crate) model: String,
    #[serde(flatten)]
    pub(crate) total: UsageTotal,
}

/// What it came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct UsageTotal {
    /// Summaries that a model wrote.
    pub(crate) summaries: i64,
    /// Summaries whose answer was there already.
    pub(crate) kept: i64,
    /// Summaries that a model could not write.
    pub(crate) failed: i64,
    pub(crate) requests: i64,
    pub(crate) input_tokens: i64,
    pub(crate) output_tokens: i64,
    pub(crate) cost_microdollars: i64,
}

type Row = (String, String, i64, i64, i64, i64, i64, i64, i64);

const USAGE: &str = "SELECT day, model, \
     CAST(COUNT(CASE WHEN outcome = 'written' THEN 1 END) AS BIGINT), \
     CAST(COUNT(CASE WHEN outcome = 'kept' THEN 1 END) AS BIGINT), \
     CAST(COUNT(CASE WHEN outcome = 'failed' THEN 1 END) AS BIGINT), \
     CAST(SUM(requests) AS BIGINT), CAST(SUM(input_tokens) AS BIGINT), CAST(SUM(output_tokens) AS BIGINT), \
     CAST(SUM(cost) AS BIGINT) FROM model_usage WHERE day >= $1 AND day <= $2 \
     AND ($3 IS NULL OR guild_id = $3) GROUP BY day, model ORDER BY day, model";
const SPENT: &str = "SELECT CAST(COALESCE(SUM(input_tokens + output_tokens), 0) AS BIGINT), \
     CAST(COALESCE(SUM(cost), 0) AS BIGINT) FROM model_usage WHERE guild_id = $1 AND at_ms >= $2";

// === impl Store ===

impl Store {
    /// What models did from one day to another, both included, in a server or everywhere.
    pub(crate) async fn usage(&self, guild: Option<&str>, from: Date, to: Date) -> sqlx::Result<Usage> {
        let select = statement(USAGE).bind(from.to_string()).bind(to.to_string()).bind(guild).timed("usage");
        let rows: Vec<Row> = select.fetch_all(self.0.read()).await?;
        let mut usage = Usage::default();
        for (day, model, summaries, kept, failed, requests, input_tokens, output_tokens, cost_microdollars) in
            rows
        {
            let total = UsageTotal {
                summaries,
                kept,
                failed,
                requests,
                input_tokens,
                output_tokens,
                cost_microdollars,
            };
            usage.total.add(total);
            usage.days.push(UsageLine { day, model, total });
        }
        Ok(usage)
    }

    /// Tokens, and millionths of a dollar, that went into a server's summaries since then.
    pub(crate) async fn spent(&self, guild: &str, since: Timestamp) -> sqlx::Result<(i64, i64)> {
        let select = statement(SPENT).bind(guild).bind(since.as_millisecond()).timed("spent");
        select.fetch_one(self.0.read()).await
    }
}

// === impl UsageTotal ===

impl UsageTotal {
    fn add(&mut self, more: Self) {
        self.summaries += more.summaries;
        self.kept += more.kept;
        self.failed += more.failed;
        self.requests += more.requests;
        self.input_tokens += more.input_tokens;
        self.output_tokens += more.output_tokens;
        self.cost_microdollars += more.cost_microdollars;
    }
}
