use jiff::Timestamp;

use super::row::Row;
use super::{PlanId, Planned};
use crate::{Envelope, Job, JobId, Misfire, NewJob, ScheduleError, Timing, When};

/// A schedule that somebody made, as it stands.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Plan {
    /// Which one.
    pub id: PlanId,
    /// Whose it is: names are unique for an owner, and the number of plans is limited.
    pub owner: String,
    /// What it is called.
    pub name: String,
    /// When it is due.
    pub timing: Timing,
    /// What happens to moments that passed while nobody was there.
    pub misfire: Misfire,
    /// [`Job::NAME`] of what is enqueued.
    pub job: String,
    /// Its payload as JSON, without the field `planned`.
    pub payload: String,
    /// Whether it waits for [`resume`](crate::Timetable::resume).
    pub paused: bool,
    /// Why it was paused.
    pub paused_because: Option<String>,
    /// When it is due next; `None` while it is paused, and when nothing comes any more.
    pub next: Option<Timestamp>,
    /// The last moment for which there was a job.
    pub last: Option<Timestamp>,
    /// The last job, also of [`run_now`](crate::Timetable::run_now).
    pub last_job: Option<JobId>,
    /// For how many moments there was a job.
    pub fired: u64,
    /// How many passed without one; an outage is counted up to a hundred.
    pub missed: u64,
    /// When it was made.
    pub created_at: Timestamp,
    pub(super) template: Envelope,
    /// Up to here all is seen to.
    pub(super) seen: Timestamp,
    /// `next` as it is stored.
    pub(super) next_at: Option<i64>,
    pub(super) revision: i64,
}

// === impl Plan ===

impl Plan {
    /// Its job.
    ///
    /// # Errors
    ///
    /// When it is another kind of job.
    pub fn payload<J: Job>(&self) -> Result<J, serde_json::Error> {
        serde_json::from_str(&self.payload)
    }

    /// When it will be due after this moment, if nobody changes it: the next so many times, also of one that is
    /// paused.
    pub fn next_times(&self, after: Timestamp, count: usize) -> Vec<Timestamp> {
        self.timing.times_after(after.max(self.seen)).take(count).collect()
    }

    /// A row that a newer version wrote may not read.
    pub(super) fn read(row: Row) -> Result<Self, String> {
        let (id, owner, name, job, timing, misfire, paused, reason, ..) = row;
        let (.., next_at, seen, fired_at, last_job, fired, missed, created_at, revision) = row;
        let unreadable = |problem: String| format!("the plan {id} does not read: {problem}");
        let template: Envelope = serde_json::from_str(&job).map_err(|error| unreadable(error.to_string()))?;
        Ok(Self {
            id: id.parse().map_err(|_| unreadable("its id is none".to_owned()))?,
            timing: timing.parse().map_err(|error: ScheduleError| unreadable(error.to_string()))?,
            misfire: misfire.parse().map_err(|error: ScheduleError| unreadable(error.to_string()))?,
            owner,
            name,
            job: template.name.clone(),
            payload: template.payload.clone(),
            paused,
            paused_because: reason,
            next: next_at.map(time),
            last: fired_at.map(time),
            last_job: last_job.and_then(|job| job.parse().ok()),
            fired: u64::try_from(fired).unwrap_or_default(),
            missed: u64::try_from(missed).unwrap_or_default(),
            created_at: time(created_at),
            template,
            seen: time(seen),
            next_at,
            revision,
        })
    }

    /// The job of this moment. The one of the timetable has the id that it has whoever makes it.
    pub(super) fn job(
        &self,
        service: &str,
        due: Timestamp,
        by_hand: bool,
    ) -> Result<NewJob, serde_json::Error> {
        let planned = Planned { plan: self.id, due, by_hand };
        let id = if by_hand {
            JobId::random()
        } else {
            crate::schedules::id_of(service, &format!("plan {}", self.id), due)
        };
        let payload = planned.within(&self.payload)?;
        let envelope = Envelope { id, payload, enqueued_at: Timestamp::now(), ..self.template.clone() };
        Ok(NewJob { envelope, when: When::Now })
    }
}

fn time(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX)
}
