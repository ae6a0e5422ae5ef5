//! From when on: a link to a message, "my last message", or a time in plain words.

use std::time::Duration;

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _, Zoned};

/// From when on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Since {
    Moment(Timestamp),
    /// A link to a message.
    Message {
        guild: String,
        channel: String,
        message: String,
    },
    /// What whoever asks has written last.
    MyLastMessage,
}

/// Before this there was no Discord.
const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 366 * 12);

/// What somebody typed; `None` if it says no time that has passed. Days begin where `now` is, and clocks go as there.
pub(crate) fn parse(text: &str, now: &Zoned) -> Option<Since> {
    if let Some(link) = link(text) {
        return Some(link);
    }
    let text = text.to_lowercase();
    let text = text.trim().trim_end_matches(['.', '!', '?']);
    if matches!(text, "my last message" | "my last" | "i last wrote" | "last time i wrote" | "i left" | "me")
    {
        return Some(Since::MyLastMessage);
    }
    let in_utc = now.with_time_zone(TimeZone::UTC);
    let (text, now) = match text.strip_suffix("utc") {
        Some(text) => (text.trim_end(), &in_utc),
        None => (text, now),
    };
    let moment = mark(text)
        .or_else(|| date(text, now))
        .or_else(|| day(text, now))
        .or_else(|| ago(text, now))
        .or_else(|| time_of_day(text).and_then(|time| latest(time, now)))?;
    let passed = now.timestamp().duration_since(moment);
    (passed >= SignedDuration::ZERO && passed <= LONGEST).then_some(Since::Moment(moment))
}

/// `https://discord.com/channels/1/2/3`, of any of Discord's addresses.
fn link(text: &str) -> Option<Since> {
    let rest = text.trim().trim_start_matches('<').trim_end_matches('>').strip_prefix("https://")?;
    let (host, path) = rest.split_once("/channels/")?;
    if !matches!(host, "discord.com" | "ptb.discord.com" | "canary.discord.com" | "discordapp.com") {
        return None;
    }
    let mut ids = path.split(['?', '#']).next()?.trim_end_matches('/').split('/').map(id);
    let (guild, channel, message) = (ids.next()??, ids.next()??, ids.next()??);
    ids.next().is_none().then_some(Since::Message { guild, channel, message })
}

fn id(text: &str) -> Option<String> {
    let digits = (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.to_owned())
}

/// `<t:1772373780:R>`, as Discord's own clients write times.
fn mark(text: &str) -> Option<Timestamp> {
    let inner = text.strip_prefix("<t:")?.strip_suffix('>')?;
    Timestamp::from_second(inner.split(':').next()?.parse().ok()?).ok()
}

/// `2026-03-01`, `2026-03-01 14:00`, `2026-03-01T14:00:00Z`.
fn date(text: &str, now: &Zoned) -> Option<Timestamp> {
    let upper = text.to_uppercase();
    if let Ok(moment) = upper.parse::<Timestamp>() {
        return Some(moment);
    }
    let (day, time) = text.split_once([' ', 't']).map_or((text, None), |(day, time)| (day, Some(time)));
    let day: Date = (day.len() == 10).then(|| day.parse().ok()).flatten()?;
    at(day, time.map_or(Some(Time::midnight()), time_of_day)?, now)
}

/// `today`, `yesterday 14:00`, `monday`, `this morning`.
fn day(text: &str, now: &Zoned) -> Option<Timestamp> {
    let text = text.strip_prefix("since ").unwrap_or(text).trim_start();
    let text = text.strip_prefix("last ").unwrap_or(text);
    let today = now.date();
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    if word == "this" && matches!(rest, "morning") {
        return at(today, Time::midnight(), now);
    }
    let day = match word {
        "today" => today,
        "yesterday" => today.checked_sub(1.day()).ok()?,
        _ => today.nth_weekday(-1, weekday(word)?).ok()?,
    };
    let rest = rest.trim_start().strip_prefix("at ").unwrap_or(rest.trim_start());
    let time = match rest {
        "" | "morning" => Time::midnight(),
        "afternoon" => Time::constant(12, 0, 0, 0),
        "evening" => Time::constant(18, 0, 0, 0),
        rest => time_of_day(rest)?,
    };
    at(day, time, now)
}

fn weekday(word: &str) -> Option<Weekday> {
    Some(match word {
        "monday" | "mon" => Weekday::Monday,
        "tuesday" | "tue" => Weekday::Tuesday,
        "wednesday" | "wed" => Weekday::Wednesday,
        "thursday" | "thu" => Weekday::Thursday,
        "friday" | "fri" => Weekday::Friday,
        "saturday" | "sat" => Weekday::Saturday,
        "sunday" | "sun" => Weekday::Sunday,
        _ => return None,
    })
}

