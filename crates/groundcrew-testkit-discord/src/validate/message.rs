//! Messages: content, embeds, components, files.

use super::{below, component, length, required_text, text};
use crate::Snowflake;
use crate::error::{ApiError, Problems};
use bytes::Bytes;
use serde_json::{Value, json};

/// A file of a multipart body.
#[derive(Debug, Clone)]
pub(crate) struct File {
    /// The number in `files[n]`.
    pub(crate) number: Option<u64>,
    pub(crate) filename: String,
    pub(crate) content_type: String,
    pub(crate) bytes: Bytes,
}

/// A body as it came.
#[derive(Debug, Clone, Default)]
pub(crate) struct Body {
    pub(crate) json: Value,
    pub(crate) files: Vec<File>,
}

/// What a body says about a message; None is what it does not mention.
#[derive(Debug, Clone, Default)]
pub(crate) struct Draft {
    pub(crate) content: Option<String>,
    pub(crate) embeds: Option<Vec<Value>>,
    pub(crate) components: Option<Vec<Value>>,
    /// Of an edit, the attachments that stay.
    pub(crate) keep: Option<Vec<Snowflake>>,
    pub(crate) files: Vec<(File, Option<String>)>,
    pub(crate) flags: Option<u64>,
    pub(crate) reply_to: Option<Snowflake>,
    pub(crate) tts: bool,
    pub(crate) nonce: Option<Value>,
    pub(crate) stickers: Vec<Snowflake>,
}

/// Discord's for bots: a file's size, and how many.
const FILE_SIZE: usize = 10 * 1024 * 1024;
const FILES: usize = 10;
/// All the texts of all embeds together.
const EMBEDS_TEXT: usize = 6000;

// === impl Draft ===

impl Draft {
    /// Reads a body, or says what Discord would say of it.
    pub(crate) fn read(body: &Body) -> Result<Self, ApiError> {
        let json = &body.json;
        let mut problems = Problems::default();
        let content =
            text(&mut problems, &["content"], &json["content"], 0..=2000).map(|c| c.trim().to_owned());
        // `null` empties it.
        let content =
            if json.get("content").is_some_and(Value::is_null) { Some(String::new()) } else { content };
        let embeds = embeds(&mut problems, json);
        let components =
            json.get("components").filter(|list| !list.is_null()).and_then(Value::as_array).cloned();
        if let Some(components) = &components {
            component::check_message(&mut problems, components);
        }
        let stickers: Vec<Snowflake> = list_of_ids(&json["sticker_ids"]);
        if stickers.len() > 3 {
            problems.add(&["sticker_ids"], "BASE_TYPE_MAX_LENGTH", "Must be 3 or fewer in length.");
        }
        let (keep, files) = files(&mut problems, body)?;
        problems.check()?;
        Ok(Self {
            content,
            embeds,
            components,
            keep,
            files,
            flags: json["flags"].as_u64(),
            reply_to: json["message_reference"]["message_id"].as_str().and_then(|id| id.parse().ok()),
            tts: json["tts"].as_bool().unwrap_or_default(),
            nonce: json.get("nonce").filter(|nonce| !nonce.is_null()).cloned(),
            stickers,
        })
    }

    /// Whether a new message of it would have nothing to show.
    pub(crate) fn is_empty(&self) -> bool {
        self.content.as_deref().unwrap_or_default().is_empty()
            && self.embeds.as_ref().is_none_or(Vec::is_empty)
            && self.components.as_ref().is_none_or(Vec::is_empty)
            && self.files.is_empty()
            && self.stickers.is_empty()
    }
}

fn list_of_ids(value: &Value) -> Vec<Snowflake> {
    serde_json::from_value(value.clone()).unwrap_or_default()
}

type Files = (Option<Vec<Snowflake>>, Vec<(File, Option<String>)>);

fn files(problems: &mut Problems, body: &Body) -> Result<Files, ApiError> {
    if body.files.iter().any(|file| file.bytes.len() > FILE_SIZE) {
        return Err(ApiError::new(413, 40005, "Request entity too large"));
    }
    let listed = body.json["attachments"].as_array();
    let entry_of = |number: Option<u64>| {
        let list = listed?;
        list.iter().find(|entry| id_of(entry).is_some_and(|id| Some(id.get()) == number))
    };
    let numbers: Vec<Option<u64>> = body.files.iter().map(|file| file.number).collect();
    let keep = listed.map(|list| {
        let ids = list.iter().filter_map(id_of);
        ids.filter(|id| !numbers.contains(&Some(id.get()))).collect::<Vec<_>>()
    });
    let mut files = Vec::new();
    for file in &body.files {
        let entry = entry_of(file.number);
        let mut file = file.clone();
        if let Some(name) = entry.and_then(|entry| entry["filename"].as_str()) {
            name.clone_into(&mut file.filename);
        }
        let description = entry.and_then(|entry| entry["description"].as_str()).map(str::to_owned);
        if let Some(description) = &description {
            problems.length(&["attachments", "description"], length(description), 0..=1024);
        }
        files.push((file, description));
    }
    if files.len() + keep.as_ref().map_or(0, Vec::len) > FILES {
        problems.add(&["attachments"], "BASE_TYPE_MAX_LENGTH", "Must be 10 or fewer in length.");
    }
    Ok((keep, files))
}

/// As a text or as a number: libraries send both.
fn id_of(entry: &Value) -> Option<Snowflake> {
    serde_json::from_value(entry["id"].clone()).ok()
}

