//! A value that a JSON schema allows, made of given messages.

use serde_json::{Map, Value, json};

use super::said::Given;

/// Fills schemas; each array of cited ids goes on with the next message.
pub(super) struct Filler<'a> {
    given: &'a [Given],
    next: usize,
    invent: bool,
}

/// How many entries a list gets.
const ENTRIES: usize = 3;
/// How much of a message is said again.
const PIECE: usize = 160;

// === impl Filler ===

impl<'a> Filler<'a> {
    pub(super) fn new(given: &'a [Given], invent: bool) -> Self {
        Self { given, next: 0, invent }
    }

    pub(super) fn fill(&mut self, schema: &Value) -> Value {
        if let Some(choice) = schema["enum"].as_array().and_then(|choices| choices.first()) {
            return choice.clone();
        }
        if let Some(either) = schema["anyOf"].as_array().and_then(|either| either.first()) {
            return self.fill(either);
        }
        match kind(&schema["type"]) {
            "object" => self.object(schema),
            "array" => {
                let entries = if self.given.is_empty() { 1 } else { ENTRIES.min(self.given.len()) };
                (0..entries).map(|_| self.fill(&schema["items"])).collect()
            }
            "integer" | "number" => json!(1),
            "boolean" => json!(false),
            "null" => Value::Null,
            _ => Value::String(self.piece()),
        }
    }

    /// Its texts come from one message, which its lists of ids name.
    fn object(&mut self, schema: &Value) -> Value {
        let properties = schema["properties"].as_object().cloned().unwrap_or_default();
        let cites = properties.keys().any(|name| is_ids(name));
        let mut filled = Map::new();
        for (name, of) in &properties {
            let value = if is_ids(name) { json!([self.id()]) } else { self.fill(of) };
            filled.insert(name.clone(), value);
        }
        if cites {
            self.next += 1;
        }
        Value::Object(filled)
    }

    fn current(&self) -> Option<&Given> {
        self.given.get(self.next % self.given.len().max(1))
    }

    fn id(&self) -> String {
        match self.current() {
            Some(_) if self.invent => format!("invented-{}", self.next),
            Some(given) => given.id.clone(),
            None => "invented".to_owned(),
        }
    }

    fn piece(&self) -> String {
        let text = self.current().map_or("Nothing was said.", |given| given.text.as_str());
        text[..text.floor_char_boundary(PIECE)].to_owned()
    }
}

fn is_ids(name: &str) -> bool {
    matches!(name, "messages" | "ids" | "citations" | "cites" | "sources")
}

/// The first type that is not null.
fn kind(types: &Value) -> &str {
    match types {
        Value::Array(types) => {
            let mut names = types.iter().filter_map(Value::as_str);
            names.find(|name| *name != "null").unwrap_or("null")
        }
        other => other.as_str().unwrap_or("string"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_entry_cites_the_message_that_it_is_made_of() {
        let given = [("a", "One."), ("b", "Two.")]
            .map(|(id, text)| Given { id: id.to_owned(), text: text.to_owned() });
        let point = json!({"type": "object", "properties": {
            "text": {"type": "string"}, "messages": {"type": "array", "items": {"type": "string"}},
        }});
        let schema = json!({"type": "object", "properties": {"points": {"type": "array", "items": point}}});
        let filled = Filler::new(&given, false).fill(&schema);
        let expected = json!([{"text": "One.", "messages": ["a"]}, {"text": "Two.", "messages": ["b"]}]);
        assert_eq!(filled["points"], expected);
    }
}
