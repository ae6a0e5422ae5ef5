//! Holds answers against the OpenAPI document: as much of JSON Schema as the document uses.

use serde_json::Value;

use super::http::Answer;

/// The answer's status, content type and body must stand in the document.
pub fn check(document: &Value, method: &str, path: &str, answer: &Answer) {
    let Some(responses) = responses(document, method, path) else { return };
    let what = format!("{method} {path}: {}", answer.status);
    let response = &responses[answer.status.to_string()];
    assert!(response.is_object(), "{what} is not documented");
    for (header, of) in response["headers"].as_object().into_iter().flatten() {
        assert!(of["required"] == false || answer.header(header).is_some(), "{what} has no {header}");
    }
    let Some((content_type, content)) = response["content"].as_object().and_then(|all| all.iter().next())
    else {
        assert_eq!(answer.body, "", "{what} has a body");
        return;
    };
    assert_eq!(answer.header("content-type"), Some(content_type.as_str()), "{what}");
    if !content_type.ends_with("json") {
        return;
    }
    let problems = validate(document, &content["schema"], &answer.json(), "$");
    assert!(problems.is_empty(), "{what} is not as documented: {problems:#?}\n{}", answer.body);
}

fn responses<'a>(document: &'a Value, method: &str, path: &str) -> Option<&'a Value> {
    let path = path.split('?').next()?;
    let template = document["paths"].as_object()?.keys().find(|template| fits(template, path))?;
    document["paths"][template].get(method.to_lowercase())?.get("responses")
}

fn fits(template: &str, path: &str) -> bool {
    let (mut one, mut other) = (template.split('/'), path.split('/'));
    loop {
        match (one.next(), other.next()) {
            (None, None) => return true,
            (Some(part), Some(text)) if part == text || stands_for(part, text) => {}
            _ => return false,
        }
    }
}

/// Everything in which `value` is not as `schema` says.
pub fn validate(document: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = document.pointer(reference.trim_start_matches('#'));
        let target = target.unwrap_or_else(|| panic!("{reference} points nowhere"));
        return validate(document, target, value, at);
    }
    let mut problems = Vec::new();
    if let Some(choices) = schema["oneOf"].as_array() {
        let fitting =
            choices.iter().filter(|choice| validate(document, choice, value, at).is_empty()).count();
        if fitting != 1 {
            problems.push(format!("{at}: {fitting} of oneOf fit"));
        }
    }
    if let Some(choices) = schema["anyOf"].as_array()
        && !choices.iter().any(|choice| validate(document, choice, value, at).is_empty())
    {
        problems.push(format!("{at}: none of anyOf fits {value}"));
    }
    if let Some(choices) = schema["enum"].as_array()
        && !choices.contains(value)
    {
        problems.push(format!("{at}: {value} is none of {choices:?}"));
    }
    if !has_type(&schema["type"], value) {
        problems.push(format!("{at}: expected {}, found {value}", schema["type"]));
    }
    if let (Some(least), Some(number)) = (schema["minimum"].as_f64(), value.as_f64())
        && number < least
    {
        problems.push(format!("{at}: {number} is below {least}"));
    }
    if let Some(items) = value.as_array() {
        let each = items.iter().enumerate();
        problems.extend(
            each.flat_map(|(n, item)| validate(document, &schema["items"], item, &format!("{at}[{n}]"))),
        );
    }
    problems.extend(members(document, schema, value, at));
    problems
}

/// `{id}` stands for anything, `{id}.atom` for what ends so.
fn stands_for(part: &str, text: &str) -> bool {
    part.starts_with('{')
        && part.split_once('}').is_some_and(|(_, end)| text.len() > end.len() && text.ends_with(end))
}

fn members(document: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let Some(members) = value.as_object() else { return Vec::new() };
    let mut problems = Vec::new();
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !members.contains_key(name) {
            problems.push(format!("{at}: {name} is missing"));
        }
    }
    for (name, member) in members {
        match schema["properties"].get(name) {
            Some(of) => problems.extend(validate(document, of, member, &format!("{at}.{name}"))),
            None if schema["additionalProperties"] == false => {
                problems.push(format!("{at}: {name} is not documented"));
            }
            None => {}
        }
    }
    problems
}

fn has_type(of: &Value, value: &Value) -> bool {
    let is = |name: &str| match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("the document has a type {other}"),
    };
    match of {
        Value::Null => true,
        Value::Array(names) => names.iter().filter_map(Value::as_str).any(is),
        name => name.as_str().is_some_and(is),
    }
}
