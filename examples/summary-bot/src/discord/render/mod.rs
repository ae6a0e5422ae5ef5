//! A document as messages for Discord: plain data, within all of Discord's limits, before any library.

mod body;
mod buttons;
mod escape;
mod lengths;
mod line;
mod links;
#[cfg(test)]
mod properties;
mod sources;

use super::reply::{Embed, File, Reply};
use crate::document::Document;
use crate::render::{Rendering, printable, render};

pub(crate) use buttons::Press;
pub(crate) use escape::escaped;
pub(crate) use lengths::{CONTENT, DESCRIPTION, EMBED, FIELD_NAME, FIELD_VALUE, cut, units};
pub(crate) use sources::sources;

/// What is longer than so many messages comes as a file.
const MOST_MESSAGES: usize = 3;
/// A calm blue, and amber where the reader is warned.
const COLOURS: (u32, u32) = (0x0032_80c2, 0x00c7_7700);

/// The messages that show a summary. The last one has the buttons.
pub(crate) fn messages(document: &Document) -> Vec<Reply> {
    let mut pages = line::pages(body::lines(document), lengths::DESCRIPTION);
    let whole = pages.len() <= MOST_MESSAGES;
    pages.truncate(MOST_MESSAGES);
    if pages.is_empty() {
        pages.push("There is nothing in this summary.".to_owned());
    }
    let mut messages: Vec<Reply> = pages.into_iter().map(|page| framed(document, page)).collect();
    if let Some(embed) = messages.first_mut().and_then(|first| first.embeds.first_mut()) {
        embed.title = Some(cut(&escaped(&document.title), lengths::TITLE)).filter(|title| !title.is_empty());
    }
    if let Some(last) = messages.last_mut() {
        if !whole {
            last.content = Some("The summary is longer than fits here: the file has all of it.".to_owned());
            last.files.push(file(document));
        }
        if let Some(embed) = last.embeds.last_mut() {
            embed.footer = Some(cut(&body::footer(document), lengths::FOOTER));
            embed.time = Some(document.created_at);
        }
        last.rows = buttons::rows(document);
    }
    messages
}

fn framed(document: &Document, text: String) -> Reply {
    let warned = !document.summary.metadata.warnings.is_empty();
    let colour = Some(if warned { COLOURS.1 } else { COLOURS.0 });
    Reply::embed(Embed { description: Some(text), colour, ..Embed::default() })
}

/// The whole summary as a file, in Markdown.
pub(crate) fn file(document: &Document) -> File {
    let title = printable(&document.title);
    let text = render(&document.summary, Rendering::Markdown);
    let text = text.replacen("# Summary", &format!("# {}", title.trim()), 1);
    File { name: format!("summary-{}.md", document.id), bytes: text.into_bytes() }
}
