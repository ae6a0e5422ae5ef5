use super::deliver::deliver;
use super::payload::{Resolved, envelope};
use super::{Entry, Interaction, InteractionRecord, Interactions, Via};
use crate::error::Error;
use crate::shared::Shared;
use crate::world::World;
use crate::{Permissions, Snowflake, random};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Instant;

/// Something that a user is about to do.
#[derive(Debug, Clone)]
#[must_use = "nothing happens before `fire`"]
pub struct Fire {
    shared: Arc<Shared>,
    what: What,
    user: Option<Snowflake>,
    channel: Option<Snowflake>,
    path: Vec<String>,
    options: Vec<(String, Value)>,
    focused: Option<String>,
}

#[derive(Debug, Clone)]
pub(crate) enum What {
    /// A slash command, or its completion.
    Command(String),
    /// An entry in the menu of a message.
    OnMessage(String, Snowflake),
    /// An entry in the menu of a user.
    OnUser(String, Snowflake),
    /// A button or a menu under a message, with the values chosen.
    Component(Snowflake, String, Vec<String>),
    /// A modal that another interaction opened, with the texts by custom id.
    Modal(Snowflake, Vec<(String, String)>),
}

// === impl Fire ===

impl Fire {
    pub(crate) fn new(shared: Arc<Shared>, what: What) -> Self {
        let channel = None;
        Self { shared, what, user: None, channel, path: Vec::new(), options: Vec::new(), focused: None }
    }

    /// Who does it. Has to be said.
    pub fn by(mut self, user: Snowflake) -> Self {
        self.user = Some(user);
        self
    }

    /// Where. Has to be said for slash commands and for users' menus.
    pub fn in_channel(mut self, channel: Snowflake) -> Self {
        self.channel = Some(channel);
        self
    }

    /// The sub-command (for one in a group, both in turn).
    #[allow(clippy::should_implement_trait, reason = "nobody subtracts from a command")]
    pub fn sub(mut self, name: &str) -> Self {
        self.path.push(name.to_owned());
        self
    }

    /// An option's value; users, channels and roles by their id.
    pub fn option(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.options.push((name.to_owned(), value.into()));
        self
    }

    /// Instead of sending the command, asks for completions of this option, of which the user has typed so much.
    pub fn completing(mut self, name: &str, typed: &str) -> Self {
        self.options.push((name.to_owned(), typed.into()));
        self.focused = Some(name.to_owned());
        self
    }

    /// Does it: over the gateway to every session of the shard, or to the endpoint if the application has one.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownCommand`] if nothing of the name is registered, [`Error::Impossible`] if Discord's own client
    /// would not send it: an option that does not exist, a required one missing, a value outside its choices or
    /// bounds, a disabled or absent button, a channel that the user does not see.
    pub fn fire(self) -> Result<Interaction, Error> {
        let user = self.user.ok_or_else(|| Error::Impossible("nobody does it: say `by`".to_owned()))?;
        let shared = Arc::clone(&self.shared);
        let (id, guild, payload) = shared.change(|state| {
            let id = state.world.ids.next();
            let token = random::hex(32);
            let drawn = self.draw(&state.world, &state.interactions, user, (id, &token))?;
            let guild =
                state.world.channels.get(&drawn.channel).map(|channel| channel.guild).unwrap_or_default();
            let record = InteractionRecord {
                id,
                kind: drawn.kind,
                name: drawn.name,
                user,
                channel: drawn.channel,
                guild,
                via: Via::Gateway,
                received: Vec::new(),
                steps: Vec::new(),
                refused: Vec::new(),
                original: None,
                followups: Vec::new(),
                problem: None,
                answered: false,
            };
            let began = Instant::now();
            let entry = Entry { record, token, began, target: drawn.target, acknowledged: None, modal: None };
            state.interactions.add(entry);
            Ok::<_, Error>((id, guild, drawn.payload))
        })?;
        deliver(&shared, id, guild, payload);
        Ok(Interaction::new(shared, id))
    }

