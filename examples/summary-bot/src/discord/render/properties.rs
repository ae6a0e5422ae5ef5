//! For any document: within all limits, nothing lost, nobody called.

use proptest::prelude::*;
use uuid::Uuid;

use super::lengths::{
    BUTTON_ID, BUTTON_LABEL, BUTTONS, CONTENT, DESCRIPTION, EMBEDS, EMBEDS_TOTAL, FIELD_NAME, FIELD_VALUE,
    FIELDS, ROWS, TITLE, units,
};
use super::{messages, sources};
use crate::discord::reply::{Component, Reply};
use crate::document::{Asked, Citation, Document};
use crate::summary::{ActionItem, Participant, Point, Priority, Summary, Term, Warning};
use crate::{Metadata, Origin};

/// Words as people write them, and as nobody should.
fn words() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        4 => "[a-zäß漢🦀]{1,12}",
        1 => Just("<@123456>".to_owned()),
        1 => Just("<@&99>".to_owned()),
        1 => Just("<@!5>".to_owned()),
        1 => Just("@everyone".to_owned()),
        1 => Just("x@HERE".to_owned()),
        1 => Just("<#77>".to_owned()),
        1 => Just("https://a.example/<@1>_b_".to_owned()),
        1 => Just("**_~`||[x](https://evil.example)".to_owned()),
        1 => Just("\u{202e}\u{0}\n# heading\n- item".to_owned()),
        1 => "\\PC{0,40}",
        1 => "[*_<@🦀]{200,1700}",
    ];
    proptest::collection::vec(word, 0..25).prop_map(|words| words.join(" "))
}

fn points() -> impl Strategy<Value = Vec<Point>> {
    let ids = proptest::collection::vec("[0-9]{17,19}", 0..7);
    let point = (words(), proptest::option::of("\\PC{0,130}"), ids);
    let point = point.prop_map(|(text, speaker, messages)| Point { text, speaker, messages });
    proptest::collection::vec(point, 0..8)
}

prop_compose! {
    fn summary()(
        sentences in points(), free in proptest::option::of(words()), key_points in points(), decisions in points(),
        open_questions in points(), description in words(), term in "\\PC{1,40}", name in "\\PC{1,200}",
        contribution in words(), warning in words(), engine in "\\PC{0,700}",
    ) -> Summary {
        let joined = || sentences.iter().map(|point| point.text.as_str()).collect::<Vec<_>>().join(" ");
        Summary {
            summary_text: free.unwrap_or_else(joined),
            sentences,
            key_points,
            action_items: vec![ActionItem {
                description, assignee: Some(name.clone()), priority: Priority::High, deadline: None,
                messages: vec!["12".to_owned()],
            }],
            decisions,
            open_questions,
            technical_terms: vec![Term { term, count: 2, messages: Vec::new() }],
            participants: vec![Participant {
                name, key_contribution: contribution, message_count: 3, messages: Vec::new(),
            }],
            metadata: Metadata {
                engine,
                warnings: vec![Warning { code: "X".to_owned(), message: warning }],
                ..Metadata::default()
            },
        }
    }
}

prop_compose! {
    fn document()(summary in summary(), title in words(), from_discord: bool) -> Document {
        let id = |text: &str| from_discord.then(|| text.to_owned());
        let origin = Origin { guild_id: id("1"), channel_id: id("2"), ..Origin::default() };
        let cited = summary.sentences.iter().flat_map(|point| &point.messages);
        let citations = cited.map(|id| Citation {
            id: id.clone(), author: "<@4> anna".to_owned(), time: None, text: summary.summary_text.clone(),
        });
        Document {
            id: Uuid::now_v7(), created_at: jiff::Timestamp::UNIX_EPOCH, title, options: Asked::default(), origin,
            citations: citations.collect(), people: Vec::new(), summary,
        }
    }
}

fn texts(reply: &Reply) -> Vec<&str> {
    let mut texts: Vec<&str> = reply.content.iter().map(String::as_str).collect();
    for embed in &reply.embeds {
        texts.extend(
            [&embed.title, &embed.description, &embed.footer].into_iter().flatten().map(String::as_str),
        );
        texts.extend(embed.fields.iter().flat_map(|field| [field.name.as_str(), field.value.as_str()]));
    }
    texts
}

