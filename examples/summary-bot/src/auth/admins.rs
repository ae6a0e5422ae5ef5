//! Those in `sign_in.admins`.

use std::collections::BTreeSet;
use std::sync::Arc;

use groundcrew::auth::{Principal, Scopes};

use super::{SignInConfig, is_person, scope};

/// Who may do everything here, by Discord's ids. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Admins(Arc<BTreeSet<String>>);

// === impl Admins ===

impl Admins {
    pub(super) fn of(config: &SignInConfig) -> Self {
        Self(Arc::new(config.admins.iter().cloned().collect()))
    }

    pub(super) fn contains(&self, id: &str) -> bool {
        self.0.contains(id)
    }

    /// What somebody may do at this moment, whatever their session, token or key was once given: of people only those
    /// in the list are admins. Everything is for the others what it is for people.
    pub(super) fn judge(&self, mut who: Principal) -> Principal {
        if !who.may("admin") || !is_person(&who.subject) || self.contains(&who.subject) {
            return who;
        }
        let of_people = if who.may("*") { scope::OF_PEOPLE } else { "" };
        let others = who.scopes.iter().filter(|name| !["*", "admin"].contains(name));
        // Too many of them are none.
        who.scopes = Scopes::of(others.chain(of_people.split_whitespace())).unwrap_or_default();
        who
    }
}

#[cfg(test)]
mod tests {
    use groundcrew::auth::PrincipalKind;

    use super::*;

    const ADA: &str = "100000000000000001";
    const BEN: &str = "100000000000000002";

    #[test]
    fn of_people_only_those_in_the_list_are_admins_however_they_come() {
        let admins = Admins::of(&SignInConfig { admins: vec![ADA.to_owned()], ..SignInConfig::default() });
        for (subject, scopes, expected) in [
            (ADA, "*", "*"),
            (ADA, "admin keys:read", "admin keys:read"),
            (BEN, "*", scope::OF_PEOPLE),
            (BEN, "* admin", scope::OF_PEOPLE),
            (BEN, "admin keys:read", "keys:read"),
            (BEN, "summaries:*", "summaries:*"),
            ("the backup", "*", "*"),
        ] {
            for kind in [PrincipalKind::Session, PrincipalKind::Token, PrincipalKind::Key] {
                let who = Principal::new(subject, scopes.parse().expect("scopes"), kind).with_credential("1");
                let judged = admins.judge(who.clone());
                let expected: Scopes = expected.parse().expect("scopes");
                assert_eq!(judged.scopes, expected, "{subject} {scopes}");
                assert_eq!((judged.credential, judged.kind), (who.credential, kind));
            }
        }
    }
}
