//! Who may do what: rules for roles, users and channels.
//!
//! A rule for a user decides. Otherwise the highest of the rules for somebody's roles does; otherwise everybody may
//! have summaries made, or nobody anything where `require_permissions` is set. A rule for a channel lowers what
//! anybody but an admin may do there, in its threads and, if it is a category, in its channels. Whoever owns the
//! server is `owner`, and whoever may manage it in Discord is `admin`, whatever the rules say: nobody can be locked
//! out of their own server.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::config::{GuildConfig, Snowflake};
use super::effective::Source;
use crate::discord::access::Level;

/// Whom or what a rule is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Subject {
    pub(crate) kind: SubjectKind,
    pub(crate) id: String,
}

/// What sort of thing a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SubjectKind {
    Role,
    User,
    Channel,
}

/// What somebody or some channel is allowed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rule {
    pub(crate) subject: Subject,
    pub(crate) level: Level,
    pub(crate) origin: Source,
}

/// The rules of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rules {
    /// For those about whom no rule says anything.
    others: Level,
    rules: Vec<Rule>,
}

/// Whoever wants something.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Member<'a> {
    pub(crate) user: &'a str,
    pub(crate) roles: &'a [String],
    /// What they may do in Discord, as bits.
    pub(crate) permissions: u64,
    /// Whether the server is theirs.
    pub(crate) owner: bool,
}

/// Discord's bits for administrators and for those who may manage the server.
const MANAGES: u64 = 1 << 3 | 1 << 5;

// === impl SubjectKind ===

impl SubjectKind {
    pub(crate) const ALL: [Self; 3] = [Self::Role, Self::User, Self::Channel];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Role => "role",
            Self::User => "user",
            Self::Channel => "channel",
        }
    }

    pub(crate) fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

// === impl Rules ===

impl Rules {
    /// What is stored goes before what is configured about the same subject.
    pub(super) fn of(required: bool, configs: &[&GuildConfig], stored: Vec<Rule>) -> Self {
        let configured = configs.iter().flat_map(|config| {
            [
                (SubjectKind::Role, &config.allowed_roles, Level::Summarize),
                (SubjectKind::User, &config.allowed_users, Level::Summarize),
                (SubjectKind::Role, &config.admin_roles, Level::Admin),
            ]
        });
        let mut rules = stored;
        for (kind, ids, level) in configured {
            for Snowflake(id) in ids {
                let subject = Subject { kind, id: id.clone() };
                let known = rules.iter().any(|rule| rule.subject == subject && rule.level >= level);
                let stored =
                    |rule: &Rule| rule.subject == subject && matches!(rule.origin, Source::Stored { .. });
                if !known && !rules.iter().any(stored) {
                    let origin = Source::Config { place: "configuration".to_owned() };
                    rules.push(Rule { subject, level, origin });
                }
            }
        }
        Self { others: if required { Level::None } else { Level::Summarize }, rules }
    }

    /// What somebody may do in a channel, given with those that it is in: a thread's channel, and the category. Without
    /// any, what they may do in the server.
    pub(crate) fn level(&self, member: Member<'_>, places: &[&str]) -> Level {
        if member.owner {
            return Level::Owner;
        }
        let of = |kind: SubjectKind, id: &str| {
            let about = |rule: &&Rule| rule.subject.kind == kind && rule.subject.id == id;
            self.rules.iter().filter(about).map(|rule| rule.level).max()
        };
        let by_roles = || member.roles.iter().filter_map(|role| of(SubjectKind::Role, role)).max();
        let given = of(SubjectKind::User, member.user).or_else(by_roles).unwrap_or(self.others);
        let manages = member.permissions & MANAGES != 0;
        let given = if manages { given.max(Level::Admin) } else { given };
        match places.iter().filter_map(|place| of(SubjectKind::Channel, place)).min() {
            Some(most) if given < Level::Admin => given.min(most),
            _ => given,
        }
    }

    /// Whether any is about a channel.
    pub(crate) fn know_channels(&self) -> bool {
        self.rules.iter().any(|rule| rule.subject.kind == SubjectKind::Channel)
    }

    pub(crate) fn all(&self) -> &[Rule] {
        &self.rules
    }

    /// For those about whom no rule says anything.
    pub(crate) fn others(&self) -> Level {
        self.others
    }

    pub(super) fn to_json(&self) -> Value {
        let rules = self.rules.iter().map(|rule| {
            json!({
                "kind": rule.subject.kind, "id": rule.subject.id, "level": rule.level, "origin": rule.origin,
            })
        });
        json!({ "others": self.others, "rules": rules.collect::<Vec<_>>() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOBODY: Member<'_> = Member { user: "1", roles: &[], permissions: 0, owner: false };

    fn rule(kind: SubjectKind, id: &str, level: Level) -> Rule {
        let origin = Source::Stored { by: "9".to_owned(), at: jiff::Timestamp::UNIX_EPOCH };
        Rule { subject: Subject { kind, id: id.to_owned() }, level, origin }
    }

    fn rules(required: bool, rules: Vec<Rule>) -> Rules {
        Rules::of(required, &[], rules)
    }

    #[test]
    fn without_rules_everybody_may_have_summaries_made() {
        assert_eq!(rules(false, Vec::new()).level(NOBODY, &["5"]), Level::Summarize);
        assert_eq!(rules(true, Vec::new()).level(NOBODY, &["5"]), Level::None);
    }

    #[test]
    fn the_highest_of_the_roles_counts_and_a_rule_for_the_user_decides() {
        let roles = ["7".to_owned(), "8".to_owned()];
        let member = Member { roles: &roles, ..NOBODY };
        let mut all =
            vec![rule(SubjectKind::Role, "7", Level::Read), rule(SubjectKind::Role, "8", Level::Admin)];
        assert_eq!(rules(true, all.clone()).level(member, &[]), Level::Admin);
        all.push(rule(SubjectKind::User, "1", Level::None));
        assert_eq!(rules(true, all).level(member, &[]), Level::None);
    }

    #[test]
    fn a_channel_lowers_what_may_be_done_there_and_raises_nothing() {
        let quiet = rules(false, vec![rule(SubjectKind::Channel, "5", Level::Read)]);
        assert_eq!(quiet.level(NOBODY, &["5"]), Level::Read);
        assert_eq!(quiet.level(NOBODY, &["6"]), Level::Summarize);
        // A thread of it, whatever is said about the thread.
        let narrow =
            vec![rule(SubjectKind::Channel, "5", Level::Read), rule(SubjectKind::Channel, "6", Level::Admin)];
        assert_eq!(rules(false, narrow).level(NOBODY, &["6", "5", "4"]), Level::Read);
        let open = rules(true, vec![rule(SubjectKind::Channel, "5", Level::Admin)]);
        assert_eq!(open.level(NOBODY, &["5"]), Level::None);
    }

    #[test]
    fn nobody_is_locked_out_of_their_own_server() {
        let all =
            vec![rule(SubjectKind::User, "1", Level::None), rule(SubjectKind::Channel, "5", Level::None)];
        let rules = rules(true, all);
        assert_eq!(rules.level(Member { owner: true, ..NOBODY }, &["5"]), Level::Owner);
        assert_eq!(rules.level(Member { permissions: 1 << 5, ..NOBODY }, &["5"]), Level::Admin);
        assert_eq!(rules.level(Member { permissions: 1 << 11, ..NOBODY }, &["5"]), Level::None);
    }
}
