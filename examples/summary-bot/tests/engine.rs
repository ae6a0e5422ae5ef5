//! What summaries hold.

mod support;

use std::fmt::Write;

use summary_bot::{Filter, Length, Options, Perspective, Priority, Summary, read::parse_moment, summarize};
use support::{conversation, sample, summary, summary_of};

fn texts(points: &[summary_bot::Point]) -> Vec<&str> {
    points.iter().map(|point| point.text.as_str()).collect()
}

fn codes(summary: &Summary) -> Vec<&str> {
    summary.metadata.warnings.iter().map(|warning| warning.code.as_str()).collect()
}

#[test]
fn the_sample_gives_its_decisions_tasks_and_open_questions() {
    let summary = summary(&sample("release-planning.json"));
    assert!(texts(&summary.decisions).iter().any(|text| text.contains("2.4 ships with the login fix")));
    assert!(texts(&summary.decisions).iter().any(|text| text.contains("feature freeze on 24 May")));
    let renewal = summary.action_items.iter().find(|item| item.description.contains("push certificate"));
    let renewal = renewal.expect("a task that was given by name is found");
    assert_eq!(renewal.assignee.as_deref(), Some("Farid"));
    assert_eq!(renewal.priority, Priority::High);
    assert_eq!(renewal.deadline.as_deref(), Some("before Monday"));
    assert!(texts(&summary.open_questions).iter().any(|text| text.contains("Danish")));
    assert!(summary.technical_terms.iter().any(|term| term.term == "TokenCache" && term.count == 2));
    assert_eq!(summary.participants[0].name, "Mira");
    assert_eq!(summary.participants[0].message_count, 10);
}

#[test]
fn programs_are_left_out_unless_asked_for() {
    let source = sample("release-planning.json");
    let without = summarize(&conversation(&source, Filter::default()), &Options::default());
    let with =
        summarize(&conversation(&source, Filter { bots: true, ..Filter::default() }), &Options::default());
    assert_eq!((without.metadata.messages_counted, without.metadata.messages_excluded), (33, 1));
    assert_eq!((with.metadata.messages_counted, with.metadata.messages_excluded), (34, 0));
}

#[test]
fn an_excluded_person_is_nowhere() {
    let filter = Filter { exclude: vec!["FARID".to_owned()], ..Filter::default() };
    let summary = summarize(&conversation(&sample("release-planning.json"), filter), &Options::default());
    assert!(summary.participants.iter().all(|person| person.name != "Farid"));
    assert!(summary.key_points.iter().all(|point| point.speaker.as_deref() != Some("Farid")));
}

#[test]
fn a_person_is_excluded_by_account_id_too() {
    let filter = Filter { exclude: vec!["104".to_owned()], ..Filter::default() };
    let conversation = conversation(&sample("release-planning.json"), filter);
    assert!(conversation.people.iter().all(|person| person.name != "Farid"));
}

#[test]
fn a_time_range_keeps_what_lies_inside() {
    let filter =
        Filter { since: parse_moment("18:05").ok(), until: parse_moment("18:10").ok(), ..Filter::default() };
    let conversation = conversation(&sample("allotment.txt"), filter);
    let (first, last) = conversation.range.expect("messages lie in the range");
    assert_eq!((first.to_string().as_str(), last.to_string().as_str()), ("18:05", "18:10"));
    assert_eq!(conversation.counts.counted, 6);
}

#[test]
fn a_day_as_upper_bound_is_included() {
    let source = r#"[{"author":"a","content":"x","timestamp":"2026-03-01T23:59:59Z"},
        {"author":"a","content":"y","timestamp":"2026-03-02T00:00:00Z"}]"#;
    let filter = Filter { until: parse_moment("2026-03-01").ok(), ..Filter::default() };
    assert_eq!(conversation(source, filter).counts.counted, 1);
}

#[test]
fn joins_are_read_and_not_counted() {
    let summary = summary(&sample("allotment.txt"));
    assert_eq!((summary.metadata.messages_read, summary.metadata.messages_counted), (19, 17));
}

#[test]
fn few_messages_give_a_warning() {
    assert_eq!(codes(&summary("anna: The bridge is closed.\nben: Since when?")), ["INSUFFICIENT_CONTENT"]);
    let options = Options { min_messages: 2, ..Options::default() };
    let short = conversation("anna: The bridge is closed.\nben: Since when is it closed?", Filter::default());
    assert!(codes(&summarize(&short, &options)).is_empty());
}