    fn draw(
        &self,
        world: &World,
        interactions: &Interactions,
        user: Snowflake,
        ids: (Snowflake, &str),
    ) -> Result<Drawn, Error> {
        match &self.what {
            What::Command(name) => {
                let channel = self.channel.ok_or_else(|| impossible("nowhere: say `in_channel`"))?;
                self.slash(world, name, user, channel, ids)
            }
            What::OnMessage(name, message) => {
                let found =
                    world.find_message(*message).ok_or_else(|| impossible("the message does not exist"))?;
                let mut resolved = Resolved::default();
                resolved.message(world, *message);
                menu(world, (3, name), (user, found.channel_id), ids, *message, resolved)
            }
            What::OnUser(name, target) => {
                let channel = self.channel.ok_or_else(|| impossible("nowhere: say `in_channel`"))?;
                let guild = world.channels.get(&channel).map(|c| c.guild).unwrap_or_default();
                let mut resolved = Resolved::default();
                resolved.user(world, guild, *target);
                menu(world, (2, name), (user, channel), ids, *target, resolved)
            }
            What::Component(message, id, values) => component(world, *message, id, values, user, ids),
            What::Modal(opened_by, texts) => modal(world, interactions, *opened_by, texts, user, ids),
        }
    }

    fn slash(
        &self,
        world: &World,
        name: &str,
        user: Snowflake,
        channel: Snowflake,
        ids: (Snowflake, &str),
    ) -> Result<Drawn, Error> {
        let kind = if self.focused.is_some() { 4 } else { 2 };
        let mut payload = envelope(world, kind, ids, user, channel)?;
        let guild = world.channels.get(&channel).map(|channel| channel.guild).unwrap_or_default();
        let command = world
            .command(Some(guild), 1, name)
            .ok_or_else(|| Error::UnknownCommand { name: name.to_owned() })?;
        allowed(world, &command.body, user, channel)?;
        let mut definition = &command.body;
        for step in &self.path {
            definition =
                find(definition, step).ok_or_else(|| impossible(format!("no sub-command {step:?}")))?;
        }
        let mut resolved = Resolved::default();
        let mut chosen = Vec::new();
        for (name, value) in &self.options {
            let option = find(definition, name).ok_or_else(|| impossible(format!("no option {name:?}")))?;
            let focused = self.focused.as_ref() == Some(name);
            if !focused {
                check_value(option, value)?;
            } else if !option["autocomplete"].as_bool().unwrap_or_default() {
                return Err(impossible(format!("option {name:?} is not completed by the bot")));
            }
            resolve(world, &mut resolved, option, value, (guild, user))?;
            let mut entry = json!({"name": name, "type": option["type"], "value": value});
            if focused {
                entry["focused"] = true.into();
            }
            chosen.push(entry);
        }
        let missing = definition["options"].as_array().into_iter().flatten().find(|option| {
            option["required"].as_bool().unwrap_or_default()
                && !self.options.iter().any(|(name, _)| option["name"] == name.as_str())
        });
        if let Some(missing) = missing.filter(|_| self.focused.is_none()) {
            return Err(impossible(format!("option {} is required", missing["name"])));
        }
        let nested = definition["options"].as_array().into_iter().flatten();
        if nested.map(|option| option["type"].as_u64()).any(|kind| matches!(kind, Some(1 | 2))) {
            return Err(impossible(format!("command {name:?} has sub-commands: say `sub`")));
        }
        let mut options = json!(chosen);
        for (depth, step) in self.path.iter().enumerate().rev() {
            let kind = if depth + 1 == self.path.len() { 1 } else { 2 };
            options = json!([{"name": step, "type": kind, "options": options}]);
        }
        payload["data"] = json!({"id": command.id, "name": name, "type": 1, "options": options});
        if let Some(guild) = command.guild {
            payload["data"]["guild_id"] = json!(guild);
        }
        if !resolved.is_empty() {
            payload["data"]["resolved"] = resolved.json();
        }
        Ok(Drawn { kind, name: name.to_owned(), channel, target: None, payload })
    }
}

