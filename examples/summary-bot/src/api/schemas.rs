//! The schemas of the OpenAPI document. A test holds them against real answers.

use serde_json::{Value, json};

use super::asked::MAX_WORDS;
use super::openapi::schema;
use super::{codes, fields, wished};
use crate::Perspective;
use crate::headway::Phase;

/// Every schema, by name.
pub(super) fn all() -> Value {
    json!({
        "Conversation": conversation(),
        "Message": message(),
        "Options": options(),
        "Summary": summary(),
        "CompatibleRequest": compatible_request(),
        "CompatibleSummary": compatible_summary(),
        "Asked": asked(),
        "Point": object("A statement and the messages that it came from.", &json!({
            "text": text("The statement."),
            "speaker": optional("string", "Who made it; null for a sentence about the conversation as a whole."),
            "messages": ids(),
        })),
        "ActionItem": object("Something to do.", &json!({
            "description": text("What is to be done."),
            "assignee": optional("string", "By whom, if anybody was named."),
            "priority": {"type": "string", "enum": ["high", "medium", "low"]},
            "deadline": optional("string", "By when, as it was said."),
            "messages": ids(),
        })),
        "Term": object("The name of a thing.", &json!({
            "term": text("As it is written most often."),
            "count": count("How often it comes."),
            "messages": ids(),
        })),
        "Participant": object("Somebody who took part.", &json!({
            "name": text("The name."),
            "key_contribution": text("The most telling thing they said; may be empty."),
            "message_count": count("How many messages they wrote."),
            "messages": ids(),
        })),
        "Origin": origin(),
        "Metadata": metadata(),
        "Warning": object("Something about a summary that its reader should know.", &json!({
            "code": text("A stable code, such as `SAMPLED`."),
            "message": text("What it means here."),
        })),
        "Citation": object("A message that the summary cites.", &json!({
            "id": text("The message's id, as the points of the summary name it."),
            "author": text("Who wrote it."),
            "time": optional("string", "When (UTC, or the log's own clock), as far as the source says."),
            "text": text("What it says; very long ones are cut."),
        })),
        "Entry": entry(),
        "Job": object("A summary that is made later.", &json!({
            "id": {"type": "string", "format": "uuid", "description": "The job's id."},
            "state": {"type": "string", "enum": ["pending", "succeeded", "failed", "cancelled"]},
            "percent": {"type": "integer", "minimum": 0, "maximum": 100, "description": "How much of it is done."},
            "phase": {
                "type": "string", "enum": Phase::ALL.map(Phase::name),
                "description": "What is being done, or was when it ended.",
            },
            "created_at": {"type": "string", "format": "date-time", "description": "When it was asked for."},
            "summary": optional("string", "The path of the summary, once it has succeeded."),
            "problem": {
                "description": "Why there is no summary, once it has failed.",
                "oneOf": [schema("Problem"), {"type": "null"}],
            },
        })),
        "Page": object("A page of the list.", &json!({
            "items": list("Entry", "The entries, the newest first."),
            "next_cursor": optional("string", "What to pass as `cursor` for older entries; null at the end."),
        })),
        "Problem": problem(),
    })
}

fn conversation() -> Value {
    json!({
        "description": "A conversation: an array of messages, or an object with `messages` such as a \
            DiscordChatExporter export, to which `options` and `title` may be added. Other members are ignored.",
        "oneOf": [
            {"type": "array", "items": schema("Message")},
            {
                "type": "object",
                "required": ["messages"],
                "properties": {
                    "messages": {"type": "array", "items": schema("Message")},
                    "options": {"oneOf": [schema("Options"), {"type": "null"}]},
                    "title": optional("string", "What to call the conversation; else the export's channel."),
                },
            },
        ],
    })
}

