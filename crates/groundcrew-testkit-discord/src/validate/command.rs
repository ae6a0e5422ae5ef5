//! Application commands: names, lengths, counts, the order of options.

use super::{below, length, required_text, text};
use crate::error::{ApiError, Problems};
use serde_json::Value;
use std::collections::HashSet;

const CHAT_INPUT: u64 = 1;
/// Names, descriptions and values of one command together.
const COMMAND_TEXT: usize = 8000;
const SUB_COMMAND: u64 = 1;
const SUB_COMMAND_GROUP: u64 = 2;

/// One command, at a path that is empty unless it is one of many.
pub(crate) fn check(problems: &mut Problems, path: &[&str], command: &Value) {
    let kind = kind(command);
    if !(1..=3).contains(&kind) {
        problems.add(&below(path, "type"), "BASE_TYPE_CHOICES", "Value must be one of {1, 2, 3}.");
    }
    let name = required_text(problems, &below(path, "name"), &command["name"], 1..=32);
    if let Some(name) = name.filter(|name| kind == CHAT_INPUT && !name.is_empty() && !is_name(name)) {
        bad_name(problems, &below(path, "name"), name);
    }
    localizations(problems, path, command, "name_localizations", 32);
    localizations(problems, path, command, "description_localizations", 100);
    if kind == CHAT_INPUT {
        required_text(problems, &below(path, "description"), &command["description"], 1..=100);
        options(problems, path, command, 0);
    } else {
        if command["description"].as_str().is_some_and(|text| !text.is_empty()) {
            let message = "Context menu commands cannot have description";
            problems.add(
                &below(path, "description"),
                "APPLICATION_COMMAND_CONTEXT_MENU_DESCRIPTION",
                message,
            );
        }
        if command["options"].as_array().is_some_and(|options| !options.is_empty()) {
            let message = "Context menu commands cannot have options";
            problems.add(&below(path, "options"), "APPLICATION_COMMAND_CONTEXT_MENU_OPTIONS", message);
        }
    }
    if size(command) > COMMAND_TEXT {
        let message = format!("Command exceeds maximum size ({COMMAND_TEXT})");
        problems.add(path, "APPLICATION_COMMAND_TOO_LARGE", message);
    }
}

/// All the commands of a guild, or the global ones: their count, and no name twice.
pub(crate) fn check_all(commands: &[Value]) -> Result<(), ApiError> {
    let mut names = HashSet::new();
    let mut problems = Problems::default();
    for (number, command) in commands.iter().enumerate() {
        let number = number.to_string();
        check(&mut problems, &[&number], command);
        if !names.insert((kind(command), command["name"].as_str().unwrap_or_default())) {
            let message = "Application command names must be unique";
            problems.add(&[&number], "APPLICATION_COMMANDS_DUPLICATE_NAME", message);
        }
    }
    for (of, most) in [(1, 100), (2, 5), (3, 5)] {
        if commands.iter().filter(|command| kind(command) == of).count() > most {
            return Err(ApiError::new(400, 30032, "Maximum number of application commands reached"));
        }
    }
    problems.check()
}

pub(crate) fn kind(command: &Value) -> u64 {
    command["type"].as_u64().unwrap_or(CHAT_INPUT)
}