/// `2 hours ago`, `90m`, `last 3 days`, `1d 4h`, `an hour and a half`.
fn ago(text: &str, now: &Zoned) -> Option<Timestamp> {
    let text = text.strip_suffix(" ago").unwrap_or(text);
    let text = text.strip_prefix("since ").unwrap_or(text);
    let text = ["in the last ", "the last ", "last ", "the past ", "past "]
        .iter()
        .find_map(|prefix| text.strip_prefix(prefix))
        .unwrap_or(text);
    let mut total = Duration::ZERO;
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (part, after) = amount(rest)?;
        total = total.checked_add(part)?;
        rest = after.trim_start();
        rest = rest.strip_prefix("and ").or_else(|| rest.strip_prefix(',')).unwrap_or(rest).trim_start();
    }
    now.timestamp().checked_sub(SignedDuration::try_from(total).ok()?).ok()
}

/// A number and a unit at the beginning of a text, and what follows.
fn amount(text: &str) -> Option<(Duration, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (half, count, rest) = if digits > 0 {
        let half = text[digits..].starts_with(".5");
        let rest = &text[digits + if half { 2 } else { 0 }..];
        (half, text[..digits].parse::<u64>().ok()?, rest.trim_start())
    } else if let Some(rest) = text.strip_prefix("half an ").or_else(|| text.strip_prefix("half a ")) {
        (true, 0, rest)
    } else if let Some(rest) = text.strip_prefix("a half") {
        // The half of “an hour and a half”.
        return Some((Duration::from_secs(1800), rest));
    } else if let Some(rest) = text.strip_prefix("an ").or_else(|| text.strip_prefix("a ")) {
        (false, 1, rest)
    } else {
        (false, 1, text)
    };
    let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
    let unit = match &rest[..letters] {
        "s" | "sec" | "secs" | "second" | "seconds" => 1,
        "m" | "min" | "mins" | "minute" | "minutes" => 60,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3600,
        "d" | "day" | "days" => 86_400,
        "w" | "week" | "weeks" => 7 * 86_400,
        "month" | "months" => 30 * 86_400,
        _ => return None,
    };
    let seconds = count.checked_mul(unit)?.checked_add(if half { unit / 2 } else { 0 })?;
    Some((Duration::from_secs(seconds), &rest[letters..]))
}

