//! When people want a summary, as they choose it, and what it means.

use groundcrew::jobs::Timing;
use jiff::Timestamp;
use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// What is wrong with a choice: the field, and words.
pub(crate) type Wrong = (&'static str, String);

/// How often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Every {
    Once,
    Hourly,
    Daily,
    Weekly,
    HalfWeekly,
    Monthly,
    Cron,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

/// A timing as it was chosen; what a kind has no use for is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Choice {
    pub(crate) kind: Every,
    /// `09:00`; for `hourly` the minute as `00:15`; for `once` with the date: `2026-04-01T09:00`.
    #[serde(default)]
    pub(crate) at: Option<String>,
    /// Days of the week: one for `weekly`, two for `half-weekly`, any for `daily` and `hourly`.
    #[serde(default)]
    pub(crate) days: Vec<Day>,
    /// Day of the month for `monthly`: `1` to `28`, or `last`.
    #[serde(default)]
    pub(crate) day: Option<String>,
    /// A cron expression, for `cron`.
    #[serde(default)]
    pub(crate) cron: Option<String>,
    /// The name of the time zone, such as `Europe/Berlin`; UTC if it is not given.
    #[serde(default)]
    pub(crate) zone: Option<String>,
}

// === impl Every ===

impl Every {
    pub(crate) const ALL: [Self; 7] =
        [Self::Once, Self::Hourly, Self::Daily, Self::Weekly, Self::HalfWeekly, Self::Monthly, Self::Cron];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Once => "once",
            Self::Hourly => "hourly",
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::HalfWeekly => "half-weekly",
            Self::Monthly => "monthly",
            Self::Cron => "cron",
        }
    }

    pub(crate) fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|every| every.name() == name)
    }
}

// === impl Day ===

impl Day {
    pub(crate) const ALL: [Self; 7] =
        [Self::Mon, Self::Tue, Self::Wed, Self::Thu, Self::Fri, Self::Sat, Self::Sun];

    pub(crate) fn name(self) -> &'static str {
        ["mon", "tue", "wed", "thu", "fri", "sat", "sun"][self as usize]
    }

    /// `mon`, `Monday` and the like.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        let name = name.trim().to_lowercase();
        Self::ALL.into_iter().find(|day| name.len() >= 3 && name.starts_with(day.name()))
    }
}

// === impl Choice ===

impl Choice {
    /// As often as this, and all else as it is by itself.
    #[cfg(test)]
    pub(crate) fn of(kind: Every) -> Self {
        Self { kind, at: None, days: Vec::new(), day: None, cron: None, zone: None }
    }

    /// What it means.
    pub(crate) fn timing(&self) -> Result<Timing, Wrong> {
        let zone = self.zone()?;
        self.refuse_useless()?;
        let name = self.zone.as_deref().map(str::trim).filter(|zone| !zone.is_empty()).unwrap_or("UTC");
        let cron = |expression: String| -> Result<Timing, Wrong> {
            let timing = format!("CRON_TZ={name} {expression}").parse();
            timing.map_err(|error: groundcrew::jobs::ScheduleError| ("timing.cron", error.to_string()))
        };
        match self.kind {
            Every::Once => Ok(Timing::Once(self.moment(&zone)?)),
            Every::Cron => {
                let expression = self.cron.as_deref().map(str::trim).filter(|cron| !cron.is_empty());
                let missing = || ("timing.cron", "expected an expression such as `0 9 * * 1-5`".to_owned());
                let expression = expression.ok_or_else(missing)?;
                if expression.starts_with("CRON_TZ") || expression.starts_with("@every") {
                    return Err((
                        "timing.cron",
                        "name the time zone in `zone`, and a time to be at".to_owned(),
                    ));
                }
                cron(expression.to_owned())
            }
            Every::Hourly => cron(format!("{} * * * {}", self.time("00:00")?.minute(), self.weekdays("*"))),
            Every::Daily => cron(format!("{} * * {}", self.clock()?, self.weekdays("*"))),
            Every::Weekly => {
                self.so_many_days(1)?;
                cron(format!("{} * * {}", self.clock()?, self.weekdays("MON")))
            }
            Every::HalfWeekly => {
                self.so_many_days(2)?;
                cron(format!("{} * * {}", self.clock()?, self.weekdays("MON,THU")))
            }
            Every::Monthly => cron(format!("{} {} * *", self.clock()?, self.day_of_month()?)),
        }
    }

    fn zone(&self) -> Result<TimeZone, Wrong> {
        let name = self.zone.as_deref().map(str::trim).filter(|zone| !zone.is_empty());
        let wrong = |name: &str| {
            (
                "timing.zone",
                format!("there is no time zone `{name}`; right would be `Europe/Berlin` or `UTC`"),
            )
        };
        name.map_or(Ok(TimeZone::UTC), |name| TimeZone::get(name).map_err(|_| wrong(name)))
    }