fn embeds(problems: &mut Problems, json: &Value) -> Option<Vec<Value>> {
    let list = match json.get("embeds")? {
        Value::Null => return Some(Vec::new()),
        Value::Array(list) => list,
        _ => {
            problems.add(&["embeds"], "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType");
            return None;
        }
    };
    if list.len() > 10 {
        problems.add(&["embeds"], "BASE_TYPE_MAX_LENGTH", "Must be 10 or fewer in length.");
    }
    let mut total = 0;
    let mut seen = Vec::new();
    for (at, embed) in list.iter().enumerate() {
        total += check_embed(problems, &at.to_string(), embed);
        seen.push(as_shown(embed));
    }
    if total > EMBEDS_TEXT {
        problems.add(
            &["embeds"],
            "MAX_EMBED_SIZE_EXCEEDED",
            format!("Embed size exceeds maximum size of {EMBEDS_TEXT}"),
        );
    }
    Some(seen)
}

/// Examines one embed; returns the length of its texts.
fn check_embed(problems: &mut Problems, at: &str, embed: &Value) -> usize {
    let path = ["embeds", at];
    let mut total = 0;
    let mut count = |problems: &mut Problems, path: &[&str], value: &Value, most: usize| {
        total += text(problems, path, value, 0..=most).map_or(0, length);
    };
    count(problems, &below(&path, "title"), &embed["title"], 256);
    count(problems, &below(&path, "description"), &embed["description"], 4096);
    count(problems, &["embeds", at, "footer", "text"], &embed["footer"]["text"], 2048);
    count(problems, &["embeds", at, "author", "name"], &embed["author"]["name"], 256);
    if let Some(fields) = embed["fields"].as_array() {
        if fields.len() > 25 {
            problems.add(&below(&path, "fields"), "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.");
        }
        for (number, field) in fields.iter().enumerate() {
            let number = number.to_string();
            let name = ["embeds", at, "fields", &number, "name"];
            total += required_text(problems, &name, &field["name"], 1..=256).map_or(0, length);
            let value = ["embeds", at, "fields", &number, "value"];
            total += required_text(problems, &value, &field["value"], 1..=1024).map_or(0, length);
        }
    }
    check_urls(problems, at, embed);
    if embed["timestamp"].as_str().is_some_and(|time| time.parse::<jiff::Timestamp>().is_err()) {
        problems.add(
            &below(&path, "timestamp"),
            "DATE_TIME_TYPE_PARSE",
            "Could not parse. Should be ISO8601.",
        );
    }
    if embed["color"].as_u64().is_some_and(|color| color > 0xff_ffff) {
        problems.add(
            &below(&path, "color"),
            "NUMBER_TYPE_MAX",
            "int value should be less than or equal to 16777215.",
        );
    }
    total
}

fn check_urls(problems: &mut Problems, at: &str, embed: &Value) {
    let places: [&[&str]; 6] = [
        &["url"],
        &["image", "url"],
        &["thumbnail", "url"],
        &["footer", "icon_url"],
        &["author", "url"],
        &["author", "icon_url"],
    ];
    for place in places {
        let value = place.iter().fold(embed, |value, step| &value[*step]);
        let Some(url) = value.as_str() else { continue };
        let path: Vec<&str> = ["embeds", at].iter().chain(place).copied().collect();
        if length(url) > 2048 {
            problems.length(&path, length(url), 0..=2048);
        }
        let schemes = ["http://", "https://", "attachment://"];
        if !url.is_empty() && !schemes.iter().any(|scheme| url.starts_with(scheme)) {
            problems.add(
                &path,
                "URL_TYPE_INVALID_URL",
                "Not a well formed URL. Scheme must be one of ('http', 'https').",
            );
        }
    }
}

/// As Discord gives it back: rich, and without `null`s.
fn as_shown(embed: &Value) -> Value {
    let mut shown = embed.clone();
    shown["type"] = json!("rich");
    if let Value::Object(map) = &mut shown {
        map.retain(|_, value| !value.is_null());
        if let Some(Value::Array(fields)) = map.get_mut("fields") {
            for field in fields.iter_mut().filter(|field| field.get("inline").is_none()) {
                field["inline"] = false.into();
            }
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: Value) -> Result<Draft, ApiError> {
        Draft::read(&Body { json, files: Vec::new() })
    }

    #[test]
    fn two_thousand_characters_fit_and_one_more_does_not() {
        assert!(read(json!({"content": "ä".repeat(2000)})).is_ok());
        let error = read(json!({"content": "ä".repeat(2001)})).unwrap_err();
        assert_eq!(error.code, 50035);
        assert_eq!(error.errors.unwrap()["content"]["_errors"][0]["code"], "BASE_TYPE_MAX_LENGTH");
    }

    #[test]
    fn the_texts_of_all_embeds_count_together() {
        let embed = json!({"description": "x".repeat(3000)});
        assert!(read(json!({"embeds": [embed, embed]})).is_ok());
        let error = read(json!({"embeds": [embed, embed, {"title": "x"}]})).unwrap_err();
        assert_eq!(error.errors.unwrap()["embeds"]["_errors"][0]["code"], "MAX_EMBED_SIZE_EXCEEDED");
    }

    #[test]
    fn a_field_needs_a_value() {
        let error = read(json!({"embeds": [{"fields": [{"name": "n", "value": ""}]}]})).unwrap_err();
        assert_eq!(
            error.errors.unwrap()["embeds"]["0"]["fields"]["0"]["value"]["_errors"][0]["code"],
            "BASE_TYPE_BAD_LENGTH"
        );
    }
}
