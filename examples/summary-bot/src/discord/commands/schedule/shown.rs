//! Schedules, as they are shown.

use jiff::Timestamp;

use super::Reply;
use crate::discord::render::{CONTENT, EMBED, FIELD_VALUE, cut, escaped, units};
use crate::discord::reply::{Embed, Field};
use crate::plans::{Destination, Schedule};

/// So much of a name is shown in a list.
const NAME: usize = 100;

pub(super) fn name(schedule: &Schedule) -> String {
    escaped(&schedule.plan.name)
}

/// One, after a word about what was done.
pub(super) fn one(done: &str, schedule: &Schedule, now: Timestamp) -> Reply {
    Reply::text(cut(&format!("{done}**{}**\n{}", name(schedule), lines(schedule, now)), CONTENT))
}

pub(super) fn all(schedules: &[Schedule], more: bool, now: Timestamp) -> Reply {
    if schedules.is_empty() {
        return Reply::text("This server has no schedules. `/schedule create` makes one.");
    }
    let shown: Vec<(String, String)> =
        schedules.iter().map(|schedule| (name(schedule), lines(schedule, now))).collect();
    Reply::embed(framed(&shown, more))
}

/// Names, and what there is to say of each: what one embed may hold is shared among them.
fn framed(shown: &[(String, String)], more: bool) -> Embed {
    let title = "Schedules of this server".to_owned();
    let footer = more.then(|| "There are more; the API lists all of them.".to_owned());
    let room = EMBED - units(&title) - footer.as_deref().map_or(0, units);
    let each = room / shown.len().max(1);
    let field = |(name, lines): &(String, String)| {
        let name = cut(name, NAME);
        let value = cut(lines, FIELD_VALUE.min(each.saturating_sub(units(&name))));
        Field { name, value, inline: false }
    };
    Embed { title: Some(title), fields: shown.iter().map(field).collect(), footer, ..Embed::default() }
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

#[cfg(test)]
mod tests {
    use super::super::MOST;
    use super::*;

    fn long() -> (String, String) {
        ("🦀".repeat(100), "paused: it failed 5 times in a row; ".repeat(100))
    }

    #[test]
    fn as_many_schedules_as_are_listed_fit_into_one_embed() {
        let shown = vec![long(); MOST.into()];
        let embed = framed(&shown, true);
        assert_eq!(embed.fields.len(), shown.len());
        let fields: usize = embed.fields.iter().map(|field| units(&field.name) + units(&field.value)).sum();
        let around = [embed.title, embed.footer].into_iter().flatten().map(|text| units(&text));
        let all = fields + around.sum::<usize>();
        assert!(all <= 6000, "{all}");
    }

    #[test]
    fn one_schedule_alone_has_all_the_room_of_a_field() {
        let embed = framed(&[long()], false);
        let field = embed.fields.first().expect("a field");
        assert!(units(&field.value) > 1000 && units(&field.value) <= 1024, "{}", units(&field.value));
    }
}
