//! What the readers make of exports, arrays and logs.

mod support;

use summary_bot::read::{ReadError, read};
use summary_bot::{Kind, Message, When};
use support::messages;

fn problem(source: &str) -> String {
    read(source.as_bytes(), "", &mut |_| ()).expect_err("the source is not well-formed").to_string()
}

fn brief(messages: &[Message]) -> Vec<(&str, &str)> {
    messages.iter().map(|message| (message.author.name.as_str(), message.text.as_str())).collect()
}

#[test]
fn an_export_keeps_ids_nicknames_replies_reactions_and_bots() {
    let all = messages(&support::sample("release-planning.json"));
    assert_eq!(all.len(), 34);
    let reply = &all[6];
    assert_eq!(reply.id, "1240000000000000007");
    assert_eq!(reply.author.name, "Jonas");
    assert_eq!(reply.author.id, "102");
    assert_eq!(reply.reply_to.as_deref(), Some("1240000000000000006"));
    assert_eq!(reply.reactions, 2);
    assert!(all[8].author.bot);
    assert_eq!(reply.time.map(|time| time.to_string()).as_deref(), Some("2026-05-11 07:07"));
}

#[test]
fn an_export_of_joins_and_pins_has_notices_only() {
    let all = messages(
        r#"{"messages":[{"id":"1","type":"GuildMemberJoin","content":"Joined.","author":{"name":"a"}},
        {"id":"2","type":"ChannelPinnedMessage","content":"Pinned.","author":{"name":"a"}}]}"#,
    );
    assert!(all.iter().all(|message| message.kind == Kind::Notice));
}

#[test]
fn an_array_takes_the_usual_names_for_its_fields() {
    let all = messages(
        r#"[{"author":"anna","content":"one"},{"user":{"username":"ben"},"text":"two","ts":"1700000000.5"},
        {"sender":"cleo","message":"three","timestamp":1700000000000},{"name":"dan","body":"four","isBot":true}]"#,
    );
    assert_eq!(brief(&all), [("anna", "one"), ("ben", "two"), ("cleo", "three"), ("dan", "four")]);
    assert_eq!(all[1].time.map(When::seconds), Some(1_700_000_000));
    assert_eq!(all[2].time.map(When::seconds), Some(1_700_000_000));
    assert!(all[3].author.bot);
    assert_eq!(all[3].id, "4");
}

