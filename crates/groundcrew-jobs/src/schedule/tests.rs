use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;

fn schedule(text: &str) -> Schedule {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The next so many, as local times with their offset.
fn next(text: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
    let (schedule, zone) =
        (schedule(&format!("CRON_TZ={zone} {text}")), TimeZone::get(zone).expect("a zone"));
    let moments = std::iter::successors(Some(at(after)), |moment| schedule.next_after(*moment));
    moments
        .skip(1)
        .take(count)
        .map(|moment| moment.to_zoned(zone.clone()).strftime("%d %H:%M %:z").to_string())
        .collect()
}

#[test]
fn a_time_of_the_day_that_is_skipped_comes_when_the_clocks_have_changed() {
    let days = next("30 2 * * *", "Europe/Berlin", "2026-03-28T00:00:00Z", 3);
    assert_eq!(days, ["28 02:30 +01:00", "29 03:00 +02:00", "30 02:30 +02:00"]);
}

#[test]
fn several_times_that_are_skipped_come_once_together() {
    let days = next("*/20 2 * * *", "Europe/Berlin", "2026-03-28T02:00:00Z", 3);
    assert_eq!(days, ["29 03:00 +02:00", "30 02:00 +02:00", "30 02:20 +02:00"]);
}

#[test]
fn a_time_of_the_day_that_comes_twice_counts_the_first_time() {
    let days = next("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2);
    assert_eq!(days, ["25 02:30 +02:00", "26 02:30 +01:00"]);
}

/// The library takes a list of hours for a pace, and would have it twice.
#[test]
fn so_does_one_of_a_list_of_times_which_the_library_alone_has_twice() {
    let days = next("30 2,14 * * *", "Europe/Berlin", "2026-10-24T13:00:00Z", 3);
    assert_eq!(days, ["25 02:30 +02:00", "25 14:30 +01:00", "26 02:30 +01:00"]);

    let cron: croner::Cron = "30 2,14 * * *".parse().expect("an expression");
    let first = at("2026-10-25T00:30:00Z").to_zoned(TimeZone::get("Europe/Berlin").expect("a zone"));
    let again = cron.find_next_occurrence(&first, false).expect("another");
    assert_eq!(again.timestamp(), at("2026-10-25T01:30:00Z"), "the control: half past two once more");
}

#[test]
fn what_was_seen_in_the_second_pass_is_not_seen_again() {
    // 02:10 in the second pass: the 02:30 of this night was in the first.
    let days = next("30 2 * * *", "Europe/Berlin", "2026-10-25T01:10:00Z", 1);
    assert_eq!(days, ["26 02:30 +01:00"]);
}

#[test]
fn a_pace_goes_on_through_both_changes() {
    let spring = next("30 * * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", 3);
    assert_eq!(spring, ["29 01:30 +01:00", "29 03:30 +02:00", "29 04:30 +02:00"]);
    let autumn = next("30 * * * *", "Europe/Berlin", "2026-10-25T00:00:00Z", 3);
    assert_eq!(autumn, ["25 02:30 +02:00", "25 02:30 +01:00", "25 03:30 +01:00"]);
}

#[test]
fn a_day_that_a_country_left_out_is_made_up_for_when_it_is_over() {
    let days = next("0 12 * * *", "Pacific/Apia", "2011-12-29T00:00:00Z", 3);
    assert_eq!(days, ["29 12:00 -10:00", "31 00:00 +14:00", "31 12:00 +14:00"]);
}

#[test]
fn a_midnight_that_is_skipped_is_one_o_clock() {
    let days = next("@daily", "America/Sao_Paulo", "2018-11-03T12:00:00Z", 2);
    assert_eq!(days, ["04 01:00 -02:00", "05 00:00 -02:00"]);
}

#[test]
fn an_even_pace_means_the_same_moments_everywhere() {
    let quarter = schedule("@every 15m");
    assert_eq!(quarter.next_after(at("2026-01-01T00:07:31Z")), Some(at("2026-01-01T00:15:00Z")));
    assert_eq!(quarter.next_after(at("2026-01-01T00:15:00Z")), Some(at("2026-01-01T00:30:00Z")));
    assert_eq!(quarter.next_after(at("1969-12-31T23:50:00Z")), Some(at("1970-01-01T00:00:00Z")));
}

#[test]
fn what_cannot_be_kept_is_refused_with_what_is_wrong() {
    for (text, words) in [
        ("0 25 * * *", "`0 25 * * *`"),
        ("", "cron expression"),
        ("0 0 30 2 *", "never comes"),
        ("CRON_TZ=Europe/Bärlin 0 2 * * *", "no time zone `Europe/Bärlin`"),
        ("CRON_TZ=Europe/Berlin", "cron expression"),
        ("@every 0s", "@every 15m"),
        ("@every soon", "@every 15m"),
        ("@every 3 years", "@every 15m"),
        (&"1,".repeat(1000), "too long"),
    ] {
        let error = text.parse::<Schedule>().expect_err(text).to_string();
        assert!(error.contains(words), "{text}: {error}");
    }
}

#[test]
fn a_leap_day_is_worth_the_wait() {
    let days = schedule("0 0 29 2 *");
    assert_eq!(days.next_after(at("2096-03-01T00:00:00Z")), Some(at("2104-02-29T00:00:00Z")));
}

#[test]
fn missed_moments_are_skipped_or_come_once_or_all_by_the_policy() {
    let (last, now) = (at("2026-01-01T02:00:00Z"), at("2026-01-05T09:00:00Z"));
    let daily = schedule("0 2 * * *");
    let days = |misfire| -> Vec<String> {
        let due = daily.clone().with_misfire(misfire).due(last, now);
        due.into_iter().map(|moment| moment.to_string()[8..10].to_owned()).collect()
    };
    assert_eq!(days(Misfire::Skip), [""; 0]);
    assert_eq!(days(Misfire::Once), ["05"]);
    assert_eq!(days(Misfire::All { most: 100 }), ["02", "03", "04", "05"]);
    assert_eq!(days(Misfire::All { most: 2 }), ["04", "05"], "the last ones");
}

#[test]
fn a_moment_that_is_seen_in_time_is_due_whatever_the_policy() {
    let (last, moment) = (at("2026-01-01T02:00:00Z"), at("2026-01-02T02:00:00Z"));
    for misfire in [Misfire::Skip, Misfire::Once, Misfire::All { most: 1 }] {
        let daily = schedule("0 2 * * *").with_misfire(misfire);
        assert_eq!(daily.due(last, moment - SignedDuration::from_nanos(1)), []);
        assert_eq!(daily.due(last, moment), [moment]);
        assert_eq!(daily.due(last, moment + SignedDuration::from_secs(3)), [moment]);
        assert_eq!(daily.due(moment, moment + SignedDuration::from_secs(3)), [], "it was seen");
    }
}

#[test]
fn what_was_missed_for_a_century_is_found_at_once() {
    let (last, now) = (at("1926-01-01T00:00:00Z"), at("2026-01-05T09:00:00.5Z"));
    for (text, latest) in [("* * 2 * * *", "2026-01-05T02:59:59Z"), ("* * * * * *", "2026-01-05T09:00:00Z")] {
        let due = schedule(text).with_misfire(Misfire::All { most: 3 }).due(last, now);
        assert_eq!(due.len(), 3);
        assert_eq!(due[2], at(latest), "{text}");
    }
}

const ZONES: [&str; 7] = [
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",
    "Australia/Lord_Howe", // half an hour
    "Pacific/Apia",
    "Asia/Kathmandu",
    "UTC",
];

/// What should happen around a moment, by going through every minute of the local clocks.
fn model(minutes: &[i8], hours: Option<&[i8]>, zone: &TimeZone, around: Timestamp) -> Vec<Timestamp> {
    let day = SignedDuration::from_hours(48);
    let first = zone.to_datetime(around - day).round(jiff::Unit::Minute).expect("in the calendar");
    let minutes_of_it = (0..4 * 24 * 60).map(|minute| first + SignedDuration::from_mins(minute));
    let is_wanted = |local: &DateTime| {
        minutes.contains(&local.minute()) && hours.is_none_or(|hours| hours.contains(&local.hour()))
    };
    let mut all: Vec<Timestamp> = minutes_of_it
        .filter(is_wanted)
        .flat_map(|local| {
            let ambiguous = zone.to_ambiguous_timestamp(local);
            match ambiguous.offset() {
                AmbiguousOffset::Unambiguous { offset } => {
                    vec![offset.to_timestamp(local).expect("a moment")]
                }
                AmbiguousOffset::Fold { before, after } if hours.is_none() => {
                    [before, after].map(|offset| offset.to_timestamp(local).expect("a moment")).to_vec()
                }
                AmbiguousOffset::Fold { before, .. } => vec![before.to_timestamp(local).expect("a moment")],
                AmbiguousOffset::Gap { .. } if hours.is_none() => vec![],
                // As the old clocks would show it, and then on to the change.
                AmbiguousOffset::Gap { before, .. } => {
                    let moment = before.to_timestamp(local).expect("a moment");
                    vec![
                        zone.preceding(moment + SignedDuration::from_nanos(1))
                            .next()
                            .expect("the change")
                            .timestamp(),
                    ]
                }
            }
        })
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn lists(numbers: &[i8]) -> String {
    numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

proptest! {
    #[test]
    fn it_is_what_going_through_every_minute_finds(
        zone in proptest::sample::select(&ZONES[..]),
        minutes in proptest::collection::btree_set(0i8..60, 1..4),
        hours in proptest::option::of(proptest::collection::btree_set(0i8..24, 1..6)),
        change in 0usize..60, near in -200_000i64..200_000,
    ) {
        let (minutes, hours) = (Vec::from_iter(minutes), hours.map(Vec::from_iter));
        let place = TimeZone::get(zone).expect("a zone");
        // Near one of the changes of this place, where it has them.
        let changes = place.following(at("2005-01-01T00:00:00Z")).nth(change);
        let change = changes.map_or_else(|| at("2020-02-28T00:00:00Z"), |change| change.timestamp());
        let moment = change + SignedDuration::from_secs(near);
        let hours_text = hours.as_ref().map_or("*".to_owned(), |hours| lists(hours));
        let schedule = schedule(&format!("CRON_TZ={zone} {} {hours_text} * * *", lists(&minutes)));
        let wanted = model(&minutes, hours.as_deref(), &place, moment).into_iter().find(|found| *found > moment);
        prop_assert_eq!(schedule.next_after(moment), wanted);
    }

    #[test]
    fn the_last_until_a_moment_is_the_one_that_has_no_other_behind_it(
        zone in proptest::sample::select(&ZONES[..]),
        text in proptest::sample::select(&["* * * * *", "*/7 3 * * *", "0 0 1 * *", "15 10 * * 1", "* * 2 * * *"][..]),
        seconds in 1_000_000_000i64..2_000_000_000, ago in 0i64..10_000_000,
    ) {
        let schedule = schedule(&format!("CRON_TZ={zone} {text}"));
        let now = Timestamp::from_second(seconds).expect("a moment");
        let since = now - SignedDuration::from_secs(ago);
        match schedule.last_until(now, since) {
            Some(last) => {
                prop_assert!(since < last && last <= now);
                prop_assert!(schedule.next_after(last).is_none_or(|next| next > now));
                prop_assert_eq!(schedule.next_after(last - SignedDuration::from_nanos(1)), Some(last));
            }
            None => prop_assert!(schedule.next_after(since).is_none_or(|next| next > now)),
        }
    }

    #[test]
    fn later_moments_have_later_successors(
        zone in proptest::sample::select(&ZONES[..]),
        text in proptest::sample::select(&["*/5 * * * *", "30 2 * * *", "0 2,14 * * 0", "@monthly"][..]),
        seconds in 1_000_000_000i64..2_000_000_000, more in 0i64..1_000_000,
    ) {
        let schedule = schedule(&format!("CRON_TZ={zone} {text}"));
        let one = Timestamp::from_second(seconds).expect("a moment");
        let (first, second) = (schedule.next_after(one), schedule.next_after(one + SignedDuration::from_secs(more)));
        prop_assert!(first > Some(one));
        prop_assert!(first <= second);
    }

    #[test]
    fn any_text_is_a_schedule_or_an_error(text in "[ -~]{0,40}") {
        let _either = text.parse::<Schedule>();
    }
}
