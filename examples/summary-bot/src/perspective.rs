//! Whose interests a summary serves.

/// Whose interests weigh more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Perspective {
    /// Nobody's in particular.
    #[default]
    General,
    /// Code, faults, systems.
    Developer,
    /// Customers, brand, campaigns.
    Marketing,
    /// Features, users, plans.
    Product,
    /// Money.
    Finance,
    /// Decisions, risks, money, dates.
    Executive,
    /// Users' problems and what helped.
    Support,
}

impl Perspective {
    /// Every perspective, with its name.
    pub const ALL: [(&'static str, Self); 7] = [
        ("general", Self::General),
        ("developer", Self::Developer),
        ("marketing", Self::Marketing),
        ("product", Self::Product),
        ("finance", Self::Finance),
        ("executive", Self::Executive),
        ("support", Self::Support),
    ];

    /// Its name, as people give it.
    pub(crate) fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, one)| *one == self).map_or("general", |(name, _)| name)
    }

    /// The one of this name.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, one)| one)
    }

    /// Beginnings of words that weigh more, between spaces.
    pub(crate) fn roots(self) -> &'static str {
        match self {
            Self::General => "",
            Self::Developer => {
                "api bug build cache client code commit compil config crash databas debug deploy \
                driver error exception fehler function git kernel latenc librar log memory merge \
                migrat module packag patch perform pipeline quer refactor release revert script \
                server test thread timeout version"
            }
            Self::Marketing => {
                "advert audience awareness blog brand campaign channel competit content conver \
                customer design email fashion launch logo market media messag news press promot \
                sale segment seo slogan social trend website"
            }
            Self::Product => {
                "backlog customer demo design experience feature feedback function interface launch \
                mvp priorit prototype release require roadmap scope spec stor usab user ux"
            }
            Self::Finance => {
                "budget cash coste cost credit debt dollar euro expens financ fund invest invoice \
                loan margin money paid pay price pricing profit revenue salar spend tax"
            }
            Self::Executive => {
                "agree approv budget cost customer deadline decid decision deliver goal hire impact \
                launch milestone outage plan profit revenue risk roadmap schedul strateg target \
                team"
            }
            Self::Support => {
                "account answer broken cannot crash customer error fail fix help install issue \
                login password problem reboot refund reinstall reset restart solution solv ticket \
                troubl updat upgrad user workaround"
            }
        }
    }
}
