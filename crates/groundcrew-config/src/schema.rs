//! The shape as JSON Schema, draft 2020-12.

use serde_json::{Map, Value, json};

use crate::shape::{DefaultText, Field, Json, Kind, Leaf, Shape};

pub(crate) fn document(shape: &Shape, service: &str) -> Value {
    let mut schema = of(shape);
    // The loader takes it from variables only.
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        properties.remove("environment");
    }
    schema.insert("$schema".into(), "https://json-schema.org/draft/2020-12/schema".into());
    schema.insert("title".into(), format!("Configuration of {service}").into());
    Value::Object(schema)
}

fn of(shape: &Shape) -> Map<String, Value> {
    let mut schema = match &shape.kind {
        Kind::Leaf(leaf) => of_leaf(leaf),
        Kind::List(item) => object(json!({"type": "array", "items": of(item)})),
        Kind::Map(value) => object(json!({"type": "object", "additionalProperties": of(value)})),
        Kind::Section { doc, fields } => of_section(doc, fields),
    };
    if shape.secret {
        schema.insert("writeOnly".into(), true.into());
    }
    schema
}

fn of_leaf(leaf: &Leaf) -> Map<String, Value> {
    let name = match leaf.json {
        Json::String => "string",
        Json::Integer => "integer",
        Json::Number => "number",
        Json::Boolean => "boolean",
    };
    let mut schema = object(json!({"type": name}));
    if !leaf.choices.is_empty() {
        let names: Vec<_> = leaf.choices.iter().map(|(name, _)| *name).collect();
        schema.insert("enum".into(), names.into());
    }
    schema
}

/// Nothing is `required`: what one file leaves out another layer may set.
fn of_section(doc: &str, fields: &[Field]) -> Map<String, Value> {
    let property = |field: &Field| (field.name.to_owned(), Value::Object(of_field(field)));
    let properties: Map<_, _> = fields.iter().map(property).collect();
    let mut schema =
        object(json!({"type": "object", "properties": properties, "additionalProperties": false}));
    if !doc.is_empty() {
        schema.insert("description".into(), doc.into());
    }
    schema
}

fn of_field(field: &Field) -> Map<String, Value> {
    let mut schema = of(&field.shape);
    let mut words = field.doc.to_owned();
    if let Kind::Leaf(leaf) = &field.shape.kind
        && leaf.choices.is_empty()
    {
        let gap = if words.is_empty() { "" } else { "\n" };
        words = format!("{words}{gap}Expects {}.", leaf.expects);
    }
    if let Some(range) = &field.range {
        words = format!("{words}\nRange: {range}.");
    }
    if let Some(unit) = field.unit {
        words = format!("{words}\nUnit: {unit}.");
    }
    if !words.is_empty() {
        schema.insert("description".into(), words.into());
    }
    if let Some(DefaultText::Text(text)) = field.default.as_ref().filter(|_| !field.shape.secret) {
        schema.insert("default".into(), typed(&field.shape, text));
    }
    schema
}

fn typed(shape: &Shape, text: &str) -> Value {
    match &shape.kind {
        Kind::Leaf(leaf) if leaf.json != Json::String => {
            serde_json::from_str(text).unwrap_or_else(|_| text.into())
        }
        Kind::List(item) => {
            text.split(',').filter(|part| !part.is_empty()).map(|part| typed(item, part)).collect()
        }
        _ => text.into(),
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
