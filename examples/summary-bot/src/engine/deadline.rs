//! By when: days and dates as people write them.

use crate::lang::holds;

/// "by Friday", "tomorrow", "until the end of the week", "2026-05-01".
pub(crate) fn deadline(text: &str) -> Option<String> {
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
        while start > 0 && holds(LEADING, &lower[start - 1]) {
            start -= 1;
        }
        let phrase = words[start..at + size].join(" ");
        return Some(phrase.trim_matches(|letter: char| !letter.is_alphanumeric()).to_owned());
    }
    None
}

/// Words that belong to a date when they come before it.
const LEADING: &str = "by before until till on next this the end of for bis vor am nächsten nächste diese ende der \
    avant d'ici pour le la fin antes del el para hasta entro prima até voor tegen first";

/// Names of days.
const DAYS: &str = "monday tuesday wednesday thursday friday saturday sunday tomorrow tonight eod eow montag \
    dienstag mittwoch donnerstag freitag samstag sonntag lundi mardi mercredi jeudi vendredi \
    samedi dimanche demain lunes martes miércoles jueves viernes sábado domingo lunedì martedì \
    mercoledì giovedì venerdì sabato domenica domani segunda-feira terça-feira quarta-feira \
    quinta-feira sexta-feira amanhã maandag dinsdag woensdag donderdag vrijdag zaterdag zondag \
    overmorgen mañana morgen übermorgen noon midnight";

/// Names of months, where no language shares them with a usual word.
const MONTHS: &str = "january february march april june july august september october november december januar \
    februar märz juni juli oktober dezember janvier février avril juin juillet décembre";

/// How many words from `at` on are a day or a date.
fn day_at(lower: &[String], at: usize) -> usize {
    let word = |offset: usize| lower.get(at + offset).map_or("", String::as_str);
    let number = |text: &str| {
        let digits = text.trim_end_matches(|letter: char| letter.is_ascii_lowercase());
        (1..=2).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && text.len() <= digits.len() + 2
    };
    let before =
        |offset: usize| at.checked_sub(offset).and_then(|at| lower.get(at)).map_or("", String::as_str);
    if holds(DAYS, word(0)) {
        return if matches!(word(1), "morning" | "afternoon" | "evening" | "night" | "noon") { 2 } else { 1 };
    }
    if number(word(0)) && holds(MONTHS, word(1)) {
        return 2;
    }
    if (holds(MONTHS, word(0)) || word(0) == "may") && number(word(1)) {
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
