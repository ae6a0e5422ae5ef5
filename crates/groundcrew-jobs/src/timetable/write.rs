//! What is done to plans: each alone, or in a transaction of the user's.

use groundcrew_sql::{SqlProblem, statement};
use jiff::Timestamp;

use super::row::{self, PlanRows, Row};
use super::{NewPlan, Plan, PlanChange, PlanError, PlanId, Timetable, micros, micros_up, one};
use crate::{EnqueueError, Envelope, JobId, Timing};

/// How many of the next times are looked at for how close they are.
const LOOKED_AT: usize = 60;

// === impl Timetable ===

impl Timetable {
    /// Makes a plan.
    ///
    /// # Errors
    ///
    /// When the owner has one of this name or too many, when it never comes or too often, when the backend cannot keep
    /// its jobs (a key over RabbitMQ), and what the database says.
    pub async fn create(&self, plan: NewPlan) -> Result<Plan, PlanError> {
        let mut transaction = self.database.begin().await?;
        let done = self.create_in(&mut transaction, plan).await?;
        transaction.commit().await?;
        Ok(done)
    }

    /// As [`create`](Self::create), in a transaction of yours: it is there exactly if the transaction commits.
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn create_in<T: PlanRows>(
        &self,
        transaction: &mut T,
        mut plan: NewPlan,
    ) -> Result<Plan, PlanError> {
        let job = plan.checked()?;
        self.accepts(&job)?;
        let now = (self.clock)();
        let next = self.first(&plan.timing, now)?;
        self.hold(transaction, &plan.owner).await?;
        let owned = statement(row::OWNED).bind(&*self.service).bind(&plan.owner);
        if owned.scalar().fetch_one::<i64>(transaction.on()).await? >= i64::from(self.config.per_owner) {
            return Err(PlanError::TooMany { owner: plan.owner, most: self.config.per_owner });
        }
        let NewPlan { id, owner, name, timing, misfire, paused, .. } = plan;
        let next = Some(micros(next)).filter(|_| !paused);
        let insert =
            statement(row::INSERT).bind(id.to_string()).bind(&*self.service).bind(&owner).bind(&name);
        let insert =
            insert.bind(&job.name).bind(json(&job)).bind(timing.to_string()).bind(misfire.to_string());
        let insert = insert.bind(paused).bind(next).bind(micros_up(now)).bind(micros(now));
        if insert.execute(transaction.on()).await? == 0 {
            return Err(PlanError::NameTaken { owner, name });
        }
        one(self.which(row::GET, id).fetch_optional(transaction.on()).await?, id)
    }

    /// Changes what is said, and leaves the rest.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create), and when there is no such plan.
    pub async fn update(&self, id: PlanId, change: PlanChange) -> Result<Plan, PlanError> {
        let mut transaction = self.database.begin().await?;
        let done = self.update_in(&mut transaction, id, change).await?;
        transaction.commit().await?;
        Ok(done)
    }

    /// As [`update`](Self::update), in a transaction of yours.
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn update_in<T: PlanRows>(
        &self,
        transaction: &mut T,
        id: PlanId,
        mut change: PlanChange,
    ) -> Result<Plan, PlanError> {
        let mut plan = self.take(transaction, id).await?;
        plan.template = change.checked(&plan.template)?;
        self.accepts(&plan.template)?;
        if let Some(name) = change.name.filter(|name| *name != plan.name) {
            self.hold(transaction, &plan.owner).await?;
            let same = statement(row::FIND).bind(&*self.service).bind(&plan.owner).bind(&name);
            if same.fetch_optional::<Row>(transaction.on()).await?.is_some() {
                return Err(PlanError::NameTaken { owner: plan.owner, name });
            }
            plan.name = name;
        }
        if let Some(timing) = change.timing {
            let now = (self.clock)();
            let next = self.first(&timing, now)?;
            (plan.timing, plan.seen) = (timing, now);
            plan.next_at = Some(micros(next)).filter(|_| !plan.paused);
        }
        plan.misfire = change.misfire.unwrap_or(plan.misfire);
        self.write(transaction, plan).await
    }

    /// Lets nothing come until it is resumed. A plan that is paused already gets the new reason.
    ///
    /// # Errors
    ///
    /// When there is no such plan, and what the database says.
    pub async fn pause(&self, id: PlanId, reason: &str) -> Result<(), PlanError> {
        let mut transaction = self.database.begin().await?;
        self.pause_in(&mut transaction, id, reason).await?;
        Ok(transaction.commit().await?)
    }

    /// As [`pause`](Self::pause), in a transaction of yours.
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn pause_in<T: PlanRows>(
        &self,
        transaction: &mut T,
        id: PlanId,
        reason: &str,
    ) -> Result<(), PlanError> {
        let pause = self.which(row::PAUSE, id).bind(true).bind(reason.replace('\0', ""));
        match pause.execute(transaction.on()).await? {
            0 => Err(PlanError::Missing { id }),
            _ => Ok(()),
        }
    }

