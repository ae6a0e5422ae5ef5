//! A page of its own: no script, no outside host, everything from messages escaped.

use std::fmt::Write;

use super::{headline, printable, terms_of};
use crate::summary::{Point, Summary};

const HEAD: &str = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Summary</title>\n<style>\n\
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }\n\
cite { color: #595959; font-size: .85em; font-style: normal; }\n\
.warning { border-left: .25rem solid #b35900; padding-left: .75rem; }\n</style>\n</head>\n<body>\n<main>\n";

pub(super) fn render(summary: &Summary) -> String {
    let mut page = String::from(HEAD);
    page.push_str("<h1>Summary</h1>\n");
    for warning in &summary.metadata.warnings {
        let (code, message) = (escaped(&warning.code), escaped(&warning.message));
        let _ = writeln!(page, "<p class=\"warning\"><code>{code}</code> {message}</p>");
    }
    if !summary.summary_text.is_empty() {
        let language = escaped(&summary.metadata.language);
        let _ = writeln!(page, "<p lang=\"{language}\">{}</p>", escaped(&summary.summary_text));
    }
    points(&mut page, "Key points", &summary.key_points);
    points(&mut page, "Decisions", &summary.decisions);
    section(&mut page, "Action items", &summary.action_items, |item| {
        format!(
            "{} <em>({})</em>{}",
            escaped(&item.description),
            escaped(&terms_of(item)),
            cited(&item.messages)
        )
    });
    points(&mut page, "Open questions", &summary.open_questions);
    section(&mut page, "Technical terms", &summary.technical_terms, |term| {
        format!("{} ({})", escaped(&term.term), term.count)
    });
    section(&mut page, "Participants", &summary.participants, |person| {
        let said = if person.key_contribution.is_empty() { "" } else { ": " };
        let (name, contribution) = (escaped(&person.name), escaped(&person.key_contribution));
        format!("<strong>{name}</strong> ({}){said}{contribution}", person.message_count)
    });
    let _ = writeln!(page, "<p>{}</p>\n</main>\n</body>\n</html>", escaped(&headline(summary)));
    page
}

fn points(page: &mut String, title: &str, points: &[Point]) {
    section(page, title, points, |point| match &point.speaker {
        Some(name) => {
            format!("<strong>{}:</strong> {}{}", escaped(name), escaped(&point.text), cited(&point.messages))
        }
        None => format!("{}{}", escaped(&point.text), cited(&point.messages)),
    });
}

fn section<T>(page: &mut String, title: &str, entries: &[T], written: impl Fn(&T) -> String) {
    if entries.is_empty() {
        return;
    }
    let _ = writeln!(page, "<h2>{title}</h2>\n<ul>");
    for entry in entries {
        let _ = writeln!(page, "<li>{}</li>", written(entry));
    }
    page.push_str("</ul>\n");
}

fn cited(messages: &[String]) -> String {
    if messages.is_empty() {
        String::new()
    } else {
        format!(" <cite>[{}]</cite>", escaped(&messages.join(", ")))
    }
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in printable(text).chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            _ => safe.push(letter),
        }
    }
    safe
}
