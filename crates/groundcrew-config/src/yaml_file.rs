//! YAML into a tree that keeps the line of every value.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span};

use crate::value::{Data, ScalarKind, Table, Value};
use crate::{Origin, Problem};

/// Parses a document. Plain scalars stay the exact text that was written: `1.10` is a string's `1.10`.
pub(crate) fn parse(path: &Arc<PathBuf>, text: &str) -> Result<Value, Vec<Problem>> {
    let mut builder = Builder { path, events: Parser::new_from_str(text), anchors: HashMap::new(), depth: 0 };
    builder.document().map_err(|(line, message)| {
        let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let origin = Origin::File { path: Arc::clone(path), line };
        vec![Problem::new(file, Some(origin), format!("not YAML: {message}"))]
    })
}

struct Builder<'a, I> {
    path: &'a Arc<PathBuf>,
    events: I,
    anchors: HashMap<usize, Option<Value>>,
    depth: usize,
}

/// No configuration is deeper, and the stack is not endless.
const DEEPEST: usize = 64;

type Step<T> = Result<T, (usize, String)>;

impl<'t, I: Iterator<Item = Result<(Event<'t>, Span), ScanError>>> Builder<'_, I> {
    fn document(&mut self) -> Step<Value> {
        let mut root = None;
        loop {
            let (event, line) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
                Event::StreamEnd => break,
                _ if root.is_some() => return Err((line, "more than one document".into())),
                event => root = Some(self.node(event, line)?),
            }
        }
        let first = self.origin(1);
        Ok(root.flatten().unwrap_or_else(|| Value::table(first)))
    }

    fn next(&mut self) -> Step<(Event<'t>, usize)> {
        match self.events.next() {
            Some(Ok((event, span))) => Ok((event, span.start.line())),
            Some(Err(error)) => Err((error.marker().line(), error.info().to_owned())),
            None => Ok((Event::StreamEnd, 1)),
        }
    }

    /// A value; nothing for null, which means unset.
    fn node(&mut self, event: Event<'t>, line: usize) -> Step<Option<Value>> {
        let origin = self.origin(line);
        if self.depth > DEEPEST {
            return Err((line, format!("more than {DEEPEST} levels")));
        }
        self.depth += 1;
        let (value, anchor) = match event {
            Event::Scalar(text, style, anchor, _) => (scalar(&text, style, origin), anchor),
            Event::SequenceStart(anchor, _) => (Some(self.list(origin)?), anchor),
            Event::MappingStart(anchor, _) => (Some(self.mapping(origin)?), anchor),
            Event::Alias(anchor) => (self.anchors.get(&anchor).cloned().flatten(), 0),
            _ => return Err((line, "unexpected end".into())),
        };
        self.depth -= 1;
        if anchor > 0 {
            self.anchors.insert(anchor, value.clone());
        }
        Ok(value)
    }

    fn list(&mut self, origin: Origin) -> Step<Value> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Value::new(Data::List(items), origin)),
                (event, line) => items.extend(self.node(event, line)?),
            }
        }
    }

    fn mapping(&mut self, origin: Origin) -> Step<Value> {
        let mut table = Table::new();
        loop {
            let key = match self.next()? {
                (Event::MappingEnd, _) => return Ok(Value::new(Data::Table(table), origin)),
                (Event::Scalar(key, ..), _) => key.into_owned(),
                (_, line) => return Err((line, "a key must be a plain name".into())),
            };
            let (event, line) = self.next()?;
            if let Some(value) = self.node(event, line)?
                && table.insert(key.clone(), value).is_some()
            {
                return Err((line, format!("the key `{key}` appears twice")));
            }
        }
    }

    fn origin(&self, line: usize) -> Origin {
        Origin::File { path: Arc::clone(self.path), line }
    }
}

fn scalar(text: &str, style: ScalarStyle, origin: Origin) -> Option<Value> {
    match style {
        ScalarStyle::Plain if matches!(text, "" | "~" | "null" | "Null" | "NULL") => None,
        ScalarStyle::Plain => Some(Value::untyped(text, origin)),
        _ => Some(Value::scalar(text, ScalarKind::Text, origin)),
    }
}
