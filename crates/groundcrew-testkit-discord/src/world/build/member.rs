use crate::Snowflake;
use crate::gateway::intent;
use crate::shared::Shared;
use crate::snowflake::now_ms;
use crate::world::guild::Member;
use crate::world::user::User;
use std::sync::Arc;

/// A member to be.
#[derive(Debug)]
#[must_use = "nothing is made before `create`"]
pub struct MemberBuilder {
    shared: Arc<Shared>,
    guild: Snowflake,
    user: Result<Snowflake, User>,
    nick: Option<String>,
    roles: Vec<Snowflake>,
}

// === impl MemberBuilder ===

impl MemberBuilder {
    pub(crate) fn new(shared: Arc<Shared>, guild: Snowflake, name: &str) -> Self {
        let user = User::new(Snowflake::default(), name);
        Self { shared, guild, user: Err(user), nick: None, roles: Vec::new() }
    }

    pub(crate) fn of(shared: Arc<Shared>, guild: Snowflake, user: Snowflake) -> Self {
        Self { shared, guild, user: Ok(user), nick: None, roles: Vec::new() }
    }

    /// With a role; may be said several times.
    pub fn role(mut self, role: Snowflake) -> Self {
        self.roles.push(role);
        self
    }

    /// A name of this guild only.
    pub fn nick(mut self, nick: &str) -> Self {
        self.nick = Some(nick.to_owned());
        self
    }

    /// Another bot.
    pub fn bot(self) -> Self {
        self.with(|user| user.bot = true)
    }

    /// The name shown everywhere.
    pub fn display_name(self, name: &str) -> Self {
        self.with(|user| user.global_name = Some(name.to_owned()))
    }

    /// The address, for the scope `email`.
    pub fn email(self, email: &str) -> Self {
        self.with(|user| user.email = Some(email.to_owned()))
    }

    /// The language of the user's client, such as `de`. Default: `en-US`.
    pub fn locale(self, locale: &str) -> Self {
        self.with(|user| locale.clone_into(&mut user.locale))
    }

    fn with(mut self, change: impl FnOnce(&mut User)) -> Self {
        if let Err(user) = &mut self.user {
            change(user);
        }
        self
    }

    /// Makes it: the user's id. Who is a member already gets the roles said here instead of those of before.
    pub fn create(self) -> Snowflake {
        self.shared.change(|state| {
            let id = match self.user {
                Ok(id) => id,
                Err(mut user) => {
                    user.id = state.world.ids.next();
                    let id = user.id;
                    state.world.users.insert(id, user);
                    id
                }
            };
            let member = Member { nick: self.nick, roles: self.roles, joined_ms: now_ms() };
            let known = match state.world.guilds.get_mut(&self.guild) {
                Some(guild) => guild.members.insert(id, member).is_some(),
                None => return id,
            };
            if let Some(mut data) = state.world.member_json(self.guild, id) {
                data["guild_id"] = serde_json::json!(self.guild);
                let event = if known { "GUILD_MEMBER_UPDATE" } else { "GUILD_MEMBER_ADD" };
                state.sessions.dispatch(event, intent::GUILD_MEMBERS, Some(self.guild), &data);
            }
            id
        })
    }
}