/// `14:30`, `9am`, `9:15 pm`, `noon`, `midnight`.
fn time_of_day(text: &str) -> Option<Time> {
    let text = text.trim();
    let text = text.strip_prefix("at ").unwrap_or(text);
    match text {
        "noon" => return Some(Time::constant(12, 0, 0, 0)),
        "midnight" => return Some(Time::midnight()),
        _ => {}
    }
    let half =
        ["am", "pm"].iter().find_map(|half| text.strip_suffix(half).map(|rest| (*half, rest.trim_end())));
    let clock = half.map_or(text, |(_, clock)| clock);
    let (hours, minutes) =
        clock.split_once(':').map_or((clock, None), |(hours, minutes)| (hours, Some(minutes)));
    if half.is_none() && minutes.is_none() {
        return None; // a bare number says nothing
    }
    let digits = |text: &str| -> Option<i8> {
        ((1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| text.parse().ok())?
    };
    let (hours, minutes) = (digits(hours)?, minutes.map_or(Some(0), digits)?);
    let hours = match half {
        None => hours,
        Some(_) if !(1..=12).contains(&hours) => return None,
        Some(("am", _)) => hours % 12,
        Some(_) => hours % 12 + 12,
    };
    Time::new(hours, minutes, 0, 0).ok()
}

/// The last time that a clock showed this: where the clocks were put back, the second time.
fn latest(time: Time, now: &Zoned) -> Option<Timestamp> {
    let moments = [now.date(), now.date().checked_sub(1.day()).ok()?].into_iter().flat_map(|day| {
        let moment = now.time_zone().to_ambiguous_timestamp(day.to_datetime(time));
        [moment.later(), moment.earlier()]
    });
    moments.filter_map(Result::ok).find(|moment| *moment <= now.timestamp())
}

/// A time that is skipped when the clocks change is an hour later; of one that comes twice it is the first.
fn at(day: Date, time: Time, now: &Zoned) -> Option<Timestamp> {
    now.time_zone().to_timestamp(day.to_datetime(time)).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A Sunday.
    const NOW: &str = "2026-03-01T14:03:00Z";

    fn now() -> Zoned {
        NOW.parse::<Timestamp>().unwrap().to_zoned(TimeZone::UTC)
    }

    fn moment(text: &str) -> String {
        moment_at(text, &now())
    }

    fn moment_at(text: &str, now: &Zoned) -> String {
        match parse(text, now) {
            Some(Since::Moment(moment)) => moment.to_string(),
            other => panic!("{text:?} is {other:?}"),
        }
    }

    #[test]
    fn plain_words_are_times() {
        let words = [
            ("2 hours ago", "2026-03-01T12:03:00Z"),
            ("90m", "2026-03-01T12:33:00Z"),
            ("last 3 days", "2026-02-26T14:03:00Z"),
            ("1d 4h", "2026-02-28T10:03:00Z"),
            ("an hour and a half", "2026-03-01T12:33:00Z"),
            ("half an hour ago", "2026-03-01T13:33:00Z"),
            ("1.5 hours", "2026-03-01T12:33:00Z"),
            ("the last hour", "2026-03-01T13:03:00Z"),
            ("last week", "2026-02-22T14:03:00Z"),
            ("today", "2026-03-01T00:00:00Z"),
            ("this morning", "2026-03-01T00:00:00Z"),
            ("Yesterday 9:15 pm", "2026-02-28T21:15:00Z"),
            ("yesterday at noon", "2026-02-28T12:00:00Z"),
            ("monday", "2026-02-23T00:00:00Z"),
            ("last friday evening", "2026-02-27T18:00:00Z"),
            ("sunday", "2026-02-22T00:00:00Z"),
            ("9am", "2026-03-01T09:00:00Z"),
            ("15:30", "2026-02-28T15:30:00Z"),
            ("12am", "2026-03-01T00:00:00Z"),
            ("2026-02-14", "2026-02-14T00:00:00Z"),
            ("2026-02-14 18:30", "2026-02-14T18:30:00Z"),
            ("2026-02-14T18:30:00Z", "2026-02-14T18:30:00Z"),
            ("<t:1771093800:R>", "2026-02-14T18:30:00Z"),
        ];
        for (text, expected) in words {
            assert_eq!(moment(text), expected, "{text}");
        }
    }

    #[test]
    fn days_and_clocks_are_those_of_the_place() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        // Half past midnight on a Sunday there, in the night in which the clocks are put forward.
        let now = "2026-03-28T23:30:00Z".parse::<Timestamp>().unwrap().to_zoned(berlin.clone());
        for (text, expected) in [
            ("today", "2026-03-28T23:00:00Z"),
            ("yesterday 14:00", "2026-03-28T13:00:00Z"),
            ("23:15", "2026-03-28T22:15:00Z"),
            ("2026-03-27 18:30", "2026-03-27T17:30:00Z"),
            ("2 hours ago", "2026-03-28T21:30:00Z"),
            ("2026-03-27T18:30:00Z", "2026-03-27T18:30:00Z"),
            ("yesterday 14:00 UTC", "2026-03-27T14:00:00Z"),
        ] {
            assert_eq!(moment_at(text, &now), expected, "{text}");
        }
        let at = |text: &str| text.parse::<Timestamp>().unwrap().to_zoned(berlin.clone());
        let words = moment_at("02:30", &at("2026-03-29T10:00:00Z"));
        assert_eq!(words, "2026-03-29T01:30:00Z", "there was no such time");
        for (now, expected) in [("00:45", "00:30"), ("01:45", "01:30"), ("01:15", "00:30")] {
            let words = moment_at("02:30", &at(&format!("2026-10-25T{now}:00Z")));
            assert_eq!(words, format!("2026-10-25T{expected}:00Z"), "it came twice, at {now}");
        }
    }

    #[test]
    fn a_link_is_a_message_of_discord_and_of_nobody_else() {
        let link = Since::Message { guild: "1".into(), channel: "2".into(), message: "3".into() };
        assert_eq!(parse("https://ptb.discord.com/channels/1/2/3", &now()), Some(link));
        assert_eq!(parse("https://example.org/channels/1/2/3", &now()), None);
        assert_eq!(parse("https://discord.com/channels/1/2/3/4", &now()), None);
        assert_eq!(parse("https://discord.com/channels/@me/2/3", &now()), None);
    }

    #[test]
    fn ones_own_last_message_is_asked_for_in_words() {
        assert_eq!(parse("My last message", &now()), Some(Since::MyLastMessage));
    }

    #[test]
    fn what_is_no_time_or_not_over_yet_is_none() {
        for text in [
            "",
            "soon",
            "42",
            "tomorrow",
            "25:00",
            "13pm",
            "-2 hours",
            "2030-01-01",
            "999999999999 weeks",
            "ago",
        ] {
            assert_eq!(parse(text, &now()), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(text in ".*") {
            let _since = parse(&text, &now());
        }

        #[test]
        fn nothing_is_in_the_future(text in "[0-9a-z :.<>tTZ-]{0,40}") {
            if let Some(Since::Moment(moment)) = parse(&text, &now()) {
                prop_assert!(moment <= now().timestamp());
            }
        }

        #[test]
        fn so_many_minutes_ago_are_so_many_minutes(minutes in 0_i64..100_000, ago in prop::bool::ANY) {
            let text = format!("{minutes} minutes{}", if ago { " ago" } else { "" });
            let since = parse(&text, &now());
            let expected = now().timestamp() - SignedDuration::from_mins(minutes);
            prop_assert_eq!(since, Some(Since::Moment(expected)));
        }

        #[test]
        fn a_date_is_read_as_it_is_written(day in 0_i64..4000) {
            let moment = now().timestamp() - SignedDuration::from_hours(24 * day);
            let text = moment.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M").to_string();
            prop_assert_eq!(parse(&text, &now()), Some(Since::Moment(moment)));
        }
    }
}
