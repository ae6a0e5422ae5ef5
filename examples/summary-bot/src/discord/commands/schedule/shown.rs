//! Schedules, as they are shown.

use jiff::Timestamp;

use super::Reply;
use crate::discord::render::{cut, escaped};
use crate::discord::reply::{Embed, Field};
use crate::plans::{Destination, Schedule};

pub(super) fn name(schedule: &Schedule) -> String {
    escaped(&schedule.plan.name)
}

/// One, after a word about what was done.
pub(super) fn one(done: &str, schedule: &Schedule, now: Timestamp) -> Reply {
    Reply::text(cut(&format!("{done}**{}**\n{}", name(schedule), lines(schedule, now)), 2000))
}

pub(super) fn all(schedules: &[Schedule], more: bool, now: Timestamp) -> Reply {
    if schedules.is_empty() {
        return Reply::text("This server has no schedules. `/schedule create` makes one.");
    }
    let field = |schedule: &Schedule| Field {
        name: cut(&name(schedule), 256),
        // 25 of them with their names stay within what one message may hold.
        value: cut(&lines(schedule, now), 200),
        inline: false,
    };
    Reply::embed(Embed {
        title: Some("Schedules of this server".to_owned()),
        fields: schedules.iter().map(field).collect(),
        footer: more.then(|| "There are more; the API lists all of them.".to_owned()),
        ..Embed::default()
    })
}

fn lines(schedule: &Schedule, now: Timestamp) -> String {
    let (brief, plan, standing) = (&schedule.job.brief, &schedule.plan, &schedule.standing);
    let channels: Vec<String> = brief.channels.iter().map(|id| format!("<#{id}>")).collect();
    let receivers: Vec<String> = brief.destinations.iter().map(receiver).collect();
    let when = match (plan.paused, plan.next_times(now, 1).first()) {
        (true, _) => format!("paused: {}", plan.paused_because.as_deref().unwrap_or_default()),
        (false, Some(next)) => format!("{}, next <t:{}:f>", brief.timing.kind.name(), next.as_second()),
        (false, None) => "over".to_owned(),
    };
    let error = standing.error.as_deref().map(|error| format!("\n⚠ {}", escaped(error))).unwrap_or_default();
    format!("{when}\n{} → {}{error}", channels.join(" "), receivers.join(", "))
}

fn receiver(destination: &Destination) -> String {
    match destination {
        Destination::Channel(id) => format!("<#{id}>"),
        Destination::Webhook(_) | Destination::WebhookUrl(_) => "a webhook".to_owned(),
        Destination::Email(address) => escaped(address),
    }
}