#[test]
fn greetings_alone_give_a_warning_and_no_text() {
    let summary = summary("anna: hi\nben: hello!\nanna: how are you\nben: lol\nanna: ok thanks\nben: bye :)");
    assert_eq!(codes(&summary), ["INSUFFICIENT_CONTENT"]);
    assert_eq!(summary.summary_text, "");
    assert!(summary.key_points.is_empty());
}

#[test]
fn an_empty_array_gives_an_empty_summary() {
    let summary = summary("[]");
    assert_eq!((summary.summary_text.as_str(), codes(&summary)), ("", vec!["INSUFFICIENT_CONTENT"]));
}

#[test]
fn english_is_told_in_the_third_person() {
    let log = "anna: I think we should move our office to the harbour because the rent is lower.\nben: ok\n";
    let summary = summary(log);
    let expected = "anna thought they should move their office to the harbour because the rent was lower.";
    assert_eq!(summary.summary_text, expected);
}

#[test]
fn hesitations_and_false_starts_go() {
    let log = "PM: Um , so , yeah the the battery {disfmarker} the battery has to be uh replaced every year .\n\
        ID: {vocalsound} Mm-hmm .\nPM: Right , uh , okay .\n";
    let text = summary(log).key_points.iter().map(|point| point.text.clone()).collect::<Vec<_>>().join(" ");
    assert!(text.contains("The battery has to be replaced every year."), "{text}");
    assert!(!text.contains("disfmarker") && !text.contains("Um"), "{text}");
}

#[test]
fn a_turn_goes_on_after_a_listeners_noise() {
    let log = "PM: The functional design decides what the remote control must\nID: Mm-hmm.\n\
        PM: do when somebody presses the big red button.\nID: Okay.\nME: The market wants fewer buttons anyway.\n";
    let summary = summary(log);
    let joined = summary.key_points.iter().find(|point| point.text.contains("must do when"));
    assert_eq!(joined.map(|point| point.messages.clone()), Some(vec!["L1".to_owned(), "L3".to_owned()]));
}

#[test]
fn an_unanswered_question_is_open_and_an_answered_one_is_not() {
    let log = "anna: Which harbour has room for the long ferry?\nben: The western harbour has room for the ferry.\n\
        cleo: Who paints the hull of the old ferry?\n";
    assert_eq!(texts(&summary(log).open_questions), ["Who paints the hull of the old ferry?"]);
}

#[test]
fn a_request_by_name_is_assigned_to_that_person() {
    let log = "anna: ben: please send the invoice to the harbour office by Friday.\nben: will do\nben: I'll call the painter tomorrow.\n";
    let items = summary(log).action_items;
    let brief: Vec<_> =
        items.iter().map(|item| (item.assignee.as_deref(), item.deadline.as_deref())).collect();
    assert_eq!(brief, [(Some("ben"), Some("by Friday")), (Some("ben"), Some("tomorrow"))]);
}

#[test]
fn a_perspective_moves_what_matters_to_the_front() {
    let mut log = String::new();
    for number in 0..12 {
        writeln!(log, "anna: The painters finished the long corridor on floor {number} with green colour.")
            .expect("a string takes all");
        writeln!(log, "ben: The corridor on floor {number} still needs green colour on the ceiling.")
            .expect("a string takes all");
    }
    log.push_str(
        "cleo: The budget allows invoices of nine thousand euros in costs for the whole investment.\n",
    );
    let options = |perspective| Options { perspective, length: Length::Words(30), ..Options::default() };
    let conversation = conversation(&log, Filter::default());
    let finance = summarize(&conversation, &options(Perspective::Finance));
    assert!(finance.summary_text.contains("budget"), "{}", finance.summary_text);
}

#[test]
fn german_is_recognised_and_told_neutrally() {
    let log = "Anna: Wir müssen heute über den Umzug in das neue Büro sprechen.\nBernd: Der Vermieter hat den Schlüssel für den 1. März zugesagt.\n\
        Clara: Die Verkabelung im neuen Büro ist erst Mitte März fertig.\nAnna: Wir haben beschlossen, dass der Umzug am 20. März ist.\n\
        Bernd: Ich werde die Umzugsfirma bis Freitag informieren.\n";
    let summary = summary(log);
    assert_eq!(summary.metadata.language, "de");
    assert!(!summary.summary_text.contains("said that"), "{}", summary.summary_text);
    assert!(texts(&summary.decisions)[0].contains("beschlossen"));
    assert_eq!(summary.action_items.last().and_then(|item| item.assignee.clone()).as_deref(), Some("Bernd"));
}

