//! What bots do with interactions: acknowledge, edit, follow up.

use crate::Snowflake;
use crate::error::ApiError;
use crate::interaction::{Action, Entry};
use crate::options::Options;
use crate::shared::State;
use crate::snowflake::now_ms;
use crate::validate::component::check_modal;
use crate::validate::message::{Body, Draft};
use crate::world::message::{Attachment, EPHEMERAL, InteractionReference, LOADING, Message, Sticker};
use serde_json::{Value, json};

/// The kind of a message that answers a slash command.
const ANSWER: u64 = 20;

// === impl State ===

impl State {
    /// `POST /interactions/{id}/{token}/callback`, or the response of an endpoint. Returns the message, if one came
    /// of it.
    pub(crate) fn callback(
        &mut self,
        options: &Options,
        id: Snowflake,
        token: &str,
        body: &Body,
    ) -> Result<Option<Value>, ApiError> {
        let kind = body.json["type"].as_u64().unwrap_or_default();
        let action = Action::Callback(kind);
        let outcome = self.acknowledge(options, id, token, kind, body);
        if let (Err(error), Some(entry)) = (&outcome, self.interactions.all.get_mut(&id)) {
            entry.refuse(action, error.code);
        }
        outcome
    }

    fn acknowledge(
        &mut self,
        options: &Options,
        id: Snowflake,
        token: &str,
        kind: u64,
        body: &Body,
    ) -> Result<Option<Value>, ApiError> {
        let entry = self.interactions.all.get(&id).filter(|entry| entry.token == token);
        let entry = entry.ok_or_else(ApiError::unknown_interaction)?;
        if entry.acknowledged.is_some() {
            return Err(ApiError::new(400, 40060, "Interaction has already been acknowledged."));
        }
        if entry.began.elapsed() > options.acknowledge_within {
            return Err(ApiError::unknown_interaction());
        }
        let (of, target) = (entry.record.kind, entry.target);
        let fits = match of {
            2 => matches!(kind, 4 | 5 | 9),
            3 => matches!(kind, 4..=7 | 9),
            4 => kind == 8,
            _ => matches!(kind, 4 | 5) || (matches!(kind, 6 | 7) && target.is_some()),
        };
        if !fits {
            return Err(ApiError::form(
                "type",
                "BASE_TYPE_CHOICES",
                "This type does not fit the interaction.",
            ));
        }
        let data = Body { json: body.json["data"].clone(), files: body.files.clone() };
        let (original, shown) = match kind {
            4 => {
                let draft = Draft::read(&data)?;
                if draft.is_empty() {
                    return Err(ApiError::empty_message());
                }
                let message = self.answer_message(id, draft)?;
                (Some(message), self.seen(message))
            }
            5 => {
                let flags = data.json["flags"].as_u64().unwrap_or_default() & EPHEMERAL;
                let draft = Draft { flags: Some(flags | LOADING), ..Draft::default() };
                let message = self.answer_message(id, draft)?;
                (Some(message), self.seen(message))
            }
            6 => (target, None),
            7 => {
                let target = target.ok_or_else(ApiError::unknown_message)?;
                self.edit(target, Draft::read(&data)?)?;
                (Some(target), self.seen(target))
            }
            8 => {
                check_choices(&data.json)?;
                (None, Some(data.json.clone()))
            }
            _ => {
                check_modal(&data.json)?;
                (None, Some(data.json.clone()))
            }
        };
        let entry = self.interactions.all.get_mut(&id).ok_or_else(ApiError::unknown_interaction)?;
        entry.acknowledged = Some(kind);
        entry.record.original = original;
        entry.record.answered = kind != 5;
        if kind == 9 {
            entry.modal.clone_from(&shown);
        }
        entry.step(Action::Callback(kind), shown.clone());
        Ok(shown.filter(|_| kind < 8))
    }

    /// Looks up who may use a token for what follows the acknowledgement.
    fn follower(&mut self, options: &Options, token: &str) -> Result<Snowflake, ApiError> {
        let entry = self.interactions.by_token(token).ok_or_else(ApiError::unknown_webhook)?;
        if entry.began.elapsed() > options.token_lifetime {
            return Err(ApiError::invalid_webhook_token());
        }
        if entry.acknowledged.is_none() {
            return Err(ApiError::unknown_webhook());
        }
        Ok(entry.record.id)
    }

