//! `/schedule`: summaries that come again and again.

mod asked;
mod complete;
mod shown;

use groundcrew::http::Problem;
use groundcrew::jobs::PlanId;
use jiff::Timestamp;

use super::{
    Acknowledgement, Answering, Command, Completing, Definition, Front, Interaction, Reply, Task, guild_of,
    invalid,
};
use crate::auth::Deed;
use crate::discord::access::Level;
use crate::discord::definition::{Opt, POSTABLE, READABLE_OR_CATEGORY};
use crate::plans::{Destination, Every};

/// `/schedule`.
pub(super) struct Schedule;

/// How many schedules one answer shows.
const MOST: u16 = 25;

// === impl Schedule ===

impl Command for Schedule {
    fn name(&self) -> &'static str {
        "schedule"
    }

    fn definition(&self) -> Option<Definition> {
        let name = || Opt::text("name", "Which schedule").at_most(100).required().completed();
        let definition = Definition::slash("schedule", "Summaries that come by themselves")
            .option(Opt::subcommand("list", "The schedules of this server"))
            .option(create())
            .option(Opt::subcommand("delete", "Take a schedule away; its summaries stay").option(name()))
            .option(Opt::subcommand("pause", "Let a schedule wait").option(name()))
            .option(Opt::subcommand("resume", "Let a schedule come again").option(name()))
            .option(Opt::subcommand("run-now", "Have its summary now, too").option(name()));
        Some(definition)
    }

    fn level(&self, interaction: &Interaction) -> Level {
        match interaction.subcommand() {
            Some("list") => Deed::SeeSchedules.level(),
            Some("run-now") => Deed::RunSchedules.level(),
            _ => Deed::ChangeSchedules.level(),
        }
    }

    fn acknowledge(&self, _interaction: &Interaction) -> Acknowledgement {
        Acknowledgement::Think { private: true }
    }

    fn run<'a>(&'a self, front: &'a Front, task: &'a Task) -> Answering<'a> {
        Box::pin(async move { Ok(answer(front, task).await?.private().into()) })
    }

    fn complete<'a>(&'a self, front: &'a Front, interaction: &'a Interaction) -> Completing<'a> {
        Box::pin(async move { complete::possible(front, interaction).await })
    }
}

fn create() -> Opt {
    let kinds = Every::ALL.map(Every::name);
    let channel = |name, description| Opt::channel(name, description, READABLE_OR_CATEGORY);
    Opt::subcommand("create", "Make a schedule")
        .option(Opt::text("name", "What to call it").at_most(100).required())
        .option(Opt::text("every", "How often").one_of(&kinds).required())
        .option(
            Opt::text("at", "When: 09:00; for hourly the minute as 00:15; for once 2026-04-01T09:00")
                .at_most(40),
        )
        .option(Opt::text("days", "Days of the week: mon, thu").at_most(60))
        .option(Opt::text("day", "Day of the month for monthly: 1 to 28, or last").at_most(4))
        .option(Opt::text("cron", "For cron: five fields, such as 0 9 * * 1-5").at_most(100))
        .option(
            Opt::text("zone", "Time zone, such as Europe/Berlin; the server's by default")
                .at_most(60)
                .completed(),
        )
        .option(channel("channel", "What to summarise; this channel by default"))
        .option(channel("channel2", "And this one"))
        .option(channel("channel3", "And this one"))
        .option(
            Opt::text("period", "How far to look back: 24h, 7d; by default to the time before").at_most(20),
        )
        .option(Opt::text("length", "How long").one_of(&["brief", "detailed", "comprehensive"]))
        .option(
            Opt::text("perspective", "Whose interests weigh more")
                .one_of(&crate::Perspective::ALL.map(|(name, _)| name)),
        )
        .option(
            Opt::text("mode", "One summary of all channels, or one of each")
                .one_of(&["combined", "individual"]),
        )
        .option(Opt::channel("post_to", "Where it goes; this channel by default", POSTABLE))
        .option(Opt::text("email", "A mail address to send it to").at_most(200))
        .option(Opt::text("webhook", "The URL of a webhook to send it to").at_most(500))
        .option(
            Opt::text("missed", "If I was away at the time: once later, or skip").one_of(&["once", "skip"]),
        )
}

async fn answer(front: &Front, task: &Task) -> Result<Reply, Problem> {
    let interaction = &task.interaction;
    let (guild, plans, now) = (guild_of(interaction)?, &front.plans, Timestamp::now());
    let found = async || {
        let name = interaction.text("name").unwrap_or_default();
        plans.find(guild, name).await
    };
    match interaction.subcommand() {
        Some("create") => {
            let zone = front.settings.effective(guild).await?.time_zone();
            let brief = asked::brief(interaction, guild, zone.iana_name())?;
            let reader = front.reader(interaction);
            for destination in &brief.destinations {
                if let Destination::Channel(channel) = destination {
                    reader.post_in(guild, channel).await?;
                }
            }
            let by = interaction.user.id.clone();
            let id = asked::id(interaction);
            let made = plans.create_as(id, brief, Some(by.clone()), Some(by)).await?;
            Ok(shown::one("Made: ", &made, now))
        }
        Some("delete") => {
            let schedule = found().await?;
            plans.delete(schedule.plan.id).await?;
            Ok(Reply::text(format!("“{}” is gone; its summaries stay.", shown::name(&schedule))))
        }
        Some("pause") => {
            let schedule = found().await?;
            let by = format!("by <@{}>", interaction.user.id);
            Ok(shown::one("Paused: ", &plans.pause(schedule.plan.id, &by).await?, now))
        }
        Some("resume") => {
            let schedule = found().await?;
            Ok(shown::one("It comes again: ", &plans.resume(schedule.plan.id).await?, now))
        }
        Some("run-now") => {
            let schedule = found().await?;
            run_now(front, task, schedule.plan.id).await?;
            Ok(Reply::text(format!(
                "“{}” is run now; its next time stays what it is.",
                shown::name(&schedule)
            )))
        }
        Some("list") => {
            let (schedules, more) = plans.list(Some(guild), None, MOST).await?;
            Ok(shown::all(&schedules, more.is_some(), now))
        }
        _ => Err(invalid("there is no such subcommand")),
    }
}

/// One run each time that somebody asks, however often it takes to tell them.
async fn run_now(front: &Front, task: &Task, id: PlanId) -> Result<(), Problem> {
    if task.is_done().await? {
        return Ok(());
    }
    let interaction = &task.interaction;
    front.quotas.take(&interaction.user.id, interaction.guild_id.as_deref()).await?;
    if front.config.answer_once {
        return front.plans.run_for(id, &interaction.id).await.map(drop);
    }
    // Without it nothing is stored under the interaction's own id.
    front.plans.run_now(id).await.map(drop)
}
