//! What somebody may do in a channel, worked out as Discord does it.

use super::atlas::kind;
use super::rest::{Guild, Overwrite};

pub(crate) const ADMINISTRATOR: u64 = 1 << 3;
pub(crate) const VIEW_CHANNEL: u64 = 1 << 10;
pub(crate) const SEND_MESSAGES: u64 = 1 << 11;
pub(crate) const READ_MESSAGE_HISTORY: u64 = 1 << 16;
pub(crate) const CONNECT: u64 = 1 << 20;
pub(crate) const MANAGE_THREADS: u64 = 1 << 34;
pub(crate) const SEND_MESSAGES_IN_THREADS: u64 = 1 << 38;
/// What it takes to read what was said.
pub(crate) const READ: u64 = VIEW_CHANNEL | READ_MESSAGE_HISTORY;

/// The same in a channel of this kind: who may not enter a voice channel does not read its text either.
pub(crate) fn to_read(kind: u8) -> u64 {
    if matches!(kind, kind::VOICE | kind::STAGE) { READ | CONNECT } else { READ }
}

/// What it takes to post, in a thread or in a channel.
pub(crate) fn to_post(in_thread: bool) -> u64 {
    VIEW_CHANNEL | if in_thread { SEND_MESSAGES_IN_THREADS } else { SEND_MESSAGES }
}

/// Who somebody is in a server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Who<'a> {
    pub(crate) user: &'a str,
    pub(crate) roles: &'a [String],
}

/// Where something is said, and what it takes to read it there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) overwrites: &'a [Overwrite],
    pub(crate) needed: u64,
}

/// In the server as a whole.
pub(crate) fn in_guild(guild: &Guild, who: Who<'_>) -> u64 {
    if guild.owner_id == who.user {
        return u64::MAX;
    }
    // The role with the server's own id is everybody's.
    let has = |role: &str| role == guild.id || who.roles.iter().any(|mine| mine == role);
    let given = guild.roles.iter().filter(|role| has(&role.id)).fold(0, |all, role| all | role.permissions);
    if given & ADMINISTRATOR != 0 { u64::MAX } else { given }
}

/// In a channel with these overwrites: everybody's first, then those of the roles together, then the member's own.
pub(crate) fn in_channel(guild: &Guild, overwrites: &[Overwrite], who: Who<'_>) -> u64 {
    let base = in_guild(guild, who);
    if base == u64::MAX {
        return base;
    }
    let of =
        |kind: u8, id: &str| overwrites.iter().find(|overwrite| overwrite.kind == kind && overwrite.id == id);
    let apply = |base: u64, deny: u64, allow: u64| (base & !deny) | allow;
    let mut granted = base;
    if let Some(everybody) = of(0, &guild.id) {
        granted = apply(granted, everybody.deny, everybody.allow);
    }
    let roles = who.roles.iter().filter(|role| **role != guild.id).filter_map(|role| of(0, role));
    let (deny, allow) = roles.fold((0, 0), |(deny, allow), role| (deny | role.deny, allow | role.allow));
    granted = apply(granted, deny, allow);
    if let Some(own) = of(1, who.user) {
        granted = apply(granted, own.deny, own.allow);
    }
    // Who cannot see a channel can do nothing in it.
    if granted & VIEW_CHANNEL == 0 { 0 } else { granted }
}

/// Whether everybody who can read what is said under `there` can also read what is said under `source`. A “no” may be
/// wrong where members happen to have several roles; a “yes” never is.
pub(crate) fn at_least_as_open(guild: &Guild, source: Place<'_>, there: Place<'_>) -> bool {
    let everybody = Who { user: "", roles: &[] };
    let open = in_channel(guild, source.overwrites, everybody) & source.needed == source.needed;
    let denies = |it: &Overwrite| it.id != guild.id && it.deny & source.needed != 0;
    let open = open && !source.overwrites.iter().any(denies);
    open || source.needed == there.needed && rules_of(source) == rules_of(there)
}

