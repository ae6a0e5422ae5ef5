//! Buttons, select menus, modals.

use super::{required_text, text};
use crate::error::{ApiError, Problems};
use serde_json::Value;
use std::collections::HashSet;

const ROW: u64 = 1;
const BUTTON: u64 = 2;
const TEXT_INPUT: u64 = 4;

/// The rows of a message.
pub(crate) fn check_message(problems: &mut Problems, rows: &[Value]) {
    if rows.len() > 5 {
        problems.add(&["components"], "BASE_TYPE_MAX_LENGTH", "Must be 5 or fewer in length.");
    }
    let mut ids = HashSet::new();
    for (number, row) in rows.iter().enumerate() {
        let at = number.to_string();
        if row["type"].as_u64() != Some(ROW) {
            let path = ["components", &at, "type"];
            problems.add(&path, "UNION_TYPE_CHOICES", "Value of field \"type\" must be one of (1,).");
            continue;
        }
        let inner = row["components"].as_array().map(Vec::as_slice).unwrap_or_default();
        let buttons = inner.iter().all(|component| component["type"].as_u64() == Some(BUTTON));
        let most = if buttons { 5 } else { 1 };
        if inner.is_empty() || inner.len() > most {
            let path = ["components", &at, "components"];
            problems.add(&path, "BASE_TYPE_BAD_LENGTH", format!("Must be between 1 and {most} in length."));
        }
        for (number, component) in inner.iter().enumerate() {
            let inside = number.to_string();
            let path = ["components", &at, "components", &inside];
            check_one(problems, &path, component);
            if let Some(id) = component["custom_id"].as_str().filter(|id| !ids.insert(*id)) {
                let path = super::below(&path, "custom_id");
                let message = format!("Component custom id cannot be duplicated: {id}");
                problems.add(&path, "COMPONENT_CUSTOM_ID_DUPLICATED", message);
            }
        }
    }
}

fn check_one(problems: &mut Problems, path: &[&str], component: &Value) {
    let at = |step| super::below(path, step);
    match component["type"].as_u64() {
        Some(BUTTON) => {
            text(problems, &at("label"), &component["label"], 0..=80);
            let style = component["style"].as_u64().unwrap_or_default();
            if !(1..=6).contains(&style) {
                problems.add(&at("style"), "BASE_TYPE_CHOICES", "Value must be one of {1, 2, 3, 4, 5, 6}.");
            }
            if style == 5 {
                required_text(problems, &at("url"), &component["url"], 1..=512);
            } else if style != 6 {
                required_text(problems, &at("custom_id"), &component["custom_id"], 1..=100);
            }
            let nothing =
                component["label"].as_str().is_none_or(str::is_empty) && component["emoji"].is_null();
            if nothing {
                problems.add(path, "BUTTON_COMPONENT_LABEL_OR_EMOJI", "A button needs a label or an emoji.");
            }
        }
        Some(kind @ (3 | 5..=8)) => {
            required_text(problems, &at("custom_id"), &component["custom_id"], 1..=100);
            text(problems, &at("placeholder"), &component["placeholder"], 0..=150);
            for bound in ["min_values", "max_values"] {
                if component[bound].as_u64().is_some_and(|number| number > 25) {
                    let message = "int value should be less than or equal to 25.";
                    problems.add(&at(bound), "NUMBER_TYPE_MAX", message);
                }
            }
            if kind == 3 {
                check_options(problems, path, component);
            }
        }
        _ => problems.add(
            &at("type"),
            "UNION_TYPE_CHOICES",
            "Value of field \"type\" must be one of (2, 3, 5, 6, 7, 8).",
        ),
    }
}

fn check_options(problems: &mut Problems, path: &[&str], menu: &Value) {
    let options = menu["options"].as_array().map(Vec::as_slice).unwrap_or_default();
    if options.is_empty() || options.len() > 25 {
        let path = super::below(path, "options");
        problems.add(&path, "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 25 in length.");
    }
    let mut values = HashSet::new();
    for (number, option) in options.iter().enumerate() {
        let number = number.to_string();
        let here: Vec<&str> = path.iter().copied().chain(["options", &number]).collect();
        required_text(problems, &super::below(&here, "label"), &option["label"], 1..=100);
        required_text(problems, &super::below(&here, "value"), &option["value"], 1..=100);
        text(problems, &super::below(&here, "description"), &option["description"], 0..=100);
        if option["value"].as_str().is_some_and(|value| !values.insert(value)) {
            let path = super::below(&here, "value");
            problems.add(
                &path,
                "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED",
                "The specified option value is already used",
            );
        }
    }
}

/// The window that a callback of type 9 opens.
pub(crate) fn check_modal(modal: &Value) -> Result<(), ApiError> {
    let mut problems = Problems::default();
    required_text(&mut problems, &["data", "title"], &modal["title"], 1..=45);
    required_text(&mut problems, &["data", "custom_id"], &modal["custom_id"], 1..=100);
    let rows = modal["components"].as_array().map(Vec::as_slice).unwrap_or_default();
    if rows.is_empty() || rows.len() > 5 {
        problems.add(&["data", "components"], "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length.");
    }
    for (number, row) in rows.iter().enumerate() {
        let number = number.to_string();
        let input = &row["components"][0];
        let path = ["data", "components", &number, "components", "0"];
        if input["type"].as_u64() != Some(TEXT_INPUT) {
            let path = super::below(&path, "type");
            problems.add(&path, "UNION_TYPE_CHOICES", "Value of field \"type\" must be one of (4,).");
            continue;
        }
        required_text(&mut problems, &super::below(&path, "custom_id"), &input["custom_id"], 1..=100);
        required_text(&mut problems, &super::below(&path, "label"), &input["label"], 1..=45);
        text(&mut problems, &super::below(&path, "placeholder"), &input["placeholder"], 0..=100);
        text(&mut problems, &super::below(&path, "value"), &input["value"], 0..=4000);
    }
    problems.check()
}