/// What is about to be sent.
struct Drawn {
    kind: u64,
    name: String,
    channel: Snowflake,
    target: Option<Snowflake>,
    payload: Value,
}

fn impossible(text: impl Into<String>) -> Error {
    Error::Impossible(text.into())
}

fn find<'c>(definition: &'c Value, name: &str) -> Option<&'c Value> {
    definition["options"].as_array()?.iter().find(|option| option["name"] == name)
}

fn allowed(world: &World, command: &Value, user: Snowflake, channel: Snowflake) -> Result<(), Error> {
    let needed = command["default_member_permissions"].as_str().and_then(|bits| bits.parse().ok());
    let Some(needed) = needed.map(Permissions::from_bits) else { return Ok(()) };
    let may = world.permissions(user, channel);
    // Zero is nobody but administrators.
    let fine = if needed == Permissions::NONE { may == Permissions::ALL } else { may.contains(needed) };
    if fine {
        Ok(())
    } else {
        Err(impossible("the command is hidden from this user by its default permissions"))
    }
}

fn check_value(option: &Value, value: &Value) -> Result<(), Error> {
    let name = &option["name"];
    let fits = match option["type"].as_u64() {
        Some(4) => value.is_i64() || value.is_u64(),
        Some(5) => value.is_boolean(),
        Some(10) => value.is_number(),
        _ => value.is_string(),
    };
    if !fits {
        return Err(impossible(format!("{value} is no value for option {name}")));
    }
    let choices = option["choices"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !choices.is_empty() && !choices.iter().any(|choice| choice["value"] == *value) {
        return Err(impossible(format!("{value} is not among the choices of {name}")));
    }
    let (low, high) = (option["min_value"].as_f64(), option["max_value"].as_f64());
    if let Some(number) = value.as_f64()
        && (low.is_some_and(|low| number < low) || high.is_some_and(|high| number > high))
    {
        return Err(impossible(format!("{number} is outside the bounds of {name}")));
    }
    let length = value.as_str().map(|text| text.chars().count() as u64);
    let (low, high) = (option["min_length"].as_u64(), option["max_length"].as_u64());
    if let Some(length) = length
        && (low.is_some_and(|low| length < low) || high.is_some_and(|high| length > high))
    {
        return Err(impossible(format!("the length of {value} is outside the bounds of {name}")));
    }
    Ok(())
}

fn resolve(
    world: &World,
    resolved: &mut Resolved,
    option: &Value,
    value: &Value,
    (guild, user): (Snowflake, Snowflake),
) -> Result<(), Error> {
    let kind = option["type"].as_u64().unwrap_or_default();
    if !(6..=9).contains(&kind) {
        return Ok(());
    }
    let id = value
        .as_str()
        .and_then(|id| id.parse().ok())
        .ok_or_else(|| impossible(format!("{value} is no id")))?;
    if kind == 7
        && let Some(kinds) = option["channel_types"].as_array().filter(|kinds| !kinds.is_empty())
    {
        let given = world.channels.get(&id).map(|channel| Value::from(channel.kind.number()));
        if !given.is_some_and(|given| kinds.contains(&given)) {
            return Err(impossible(format!("channel {id} is not of a kind that {} takes", option["name"])));
        }
    }
    let found = match kind {
        6 => resolved.user(world, guild, id),
        7 => resolved.channel(world, user, id),
        8 => resolved.role(world, guild, id),
        _ => resolved.user(world, guild, id).or_else(|| resolved.role(world, guild, id)),
    };
    found.ok_or_else(|| impossible(format!("nothing has the id {id}")))
}

fn menu(
    world: &World,
    (kind, name): (u64, &str),
    (user, channel): (Snowflake, Snowflake),
    ids: (Snowflake, &str),
    target: Snowflake,
    resolved: Resolved,
) -> Result<Drawn, Error> {
    let mut payload = envelope(world, 2, ids, user, channel)?;
    let guild = world.channels.get(&channel).map(|channel| channel.guild);
    let command =
        world.command(guild, kind, name).ok_or_else(|| Error::UnknownCommand { name: name.to_owned() })?;
    allowed(world, &command.body, user, channel)?;
    payload["data"] = json!({"id": command.id, "name": name, "type": kind, "target_id": target, "resolved": resolved.json()});
    Ok(Drawn { kind: 2, name: name.to_owned(), channel, target: None, payload })
}

fn component(
    world: &World,
    message: Snowflake,
    id: &str,
    values: &[String],
    user: Snowflake,
    ids: (Snowflake, &str),
) -> Result<Drawn, Error> {
    let found = world.find_message(message).ok_or_else(|| impossible("the message does not exist"))?;
    let rows = found.components.iter().filter_map(|row| row["components"].as_array()).flatten();
    let component = rows
        .clone()
        .find(|component| component["custom_id"] == id)
        .ok_or_else(|| impossible(format!("no component {id:?} under the message")))?;
    if component["disabled"].as_bool().unwrap_or_default() {
        return Err(impossible(format!("component {id:?} is disabled")));
    }
    if let Some(options) = component["options"].as_array() {
        let offered = |value: &String| options.iter().any(|option| option["value"] == value.as_str());
        if !values.iter().all(offered) {
            return Err(impossible(format!("{values:?} are not all offered by {id:?}")));
        }
    }
    let mut payload = envelope(world, 3, ids, user, found.channel_id)?;
    payload["message"] = world.message_json(found);
    payload["data"] = json!({"custom_id": id, "component_type": component["type"]});
    if component["type"].as_u64() != Some(2) {
        payload["data"]["values"] = json!(values);
        payload["data"]["resolved"] = json!({});
    }
    Ok(Drawn { kind: 3, name: id.to_owned(), channel: found.channel_id, target: Some(message), payload })
}

fn modal(
    world: &World,
    interactions: &Interactions,
    opened_by: Snowflake,
    texts: &[(String, String)],
    user: Snowflake,
    ids: (Snowflake, &str),
) -> Result<Drawn, Error> {
    let opener = interactions.all.get(&opened_by).ok_or_else(|| impossible("no such interaction"))?;
    let modal = opener.modal.as_ref().ok_or_else(|| impossible("no modal was opened"))?;
    let mut payload = envelope(world, 5, ids, user, opener.record.channel)?;
    let mut rows = Vec::new();
    for row in modal["components"].as_array().into_iter().flatten() {
        let input = &row["components"][0];
        let id = input["custom_id"].as_str().unwrap_or_default();
        let given = texts.iter().find(|(name, _)| name == id).map(|(_, text)| text.as_str());
        let text = given.or(input["value"].as_str()).unwrap_or_default();
        let length = text.chars().count() as u64;
        let required = input["required"].as_bool().unwrap_or(true);
        if required && length == 0 || length > input["max_length"].as_u64().unwrap_or(4000) {
            return Err(impossible(format!("the text of {id:?} is too short or too long")));
        }
        rows.push(json!({"type": 1, "components": [{"type": 4, "custom_id": id, "value": text}]}));
    }
    let name = modal["custom_id"].as_str().unwrap_or_default().to_owned();
    payload["data"] = json!({"custom_id": name, "components": rows});
    let target = opener.target.and_then(|id| world.find_message(id));
    if let Some(message) = target {
        payload["message"] = world.message_json(message);
    }
    Ok(Drawn { kind: 5, name, channel: opener.record.channel, target: target.map(|m| m.id), payload })
}
