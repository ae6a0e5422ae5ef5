//! `/config`: the settings of a server, and who may do what.

use groundcrew::http::Problem;
use serde_json::Value;

use super::{
    Acknowledgement, Answering, Command, Completing, Definition, Front, Interaction, Reply, Task, guild_of,
    invalid,
};
use crate::auth::Deed;
use crate::discord::access::Level;
use crate::discord::definition::{Choice, Opt};
use crate::discord::render::{CONTENT, DESCRIPTION, cut, escaped};
use crate::discord::reply::{Embed, Field};
use crate::settings::{Change, DefaultLength, Effective, Key, LANGUAGES, Rule, Source, Subject, SubjectKind};

/// `/config`.
pub(super) struct Config;

/// Discord's bit for those who may manage the server.
const MANAGE_GUILD: u64 = 1 << 5;
/// What takes a rule away.
const BY_DEFAULT: &str = "by default";
/// Rules that one answer shows.
const MOST_RULES: usize = 40;

// === impl Config ===

impl Command for Config {
    fn name(&self) -> &'static str {
        "config"
    }

    fn definition(&self) -> Option<Definition> {
        let names: Vec<&str> = Key::ALL.iter().map(|key| key.name()).collect();
        let setting = || Opt::text("setting", "Which setting").one_of(&names);
        let value =
            Opt::text("value", "Its new value; lists are separated by commas").at_most(1000).completed();
        let levels = ["none", "read", "summarize", "admin", BY_DEFAULT];
        let permissions = Opt::subcommand("permissions", "Who may do what here")
            .option(Opt::role("role", "A role that the level is for"))
            .option(Opt::user("user", "A user that the level is for"))
            .option(Opt::channel("channel", "A channel in which nobody may do more than the level", &[]))
            .option(Opt::text("level", "What is allowed; without it the rules are shown").one_of(&levels));
        let definition = Definition::slash("config", "The settings of this server")
            .option(Opt::subcommand("view", "What is set, and by whom"))
            .option(
                Opt::subcommand("set", "Change a setting")
                    .option(setting().required())
                    .option(value.required()),
            )
            .option(permissions)
            .option(Opt::subcommand("reset", "Take back what was set here").option(setting()))
            .only_for(MANAGE_GUILD);
        Some(definition)
    }

    fn level(&self, _interaction: &Interaction) -> Level {
        Deed::ManageSettings.level()
    }

    fn acknowledge(&self, _interaction: &Interaction) -> Acknowledgement {
        Acknowledgement::Think { private: true }
    }

    fn run<'a>(&'a self, front: &'a Front, task: &'a Task) -> Answering<'a> {
        Box::pin(async move { Ok(answer(front, &task.interaction).await?.private().into()) })
    }

    fn complete<'a>(&'a self, front: &'a Front, interaction: &'a Interaction) -> Completing<'a> {
        Box::pin(async move { possible(front, interaction).await })
    }
}

async fn answer(front: &Front, interaction: &Interaction) -> Result<Reply, Problem> {
    let guild = guild_of(interaction)?;
    let (settings, by) = (&front.settings, interaction.user.id.as_str());
    let key = interaction.text("setting").and_then(Key::of_name);
    match (interaction.subcommand(), key) {
        (Some("set"), Some(key)) => {
            let text = interaction.text("value").unwrap_or_default();
            let expected = || invalid(format!("{} takes {}", key.name(), key.expects()));
            let value = key.parse(text).ok_or_else(expected)?;
            let now = settings.change(guild, by, None, Change::value(key, Some(value))).await?;
            Ok(confirmed(&now, key))
        }
        (Some("reset"), Some(key)) => {
            Ok(confirmed(&settings.change(guild, by, None, Change::value(key, None)).await?, key))
        }
        (Some("reset"), None) => Ok(view(&settings.reset(guild).await?)),
        (Some("permissions"), _) => match rule(interaction)? {
            Some((subject, level)) => {
                Ok(rules(&settings.change(guild, by, None, Change::rule(subject, level)).await?))
            }
            None => Ok(rules(&settings.effective(guild).await?)),
        },
        _ => Ok(view(&settings.effective(guild).await?)),
    }
}

/// The rule that is to be set (`None` as its level takes it away), if any.
fn rule(interaction: &Interaction) -> Result<Option<(Subject, Option<Level>)>, Problem> {
    let subjects = SubjectKind::ALL.into_iter().filter_map(|kind| {
        let id = interaction.id(kind.name())?.to_owned();
        Some(Subject { kind, id })
    });
    let mut subjects: Vec<Subject> = subjects.collect();
    match (subjects.pop(), interaction.text("level")) {
        (None, None) => Ok(None),
        (Some(_), _) if !subjects.is_empty() => {
            Err(invalid("name a role, a user or a channel, one at a time"))
        }
        (Some(subject), Some(BY_DEFAULT)) => Ok(Some((subject, None))),
        (Some(subject), Some(level)) => Ok(Some((subject, Level::of_name(level)))),
        (Some(_), None) => Err(invalid("say which level it is to have")),
        (None, Some(_)) => Err(invalid("say for which role, user or channel the level is")),
    }
}

