//! What is possible, while somebody types.

use jiff::tz;

use super::{Front, Interaction};
use crate::discord::definition::Choice;
use crate::discord::interaction::Kind;

/// Discord shows so many.
const MOST: usize = 25;

pub(super) async fn possible(front: &Front, interaction: &Interaction) -> Vec<Choice> {
    let Kind::Completion { focused, typed, .. } = &interaction.kind else { return Vec::new() };
    match focused.as_str() {
        "zone" => zones(typed),
        "name" => names(front, interaction, typed).await,
        _ => Vec::new(),
    }
}

fn zones(typed: &str) -> Vec<Choice> {
    let typed = typed.trim().to_lowercase().replace(' ', "_");
    let database = tz::db();
    let zones = database.available().filter(|zone| zone.as_str().to_lowercase().contains(&typed));
    zones.take(MOST).map(|zone| Choice::of(zone.as_str())).collect()
}

async fn names(front: &Front, interaction: &Interaction, typed: &str) -> Vec<Choice> {
    let Some(guild) = interaction.guild_id.as_deref() else { return Vec::new() };
    let typed = typed.trim().to_lowercase();
    // Nobody waits for a database while they type.
    let Ok((schedules, _)) = front.plans.list(Some(guild), None, 100).await else { return Vec::new() };
    let names = schedules.into_iter().map(|schedule| schedule.plan.name);
    names
        .filter(|name| name.to_lowercase().contains(&typed))
        .take(MOST)
        .map(|name| Choice::of(&name))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_found_by_a_part_of_their_names() {
        let names = |typed: &str| zones(typed).into_iter().map(|zone| zone.name).collect::<Vec<_>>();
        assert_eq!(names("berl"), ["Europe/Berlin"]);
        assert_eq!(names("new york"), ["America/New_York"]);
        assert_eq!(names("").len(), MOST);
    }
}