#[test]
fn a_meeting_transcript_is_read() {
    let all =
        messages(r#"{"topic_list":[{}],"meeting_transcripts":[{"speaker":"Chair","content":"We begin ."}]}"#);
    assert_eq!(brief(&all), [("Chair", "We begin .")]);
}

#[test]
fn an_attachment_without_text_is_an_empty_message() {
    let all = messages(r#"[{"author":"a","content":null,"attachments":[{"fileName":"x.png"}]}]"#);
    assert_eq!((all[0].text.as_str(), all[0].attachments), ("", 1));
}

#[test]
fn an_irc_log_has_messages_actions_and_notices() {
    let all = messages(
        "[14:03] <@anna> hi\n[14:04]  * ben waves\n=== ben is now known as bob\n[14:05] <bob> yes\n",
    );
    assert_eq!(brief(&all[..2]), [("anna", "hi"), ("ben", "waves")]);
    let kinds: Vec<Kind> = all.iter().map(|message| message.kind).collect();
    assert_eq!(kinds, [Kind::Said, Kind::Action, Kind::Notice, Kind::Said]);
    assert_eq!(all[3].id, "L4");
}

#[test]
fn a_line_without_a_stamp_goes_on_with_the_message() {
    let all = messages("[14:03] <anna> first\nsecond line\nNote: third line\n[14:04] <ben> next");
    assert_eq!(brief(&all), [("anna", "first\nsecond line\nNote: third line"), ("ben", "next")]);
}

#[test]
fn names_with_colons_are_read_with_and_without_times() {
    let all = messages("Anna Berg: hello\nBen: see https://example.org/a:b\n10:15 Cleo: bye\n");
    assert_eq!(
        brief(&all),
        [("Anna Berg", "hello"), ("Ben", "see https://example.org/a:b"), ("Cleo", "bye")]
    );
}

#[test]
fn phone_exports_are_read() {
    let all = messages("12/31/25, 2:03 PM - Anna: happy new year\n[01.01.26, 00:10:05] Ben: you too\n");
    let times: Vec<String> =
        all.iter().filter_map(|message| message.time).map(|time| time.to_string()).collect();
    assert_eq!(times, ["2025-12-31 14:03", "2026-01-01 00:10"]);
}

#[test]
fn a_clock_that_jumps_back_begins_the_next_day() {
    let all = messages("[23:59] <a> late\n[00:01] <b> early\n[23:00] <a> late again\n[01:00] <b> and on\n");
    let times: Vec<String> =
        all.iter().filter_map(|message| message.time).map(|time| time.to_string()).collect();
    assert_eq!(times, ["23:59", "00:01 (day 2)", "23:00 (day 2)", "01:00 (day 3)"]);
}

#[test]
fn a_byte_order_mark_and_line_ends_of_windows_do_no_harm() {
    assert_eq!(
        brief(&messages("\u{feff}[14:03] <anna> hi\r\n[14:04] <ben> ho\r\n")),
        [("anna", "hi"), ("ben", "ho")]
    );
    assert_eq!(brief(&messages("\u{feff}[{\"author\":\"a\",\"text\":\"b\"}]")), [("a", "b")]);
}

#[test]
fn bytes_that_are_not_utf_8_are_replaced() {
    let mut all = Vec::new();
    read(&b"<anna> caf\xe9\n"[..], "", &mut |message| all.push(message)).expect("a log in Latin-1 is a log");
    assert_eq!(all[0].text, "caf\u{fffd}");
}

#[test]
fn an_endless_line_is_cut_and_the_next_one_is_read() {
    let source = format!("anna: {}\nben: short", "x ".repeat(1 << 20));
    let all = messages(&source);
    assert_eq!(all.len(), 2);
    assert!(all[0].text.len() <= 256 * 1024);
}

#[test]
fn a_wrong_type_names_the_field_and_the_line() {
    let source = "{\"messages\":[{\"author\":{\"name\":\"a\"},\"content\":\"x\"},\n{\"author\":{\"name\":7.5},\"content\":{}}]}";
    let text = problem(source);
    assert!(text.starts_with("line 2, column "), "{text}");
    assert!(text.contains("field `messages[1].content`") && text.contains("expected a string"), "{text}");
}

#[test]
fn a_field_inside_the_author_is_named() {
    let text = problem(r#"[{"content":"x","author":{"name":"a","isBot":"no"}}]"#);
    assert!(text.contains("field `[0].author.isBot`") && text.contains("expected a boolean"), "{text}");
}

#[test]
fn a_missing_author_says_what_was_expected() {
    let text = problem(r#"[{"content":"x"}]"#);
    assert!(text.contains("field `[0]`") && text.contains("missing `author`"), "{text}");
}

#[test]
fn a_time_that_is_none_is_refused() {
    let text = problem(r#"[{"author":"a","content":"x","timestamp":"soon"}]"#);
    assert!(text.contains("field `[0].timestamp`") && text.contains("\"soon\""), "{text}");
}

#[test]
fn an_export_that_breaks_off_says_where() {
    let text = problem("{\"messages\":[\n{\"author\":\"a\",\"content\":\"x\"},\n");
    assert!(text.starts_with("line 3, column 0") && text.contains("EOF"), "{text}");
}

#[test]
fn an_object_without_messages_is_refused() {
    assert!(problem(r#"{"channel":{}}"#).contains("missing `messages`"));
}

#[test]
fn what_follows_the_document_is_refused() {
    assert!(problem("[] []").contains("trailing characters"));
}

#[test]
fn prose_is_no_log() {
    let text = problem("\n\nOnce upon a time\n");
    assert!(
        text.starts_with("line 3: expected `[14:03] <name> text`") && text.contains("Once upon"),
        "{text}"
    );
}

#[test]
fn nothing_is_refused_and_an_empty_array_is_not() {
    assert!(matches!(read(&b" \n"[..], "", &mut |_| ()), Err(ReadError::Empty)));
    assert!(matches!(read(&b""[..], "", &mut |_| ()), Err(ReadError::Empty)));
    assert!(messages("[ ]").is_empty());
}
