use std::future::Future;
use std::time::Duration;

use crate::crew::Running;
use crate::task::{self, Restart, TaskResult, TaskState};
use crate::{Crew, Outcome, Reason, Stop};

/// A run that lasted so long was a good one: the next failure starts from the short delay again.
const GOOD_RUN: Duration = Duration::from_secs(60);

/// How a crew runs its tasks.
impl Crew {
    /// Runs a task whose end is the end of the service: when it returns, fails or panics before the
    /// shutdown, an orderly shutdown with a non-zero exit begins.
    pub fn critical<F, Fut>(&self, name: impl Into<String>, task: F)
    where
        F: FnOnce(Stop) -> Fut,
        Fut: Future<Output: TaskResult> + Send + 'static,
    {
        let name = name.into();
        let id = self.inner.tasks.add(&name, true);
        let future = task(self.stop());
        let crew = self.clone();
        self.track(name.clone(), false, async move {
            let error = task::attempt(future).await;
            let state = if error.is_some() { TaskState::Failed } else { TaskState::Finished };
            crew.inner.tasks.ended(id, state, error.as_deref());
            if !crew.inner.stop.is_cancelled() || error.is_some() {
                crew.request_shutdown(Reason::TaskEnded { task: name, error: error.clone() });
            }
            Outcome::of_task(error)
        });
    }

    /// Runs a background task, started again by the policy when it ends before the shutdown.
    pub fn task<F, Fut>(&self, name: impl Into<String>, restart: Restart, task: F)
    where
        F: Fn(Stop) -> Fut + Send + 'static,
        Fut: Future<Output: TaskResult> + Send + 'static,
    {
        self.background(name.into(), restart, task, |_crew, _id| ());
    }

    /// As [`task`](Self::task), for what comes and goes while the service runs: once it has returned, it is no longer
    /// among the [`tasks`](Self::tasks) and in the metrics. One that failed for good stays there to be seen.
    pub fn passing_task<F, Fut>(&self, name: impl Into<String>, restart: Restart, task: F)
    where
        F: Fn(Stop) -> Fut + Send + 'static,
        Fut: Future<Output: TaskResult> + Send + 'static,
    {
        self.background(name.into(), restart, task, |crew, id| crew.inner.tasks.forget_finished(id));
    }

    fn background<F, Fut>(&self, name: String, restart: Restart, task: F, afterwards: fn(&Self, u64))
    where
        F: Fn(Stop) -> Fut + Send + 'static,
        Fut: Future<Output: TaskResult> + Send + 'static,
    {
        let id = self.inner.tasks.add(&name, false);
        let crew = self.clone();
        self.track(name.clone(), false, async move {
            let error = crew.restart_loop(id, &name, restart, task).await;
            afterwards(&crew, id);
            Outcome::of_task(error)
        });
    }

    /// Returns the error of the last run, if that was how it ended.
    async fn restart_loop<F, Fut>(&self, id: u64, name: &str, restart: Restart, mut task: F) -> Option<String>
    where
        F: Fn(Stop) -> Fut,
        Fut: Future<Output: TaskResult>,
    {
        let mut failures_in_a_row = 0;
        loop {
            let started = tokio::time::Instant::now();
            let (run, stop) = (&mut task, self.stop());
            // Called inside, so that a panic before the first await is an end like any other.
            let error = task::attempt(async move { run(stop).await }).await;
            let again = match restart {
                Restart::Always(backoff) => Some(backoff),
                Restart::OnFailure(backoff) if error.is_some() => Some(backoff),
                Restart::OnFailure(_) | Restart::Never => None,
            };
            let again = again.filter(|_| !self.inner.stop.is_cancelled());
            let state = match (&again, &error) {
                (Some(_), _) => TaskState::BackingOff,
                (None, Some(_)) => TaskState::Failed,
                (None, None) => TaskState::Finished,
            };
            self.inner.tasks.ended(id, state, error.as_deref());
            let Some(backoff) = again else {
                if let Some(error) = &error {
                    tracing::error!(task.name = name, error, "task failed and is not started again");
                }
                return error;
            };
            if started.elapsed() > GOOD_RUN {
                failures_in_a_row = 0;
            }
            let delay = backoff.delay(failures_in_a_row);
            failures_in_a_row += 1;
            tracing::warn!(task.name = name, error, restart_in = ?delay, "task ended and is started again");
            self.stop().unless(tokio::time::sleep(delay)).await?;
            self.inner.tasks.restarted(id);
        }
    }

    /// Runs work that must be finished although its caller may go away: the client that hung up, a timeout.
    /// The drain waits for it. Work that panics is named in the log, and in the receipt if it was being drained.
    pub fn detach<T: Send + 'static>(
        &self,
        name: impl Into<String>,
        work: impl Future<Output = T> + Send + 'static,
    ) -> tokio::sync::oneshot::Receiver<T> {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let name = name.into();
        self.track(name.clone(), true, async move {
            match task::caught(work).await {
                Ok(result) => {
                    // Nobody may be listening any more: that is what this method is for.
                    let _gone = sender.send(result);
                    Outcome::finished("")
                }
                Err(panic) => {
                    tracing::error!(task.name = name, error = panic, "detached work was lost");
                    Outcome::cut(panic)
                }
            }
        });
        receiver
    }

    fn track(&self, name: String, detached: bool, future: impl Future<Output = Outcome> + Send + 'static) {
        let handle = tokio::spawn(future);
        let mut running = self.inner.running.lock();
        running.retain(|work| !work.handle.is_finished());
        running.push(Running { name, detached, handle });
    }
}