    /// A choice that means less than it says would surprise whoever made it.
    fn refuse_useless(&self) -> Result<(), Wrong> {
        let kind = self.kind;
        let has_days = matches!(kind, Every::Hourly | Every::Daily | Every::Weekly | Every::HalfWeekly);
        let useless = [
            ("timing.at", self.at.is_some() && kind == Every::Cron),
            ("timing.days", !self.days.is_empty() && !has_days),
            ("timing.day", self.day.is_some() && kind != Every::Monthly),
            ("timing.cron", self.cron.is_some() && kind != Every::Cron),
        ];
        match useless.into_iter().find(|(_, given)| *given) {
            Some((field, _)) => Err((field, format!("`{}` has no use for it", kind.name()))),
            None => Ok(()),
        }
    }

    fn moment(&self, zone: &TimeZone) -> Result<Timestamp, Wrong> {
        let text = self.at.as_deref().unwrap_or_default().trim();
        let wrong = || ("timing.at", "expected a date and a time such as `2026-04-01T09:00`".to_owned());
        if let Ok(at) = text.parse::<Timestamp>() {
            return Ok(at);
        }
        let local: DateTime = text.parse().map_err(|_| wrong())?;
        if !text.contains(':') {
            return Err(wrong());
        }
        // A time that is skipped when the clocks change is an hour later; of one that comes twice it is the first.
        zone.to_timestamp(local).map_err(|_| wrong())
    }

    fn time(&self, default: &str) -> Result<Time, Wrong> {
        let text = self.at.as_deref().map_or(default, str::trim);
        let wrong = || ("timing.at", format!("`{text}` is no time of the day; right would be `09:00`"));
        let time: Time = text.parse().map_err(|_| wrong())?;
        if !text.contains(':') || time.second() != 0 || time.subsec_nanosecond() != 0 {
            return Err(wrong());
        }
        Ok(time)
    }

    /// Minute and hour, for cron.
    fn clock(&self) -> Result<String, Wrong> {
        let time = self.time("09:00")?;
        Ok(format!("{} {}", time.minute(), time.hour()))
    }

    fn weekdays(&self, default: &str) -> String {
        if self.days.is_empty() {
            return default.to_owned();
        }
        let mut days = self.days.clone();
        days.sort_unstable();
        days.dedup();
        days.iter().map(|day| day.name().to_uppercase()).collect::<Vec<_>>().join(",")
    }

    fn so_many_days(&self, count: usize) -> Result<(), Wrong> {
        let mut days = self.days.clone();
        days.sort_unstable();
        days.dedup();
        if days.is_empty() || days.len() == count {
            return Ok(());
        }
        let words = if count == 1 { "one day".to_owned() } else { format!("{count} different days") };
        Err((
            "timing.days",
            format!("`{}` takes {words}; `daily` takes as many as you like", self.kind.name()),
        ))
    }

