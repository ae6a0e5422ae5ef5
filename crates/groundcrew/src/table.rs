//! JSON as people read it.

use serde_json::Value;

/// A list of objects as a table with their keys as its head, everything else as indented JSON.
pub(crate) fn of(answer: &Value) -> String {
    let Some(rows) = answer.as_array().filter(|rows| rows.iter().all(Value::is_object)) else {
        return format!("{answer:#}\n");
    };
    let Some(first) = rows.first().and_then(Value::as_object) else { return "none\n".to_owned() };
    let keys: Vec<&String> = first.keys().collect();
    let mut lines = vec![keys.iter().map(|key| key.to_uppercase()).collect::<Vec<_>>()];
    lines.extend(rows.iter().map(|row| keys.iter().map(|key| cell(&row[key.as_str()])).collect()));
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..keys.len()).map(width).collect();
    let mut text = String::new();
    for line in &lines {
        let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_list_of_objects_is_a_table() {
        let text = of(&json!([{"id": "a", "attempts": 3}, {"id": "long", "attempts": null}]));
        assert_eq!(text, "ATTEMPTS  ID\n3         a\n-         long\n");
    }

    #[test]
    fn an_empty_list_says_so_and_anything_else_is_json() {
        assert_eq!(of(&json!([])), "none\n");
        assert_eq!(of(&json!({"requeued": 2})), "{\n  \"requeued\": 2\n}\n");
    }
}