    /// The message that `@original` or an id means.
    pub(crate) fn answer_id(
        &mut self,
        options: &Options,
        token: &str,
        which: &str,
    ) -> Result<(Snowflake, Snowflake), ApiError> {
        let id = self.follower(options, token)?;
        let record = &self.interactions.all[&id].record;
        let message = match which {
            "@original" => record.original,
            id => id.parse().ok().filter(|id| record.original == Some(*id) || record.followups.contains(id)),
        };
        Ok((id, message.ok_or_else(ApiError::unknown_message)?))
    }

    /// `PATCH /webhooks/{application}/{token}/messages/…`
    pub(crate) fn edit_answer(
        &mut self,
        options: &Options,
        token: &str,
        which: &str,
        body: &Body,
    ) -> Result<Value, ApiError> {
        let (id, message) = self.answer_id(options, token, which)?;
        let original = self.interactions.all[&id].record.original == Some(message);
        let action = if original { Action::Edit } else { Action::FollowupEdit };
        let outcome = Draft::read(body).and_then(|draft| self.edit(message, draft));
        self.note(id, action, message, outcome, original)
    }

    /// `POST /webhooks/{application}/{token}`
    pub(crate) fn follow_up(
        &mut self,
        options: &Options,
        token: &str,
        body: &Body,
    ) -> Result<Value, ApiError> {
        let id = self.follower(options, token)?;
        let draft = Draft::read(body)
            .and_then(|draft| if draft.is_empty() { Err(ApiError::empty_message()) } else { Ok(draft) });
        let original = self.interactions.all[&id].record.original;
        // The first one after "thinking…" takes its place.
        let loading =
            original.filter(|id| self.world.find_message(*id).is_some_and(|m| m.flags & LOADING != 0));
        if let Some(message) = loading {
            let outcome = draft.and_then(|draft| self.edit(message, draft));
            return self.note(id, Action::Edit, message, outcome, true);
        }
        let message = match draft.and_then(|draft| self.answer_message(id, draft)) {
            Ok(message) => message,
            Err(error) => return self.note(id, Action::Followup, Snowflake::default(), Err(error), false),
        };
        if let Some(entry) = self.interactions.all.get_mut(&id) {
            entry.record.followups.push(message);
        }
        self.note(id, Action::Followup, message, Ok(()), false)
    }

    /// `DELETE /webhooks/{application}/{token}/messages/…`
    pub(crate) fn delete_answer(
        &mut self,
        options: &Options,
        token: &str,
        which: &str,
    ) -> Result<(), ApiError> {
        let (id, message) = self.answer_id(options, token, which)?;
        let channel = self.interactions.all[&id].record.channel;
        self.delete_message(channel, message);
        if let Some(entry) = self.interactions.all.get_mut(&id) {
            let original = entry.record.original == Some(message);
            if original {
                entry.record.original = None;
            }
            entry.record.followups.retain(|followup| *followup != message);
            entry.step(if original { Action::Delete } else { Action::FollowupDelete }, None);
        }
        Ok(())
    }

    fn note(
        &mut self,
        id: Snowflake,
        action: Action,
        message: Snowflake,
        outcome: Result<(), ApiError>,
        answers: bool,
    ) -> Result<Value, ApiError> {
        let seen = self.seen(message);
        let entry = self.interactions.all.get_mut(&id).ok_or_else(ApiError::unknown_interaction)?;
        match outcome {
            Ok(()) => {
                entry.record.answered |= answers;
                entry.step(action, seen.clone());
                Ok(seen.unwrap_or_default())
            }
            Err(error) => {
                entry.refuse(action, error.code);
                Err(error)
            }
        }
    }

    fn seen(&self, message: Snowflake) -> Option<Value> {
        Some(self.world.message_json(self.world.find_message(message)?))
    }

    /// A message of the bot's that answers an interaction.
    fn answer_message(&mut self, id: Snowflake, draft: Draft) -> Result<Snowflake, ApiError> {
        let Entry { record, target, .. } = &self.interactions.all[&id];
        let (channel, kind, user) = (record.channel, record.kind, record.user);
        let target = target.filter(|_| kind == 3);
        let name = (kind == 2).then(|| record.name.clone());
        let mut message = Message::new(self.world.ids.next(), channel, self.world.application.bot);
        message.kind = if kind == 2 { ANSWER } else { 0 };
        message.webhook = true;
        message.interaction = Some(InteractionReference { id, kind, user, name, target });
        message.flags = draft.flags.unwrap_or_default();
        self.fill(&mut message, draft)?;
        let id = message.id;
        self.world.keep(message);
        self.announce("MESSAGE_CREATE", channel, id);
        Ok(id)
    }