#[test]
fn other_languages_are_recognised() {
    let cases = [
        (
            "fr",
            "Luc: Nous avons décidé de fermer la cuisine pendant les travaux.\nZoé: Il faut prévenir les clients avant la fin du mois.",
        ),
        (
            "es",
            "Pilar: El escenario cuesta el doble que el año pasado.\nJorge: Hemos decidido que Marta hable con la cervecería.",
        ),
        (
            "it",
            "Gia: Abbiamo deciso di spostare la riunione alla prossima settimana.\nLeo: Non so se la sala è libera per tutti.",
        ),
        (
            "pt",
            "Rui: Decidimos que a reunião fica para a próxima semana.\nAna: Não sei se a sala está livre para todos.",
        ),
        (
            "nl",
            "Jan: We hebben besloten dat de vergadering volgende week is.\nEls: Ik weet niet of de zaal dan nog vrij is.",
        ),
        (
            "en",
            "Ann: We decided that the meeting is moved to the next week.\nBob: I do not know whether the room is free.",
        ),
    ];
    for (code, log) in cases {
        let summary = summary(log);
        assert_eq!(summary.metadata.language, code);
        assert!(!summary.summary_text.is_empty(), "{code}");
    }
}

#[test]
fn scripts_without_spaces_are_summarised() {
    let log = "Kim: 我们今天讨论新版本的发布计划。\nLee: 测试还没有完成，登录页面有一个错误。\nKim: 那我们把发布推迟到星期五。\nLee: 好的，我会修复登录页面的错误。\n\
        Park: 发布说明谁来写？\nKim: 发布说明由我来写。";
    let summary = summary_of(log, 20);
    assert_eq!(summary.metadata.language, "und");
    assert!(summary.summary_text.contains("登录页面"), "{}", summary.summary_text);
}

#[test]
fn a_summary_reads_back_from_its_own_json() {
    let summary = summary(&sample("release-planning.json"));
    let text = serde_json::to_string(&summary).expect("a summary is JSON");
    assert_eq!(serde_json::from_str::<Summary>(&text).expect("and reads back"), summary);
}

#[test]
fn a_conversation_too_large_to_keep_is_sampled_and_says_so() {
    let mut collector = summary_bot::Collector::new(Filter::default()).keeping(1000);
    for number in 0..20_000_u32 {
        let text = format!("The ferry number {} leaves harbour {} with cargo.", number % 97, number % 13);
        let author = summary_bot::Author {
            name: format!("p{}", number % 5),
            id: format!("{}", number % 5),
            bot: false,
        };
        collector.push(summary_bot::Message { id: number.to_string(), author, text, ..Default::default() });
    }
    let conversation = collector.finish();
    assert!(conversation.is_sampled() && conversation.items.len() <= 1000);
    assert_eq!(conversation.counts.counted, 20_000);
    let first_half =
        conversation.items.iter().filter(|item| item.id.parse::<u32>().is_ok_and(|id| id < 10_000));
    let share = first_half.count() as f64 / conversation.items.len() as f64;
    assert!((0.25..0.75).contains(&share), "{share}");
    assert_eq!(codes(&summarize(&conversation, &Options::default())), ["SAMPLED"]);
}

#[test]
fn input_made_to_be_slow_is_not() {
    // Each of these took time by the square of its length before the work on it was bounded.
    for piece in ["a ", "<", "[", "[x](", "so ", "{", "— ", "1. ", "you know ", "\"", "a, "] {
        let log = format!("anna: {}\nben: The pump is broken.", piece.repeat(250_000 / piece.len()));
        assert_eq!(summary(&log).metadata.messages_counted, 2);
    }
}

#[test]
fn what_is_said_again_and_again_is_told_once() {
    let notice = "bot: The harbour office closes the northern gate for repairs tonight.\n";
    let log = format!(
        "{notice}anna: I painted the old boathouse.\n{notice}ben: The kitchen needs a new stove.\n{notice}"
    );
    assert_eq!(summary_of(&log, 60).summary_text.matches("northern gate").count(), 1);
}