    fn day_of_month(&self) -> Result<String, Wrong> {
        match self.day.as_deref().map_or("1", str::trim) {
            last if last.eq_ignore_ascii_case("last") => Ok("L".to_owned()),
            day => match day.parse::<u8>() {
                Ok(day @ 1..=28) => Ok(day.to_string()),
                Ok(29..=31) => {
                    let words = format!("not every month has a {day}th: say `last` for the last day");
                    Err(("timing.day", words))
                }
                _ => Err(("timing.day", format!("`{day}` is none; expected `1` to `28`, or `last`"))),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn choice(kind: Every) -> Choice {
        Choice { zone: Some("Europe/Berlin".to_owned()), ..Choice::of(kind) }
    }

    fn next(choice: &Choice, after: &str, count: usize) -> Vec<String> {
        let timing = choice.timing().expect("a timing");
        let zone = TimeZone::get("Europe/Berlin").expect("a zone");
        let times = timing.times_after(after.parse().expect("a time")).take(count);
        times.map(|time| time.to_zoned(zone.clone()).strftime("%a %d %b %H:%M").to_string()).collect()
    }

    #[test]
    fn each_kind_comes_when_people_mean_it() {
        let after = "2026-03-26T12:00:00Z"; // a Thursday, three days before the clocks are changed
        assert_eq!(next(&choice(Every::Daily), after, 2), ["Fri 27 Mar 09:00", "Sat 28 Mar 09:00"]);
        assert_eq!(next(&choice(Every::Weekly), after, 2), ["Mon 30 Mar 09:00", "Mon 06 Apr 09:00"]);
        assert_eq!(next(&choice(Every::HalfWeekly), after, 2), ["Mon 30 Mar 09:00", "Thu 02 Apr 09:00"]);
        assert_eq!(next(&choice(Every::Monthly), after, 2), ["Wed 01 Apr 09:00", "Fri 01 May 09:00"]);
        let last = Choice { day: Some("last".to_owned()), ..choice(Every::Monthly) };
        assert_eq!(next(&last, after, 2), ["Tue 31 Mar 09:00", "Thu 30 Apr 09:00"]);
        let quarter = Choice { at: Some("00:15".to_owned()), ..choice(Every::Hourly) };
        assert_eq!(next(&quarter, after, 2), ["Thu 26 Mar 13:15", "Thu 26 Mar 14:15"]);
        let working = Choice { days: vec![Day::Fri, Day::Mon], ..choice(Every::Daily) };
        assert_eq!(next(&working, after, 2), ["Fri 27 Mar 09:00", "Mon 30 Mar 09:00"]);
        let cron = Choice { cron: Some("30 17 * * 1-5".to_owned()), ..choice(Every::Cron) };
        assert_eq!(next(&cron, after, 2), ["Thu 26 Mar 17:30", "Fri 27 Mar 17:30"]);
        let once = Choice { at: Some("2026-03-29T02:30".to_owned()), ..choice(Every::Once) };
        assert_eq!(next(&once, after, 2), ["Sun 29 Mar 03:30"], "half past two is skipped that night");
    }

    #[test]
    fn what_is_wrong_is_said_with_its_field_and_with_what_would_be_right() {
        let of = choice;
        let text = |text: &str| Some(text.to_owned());
        for (choice, field, words) in [
            (Choice { zone: text("Mars"), ..of(Every::Daily) }, "timing.zone", "no time zone `Mars`"),
            (Choice { at: text("nine"), ..of(Every::Daily) }, "timing.at", "`09:00`"),
            (Choice { at: text("09:00:30"), ..of(Every::Daily) }, "timing.at", "`09:00`"),
            (of(Every::Once), "timing.at", "2026-04-01T09:00"),
            (Choice { at: text("2026-04-01"), ..of(Every::Once) }, "timing.at", "2026-04-01T09:00"),
            (Choice { days: vec![Day::Mon, Day::Tue], ..of(Every::Weekly) }, "timing.days", "one day"),
            (Choice { days: vec![Day::Mon], ..of(Every::HalfWeekly) }, "timing.days", "2 different days"),
            (Choice { days: vec![Day::Mon; 2], ..of(Every::HalfWeekly) }, "timing.days", "2 different days"),
            (Choice { day: text("31"), ..of(Every::Monthly) }, "timing.day", "`last`"),
            (Choice { day: text("0"), ..of(Every::Monthly) }, "timing.day", "`1` to `28`"),
            (of(Every::Cron), "timing.cron", "0 9 * * 1-5"),
            (Choice { cron: text("* * *"), ..of(Every::Cron) }, "timing.cron", "cron expression"),
            (Choice { cron: text("@every 1s"), ..of(Every::Cron) }, "timing.cron", "`zone`"),
            (Choice { cron: text("0 9 * * *"), ..of(Every::Daily) }, "timing.cron", "`daily` has no use"),
            (Choice { days: vec![Day::Mon], ..of(Every::Monthly) }, "timing.days", "`monthly` has no use"),
        ] {
            let (at, said) = choice.timing().expect_err(words);
            assert_eq!(at, field, "{said}");
            assert!(said.contains(words), "{said}");
        }
    }

    #[test]
    fn days_are_read_as_people_write_them() {
        assert_eq!(Day::of_name("Monday"), Some(Day::Mon));
        assert_eq!(Day::of_name(" sun "), Some(Day::Sun));
        assert_eq!(Day::of_name("s"), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(150))]

        /// Whatever is chosen: each time shows the hour that was chosen on one of the days that were chosen, wherever
        /// the clocks are changed.
        #[test]
        fn each_time_is_one_that_was_chosen(
            zone in proptest::sample::select(&["Europe/Berlin", "America/New_York", "Asia/Kathmandu", "UTC"][..]),
            hour in 4i8..24, minute in 0i8..60, // nothing is skipped after four
            days in proptest::collection::btree_set(0usize..7, 0..7),
            second in 1_600_000_000i64..1_900_000_000,
        ) {
            let days: Vec<Day> = days.into_iter().map(|day| Day::ALL[day]).collect();
            let at = Some(format!("{hour:02}:{minute:02}"));
            let chosen = Choice { at, days: days.clone(), zone: Some(zone.to_owned()), ..Choice::of(Every::Daily) };
            let from = Timestamp::from_second(second).expect("a time");
            let zone = TimeZone::get(zone).expect("a zone");
            let times: Vec<Timestamp> = chosen.timing().expect("a timing").times_after(from).take(10).collect();
            prop_assert_eq!(times.len(), 10);
            for time in times {
                let local = time.to_zoned(zone.clone());
                prop_assert_eq!((local.hour(), local.minute()), (hour, minute));
                let day = Day::ALL[usize::try_from(local.weekday().to_monday_zero_offset()).expect("0 to 6")];
                prop_assert!(days.is_empty() || days.contains(&day));
            }
        }

        #[test]
        fn any_text_is_a_timing_or_an_error(
            kind in proptest::sample::select(&Every::ALL[..]), at in "[ -~]{0,20}", day in "[ -~]{0,4}",
            cron in "[ -~]{0,20}", zone in "[ -~]{0,12}",
        ) {
            let text = |text: String| Some(text).filter(|text| !text.is_empty());
            let choice = Choice { kind, at: text(at), days: Vec::new(), day: text(day), cron: text(cron), zone: text(zone) };
            let _either = choice.timing();
        }
    }
}