fn confirmed(now: &Effective, key: Key) -> Reply {
    let given = now.all().find(|(known, _)| *known == key).map(|(_, given)| given);
    let shown = given.map_or_else(String::new, |given| shown(key, &given.value));
    Reply::text(cut(&format!("**{}** is now: {shown}", key.name()), CONTENT))
}

fn view(now: &Effective) -> Reply {
    let field = |(key, given): (Key, &crate::settings::Given)| Field {
        name: key.name().to_owned(),
        value: cut(&format!("{}\n-# {}", shown(key, &given.value), origin(&given.origin)), 400),
        inline: true,
    };
    Reply::embed(Embed {
        title: Some("Settings of this server".to_owned()),
        description: Some(
            "`/config set` changes them, `/config permissions` says who may do what.".to_owned(),
        ),
        fields: now.all().map(field).collect(),
        footer: Some(format!("version {}", now.version)),
        ..Embed::default()
    })
}

fn rules(now: &Effective) -> Reply {
    let all = now.rules.all();
    let mut lines: Vec<String> = all.iter().take(MOST_RULES).map(line).collect();
    if all.len() > MOST_RULES {
        lines.push(format!("… and {} more", all.len() - MOST_RULES));
    }
    lines.push(format!("Everybody else: **{}**", now.rules.others().name()));
    lines.push("-# Whoever may manage the server in Discord is an admin, whatever stands here.".to_owned());
    Reply::embed(Embed {
        title: Some("Who may do what".to_owned()),
        description: Some(cut(&lines.join("\n"), DESCRIPTION)),
        ..Embed::default()
    })
}

fn line(rule: &Rule) -> String {
    let id = &rule.subject.id;
    // Shown as names by Discord; nobody is called, since no answer allows mentions.
    let subject = match rule.subject.kind {
        SubjectKind::Role => format!("<@&{id}>"),
        SubjectKind::User => format!("<@{id}>"),
        SubjectKind::Channel => format!("<#{id}> at most"),
    };
    format!("{subject}: **{}** ({})", rule.level.name(), origin(&rule.origin))
}

fn origin(source: &Source) -> String {
    match source {
        Source::Stored { by, at } if by.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("<@{by}>, <t:{}:d>", at.as_second())
        }
        other => escaped(&other.to_string()),
    }
}

fn shown(key: Key, value: &Value) -> String {
    let mark = if key == Key::ExcludedUsers { '@' } else { '#' };
    match value {
        Value::Null => "not set".to_owned(),
        Value::Bool(flag) => (if *flag { "yes" } else { "no" }).to_owned(),
        Value::String(text) => escaped(text),
        Value::Array(items) if items.is_empty() && key == Key::EnabledChannels => "all".to_owned(),
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(items) => {
            let ids = items.iter().filter_map(Value::as_str).map(|id| format!("<{mark}{id}>"));
            ids.collect::<Vec<_>>().join(" ")
        }
        other => other.to_string(),
    }
}

async fn possible(front: &Front, interaction: &Interaction) -> Vec<Choice> {
    let Some(key) = interaction.text("setting").and_then(Key::of_name) else { return Vec::new() };
    let now = match interaction.guild_id.as_deref() {
        Some(guild) => front.settings.effective(guild).await.ok(),
        None => None,
    };
    let current = now.and_then(|now| {
        let found = now.all().find(|(known, _)| *known == key).map(|(_, given)| plain(&given.value));
        found.filter(|text| !text.is_empty())
    });
    let usual: Vec<&str> = match key {
        Key::Length => DefaultLength::NAMES.to_vec(),
        Key::Perspective => crate::Perspective::ALL.iter().map(|(name, _)| *name).collect(),
        Key::Language => LANGUAGES.to_vec(),
        Key::TimeZone => {
            vec![
                "UTC",
                "Europe/London",
                "Europe/Berlin",
                "America/New_York",
                "America/Los_Angeles",
                "Asia/Tokyo",
            ]
        }
        Key::IncludeBots | Key::RequirePermissions => vec!["true", "false"],
        Key::RetentionDays => vec!["0", "7", "30", "90", "365"],
        Key::MinMessages => vec!["3", "5", "10", "20"],
        Key::Temperature => vec!["0", "0.3", "0.7", "1"],
        Key::DailyBudget => vec!["0", "1", "5", "20"],
        Key::EnabledChannels | Key::ExcludedChannels | Key::ExcludedUsers | Key::Model => Vec::new(),
    };
    let typed = match &interaction.kind {
        crate::discord::interaction::Kind::Completion { typed, .. } => typed.to_lowercase(),
        _ => String::new(),
    };
    let all = current.into_iter().chain(usual.into_iter().map(str::to_owned));
    let mut values: Vec<String> = Vec::new();
    for value in all.filter(|value| value.len() <= 100 && value.to_lowercase().starts_with(&typed)) {
        if !values.contains(&value) {
            values.push(value);
        }
    }
    values.iter().take(25).map(|value| Choice::of(value)).collect()
}

/// A value as somebody would type it.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}