fn message() -> Value {
    json!({
        "type": "object",
        "description": "A message; exports have further members, which are ignored.",
        "required": ["author", "content"],
        "properties": {
            "id": {"type": ["string", "integer", "null"], "description": "What citations name; else the position from 1."},
            "author": {
                "description": "A name, or an object with `name`.",
                "oneOf": [
                    {"type": "string"},
                    {
                        "type": "object",
                        "required": ["name"],
                        "properties": {
                            "name": {"type": "string"},
                            "nickname": {"type": ["string", "null"]},
                            "id": {"type": ["string", "null"]},
                            "isBot": {"type": ["boolean", "null"]},
                        },
                    },
                ],
            },
            "content": text("What was said."),
            "timestamp": {
                "description": "When: RFC 3339, or a time of day such as `14:03`.",
                "anyOf": [
                    {"type": "string", "format": "date-time"},
                    {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"},
                    {"type": "null"},
                ],
            },
            "reply_to": optional("string", "The id of the message that this one answers."),
        },
    })
}

fn options() -> Value {
    let perspectives = Perspective::ALL.map(|(name, _)| name);
    let mut options = json!({
        "type": "object",
        "description": "How to summarise. The same names may be given in the query instead.",
        "additionalProperties": false,
        "properties": {
            "length": {"type": ["string", "null"], "enum": ["brief", "detailed", "comprehensive", null],
                "description": "80, 180 or 400 words; `detailed` if neither this nor `words` is given."},
            "words": {"type": ["integer", "null"], "minimum": 1, "maximum": MAX_WORDS,
                "description": "At most so many words in `summary_text`, instead of `length`."},
            "perspective": {"type": ["string", "null"],
                "enum": perspectives.iter().map(|name| json!(name)).chain([Value::Null]).collect::<Vec<_>>(),
                "description": "Whose interests weigh more; `general` by default."},
            "since": optional("string", "Leave out what was written before: `2026-03-01T14:03:00Z`, `2026-03-01` or `14:03`."),
            "until": optional("string", "Leave out what was written after."),
            "exclude_users": {"type": ["array", "null"], "items": {"type": "string"},
                "description": "Leave out these people, by name or account id."},
            "include_bots": optional("boolean", "Count what programs wrote, too; false by default."),
            "min_messages": {"type": ["integer", "null"], "minimum": 0, "maximum": 1_000_000,
                "description": "With fewer messages there is no summary; 5 by default, or as the server has it."},
        },
    });
    for (name, mut schema, description) in wished::schemas() {
        schema["type"] = json!([schema["type"], "null"]);
        schema["description"] = description.into();
        options["properties"][name] = schema;
    }
    options
}

fn summary() -> Value {
    object(
        "A summary.",
        &json!({
            "id": {"type": "string", "format": "uuid"},
            "created_at": {"type": "string", "format": "date-time"},
            "title": text("What the conversation is called."),
            "options": schema("Asked"),
            "origin": schema("Origin"),
            "summary_text": text("The summary as running text."),
            "sentences": list("Point", "The sentences of `summary_text`."),
            "key_points": list("Point", "What else is worth knowing."),
            "action_items": list("ActionItem", "Who is to do what."),
            "decisions": list("Point", "What was settled."),
            "open_questions": list("Point", "What was asked and not answered."),
            "technical_terms": list("Term", "Names of things: products, files, commands, acronyms."),
            "participants": list("Participant", "Who took part, the most active first."),
            "metadata": schema("Metadata"),
            "citations": list("Citation", "The messages that are cited, in their order."),
        }),
    )
}

fn compatible_summary() -> Value {
    let mut schema = summary();
    let formats = fields::FORMATS.map(|(name, _)| name);
    schema["description"] =
        "A summary, and beside it as it was wanted. Lists that were not wanted are empty.".into();
    schema["properties"]["output_format"] = json!({"type": "string", "enum": formats});
    schema["properties"]["output"] =
        optional("string", "The summary in that format; null for `json`, which is this object.");
    schema
}

fn compatible_request() -> Value {
    let types = fields::TYPES.map(|(name, ..)| name).into_iter().map(Value::from).chain([Value::Null]);
    let formats = fields::FORMATS.map(|(name, _)| name).into_iter().map(Value::from).chain([Value::Null]);
    let id = |description: &str| json!({"type": ["string", "null"], "pattern": "^[0-9]{1,20}$", "description": description});
    let time = json!({"type": ["string", "null"], "format": "date-time"});
    let properties = json!({
        "channel_id": id("Discord's id of the channel; instead of `messages`."),
        "guild_id": id("Discord's id of the server."),
        "messages": {"type": ["array", "null"], "items": schema("Message"), "description": "Instead of `channel_id`."},
        "title": optional("string", "What to call the conversation."),
        "time_range": {"type": ["object", "null"], "properties": {"start": time, "end": time}},
        "summary_type": {"type": ["string", "null"], "enum": types.collect::<Vec<_>>()},
        "output_format": {"type": ["string", "null"], "enum": formats.collect::<Vec<_>>()},
        "max_length": {"type": ["integer", "null"], "minimum": 100, "maximum": 100_000,
            "description": "Of the summary's text, in characters, roughly."},
        "include_threads": optional("boolean", "The channel's public threads, too; true by default."),
        "exclude_bots": optional("boolean", "Leave out what programs wrote; true by default, or as the server has it."),
        "include_technical_terms": optional("boolean", "True by default."),
        "include_action_items": optional("boolean", "True by default."),
        "exclude_users": {"type": ["array", "null"], "items": {"type": "string"},
            "description": "Leave out these people, by name or account id."},
        "min_messages": {"type": ["integer", "null"], "minimum": 0, "maximum": 1_000_000,
            "description": "With fewer messages there is no summary; 5 by default."},
        "custom_prompt": {"type": ["string", "null"], "maxLength": fields::LONGEST_PROMPT,
            "description": "Further instructions for the language model."},
        "model": {"type": ["string", "null"], "maxLength": 100, "description": "By the name that the configuration gives it."},
        "temperature": {"type": ["number", "null"], "minimum": 0, "maximum": 2},
        "webhook_url": {"type": ["string", "null"], "maxLength": 2048,
            "description": "Where to send `summary.created` or, for what is made later, `summary.failed`."},
        "language": {"type": ["string", "null"], "maxLength": 35, "description": "To write in, such as `de`."},
    });
    json!({"type": "object", "description": "`channel_id` or `messages`, and how to summarise.", "properties": properties})
}

fn asked() -> Value {
    let mut schema = object(
        "The options that a summary was made with.",
        &json!({
            "length": {"type": "string", "enum": ["brief", "detailed", "comprehensive", "custom"]},
            "words": count("At most so many words in `summary_text`."),
            "perspective": text("Whose interests weigh more."),
            "since": optional("string", "What was written before was left out."),
            "until": optional("string", "What was written after was left out."),
            "exclude_users": {"type": "array", "items": {"type": "string"}, "description": "Who was left out."},
            "include_bots": {"type": "boolean", "description": "Whether programs were counted, too."},
            "min_messages": count("With fewer messages there would be no summary."),
        }),
    );
    // Where nobody has said which, and in summaries of earlier versions, there is none.
    schema["properties"]["language"] = text("The language that it was to be written in.");
    schema
}

fn metadata() -> Value {
    let mut schema = object(
        "About the summary itself.",
        &json!({
            "engine": text("Which engine wrote it."),
            "language": text("The language of the conversation, as a code; `und` if unknown."),
            "messages_read": count("Messages in the input, notices included."),
            "messages_counted": count("Messages that the summary is about."),
            "messages_excluded": count("Messages that options left out."),
            "participant_count": count("How many people wrote them."),
            "words_counted": count("Words of these messages."),
            "summary_words": count("Words of `summary_text`."),
            "first_message": optional("string", "The time of the first one."),
            "last_message": optional("string", "The time of the last one."),
            "duration_ms": count("How long the engine took, in milliseconds."),
            "warnings": list("Warning", "What the reader should know."),
        }),
    );
    // Summaries of earlier versions do not have it.
    schema["properties"]["model"] = json!({
        "description": "What a language model did and cost; null if none wrote it.",
        "oneOf": [schema_of_model_use(), {"type": "null"}],
    });
    schema
}

fn schema_of_model_use() -> Value {
    object(
        "What a language model did for a summary.",
        &json!({
            "name": text("As the configuration calls it."),
            "prompts": text("Which prompts were used: a hash over their files."),
            "requests": count("How many requests it took."),
            "input_tokens": count("Tokens of the prompts."),
            "output_tokens": count("Tokens of the answers."),
            "estimated": {"type": "boolean", "description": "Some of the tokens are an estimate."},
            "cost_microdollars": count("What it cost, in millionths of a dollar."),
            "parts": count("Into how many parts the conversation was cut."),
            "dropped_citations": count("Citations of messages that there are not."),
            "dropped_claims": count("Claims that were left out."),
            "kept": {"type": "boolean", "description": "The answer was there already, and cost nothing this time."},
        }),
    )
}

fn entry() -> Value {
    object(
        "A summary as lists show it.",
        &json!({
            "id": {"type": "string", "format": "uuid"},
            "created_at": {"type": "string", "format": "date-time"},
            "title": text("What the conversation is called."),
            "excerpt": text("The beginning of the summary."),
            "message_count": count("Messages that the summary is about."),
            "participant_count": count("How many people wrote them."),
            "guild_id": optional("string", "Discord's id of the server."),
            "channel_id": optional("string", "Discord's id of the channel or thread."),
            "requested_by": optional("string", "Who asked for the summary."),
            "language": optional("string", "The language of the conversation; null until it is indexed."),
            "engine": optional("string", "Which engine or model wrote it; null until it is indexed."),
        }),
    )
}

fn problem() -> Value {
    json!({
        "type": "object",
        "description": "What went wrong (RFC 9457).",
        "required": ["type", "title", "status", "code", "retryable", "request_id"],
        "properties": {
            "type": {"type": "string", "format": "uri-reference"},
            "title": text("The status in words."),
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "code": text(&codes::told()),
            "detail": text("What went wrong this time and what to do, for people."),
            "retryable": {"type": "boolean", "description": "Whether sending the same again may help."},
            "request_id": text("Under which the log has it; also in the header `x-request-id`."),
            "field": text("The field that is wrong, such as `messages[3].author`."),
            "line": count("The line of the body, from 1."),
            "column": count("The column of that line, from 1."),
            "errors": {
                "type": "array",
                "description": "All options that are wrong.",
                "items": {"type": "object", "required": ["field", "detail"]},
            },
        },
    })
}

fn origin() -> Value {
    let mut origin = object(
        "Where the conversation comes from; nothing but nulls for an upload.",
        &json!({
            "guild_id": optional("string", "Discord's id of the server."),
            "channel_id": optional("string", "Discord's id of the channel or thread; null where it is of several."),
            "requested_by": optional("string", "Who asked for the summary."),
            "private": {"type": "boolean", "description": "Only who asked may read it."},
        }),
    );
    origin["properties"]["channels"] = json!({
        "type": "array", "items": {"type": "string"},
        "description": "Discord's ids of all channels and threads that it holds something of, where that is not \
            `channel_id` alone. Who may not read one of them may not read it.",
    });
    origin
}

/// An object all of whose members are always there, and no others.
pub(super) fn object(description: &str, properties: &Value) -> Value {
    let required: Vec<String> =
        properties.as_object().into_iter().flat_map(|members| members.keys().cloned()).collect();
    json!({
        "type": "object",
        "description": description,
        "required": required,
        "additionalProperties": false,
        "properties": properties,
    })
}

pub(super) fn text(description: &str) -> Value {
    json!({"type": "string", "description": description})
}

pub(super) fn count(description: &str) -> Value {
    json!({"type": "integer", "minimum": 0, "description": description})
}

pub(super) fn optional(kind: &str, description: &str) -> Value {
    json!({"type": [kind, "null"], "description": description})
}

pub(super) fn list(of: &str, description: &str) -> Value {
    json!({"type": "array", "items": schema(of), "description": description})
}

fn ids() -> Value {
    json!({"type": "array", "items": {"type": "string"}, "description": "Ids of the messages, to be found in `citations`."})
}
