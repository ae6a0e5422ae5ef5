//! What the bot says, as Discord reads it. The only place that knows Discord's JSON of messages.

use serde_json::{Map, Value, json};

use super::commands::Acknowledgement;
use super::definition::Choice;
use super::reply::{Component, Embed, Reply};

/// The flag of a message that only whoever asked sees.
pub(crate) const EPHEMERAL: u64 = 1 << 6;
/// A grey button.
const SECONDARY: u8 = 2;

/// A new message. Nobody is pinged by it, whoever it names.
pub(crate) fn message(reply: &Reply) -> Value {
    let mut message = edit(reply);
    if reply.embeds.is_empty() {
        without(&mut message, "embeds");
    }
    if reply.rows.is_empty() {
        without(&mut message, "components");
    }
    if reply.content.is_none() {
        without(&mut message, "content");
    }
    message
}

/// What takes the place of a message: what it has no more is gone.
pub(crate) fn edit(reply: &Reply) -> Value {
    let files: Vec<Value> = reply
        .files
        .iter()
        .enumerate()
        .map(|(index, file)| json!({"id": index, "filename": file.name}))
        .collect();
    json!({
        "content": reply.content.as_deref().unwrap_or_default(),
        "embeds": reply.embeds.iter().map(embed).collect::<Vec<_>>(),
        "components": reply.rows.iter().map(|row| row_of(row)).collect::<Vec<_>>(),
        "attachments": files,
        "allowed_mentions": {"parse": []},
    })
}

/// The answer to an interaction, at once and as a whole.
pub(crate) fn at_once(reply: &Reply) -> Value {
    let mut data = message(reply);
    without(&mut data, "attachments");
    if reply.private {
        data["flags"] = json!(EPHEMERAL);
    }
    json!({"type": 4, "data": data})
}

/// The first word.
pub(crate) fn acknowledgement(acknowledgement: &Acknowledgement) -> Value {
    match acknowledgement {
        Acknowledgement::Think { private: false } => json!({"type": 5}),
        Acknowledgement::Think { private: true } => json!({"type": 5, "data": {"flags": EPHEMERAL}}),
    }
}

/// What is possible for an option: 25 at most, each cut to what Discord takes.
pub(crate) fn choices(choices: &[Choice]) -> Value {
    let cut = |text: &str| text.chars().take(100).collect::<String>();
    let choices =
        choices.iter().take(25).map(|choice| json!({"name": cut(&choice.name), "value": cut(&choice.value)}));
    json!({"type": 8, "data": {"choices": choices.collect::<Vec<_>>()}})
}

fn without(message: &mut Value, key: &str) {
    if let Some(message) = message.as_object_mut() {
        message.remove(key);
    }
}

fn embed(embed: &Embed) -> Value {
    let mut out = Map::new();
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            out.insert(key.to_owned(), value);
        }
    };
    put("title", embed.title.as_deref().map(Value::from));
    put("url", embed.url.as_deref().map(Value::from));
    put("description", embed.description.as_deref().map(Value::from));
    put("color", embed.colour.map(Value::from));
    put("timestamp", embed.time.map(|time| Value::from(time.to_string())));
    put("footer", embed.footer.as_deref().map(|text| json!({"text": text})));
    let fields = embed.fields.iter();
    let fields =
        fields.map(|field| json!({"name": field.name, "value": field.value, "inline": field.inline}));
    put("fields", Some(Value::Array(fields.collect())).filter(|_| !embed.fields.is_empty()));
    Value::Object(out)
}

fn row_of(row: &[Component]) -> Value {
    json!({"type": 1, "components": row.iter().map(component).collect::<Vec<_>>()})
}

fn component(component: &Component) -> Value {
    let Component::Button { id, label, emoji, disabled } = component;
    let mut button = json!({"type": 2, "style": SECONDARY, "custom_id": id, "disabled": disabled});
    if !label.is_empty() {
        button["label"] = json!(label);
    }
    if let Some(emoji) = emoji {
        button["emoji"] = json!({"name": emoji});
    }
    button
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_takes_away_what_was_there_before() {
        let edit = edit(&Reply::text("done"));
        assert_eq!(edit["embeds"], json!([]));
        assert_eq!(edit["components"], json!([]));
    }

    #[test]
    fn nobody_is_pinged() {
        assert_eq!(message(&Reply::text("@everyone"))["allowed_mentions"], json!({"parse": []}));
    }

    #[test]
    fn what_is_private_is_private_from_the_first_word() {
        let word = acknowledgement(&Acknowledgement::Think { private: true });
        assert_eq!(word, json!({"type": 5, "data": {"flags": 64}}));
        assert_eq!(at_once(&Reply::text("no").private())["data"]["flags"], json!(64));
    }
}
