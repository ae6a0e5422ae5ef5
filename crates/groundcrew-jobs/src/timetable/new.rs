use crate::enqueue::new_job;
use crate::envelope::Unique;
use crate::{Envelope, Job, Misfire, Priority, Timing};

use super::{PlanError, PlanId, Planned};

/// How long a name or an owner may be, in bytes.
const LONGEST: usize = 200;
/// How large a payload may be, in bytes: many plans may be due at once.
const LARGEST: usize = 64 * 1024;

/// A schedule that is about to be made.
///
/// ```
/// # use groundcrew_jobs::{Job, Misfire, NewPlan, Timing};
/// fn weekly<J: Job>(job: &J) -> Result<NewPlan, Box<dyn std::error::Error>> {
///     let sundays: Timing = "CRON_TZ=America/New_York 0 18 * * SUN".parse()?;
///     Ok(NewPlan::new("guild 7", "the week", sundays, job).misfire(Misfire::Skip).key("guild 7"))
/// }
/// ```
#[derive(Debug)]
#[must_use = "it is made by `Timetable::create`"]
pub struct NewPlan {
    pub(super) id: PlanId,
    pub(super) owner: String,
    pub(super) name: String,
    pub(super) timing: Timing,
    pub(super) misfire: Misfire,
    pub(super) paused: bool,
    job: Result<Envelope, PlanError>,
}

/// What is to be another in a plan; what is not said stays.
#[derive(Debug, Default)]
#[must_use = "it is done by `Timetable::update`"]
pub struct PlanChange {
    pub(super) name: Option<String>,
    pub(super) timing: Option<Timing>,
    pub(super) misfire: Option<Misfire>,
    job: Option<Result<Envelope, PlanError>>,
}

// === impl NewPlan ===

impl NewPlan {
    /// This job for this owner, under a name that no other plan of the owner has.
    pub fn new<J: Job>(
        owner: impl Into<String>,
        name: impl Into<String>,
        timing: impl Into<Timing>,
        job: &J,
    ) -> Self {
        let (id, misfire) = (PlanId::random(), Misfire::default());
        let (owner, name, timing) = (owner.into(), name.into(), timing.into());
        Self { id, owner, name, timing, misfire, paused: false, job: template(job) }
    }

    /// With this id instead of a new one: that of a row of yours.
    pub fn id(self, id: PlanId) -> Self {
        Self { id, ..self }
    }

    /// What happens to moments that passed while nobody was there; [`Misfire::Once`] unless this is called.
    pub fn misfire(self, misfire: Misfire) -> Self {
        Self { misfire, ..self }
    }

    /// Waits for [`resume`](crate::Timetable::resume) from the start.
    pub fn paused(self) -> Self {
        Self { paused: true, ..self }
    }

    /// Its jobs go before or after others.
    pub fn priority(self, priority: Priority) -> Self {
        self.with(|job| job.priority = priority)
    }

    /// As [`Enqueue::key`](crate::Enqueue::key), for each of its jobs.
    pub fn key(self, key: impl Into<String>) -> Self {
        self.with(|job| job.key = Some(key.into()))
    }

    /// As [`Enqueue::unique_key`](crate::Enqueue::unique_key): what comes while the job before is not over has none.
    pub fn unique_key(self, key: impl Into<String>) -> Self {
        self.with(|job| job.unique = Some(Unique { key: key.into(), window: None }))
    }

    fn with(mut self, change: impl FnOnce(&mut Envelope)) -> Self {
        if let Ok(job) = &mut self.job {
            change(job);
        }
        self
    }

    /// Its job, after the names were looked at.
    pub(super) fn checked(&mut self) -> Result<Envelope, PlanError> {
        check("owner", &self.owner)?;
        check("name", &self.name)?;
        std::mem::replace(&mut self.job, Err(PlanError::Missing { id: self.id }))
    }
}

// === impl PlanChange ===

impl PlanChange {
    /// Another name.
    pub fn name(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// Another timing: it counts from now on.
    pub fn timing(self, timing: impl Into<Timing>) -> Self {
        Self { timing: Some(timing.into()), ..self }
    }

    /// Another policy for moments that were missed.
    pub fn misfire(self, misfire: Misfire) -> Self {
        Self { misfire: Some(misfire), ..self }
    }

    /// Another job. Priority and keys stay what they are.
    pub fn job<J: Job>(self, job: &J) -> Self {
        Self { job: Some(template(job)), ..self }
    }

    /// The job that takes the place of this one.
    pub(super) fn checked(&mut self, old: &Envelope) -> Result<Envelope, PlanError> {
        self.name.as_deref().map_or(Ok(()), |name| check("name", name))?;
        let Some(new) = self.job.take() else { return Ok(old.clone()) };
        let Envelope { priority, key, unique, .. } = old.clone();
        Ok(Envelope { priority, key, unique, ..new? })
    }
}

/// The job as each of its moments has it, but for what is its own.
fn template<J: Job>(job: &J) -> Result<Envelope, PlanError> {
    let mut envelope = new_job(job)?.envelope;
    if envelope.payload.len() > LARGEST {
        return Err(PlanError::TooLarge { job: J::NAME, bytes: envelope.payload.len() });
    }
    let planned = Planned { plan: PlanId::random(), due: jiff::Timestamp::UNIX_EPOCH, by_hand: false };
    let readable = planned.within(&envelope.payload).and_then(|payload| serde_json::from_str::<J>(&payload));
    if let Err(source) = readable {
        return Err(PlanError::NoRoom { job: J::NAME, source });
    }
    envelope.trace = None;
    Ok(envelope)
}

fn check(what: &'static str, text: &str) -> Result<(), PlanError> {
    let problem = match text {
        _ if text.trim().is_empty() => "it is empty",
        _ if text.len() > LONGEST => "it is longer than 200 bytes",
        _ if text.contains('\0') => "it has a character NUL",
        _ => return Ok(()),
    };
    Err(PlanError::Text { what, problem })
}