/// What overwrites say about reading.
fn rules_of(place: Place<'_>) -> Vec<(u8, &str, u64, u64)> {
    let Place { overwrites, needed } = place;
    let said = overwrites.iter().map(|it| (it.kind, it.id.as_str(), it.allow & needed, it.deny & needed));
    let mut rules: Vec<_> = said.filter(|(_, _, allow, deny)| allow | deny != 0).collect();
    rules.sort_unstable();
    rules
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn guild(everybody: u64, roles: &[(&str, u64)]) -> Guild {
        let roles: Vec<_> = [("1", everybody)]
            .iter()
            .chain(roles)
            .map(|(id, permissions)| json!({"id": id, "permissions": permissions.to_string()}))
            .collect();
        serde_json::from_value(json!({"id": "1", "owner_id": "99", "roles": roles})).unwrap()
    }

    fn overwrite(kind: u8, id: &str, allow: u64, deny: u64) -> Overwrite {
        Overwrite { id: id.to_owned(), kind, allow, deny }
    }

    fn may(guild: &Guild, overwrites: &[Overwrite], user: &str, roles: &[&str]) -> bool {
        let roles: Vec<String> = roles.iter().map(|role| (*role).to_owned()).collect();
        in_channel(guild, overwrites, Who { user, roles: &roles }) & READ == READ
    }

    #[test]
    fn a_role_opens_what_is_closed_to_everybody() {
        let guild = guild(READ, &[("5", 0)]);
        let closed = [overwrite(0, "1", 0, VIEW_CHANNEL), overwrite(0, "5", VIEW_CHANNEL, 0)];
        assert!(!may(&guild, &closed, "7", &[]));
        assert!(may(&guild, &closed, "7", &["5"]));
    }

    #[test]
    fn what_is_said_about_the_member_has_the_last_word() {
        let guild = guild(READ, &[("5", 0)]);
        let closed = [overwrite(0, "5", READ, 0), overwrite(1, "7", 0, READ_MESSAGE_HISTORY)];
        assert!(!may(&guild, &closed, "7", &["5"]));
        assert!(may(&guild, &closed, "8", &["5"]));
    }

    #[test]
    fn one_role_that_allows_beats_others_that_deny() {
        let guild = guild(READ, &[("5", 0), ("6", 0)]);
        let mixed = [overwrite(0, "5", 0, VIEW_CHANNEL), overwrite(0, "6", VIEW_CHANNEL, 0)];
        assert!(may(&guild, &mixed, "7", &["5", "6"]));
        assert!(!may(&guild, &mixed, "7", &["5"]));
    }

    #[test]
    fn the_owner_and_administrators_read_everything() {
        let guild = guild(0, &[("5", ADMINISTRATOR)]);
        let closed = [overwrite(0, "1", 0, u64::MAX)];
        assert!(may(&guild, &closed, "99", &[]));
        assert!(may(&guild, &closed, "7", &["5"]));
        assert!(!may(&guild, &closed, "7", &[]));
    }

    #[test]
    fn seeing_a_channel_without_its_history_is_not_reading_it() {
        assert!(!may(&guild(VIEW_CHANNEL, &[]), &[], "7", &[]));
    }

    #[test]
    fn only_what_is_as_open_as_the_place_may_be_shown_there() {
        let guild = guild(READ, &[("5", 0)]);
        let at_least_as_open = |guild: &Guild, source: &[Overwrite], there: &[Overwrite]| {
            let place = |overwrites| Place { overwrites, needed: READ };
            super::at_least_as_open(guild, place(source), place(there))
        };
        let secret = [overwrite(0, "1", 0, VIEW_CHANNEL), overwrite(0, "5", VIEW_CHANNEL, 0)];
        assert!(at_least_as_open(&guild, &[], &secret), "what is open to all may be shown anywhere");
        assert!(!at_least_as_open(&guild, &secret, &[]), "what is closed may not be shown in the open");
        assert!(at_least_as_open(&guild, &secret, &secret), "and may be shown to the same readers");
        let barred = [overwrite(1, "7", 0, READ)];
        assert!(
            !at_least_as_open(&guild, &barred, &[]),
            "somebody who is kept out of it could read it there"
        );
    }

    #[test]
    fn what_is_said_in_a_voice_channel_is_for_those_who_may_enter_it() {
        let guild = guild(READ, &[("5", CONNECT)]);
        let voice = Place { overwrites: &[], needed: to_read(kind::VOICE) };
        let text = Place { overwrites: &[], needed: to_read(kind::TEXT) };
        assert!(
            !super::at_least_as_open(&guild, voice, text),
            "everybody reads there, and few may enter here"
        );
        assert!(super::at_least_as_open(&guild, voice, voice));
        assert!(super::at_least_as_open(&guild, text, text));
    }
}
