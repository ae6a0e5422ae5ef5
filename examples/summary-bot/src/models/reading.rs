//! What a model said, as claims: JSON, JSON that has to be dug out, Markdown, or sentences.

use serde_json::Value;

use super::claims::{Claim, Claims, Task, split_ids};
use crate::sentences;

/// In which form an answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// JSON and nothing else.
    Json,
    /// JSON within a fence, or among other words.
    Repaired,
    Markdown,
    Text,
}

/// An answer that was read.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) claims: Claims,
    pub(crate) form: Form,
}

/// How many places where JSON may begin are tried.
const TRIES: usize = 16;

/// Reads an answer; `None` if nothing can be made of it.
pub(crate) fn read(text: &str) -> Option<Reading> {
    let text = text.trim();
    if let Some(claims) = serde_json::from_str(text).ok().as_ref().and_then(Claims::read) {
        return Some(Reading { claims, form: Form::Json });
    }
    if let Some(claims) = dug_out(text) {
        return Some(Reading { claims, form: Form::Repaired });
    }
    // Broken JSON is no prose.
    if text.starts_with(['{', '[']) || text.contains("\"messages\"") {
        return None;
    }
    let (claims, form) =
        if is_markdown(text) { (markdown(text), Form::Markdown) } else { (free(text), Form::Text) };
    (!claims.is_empty()).then_some(Reading { claims, form })
}

/// The first object in a text that has what we asked for.
fn dug_out(text: &str) -> Option<Claims> {
    let places = text.match_indices('{').map(|(at, _)| at).take(TRIES);
    places.filter_map(|at| object_at(&text[at..])).find_map(|value| Claims::read(&value))
}

fn object_at(text: &str) -> Option<Value> {
    serde_json::Deserializer::from_str(text).into_iter::<Value>().next()?.ok()
}

fn is_markdown(text: &str) -> bool {
    text.lines().any(|line| heading(line).is_some() || bullet(line).is_some())
}

fn heading(line: &str) -> Option<&str> {
    let line = line.trim();
    let title = line.strip_prefix('#').map(|rest| rest.trim_start_matches('#'));
    let bold = || line.strip_prefix("**")?.trim_end_matches(':').strip_suffix("**");
    title.or_else(bold).map(|title| title.trim().trim_end_matches(':'))
}

fn bullet(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let dashed = ["- ", "* ", "• ", "+ "].iter().find_map(|mark| line.strip_prefix(mark));
    dashed.or_else(|| {
        let rest = line.trim_start_matches(|letter: char| letter.is_ascii_digit());
        (rest.len() < line.len()).then_some(rest)?.strip_prefix(". ")
    })
}

fn markdown(text: &str) -> Claims {
    let mut claims = Claims::default();
    let mut section = String::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        if let Some(title) = heading(line) {
            section = title.to_lowercase();
            continue;
        }
        let point = bullet(line);
        let found: Vec<Claim> = match point {
            Some(point) => vec![cited(point)],
            None => sentences::split(line.trim()).into_iter().map(cited).collect(),
        };
        let found = found.into_iter().filter(|claim| !claim.text.is_empty());
        let names = |words: &[&str]| words.iter().any(|word| section.contains(word));
        if names(&["decision", "decided"]) {
            claims.decisions.extend(found);
        } else if names(&["action", "task", "to do", "todo", "next step"]) {
            claims.action_items.extend(found.map(to_task));
        } else if names(&["question"]) {
            claims.open_questions.extend(found);
        } else if point.is_some() && names(&["key", "point", "highlight"]) {
            claims.key_points.extend(found);
        } else {
            claims.summary.extend(found);
        }
    }
    claims
}

fn to_task(claim: Claim) -> Task {
    Task { description: claim.text, messages: claim.messages, ..Task::default() }
}

fn free(text: &str) -> Claims {
    Claims { summary: sentences::split(text).into_iter().map(cited).collect(), ..Claims::default() }
}

/// A statement, without the ids that stand in brackets in it.
fn cited(text: &str) -> Claim {
    let mut messages = Vec::new();
    let mut left = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find(['[', '(']) {
        let close = if rest[open..].starts_with('[') { ']' } else { ')' };
        let Some(length) = rest[open..].find(close) else { break };
        let inner = &rest[open + 1..open + length];
        left.push_str(&rest[..open]);
        if inner.split([',', ' ', ';']).filter(|id| !id.is_empty()).all(is_id) && !inner.is_empty() {
            messages.extend(split_ids(inner));
        } else {
            left.push_str(&rest[open..=open + length]);
        }
        rest = &rest[open + length + 1..];
    }
    left.push_str(rest);
    let text = left.replace("**", "").replace("__", "");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ").replace(" .", ".").replace(" ,", ",");
    Claim { text, messages }
}

/// Ids in prompts are a letter and a number.
fn is_id(text: &str) -> bool {
    let digits = text.strip_prefix(['m', 'c']).unwrap_or("");
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"summary":[{"text":"One {odd} thing.","messages":["m1","m2"]}],"key_points":[]}"#;

    fn form(text: &str) -> Form {
        let reading = read(text).expect("it can be read");
        assert_eq!(reading.claims.summary[0].messages, ["m1", "m2"], "{text}");
        reading.form
    }

    #[test]
    fn json_is_found_within_fences_and_among_words() {
        assert_eq!(form(GOOD), Form::Json);
        assert_eq!(form(&format!("```json\n{GOOD}\n```")), Form::Repaired);
        assert_eq!(form(&format!("Of course {{name}}! {GOOD}\nAnything else?")), Form::Repaired);
    }

    #[test]
    fn markdown_keeps_its_lists_and_its_citations() {
        let text = "## Summary\nThey met (m1, m2). It rained [m3].\n\n## Decisions\n1. **Go** home [m4]\n\
                    ### Action items\n- Buy milk (at the shop) [m5]\n## Key points\n* A note [link]\n";
        let reading = read(text).expect("it can be read");
        assert_eq!(reading.form, Form::Markdown);
        let claims = reading.claims;
        assert_eq!(
            claims.summary[0],
            Claim { text: "They met.".into(), messages: vec!["m1".into(), "m2".into()] }
        );
        assert_eq!(claims.summary[1].messages, ["m3"]);
        assert_eq!(claims.decisions[0], Claim { text: "Go home".into(), messages: vec!["m4".into()] });
        assert_eq!(claims.action_items[0].description, "Buy milk (at the shop)");
        assert_eq!(claims.key_points[0].text, "A note [link]");
    }

    #[test]
    fn prose_is_sentences_and_broken_json_is_nothing() {
        let reading = read("They met. It rained.").expect("it can be read");
        assert_eq!((reading.form, reading.claims.summary.len()), (Form::Text, 2));
        assert!(read(&GOOD[..GOOD.len() / 2]).is_none());
        assert!(read("").is_none());
        assert!(read(r#"{"other": 1}"#).is_none());
    }
}