    /// Changes a message as a draft says; one without anything to show is refused.
    pub(crate) fn edit(&mut self, id: Snowflake, draft: Draft) -> Result<(), ApiError> {
        let mut message = self.world.find_message(id).ok_or_else(ApiError::unknown_message)?.clone();
        let first = message.flags & LOADING != 0;
        message.flags &= !LOADING;
        if !first {
            message.edited_ms = Some(now_ms());
        }
        self.fill(&mut message, draft)?;
        let nothing = message.content.is_empty()
            && message.embeds.is_empty()
            && message.attachments.is_empty()
            && message.components.is_empty()
            && message.stickers.is_empty();
        if nothing {
            return Err(ApiError::empty_message());
        }
        let channel = message.channel_id;
        if let Some(place) = self.world.message_mut(channel, id) {
            *place = message;
        }
        self.announce("MESSAGE_UPDATE", channel, id);
        Ok(())
    }

    /// Puts a draft's parts into a message.
    pub(crate) fn fill(&mut self, message: &mut Message, draft: Draft) -> Result<(), ApiError> {
        if let Some(content) = draft.content {
            message.content = content;
        }
        if let Some(embeds) = draft.embeds {
            message.embeds = embeds;
        }
        if let Some(components) = draft.components {
            message.components = components;
        }
        if let Some(keep) = draft.keep {
            message.attachments.retain(|attachment| keep.contains(&attachment.id));
        }
        for (file, description) in draft.files {
            let id = self.world.ids.next();
            let url = format!("{}/attachments/{}/{id}/{}", self.base, message.channel_id, file.filename);
            message.attachments.push(Attachment {
                id,
                filename: file.filename,
                content_type: file.content_type,
                description,
                bytes: file.bytes,
                url,
            });
        }
        for id in draft.stickers {
            message.stickers.push(Sticker { id, name: "sticker".to_owned() });
        }
        if let Some(target) = draft.reply_to {
            if self.world.message(message.channel_id, target).is_none() {
                return Err(ApiError::form(
                    "message_reference",
                    "REPLIES_UNKNOWN_MESSAGE",
                    "Unknown message",
                ));
            }
            message.reply_to = Some(target);
            message.kind = 19;
        }
        message.tts |= draft.tts;
        message.nonce = draft.nonce.or_else(|| message.nonce.take());
        Ok(())
    }

    pub(crate) fn delete_message(&mut self, channel: Snowflake, id: Snowflake) -> bool {
        let removed = self.world.messages.get_mut(&channel).and_then(|messages| messages.remove(&id));
        let Some(message) = removed else { return false };
        let guild = self.world.channels.get(&channel).map(|channel| channel.guild);
        if message.flags & EPHEMERAL == 0 {
            let data = json!({"id": id, "channel_id": channel, "guild_id": guild});
            self.sessions.dispatch("MESSAGE_DELETE", crate::gateway::intent::GUILD_MESSAGES, guild, &data);
        }
        true
    }
}

fn check_choices(data: &Value) -> Result<(), ApiError> {
    let mut problems = crate::error::Problems::default();
    let choices = data["choices"].as_array().map(Vec::as_slice).unwrap_or_default();
    if choices.len() > 25 {
        problems.add(&["data", "choices"], "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.");
    }
    for (number, choice) in choices.iter().enumerate() {
        let number = number.to_string();
        let name = choice["name"].as_str().map_or(0, crate::validate::length);
        problems.length(&["data", "choices", &number, "name"], name, 1..=100);
        if let Some(value) = choice["value"].as_str() {
            problems.length(&["data", "choices", &number, "value"], crate::validate::length(value), 1..=100);
        }
    }
    problems.check()
}

/// What a reader of a message sees as text.
pub(crate) fn visible_text(message: &Value) -> String {
    let mut lines: Vec<&str> = Vec::new();
    lines.extend(message["content"].as_str());
    for embed in message["embeds"].as_array().into_iter().flatten() {
        lines.extend(embed["author"]["name"].as_str());
        lines.extend(embed["title"].as_str());
        lines.extend(embed["description"].as_str());
        for field in embed["fields"].as_array().into_iter().flatten() {
            lines.extend(field["name"].as_str());
            lines.extend(field["value"].as_str());
        }
        lines.extend(embed["footer"]["text"].as_str());
    }
    lines.retain(|line| !line.is_empty());
    lines.join("\n")
}
