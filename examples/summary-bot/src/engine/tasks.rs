//! Who is to do what, by when.

use super::analysis::Analysis;
use super::compose::{ended, shortened};
use super::lists::best;
use crate::lang::{Language, Marks};
use crate::sentences::capitalised;
use crate::summary::{ActionItem, Priority};

/// The tasks that were given or taken, in order.
pub(crate) fn action_items(analysis: &Analysis<'_>, entries: usize) -> Vec<ActionItem> {
    let english = analysis.lexicon.language == Language::English;
    let is_one = |sentence: usize| {
        let spoken = &analysis.sentences[sentence];
        let binds = spoken.marks.has(Marks::BINDS) && !spoken.marks.has(Marks::IDLE_TALK);
        (4..=40).contains(&spoken.length)
            && (!spoken.question || spoken.marks.has(Marks::REQUESTS))
            && !analysis.bag(sentence).is_empty()
            && spoken.marks.has(Marks::ASSIGNS)
            && (binds || !english || deadline(&spoken.text).is_some())
    };
    best(analysis, entries, is_one).into_iter().map(|sentence| action_item(analysis, sentence)).collect()
}

fn action_item(analysis: &Analysis<'_>, sentence: usize) -> ActionItem {
    let spoken = &analysis.sentences[sentence];
    let priority = if spoken.marks.has(Marks::CAN_WAIT) {
        Priority::Low
    } else if spoken.marks.has(Marks::URGENT) {
        Priority::High
    } else {
        Priority::Medium
    };
    ActionItem {
        description: capitalised(&ended(&shortened(&spoken.text))),
        assignee: assignee(analysis, sentence),
        priority,
        deadline: deadline(&spoken.text),
        messages: analysis.cited(sentence),
    }
}

/// "I will" is the speaker; "anna will", "@anna can you" and "anna: please" are anna.
fn assignee(analysis: &Analysis<'_>, sentence: usize) -> Option<String> {
    let spoken = &analysis.sentences[sentence];
    if spoken.marks.has(Marks::MINE) {
        return Some(analysis.name(spoken.author).to_owned());
    }
    if let Some(to) = spoken.to {
        return Some(analysis.name(to).to_owned());
    }
    // A participant named right before "will", "should" or the like, or after "can" / ",".
    let mut before: Option<u32> = None;
    for word in spoken.text.split_whitespace() {
        let bare = word.trim_matches(|letter: char| !letter.is_alphanumeric()).to_lowercase();
        let acts = matches!(
            bare.as_str(),
            "will"
                | "should"
                | "has"
                | "needs"
                | "must"
                | "can"
                | "could"
                | "to"
                | "please"
                | "wird"
                | "soll"
                | "muss"
                | "va"
                | "debe"
                | "deve"
                | "zal"
                | "moet"
                | "kümmert"
                | "übernimmt"
        );
        if let Some(person) = before.filter(|_| acts) {
            return Some(analysis.name(person).to_owned());
        }
        before = analysis.names.find(word);
        if before.is_some() && (word.starts_with('@') || word.ends_with(',')) {
            return before.map(|person| analysis.name(person).to_owned());
        }
    }
    None
}

/// "by Friday", "tomorrow", "until the end of the week", "2026-05-01".
fn deadline(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let lower: Vec<String> = words
        .iter()
        .map(|word| word.trim_matches(|letter: char| !letter.is_alphanumeric()).to_lowercase())
        .collect();
    for at in 0..words.len() {
        let size = day_at(&lower, at);
        if size == 0 {
            continue;
        }
        let mut start = at;
        while start > 0 && LEADING.contains(&lower[start - 1].as_str()) {
            start -= 1;
        }
        let phrase = words[start..at + size].join(" ");
        return Some(phrase.trim_matches(|letter: char| !letter.is_alphanumeric()).to_owned());
    }
    None
}

/// Words that belong to a date when they come before it.
const LEADING: [&str; 36] = [
    "by",
    "before",
    "until",
    "till",
    "on",
    "next",
    "this",
    "the",
    "end",
    "of",
    "for",
    "bis",
    "vor",
    "am",
    "nächsten",
    "nächste",
    "diese",
    "ende",
    "der",
    "avant",
    "d'ici",
    "pour",
    "le",
    "la",
    "fin",
    "antes",
    "del",
    "el",
    "para",
    "hasta",
    "entro",
    "prima",
    "até",
    "voor",
    "tegen",
    "first",
];

/// How many words from `at` on are a day or a date.
fn day_at(lower: &[String], at: usize) -> usize {
    const DAYS: [&str; 60] = [
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "tomorrow",
        "tonight",
        "eod",
        "eow",
        "montag",
        "dienstag",
        "mittwoch",
        "donnerstag",
        "freitag",
        "samstag",
        "sonntag",
        "lundi",
        "mardi",
        "mercredi",
        "jeudi",
        "vendredi",
        "samedi",
        "dimanche",
        "demain",
        "lunes",
        "martes",
        "miércoles",
        "jueves",
        "viernes",
        "sábado",
        "domingo",
        "lunedì",
        "martedì",
        "mercoledì",
        "giovedì",
        "venerdì",
        "sabato",
        "domenica",
        "domani",
        "segunda-feira",
        "terça-feira",
        "quarta-feira",
        "quinta-feira",
        "sexta-feira",
        "amanhã",
        "maandag",
        "dinsdag",
        "woensdag",
        "donderdag",
        "vrijdag",
        "zaterdag",
        "zondag",
        "overmorgen",
        "mañana",
        "morgen",
        "übermorgen",
        "noon",
        "midnight",
    ];
    const MONTHS: [&str; 24] = [
        "january",
        "february",
        "march",
        "april",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
        "januar",
        "februar",
        "märz",
        "juni",
        "juli",
        "oktober",
        "dezember",
        "janvier",
        "février",
        "avril",
        "juin",
        "juillet",
        "décembre",
    ];
    let word = |offset: usize| lower.get(at + offset).map_or("", String::as_str);
    let number = |text: &str| {
        let digits = text.trim_end_matches(|letter: char| letter.is_ascii_lowercase());
        (1..=2).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && text.len() <= digits.len() + 2
    };
    let before =
        |offset: usize| at.checked_sub(offset).and_then(|at| lower.get(at)).map_or("", String::as_str);
    if DAYS.contains(&word(0)) {
        return if matches!(word(1), "morning" | "afternoon" | "evening" | "night" | "noon") { 2 } else { 1 };
    }
    if number(word(0)) && MONTHS.contains(&word(1)) {
        return 2;
    }
    if (MONTHS.contains(&word(0)) || word(0) == "may") && number(word(1)) {
        return 2;
    }
    if word(0).parse::<jiff::civil::Date>().is_ok() && word(0).len() == 10 {
        return 1;
    }
    let spans = matches!(
        word(0),
        "week" | "month" | "quarter" | "day" | "year" | "sprint" | "meeting" | "woche" | "monats"
    );
    if spans && matches!(before(1), "next" | "nächste" | "nächsten")
        || spans && word(0) != "meeting" && before(1) == "the" && before(2) == "of" && before(3) == "end"
    {
        return 1;
    }
    usize::from(
        matches!(word(0), "today" | "heute" | "hoy" | "oggi" | "hoje" | "vandaag")
            && matches!(before(1), "by" | "until" | "before" | "bis"),
    )
}
