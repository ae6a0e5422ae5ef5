//! `summary-bot summarize` as a program.

mod support;

use std::io::Write;
use std::process::{Command, Output, Stdio};

fn bot(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_summary-bot"));
    command.arg("summarize").args(arguments).stdin(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> Output {
    bot(arguments).output().expect("the binary starts")
}

fn piped(arguments: &[&str], input: &str) -> Output {
    let mut command = bot(arguments);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut pipe = child.stdin.take().expect("standard input is a pipe");
    // A program that refuses its arguments reads nothing.
    let _ = pipe.write_all(input.as_bytes());
    drop(pipe);
    child.wait_with_output().expect("it ends")
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("output is UTF-8")
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("messages are UTF-8")
}

fn sample(name: &str) -> String {
    format!("{}/samples/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn text_is_the_summary_and_then_the_lists() {
    let output = run(&[&sample("release-planning.json")]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let text = out(&output);
    let places: Vec<Option<usize>> = [
        "harbour office",
        "\nKey points\n",
        "\nDecisions\n",
        "\nAction items\n",
        "\nOpen questions\n",
        "\nParticipants\n",
    ]
    .iter()
    .map(|part| text.find(part))
    .collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{places:?}\n{text}");
}

#[test]
fn only_the_summary_is_one_line_of_at_most_n_words() {
    for words in ["10", "40", "100"] {
        let output = run(&["--only-summary", "--words", words, &sample("release-planning.json")]);
        let text = out(&output);
        assert_eq!(text.lines().count(), 1);
        assert!(text.split_whitespace().count() <= words.parse().expect("a number"), "{text}");
    }
}

#[test]
fn the_readme_shows_what_is_printed() {
    let readme = include_str!("../README.md");
    let output = run(&["--only-summary", "--words", "60", &sample("release-planning.json")]);
    assert!(readme.contains(&out(&output)), "the README should show: {}", out(&output));
}

#[test]
fn json_is_the_whole_summary() {
    let output = run(&["--format", "json", &sample("release-planning.json")]);
    let summary: summary_bot::Summary = serde_json::from_slice(&output.stdout).expect("it is a summary");
    assert_eq!(summary.metadata.messages_counted, 33);
    assert_eq!(summary.metadata.first_message.as_deref(), Some("2026-05-11 07:01"));
}

#[test]
fn markdown_and_html_have_their_headings() {
    assert!(out(&run(&["--format", "markdown", &sample("allotment.txt")])).contains("\n## Action items\n"));
    assert!(out(&run(&["--format", "html", &sample("allotment.txt")])).contains("<h2>Action items</h2>"));
}

#[test]
fn standard_input_is_read_with_a_dash_and_without_a_file() {
    let log = "anna: The pump is broken.\nben: I will order a new pump.\n";
    let named = piped(&["--only-summary", "-"], log);
    assert_eq!(named.status.code(), Some(0));
    assert_eq!(out(&named), out(&piped(&["--only-summary"], log)));
    assert!(out(&named).contains("pump"));
}

#[test]
fn several_files_are_one_conversation_with_ids_of_their_own() {
    let file = sample("allotment.txt");
    let output = run(&["--format", "json", &file, &file]);
    let summary: summary_bot::Summary = serde_json::from_slice(&output.stdout).expect("it is a summary");
    assert_eq!(summary.metadata.messages_counted, 34);
    let ids = support::cited(&summary);
    assert!(ids.iter().all(|id| id.starts_with('L') || id.starts_with("2:L")), "{ids:?}");
}

#[test]
fn bad_input_ends_with_1_and_names_file_line_and_field() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("bad.json");
    std::fs::write(&file, "[{\"author\":\"a\",\"content\":\"x\"},\n{\"author\":\"a\",\"content\":5}]")
        .expect("written");
    let output = run(&[file.to_str().expect("a plain path")]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(out(&output), "");
    let text = err(&output);
    assert!(
        text.contains("bad.json: line 2")
            && text.contains("field `[1].content`")
            && text.contains("expected a string"),
        "{text}"
    );
}

#[test]
fn a_bad_second_file_writes_nothing() {
    let output = run(&[&sample("allotment.txt"), "/nonexistent/file"]);
    assert_eq!((output.status.code(), out(&output).as_str()), (Some(1), ""));
    assert!(err(&output).contains("/nonexistent/file: cannot read"));
}

#[test]
fn a_folder_is_no_conversation() {
    let output = run(&[env!("CARGO_MANIFEST_DIR")]);
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("it is a folder"));
}

#[test]
fn empty_input_and_prose_end_with_1() {
    assert_eq!(piped(&[], "").status.code(), Some(1));
    let prose = piped(&[], "no log at all");
    assert_eq!(prose.status.code(), Some(1));
    assert!(err(&prose).contains("line 1: expected"));
}

#[test]
fn control_characters_of_the_input_do_not_reach_the_message_about_it() {
    assert!(!err(&piped(&[], "\u{1b}]0;owned\u{7}")).contains('\u{1b}'));
}

#[test]
fn wrong_arguments_end_with_2() {
    for arguments in [
        &["--words", "0"][..],
        &["--words", "many"],
        &["--format", "pdf"],
        &["--since", "yesterday"],
        &["--words", "5", "--length", "brief"],
        &["--only-summary", "--format", "json"],
        &["--unknown"],
    ] {
        let output = piped(arguments, "anna: hi");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(out(&output), "");
    }
}

#[test]
fn help_ends_with_0() {
    let output = run(&["--help"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(out(&output).contains("--perspective"));
}

#[test]
fn an_output_file_is_written_whole_or_not_at_all() {
    let folder = tempfile::tempdir().expect("a folder");
    let target = folder.path().join("summary.md");
    let path = target.to_str().expect("a plain path");
    std::fs::write(&target, "before").expect("written");
    assert_eq!(run(&["--output", path, "/nonexistent/file"]).status.code(), Some(1));
    assert_eq!(std::fs::read_to_string(&target).expect("still there"), "before");
    assert_eq!(
        run(&["--format", "markdown", "--output", path, &sample("allotment.txt")]).status.code(),
        Some(0)
    );
    assert!(std::fs::read_to_string(&target).expect("replaced").starts_with("# Summary"));
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1);
}

#[test]
fn an_output_that_cannot_be_written_ends_with_1() {
    let output = run(&["--output", "/nonexistent/summary.md", &sample("allotment.txt")]);
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("cannot write /nonexistent/summary.md"));
}

#[test]
fn few_messages_are_a_warning_on_standard_error() {
    let output = piped(&["--min-messages", "3"], "anna: The pump is broken.");
    assert_eq!(output.status.code(), Some(0));
    assert!(err(&output).contains("INSUFFICIENT_CONTENT"));
}
