//! From serenity's interactions to ours.

use serenity::model::application::{
    ActionRowComponent, CommandDataOption, CommandDataOptionValue, CommandInteraction, ComponentInteraction,
    ComponentInteractionDataKind, Interaction as Theirs, ModalInteraction,
};
use serenity::model::guild::Member;
use serenity::model::user::User as TheirUser;

use super::interaction::{Given, Interaction, Kind, Token, User, Value};

/// `None` for a ping, which is answered where it arrives.
pub(super) fn interaction(theirs: Theirs) -> Option<Interaction> {
    match theirs {
        Theirs::Command(it) => {
            let (path, options) = leaf(&it.data.options);
            let kind = Kind::Command {
                name: it.data.name.clone(),
                path,
                options: options.iter().filter_map(given).collect(),
                target: it.data.target_id.map(|id| id.to_string()),
            };
            Some(of_command(it, kind))
        }
        Theirs::Autocomplete(it) => {
            let (path, options) = leaf(&it.data.options);
            let typed = options.iter().find_map(|option| match &option.value {
                CommandDataOptionValue::Autocomplete { value, .. } => {
                    Some((option.name.clone(), value.clone()))
                }
                _ => None,
            });
            let (focused, typed) = typed.unwrap_or_default();
            let options = options.iter().filter_map(given).collect();
            let kind = Kind::Completion { name: it.data.name.clone(), path, options, focused, typed };
            Some(of_command(it, kind))
        }
        Theirs::Component(it) => Some(of_component(it)),
        Theirs::Modal(it) => Some(of_form(it)),
        _ => None,
    }
}

fn of_command(it: CommandInteraction, kind: Kind) -> Interaction {
    Interaction {
        id: it.id.to_string(),
        application_id: it.application_id.to_string(),
        token: Token(it.token),
        kind,
        user: user(&it.user, it.member.as_deref()),
        guild_id: it.guild_id.map(|id| id.to_string()),
        channel_id: it.channel_id.to_string(),
        locale: it.locale,
        guild_locale: it.guild_locale,
        app_permissions: it.app_permissions.map_or(0, |permissions| permissions.bits()),
    }
}

fn of_component(it: ComponentInteraction) -> Interaction {
    let values = match it.data.kind {
        ComponentInteractionDataKind::StringSelect { values } => values,
        ComponentInteractionDataKind::UserSelect { values } => ids(&values),
        ComponentInteractionDataKind::RoleSelect { values } => ids(&values),
        ComponentInteractionDataKind::MentionableSelect { values } => ids(&values),
        ComponentInteractionDataKind::ChannelSelect { values } => ids(&values),
        _ => Vec::new(),
    };
    let custom_id = it.data.custom_id;
    Interaction {
        id: it.id.to_string(),
        application_id: it.application_id.to_string(),
        token: Token(it.token),
        kind: Kind::Component { custom_id, values, message_id: it.message.id.to_string() },
        user: user(&it.user, it.member.as_ref()),
        guild_id: it.guild_id.map(|id| id.to_string()),
        channel_id: it.channel_id.to_string(),
        locale: it.locale,
        guild_locale: it.guild_locale,
        app_permissions: it.app_permissions.map_or(0, |permissions| permissions.bits()),
    }
}

fn of_form(it: ModalInteraction) -> Interaction {
    let inputs = it.data.components.into_iter().flat_map(|row| row.components);
    let fields = inputs.filter_map(|component| match component {
        ActionRowComponent::InputText(input) => Some((input.custom_id, input.value.unwrap_or_default())),
        _ => None,
    });
    Interaction {
        id: it.id.to_string(),
        application_id: it.application_id.to_string(),
        token: Token(it.token),
        kind: Kind::Form { custom_id: it.data.custom_id, fields: fields.collect() },
        user: user(&it.user, it.member.as_ref()),
        guild_id: it.guild_id.map(|id| id.to_string()),
        channel_id: it.channel_id.to_string(),
        locale: it.locale,
        guild_locale: it.guild_locale,
        app_permissions: it.app_permissions.map_or(0, |permissions| permissions.bits()),
    }
}

fn user(user: &TheirUser, member: Option<&Member>) -> User {
    let nick = member.and_then(|member| member.nick.clone());
    User {
        id: user.id.to_string(),
        name: nick.or_else(|| user.global_name.clone()).unwrap_or_else(|| user.name.clone()),
        roles: member.map(|member| ids(&member.roles)).unwrap_or_default(),
        permissions: member.and_then(|member| member.permissions).map_or(0, |permissions| permissions.bits()),
    }
}

/// The names of groups and subcommands, and the options below them.
fn leaf(mut options: &[CommandDataOption]) -> (Vec<String>, &[CommandDataOption]) {
    let mut path = Vec::new();
    while let [only] = options {
        let (CommandDataOptionValue::SubCommand(below) | CommandDataOptionValue::SubCommandGroup(below)) =
            &only.value
        else {
            break;
        };
        path.push(only.name.clone());
        options = below;
    }
    (path, options)
}

fn given(option: &CommandDataOption) -> Option<Given> {
    let value = match &option.value {
        CommandDataOptionValue::String(text) => Value::Text(text.clone()),
        CommandDataOptionValue::Integer(number) => Value::Integer(*number),
        CommandDataOptionValue::Number(number) => Value::Number(*number),
        CommandDataOptionValue::Boolean(flag) => Value::Flag(*flag),
        CommandDataOptionValue::User(id) => Value::User(id.to_string()),
        CommandDataOptionValue::Role(id) => Value::Role(id.to_string()),
        CommandDataOptionValue::Channel(id) => Value::Channel(id.to_string()),
        CommandDataOptionValue::Attachment(id) => Value::Attachment(id.to_string()),
        _ => return None,
    };
    Some(Given { name: option.name.clone(), value })
}

fn ids<T: ToString>(ids: &[T]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}