    /// Lets it come again: what comes after now. One that is not paused stays as it is.
    ///
    /// # Errors
    ///
    /// When there is no such plan, and what the database says.
    pub async fn resume(&self, id: PlanId) -> Result<Plan, PlanError> {
        let mut transaction = self.database.begin().await?;
        let done = self.resume_in(&mut transaction, id).await?;
        transaction.commit().await?;
        Ok(done)
    }

    /// As [`resume`](Self::resume), in a transaction of yours.
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn resume_in<T: PlanRows>(&self, transaction: &mut T, id: PlanId) -> Result<Plan, PlanError> {
        let mut plan = self.take(transaction, id).await?;
        if plan.paused {
            let now = (self.clock)();
            (plan.paused, plan.paused_because) = (false, None);
            plan.seen = plan.seen.max(now);
            plan.next_at = plan.timing.next_after(plan.seen).map(micros);
        }
        self.write(transaction, plan).await
    }

    /// Forgets a plan; `false` when there is none. What is enqueued already runs.
    ///
    /// # Errors
    ///
    /// What the database says.
    pub async fn delete(&self, id: PlanId) -> Result<bool, PlanError> {
        let mut transaction = self.database.begin().await?;
        let done = self.delete_in(&mut transaction, id).await?;
        transaction.commit().await?;
        Ok(done)
    }

    /// As [`delete`](Self::delete), in a transaction of yours.
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn delete_in<T: PlanRows>(&self, transaction: &mut T, id: PlanId) -> Result<bool, PlanError> {
        Ok(self.which(row::DELETE, id).execute(transaction.on()).await? > 0)
    }

    /// Enqueues its job now, also of one that is paused; its next time stays what it is.
    ///
    /// # Errors
    ///
    /// When there is no such plan, and what the database says.
    pub async fn run_now(&self, id: PlanId) -> Result<JobId, PlanError> {
        let mut transaction = self.database.begin().await?;
        let done = self.run_now_in(&mut transaction, id).await?;
        transaction.commit().await?;
        Ok(done)
    }

    /// As [`run_now`](Self::run_now), in a transaction of yours.
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn run_now_in<T: PlanRows>(&self, transaction: &mut T, id: PlanId) -> Result<JobId, PlanError> {
        let mut plan = self.take(transaction, id).await?;
        let job = plan.job(&self.service, (self.clock)(), true);
        let job = job.map_err(|error| PlanError::Unreadable(error.to_string()))?;
        let job_id = job.envelope.id;
        self.publisher.write_in(transaction, vec![job]).await?;
        plan.last_job = Some(job_id);
        self.write(transaction, plan).await?;
        Ok(job_id)
    }

    /// When this would come for the first time, if it may be planned at all.
    ///
    /// # Errors
    ///
    /// When it never comes, or too often.
    pub fn first(&self, timing: &Timing, now: Timestamp) -> Result<Timestamp, PlanError> {
        let never = || PlanError::NeverComes { timing: timing.to_string() };
        let next = timing.next_after(now).ok_or_else(never)?;
        let least = self.config.least_pause;
        let pause = timing.least_pause(now, LOOKED_AT).map(jiff::SignedDuration::unsigned_abs);
        if pause.is_some_and(|pause| pause < least) {
            return Err(PlanError::TooOften { timing: timing.to_string(), least });
        }
        Ok(next)
    }

    /// What the backend can never keep is said when it is planned, not when it is due.
    fn accepts(&self, job: &Envelope) -> Result<(), EnqueueError> {
        Ok(self.publisher.backend().accepts(job)?)
    }

    /// The plan, locked until the transaction ends: nobody else moves it meanwhile.
    async fn take<T: PlanRows>(&self, transaction: &mut T, id: PlanId) -> Result<Plan, PlanError> {
        one(self.which(row::TAKE, id).fetch_optional(transaction.on()).await?, id)
    }

    async fn write<T: PlanRows>(&self, transaction: &mut T, plan: Plan) -> Result<Plan, PlanError> {
        let id = plan.id;
        let change = statement(row::CHANGE).bind(id.to_string()).bind(&plan.name).bind(&plan.template.name);
        let change = change.bind(json(&plan.template)).bind(plan.timing.to_string());
        let change = change.bind(plan.misfire.to_string()).bind(plan.paused).bind(plan.paused_because);
        let change = change.bind(plan.next_at).bind(micros_up(plan.seen));
        let change = change.bind(plan.last_job.map(|job| job.to_string()));
        let written = change.execute(transaction.on()).await;
        written.map_err(|error| match SqlProblem::of(&error) {
            SqlProblem::Exists => PlanError::NameTaken { owner: plan.owner, name: plan.name },
            _ => PlanError::Database(error),
        })?;
        one(self.which(row::GET, id).fetch_optional(transaction.on()).await?, id)
    }

    /// Lets the transactions that make plans of one owner come one after another, so that they can be counted.
    async fn hold<T: PlanRows>(&self, transaction: &mut T, owner: &str) -> Result<(), PlanError> {
        let hold = row::hold(format!("groundcrew timetable {} {owner}", self.service));
        hold.execute(transaction.on()).await?;
        Ok(())
    }
}

/// All of its keys are strings, so it cannot fail.
fn json(job: &Envelope) -> String {
    serde_json::to_string(job).unwrap_or_default()
}
