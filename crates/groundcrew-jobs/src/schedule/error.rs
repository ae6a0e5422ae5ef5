/// A schedule that cannot be kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScheduleError {
    /// The expression is not one of cron's.
    #[error(
        "`{expression}` is not a cron expression ({problem}); right would be `30 2 * * *`: minute, hour, day, month, weekday"
    )]
    Cron {
        /// What was written.
        expression: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Such a date does not come, as the 30th of February.
    #[error("`{expression}` never comes")]
    Never {
        /// What was written.
        expression: String,
    },
    /// The zone has no such name.
    #[error("there is no time zone `{zone}`; right would be `Europe/Berlin`")]
    Zone {
        /// What was written.
        zone: String,
        /// What the database of time zones says.
        #[source]
        source: jiff::Error,
    },
    /// The pace is none, or too short or too long.
    #[error("`{text}` is no pace between a second and a year; right would be `@every 15m`")]
    Pace {
        /// What was written.
        text: String,
    },
    /// The moment of what comes once is none.
    #[error(
        "`{text}` has no time with its offset from UTC; right would be `@once 2026-04-01T09:00:00+02:00`"
    )]
    Once {
        /// What was written.
        text: String,
    },
    /// There is no such policy.
    #[error("`{text}` says nothing about times that were missed; right would be `skip`, `once` or `all 7`")]
    Misfire {
        /// What was written.
        text: String,
    },
    /// Longer than any schedule should be.
    #[error("a schedule of {bytes} bytes is too long")]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
}