fn within_limits(reply: &Reply) -> Result<(), TestCaseError> {
    let length = |text: &Option<String>| text.as_deref().map_or(0, units);
    prop_assert!(
        length(&reply.content) <= CONTENT && reply.embeds.len() <= EMBEDS && reply.rows.len() <= ROWS
    );
    let mut total = 0;
    for embed in &reply.embeds {
        prop_assert!(length(&embed.title) <= TITLE && length(&embed.description) <= DESCRIPTION);
        prop_assert!(length(&embed.footer) <= 2048 && embed.fields.len() <= FIELDS);
        prop_assert!(embed.description.as_ref().is_some_and(|text| !text.trim().is_empty()));
        prop_assert!(embed.title.as_ref().is_none_or(|text| !text.trim().is_empty()));
        for field in &embed.fields {
            prop_assert!((1..=FIELD_NAME).contains(&units(&field.name)));
            prop_assert!((1..=FIELD_VALUE).contains(&units(&field.value)));
        }
        let fields: usize = embed.fields.iter().map(|field| units(&field.name) + units(&field.value)).sum();
        total += length(&embed.title) + length(&embed.description) + length(&embed.footer) + fields;
    }
    prop_assert!(total <= EMBEDS_TOTAL, "{total}");
    for row in &reply.rows {
        prop_assert!((1..=BUTTONS).contains(&row.len()));
        for component in row {
            let Component::Button { id, label, .. } = component else { continue };
            prop_assert!(units(id) <= BUTTON_ID && units(label) <= BUTTON_LABEL);
        }
    }
    Ok(())
}

/// What Discord takes for a mention, wherever it stands.
fn calls(text: &str) -> bool {
    let lower = text.to_lowercase();
    let user = text.match_indices("<@").any(|(at, _)| {
        let rest = text[at + 2..].trim_start_matches(['!', '&']);
        rest.find('>').is_some_and(|end| end > 0 && rest[..end].bytes().all(|byte| byte.is_ascii_digit()))
    });
    user || text.contains("<#") || lower.contains("@everyone") || lower.contains("@here")
}

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect()
}

/// Every text of the summary, as it was written.
fn said(summary: &Summary) -> Vec<&str> {
    let points = [&summary.key_points, &summary.decisions, &summary.open_questions];
    let points = points.into_iter().flatten().map(|point| point.text.as_str());
    let tasks = summary.action_items.iter().map(|item| item.description.as_str());
    let people = summary.participants.iter().map(|person| person.key_contribution.as_str());
    let warnings = summary.metadata.warnings.iter().map(|warning| warning.message.as_str());
    points.chain(tasks).chain(people).chain(warnings).chain([summary.summary_text.as_str()]).collect()
}

/// Letters and digits alone: what no markup and no escape touches.
fn letters(text: &str) -> String {
    text.chars().filter(|letter| letter.is_alphanumeric()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_message_is_within_all_limits(document in document()) {
        for reply in messages(&document).iter().chain(&sources(&document)) {
            within_limits(reply)?;
        }
    }

    #[test]
    fn nobody_is_called(document in document()) {
        for reply in messages(&document).iter().chain(&sources(&document)) {
            for text in texts(reply) {
                prop_assert!(!calls(text), "{text}");
            }
        }
    }

    #[test]
    fn nothing_is_lost_over_the_messages_and_the_file(document in document()) {
        let replies = messages(&document);
        prop_assert!(!replies.is_empty());
        let shown: String = replies.iter().flat_map(texts).collect();
        let file: Option<String> = replies
            .iter()
            .flat_map(|reply| &reply.files)
            .map(|file| String::from_utf8_lossy(&file.bytes).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
            .next();
        for text in said(&document.summary) {
            match &file {
                // Links stand between the sentences of the running text; their letters are not the text's.
                None => for word in text.split_whitespace().filter(|word| word.len() < 300) {
                    let word = squeezed(&super::escaped(word));
                    prop_assert!(squeezed(&shown).contains(&word), "{word} is not in {shown}");
                },
                Some(file) => {
                    let (file, text) = (letters(file), letters(text));
                    prop_assert!(file.contains(&text), "{text} is not in {file}");
                }
            }
        }
    }

    #[test]
    fn the_buttons_are_below_the_last_message_only(document in document()) {
        let replies = messages(&document);
        let (last, others) = replies.split_last().expect("one at least");
        prop_assert_eq!(last.rows.iter().flatten().count(), 6);
        prop_assert!(others.iter().all(|reply| reply.rows.is_empty()));
    }
}

#[test]
fn the_tests_know_a_mention_when_they_see_one() {
    for text in ["<@1>", "<@!1>", "<@&1>", "<#1>", "a @everyone", "@Here"] {
        assert!(calls(text), "{text}");
    }
    assert!(!calls("<@anna> a@b.example @anna"));
}
