//! `/usage`: what was made in a server, and what it cost.

use jiff::{SignedDuration, Timestamp};

use super::{Acknowledgement, Answering, Command, Definition, Front, Interaction, Reply, Task, guild_of};
use crate::auth::Deed;
use crate::discord::access::Level;
use crate::discord::costs::Spent;
use crate::discord::reply::{Embed, Field};
use crate::store::Amount;
use crate::workshop::storage_problem;

/// `/usage`.
pub(super) struct Usage;

/// The periods that are shown, in days.
const PERIODS: [(&str, i64); 3] = [("The last day", 1), ("The last 7 days", 7), ("The last 30 days", 30)];

// === impl Usage ===

impl Command for Usage {
    fn name(&self) -> &'static str {
        "usage"
    }

    fn definition(&self) -> Option<Definition> {
        Some(Definition::slash("usage", "What was summarised in this server, and what it cost"))
    }

    fn level(&self, _interaction: &Interaction) -> Level {
        Deed::SeeUsage.level()
    }

    fn acknowledge(&self, _interaction: &Interaction) -> Acknowledgement {
        Acknowledgement::Think { private: true }
    }

    fn run<'a>(&'a self, front: &'a Front, task: &'a Task) -> Answering<'a> {
        Box::pin(async move {
            let guild = guild_of(&task.interaction)?;
            let now = Timestamp::now();
            let mut fields = Vec::new();
            for (name, days) in PERIODS {
                let since =
                    now.checked_sub(SignedDuration::from_hours(24 * days)).unwrap_or(Timestamp::UNIX_EPOCH);
                let amount =
                    front.store.amount(guild, since).await.map_err(|error| storage_problem(&error))?;
                let spent = front.costs.spent(guild, since).await?;
                fields.push(Field {
                    name: name.to_owned(),
                    value: words(amount, spent.as_ref()),
                    inline: true,
                });
            }
            let budget = front.settings.effective(guild).await?.daily_budget();
            let embed = Embed {
                title: Some("Usage of this server".to_owned()),
                fields,
                footer: budget.map(|budget| format!("A day may cost {budget:.2}.")),
                ..Embed::default()
            };
            Ok(Reply::embed(embed).private().into())
        })
    }
}

fn words(amount: Amount, spent: Option<&Spent>) -> String {
    let Amount { summaries, messages } = amount;
    let made = format!("{summaries} summaries\nof {messages} messages");
    match spent {
        Some(Spent { tokens, cost, currency }) => format!("{made}\n{tokens} tokens\n{cost:.4} {currency}"),
        None => made,
    }
}