fn options(problems: &mut Problems, path: &[&str], parent: &Value, depth: usize) {
    let Some(list) = parent["options"].as_array() else { return };
    if list.len() > 25 {
        problems.add(&below(path, "options"), "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.");
    }
    let mut names = HashSet::new();
    let mut optional_seen = false;
    let nested = list.iter().filter(|option| is_nested(option)).count();
    if nested != 0 && nested != list.len() {
        let message =
            "Sub-command and sub-command group option types are mutually exclusive to all other types";
        problems.add(&below(path, "options"), "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", message);
    }
    for (number, option) in list.iter().enumerate() {
        let number = number.to_string();
        let here: Vec<&str> = path.iter().copied().chain(["options", &number]).collect();
        let required = option["required"].as_bool().unwrap_or_default();
        if required && optional_seen {
            let message = "Required options must be placed before non-required options";
            problems.add(&here, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", message);
        }
        optional_seen |= !required;
        if !names.insert(option["name"].as_str().unwrap_or_default()) {
            let message = "Option name already used";
            problems.add(&here, "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS", message);
        }
        check_option(problems, &here, option, depth);
    }
}

fn check_option(problems: &mut Problems, path: &[&str], option: &Value, depth: usize) {
    let kind = option["type"].as_u64().unwrap_or_default();
    if !(1..=11).contains(&kind) {
        problems.add(&below(path, "type"), "BASE_TYPE_CHOICES", "Value must be one of {1, …, 11}.");
    }
    let name = required_text(problems, &below(path, "name"), &option["name"], 1..=32);
    if let Some(name) = name.filter(|name| !name.is_empty() && !is_name(name)) {
        bad_name(problems, &below(path, "name"), name);
    }
    required_text(problems, &below(path, "description"), &option["description"], 1..=100);
    localizations(problems, path, option, "name_localizations", 32);
    localizations(problems, path, option, "description_localizations", 100);
    if is_nested(option) {
        let too_deep = depth > 1 || (depth == 1 && kind == SUB_COMMAND_GROUP);
        if too_deep {
            let message = "Sub-commands may be nested in one group at most";
            problems.add(&below(path, "type"), "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", message);
        }
        options(problems, path, option, depth + 1);
        return;
    }
    choices(problems, path, option, kind);
    for (field, kinds, most) in [("min_length", 3..=3, 6000), ("max_length", 3..=3, 6000)] {
        let Some(number) = option[field].as_u64() else { continue };
        if !kinds.contains(&kind) || number > most {
            problems.add(
                &below(path, field),
                "NUMBER_TYPE_MAX",
                format!("Only for strings, at most {most}."),
            );
        }
    }
    for field in ["min_value", "max_value"] {
        if !option[field].is_null() && !matches!(kind, 4 | 10) {
            let message = "Only for options of type INTEGER or NUMBER";
            problems.add(&below(path, field), "APPLICATION_COMMAND_OPTIONS_MINMAX_INVALID", message);
        }
    }
    if let (Some(low), Some(high)) = (option["min_value"].as_f64(), option["max_value"].as_f64())
        && low > high
    {
        problems.add(&below(path, "max_value"), "NUMBER_TYPE_MIN", "max_value must not be below min_value");
    }
}

fn choices(problems: &mut Problems, path: &[&str], option: &Value, kind: u64) {
    let list = option["choices"].as_array().map(Vec::as_slice).unwrap_or_default();
    let autocomplete = option["autocomplete"].as_bool().unwrap_or_default();
    if (!list.is_empty() || autocomplete) && !matches!(kind, 3 | 4 | 10) {
        let message = "Only for options of type STRING, INTEGER or NUMBER";
        problems.add(&below(path, "choices"), "APPLICATION_COMMAND_OPTIONS_CHOICES_INVALID", message);
    }
    if autocomplete && !list.is_empty() {
        let message = "Choices and autocomplete exclude each other";
        problems.add(&below(path, "autocomplete"), "APPLICATION_COMMAND_AUTOCOMPLETE_CHOICES", message);
    }
    if list.len() > 25 {
        problems.add(&below(path, "choices"), "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.");
    }
    for (number, choice) in list.iter().enumerate() {
        let number = number.to_string();
        let here: Vec<&str> = path.iter().copied().chain(["choices", &number]).collect();
        required_text(problems, &below(&here, "name"), &choice["name"], 1..=100);
        let value = &choice["value"];
        let fits = match kind {
            3 => value.as_str().is_some_and(|text| (1..=100).contains(&length(text))),
            4 => value.is_i64() || value.is_u64(),
            _ => value.is_number(),
        };
        if !fits {
            let message = "The value does not fit the option's type";
            problems.add(&below(&here, "value"), "APPLICATION_COMMAND_OPTIONS_CHOICE_VALUE_INVALID", message);
        }
    }
}

fn is_nested(option: &Value) -> bool {
    matches!(option["type"].as_u64(), Some(SUB_COMMAND | SUB_COMMAND_GROUP))
}

/// Letters, digits, `-`, `_` and `'`; lower case where the script has it.
fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '\'');
    name.chars().all(fits) && name.to_lowercase() == name
}

fn bad_name(problems: &mut Problems, path: &[&str], name: &str) {
    let message = format!("Command name is invalid: {name:?}");
    problems.add(path, "APPLICATION_COMMAND_INVALID_NAME", message);
}

fn localizations(problems: &mut Problems, path: &[&str], holder: &Value, field: &str, most: usize) {
    let Some(map) = holder[field].as_object() else { return };
    for (locale, value) in map {
        let here: Vec<&str> = path.iter().copied().chain([field, locale.as_str()]).collect();
        if !LOCALES.contains(&locale.as_str()) {
            problems.add(&here, "DICT_TYPE_KEY_INVALID", "This locale is not known");
        }
        text(problems, &here, value, 1..=most);
    }
}

/// The texts that count for a command's size.
fn size(value: &Value) -> usize {
    let own =
        ["name", "description"].iter().filter_map(|field| value[*field].as_str()).map(length).sum::<usize>();
    let choice = value["value"].as_str().map_or(0, length);
    let inner = ["options", "choices"]
        .iter()
        .filter_map(|field| value[*field].as_array())
        .flatten()
        .map(size)
        .sum::<usize>();
    own + choice + inner
}

const LOCALES: &[&str] = &[
    "id", "da", "de", "en-GB", "en-US", "es-ES", "es-419", "fr", "hr", "it", "lt", "hu", "nl", "no", "pl",
    "pt-BR", "ro", "fi", "sv-SE", "vi", "tr", "cs", "el", "bg", "ru", "uk", "hi", "th", "zh-CN", "ja",
    "zh-TW", "ko",
];

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn code(command: Value) -> Option<String> {
        let error = check_all(&[command]).err()?;
        Some(error.errors?.to_string())
    }

    #[test]
    fn an_upper_case_name_is_refused() {
        assert!(code(json!({"name": "Summarize", "description": "x"})).unwrap().contains("INVALID_NAME"));
        assert_eq!(code(json!({"name": "summarize", "description": "x"})), None);
    }

    #[test]
    fn required_options_come_first() {
        let option = |name: &str, required: bool| json!({"type": 3, "name": name, "description": "x", "required": required});
        let with = |options: [Value; 2]| json!({"name": "a", "description": "x", "options": options});
        assert!(code(with([option("a", false), option("b", true)])).unwrap().contains("REQUIRED_INVALID"));
        assert_eq!(code(with([option("b", true), option("a", false)])), None);
    }

    #[test]
    fn a_menu_entry_has_no_description_and_may_have_spaces() {
        assert_eq!(code(json!({"type": 3, "name": "Summarise from here"})), None);
        assert!(code(json!({"type": 3, "name": "A", "description": "x"})).unwrap().contains("CONTEXT_MENU"));
    }

    #[test]
    fn twenty_six_choices_are_one_too_many() {
        let choices: Vec<Value> = (0..26).map(|n| json!({"name": n.to_string(), "value": n})).collect();
        let option = json!({"type": 4, "name": "n", "description": "x", "choices": choices});
        assert!(
            code(json!({"name": "a", "description": "x", "options": [option]}))
                .unwrap()
                .contains("25 or fewer")
        );
    }
}
