//! What holds for any input.

mod support;

use std::collections::HashSet;

use proptest::prelude::*;
use summary_bot::read::read;
use summary_bot::{Filter, Length, Options, Summary, render, summarize};
use support::{cited, conversation, messages};

/// Lines such as logs hold, and such as they should not.
fn line() -> impl Strategy<Value = String> {
    let words = "(We|the|harbour|decided|I'll|fix|budget|um|—|,|\\{disfmarker\\}|Yeah|login|why|[a-z]{1,8}|[A-Za-z0-9.,?!:<>&\"'`*_\\[\\]()é漢字🎉-]{1,10}) ";
    let text = proptest::collection::vec(words, 0..30).prop_map(|words| words.concat());
    prop_oneof![
        ("[a-d]{1,2}", text.clone()).prop_map(|(name, text)| format!("{name}: {text}?")),
        ("[0-2][0-9]", "[a-d]{1,2}", text.clone())
            .prop_map(|(hour, name, text)| format!("[{hour}:15] <{name}> {text}.")),
        ("[0-2][0-9]", "[a-d]{1,2}").prop_map(|(hour, name)| format!("[{hour}:15]  * {name} waves")),
        Just("=== a is now known as b".to_owned()),
        text,
        ".{0,60}",
    ]
}

fn log() -> impl Strategy<Value = String> {
    proptest::collection::vec(line(), 0..40).prop_map(|lines| format!("a: start of it\n{}", lines.join("\n")))
}

/// Hands out its bytes in pieces of the given sizes.
struct Pieces<'a> {
    rest: &'a [u8],
    sizes: Vec<usize>,
    at: usize,
}

impl std::io::Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let size = self.sizes[self.at % self.sizes.len()].min(buffer.len()).min(self.rest.len());
        self.at += 1;
        buffer[..size].copy_from_slice(&self.rest[..size]);
        self.rest = &self.rest[size..];
        Ok(size)
    }
}

fn timeless(mut summary: Summary) -> Summary {
    summary.metadata.duration_ms = 0;
    summary
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = read(bytes.as_slice(), "", &mut |_| ());
    }

    #[test]
    fn no_text_in_json_makes_a_reader_panic(text in "[\\[{][\\[\\]{}\":, a-z0-9]{0,80}") {
        let _ = read(text.as_bytes(), "", &mut |_| ());
    }

    #[test]
    fn a_log_reads_the_same_however_it_is_cut_up(log in log(), sizes in proptest::collection::vec(1_usize..50, 1..9)) {
        let mut pieces = Vec::new();
        let source = Pieces { rest: log.as_bytes(), sizes, at: 0 };
        let source = std::io::BufReader::with_capacity(16, source);
        read(source, "", &mut |message| pieces.push(message)).expect("it begins with a message");
        prop_assert_eq!(pieces, messages(&log));
    }

    #[test]
    fn the_text_of_an_array_arrives_as_it_is(texts in proptest::collection::vec(".{0,40}", 0..10)) {
        let list: Vec<_> = texts.iter().map(|text| serde_json::json!({"author": "a", "content": text})).collect();
        let read: Vec<String> = messages(&serde_json::Value::from(list).to_string()).into_iter().map(|message| message.text).collect();
        prop_assert_eq!(read, texts);
    }

    #[test]
    fn a_summary_holds_at_most_the_words_allowed_and_cites_messages_that_exist(log in log(), words in 1_usize..200) {
        let options = Options { length: Length::Words(words), ..Options::default() };
        let summary = summarize(&conversation(&log, Filter::default()), &options);
        prop_assert!(summary.summary_text.split_whitespace().count() <= words, "{}", summary.summary_text);
        let known: HashSet<String> = messages(&log).into_iter().map(|message| message.id).collect();
        for id in cited(&summary) {
            prop_assert!(known.contains(&id), "{id}");
        }
        let whole = summary.sentences.iter().map(|point| point.text.as_str()).collect::<Vec<_>>().join(" ");
        prop_assert_eq!(whole, summary.summary_text);
    }

    #[test]
    fn the_same_conversation_gives_the_same_summary(log in log()) {
        let once = || timeless(summarize(&conversation(&log, Filter::default()), &Options::default()));
        prop_assert_eq!(once(), once());
    }

    #[test]
    fn nothing_from_messages_is_markup_or_drives_a_terminal(text in "[<>&\"'a-z \\x1b\\x07\\r\u{202e}\u{200b}]{1,80}") {
        let list = serde_json::json!([
            {"author": format!("<b>{text}"), "content": format!("We decided that {text} costs <script>money</script>.")},
            {"author": "b", "content": "please fix the budget of the harbour"},
        ]);
        let summary = summarize(&conversation(&list.to_string(), Filter::default()), &Options::default());
        let page = render::render(&summary, render::Rendering::Html);
        let tags: HashSet<&str> = page.split('<').skip(1).filter_map(|rest| rest.split(['>', ' ']).next()).collect();
        let ours = ["!doctype", "html", "head", "meta", "title", "/title", "style", "/style", "/head", "body", "main", "h1", "/h1", "p",
            "/p", "code", "/code", "h2", "/h2", "ul", "/ul", "li", "/li", "strong", "/strong", "em", "/em", "cite", "/cite", "/main", "/body",
            "/html"];
        prop_assert!(tags.iter().all(|tag| ours.contains(tag)), "{tags:?}");
        for rendering in [render::Rendering::Text, render::Rendering::SummaryText, render::Rendering::Markdown] {
            let text = render::render(&summary, rendering);
            let hidden = |letter: char| letter != '\n' && (letter.is_control() || matches!(letter, '\u{202e}' | '\u{200b}'));
            prop_assert!(!text.contains(hidden), "{text:?}");
        }
    }
}
